#include "daemon/run/calibration_jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/problem.h"
#include "daemon/run/calibration_past.h"
#include "daemon/run/calibration_search.h"
#include "daemon/run/calibration_show.h"

enum { JSON_MAX = 512 * 1024, COMMIT_WAIT_MS = 20000, SETTLE_US = 1000000 };

enum stage {
    STAGE_IDLE,
    STAGE_FIND,    /* a worker reads the log */
    STAGE_COMMIT,  /* records made so far become durable */
    STAGE_PLAN,    /* a worker makes the corrections */
    STAGE_CORRECT, /* the store takes them */
};

struct calibration_jobs {
    struct calibration_jobs_options options;
    struct requests *requests;
    enum stage stage;
    struct http_job *job;                /* not yet answered; NULL: stopped meanwhile */
    struct calibration_search search;    /* what is asked, and found */
    struct hwt_tslog_snapshot *snapshot; /* the worker's, while it works */
    struct calibration_past *past;
    int64_t since_ms;   /* of the corrections */
    unsigned back;      /* number that was taken back; 0: none */
    uint64_t wait_for;  /* sequence that must be durable */
    int64_t waiting_us; /* real time since then */
    int plan_err;
    uv_work_t work;
    uv_async_t stored;
    bool stopped;
    pthread_mutex_t lock; /* of the next two, and of the handle's end */
    bool closed;
    int store_err;
};

/* --- answers --- */

static void finish(struct calibration_jobs *j, struct http_reply *reply)
{
    if (j->job != NULL) {
        http_job_answer(j->job, reply);
    } else {
        http_reply_unref(reply);
    }
    j->job = NULL;
    j->stage = STAGE_IDLE;
    calibration_past_free(j->past);
    j->past = NULL;
    free(j->snapshot);
    j->snapshot = NULL;
}

static void answer(struct calibration_jobs *j, bool kept, long corrections)
{
    char *text = malloc(JSON_MAX);
    struct hwt_json json;

    if (text == NULL) {
        finish(j, NULL);
        return;
    }
    hwt_json_init(&json, text, JSON_MAX);
    calibration_show_found(j->options.calibration, j->search.entry, j->search.entries, kept,
                           j->search.has_result ? &j->search.result : NULL, corrections, &json);
    if (json.ok && j->job != NULL) {
        http_job_answer_json(j->job, 200, text, json.at);
        j->job = NULL;
    }
    free(text);
    finish(j, NULL);
}

/* --- the past --- */

static void take_snapshot(struct calibration_jobs *j)
{
    j->snapshot = malloc(sizeof(*j->snapshot));
    if (j->snapshot != NULL) {
        store_snapshot(j->options.store, j->snapshot);
    }
}

/* What was kept is kept: the answer says what did not become of the past. */
static void fail_past(struct calibration_jobs *j, int err)
{
    const char *why = err == HWT_ERR_SPACE ? "the log holds no more corrections, or no memory"
                                           : "the log cannot be read or written";

    finish(j, http_problem(500,
                           "the calibration is kept and applied, but the past was not "
                           "corrected: %s",
                           why));
}

static void on_stored_durable(void *ctx, int err)
{
    struct calibration_jobs *j = ctx;

    pthread_mutex_lock(&j->lock);
    if (!j->closed) {
        j->store_err = err;
        uv_async_send(&j->stored);
    }
    pthread_mutex_unlock(&j->lock);
}

static void on_stored(uv_async_t *handle)
{
    struct calibration_jobs *j = handle->data;
    const struct hwt_correction *corrections;
    char error[CALIBRATION_ERROR_MAX];
    size_t n;

    if (j->stage != STAGE_CORRECT) {
        return;
    }
    if (j->store_err != 0) {
        fail_past(j, j->store_err);
        return;
    }
    n = calibration_past_corrections(j->past, &corrections);
    (void)calibration_past_done(j->past, j->options.calibration);
    for (size_t i = 0; i < j->search.entries; i++) {
        calibration_note_since(j->options.calibration, j->search.entry[i].number, j->since_ms);
        j->search.entry[i].since_ms = j->since_ms;
    }
    if (!calibration_save(j->options.calibration, error)) {
        finish(j, http_problem(500, "the past was corrected, but %.250s", error));
        return;
    }
    j->options.corrected(j->options.ctx);
    answer(j, true, (long)n);
}

static void plan(uv_work_t *work)
{
    struct calibration_jobs *j = work->data;

    j->plan_err = calibration_past_plan(j->past, j->snapshot);
}

static void after_plan(uv_work_t *work, int status)
{
    struct calibration_jobs *j = work->data;
    const struct hwt_correction *corrections;
    size_t n;

    free(j->snapshot);
    j->snapshot = NULL;
    if (status != 0 || j->stopped) {
        finish(j, http_problem(503, "the daemon is stopping"));
        return;
    }
    n = calibration_past_corrections(j->past, &corrections);
    if (j->plan_err != 0) {
        fail_past(j, j->plan_err);
    } else if (n == 0) {
        answer(j, true, 0);
    } else if (store_correct(j->options.store, corrections, n, on_stored_durable, j)) {
        j->stage = STAGE_CORRECT;
    } else {
        fail_past(j, HWT_ERR_IO);
    }
}

static void start_plan(struct calibration_jobs *j)
{
    take_snapshot(j);
    j->stage = STAGE_PLAN;
    j->work.data = j;
    if (j->snapshot == NULL || uv_queue_work(j->options.loop, &j->work, plan, after_plan) != 0) {
        fail_past(j, HWT_ERR_SPACE);
    }
}

void calibration_jobs_tick(struct calibration_jobs *j, uint64_t durable)
{
    if (j->stage != STAGE_COMMIT) {
        return;
    }
    if (durable >= j->wait_for) {
        start_plan(j);
    } else if (clock_real_us() - j->waiting_us > COMMIT_WAIT_MS * INT64_C(1000)) {
        fail_past(j, HWT_ERR_IO);
    }
}

/* What is recorded so far is brought to what counts now, for an input and more. */
static void start_past(struct calibration_jobs *j, const unsigned *inputs, size_t n,
                       unsigned number, int64_t since_ms)
{
    struct clock_time now = clock_now(j->options.clock);
    struct store_counters counters;
    char id[HWT_ID_MAX + 1];

    snprintf(id, sizeof(id), "calibration %u%s", number, j->back != 0 ? " back" : "");
    j->since_ms = since_ms;
    j->past = calibration_past_new(j->options.calibration, j->options.site, inputs[0], since_ms,
                                   now.unix_ms, id);
    for (size_t i = 1; j->past != NULL && i < n; i++) {
        calibration_past_add(j->past, j->options.calibration, inputs[i]);
    }
    if (j->past == NULL || now.unix_ms == HWT_TIME_UNKNOWN) {
        fail_past(j, HWT_ERR_SPACE);
        return;
    }
    j->stage = STAGE_COMMIT;
    j->wait_for = j->options.next_record(j->options.ctx) - 1;
    j->waiting_us = clock_real_us();
    store_commit_soon(j->options.store);
    store_counters(j->options.store, &counters);
    calibration_jobs_tick(j, counters.durable);
}

/* --- found, or not --- */

/* Windows that are on their way were measured before. */
static void forget_near(struct calibration_jobs *j)
{
    calibration_near_clear(j->options.near, clock_mono_us(j->options.clock) + SETTLE_US);
}

static void keep(struct calibration_jobs *j)
{
    char error[CALIBRATION_ERROR_MAX];
    unsigned inputs[CALIBRATION_CIRCUITS_MAX];

    if (j->search.ask.check) {
        answer(j, false, -1);
        return;
    }
    if (!calibration_add(j->options.calibration, j->search.entry, j->search.entries, error)) {
        finish(j, http_problem(500, "%.300s", error));
        return;
    }
    forget_near(j);
    if (j->search.ask.since_ms == 0) {
        answer(j, true, -1);
        return;
    }
    for (size_t i = 0; i < j->search.entries; i++) {
        inputs[i] = (unsigned)calibration_input(j->options.calibration, j->search.entry[i].input);
    }
    start_past(j, inputs, j->search.entries, j->search.entry[0].number, j->search.ask.since_ms);
}

/* Keeps what was found, or says why nothing was. */
static void conclude(struct calibration_jobs *j, bool found)
{
    if (found) {
        keep(j);
    } else {
        finish(j, http_problem(409, "%s", j->search.refusal));
    }
}

static void find(uv_work_t *work)
{
    struct calibration_jobs *j = work->data;

    calibration_search_in_log(&j->search);
}

static void after_find(uv_work_t *work, int status)
{
    struct calibration_jobs *j = work->data;

    free(j->snapshot);
    j->snapshot = NULL;
    if (status != 0 || j->stopped) {
        finish(j, http_problem(503, "the daemon is stopping"));
        return;
    }
    conclude(j, calibration_search_take(&j->search));
}

static void start_find(struct calibration_jobs *j)
{
    take_snapshot(j);
    calibration_search_prepare(&j->search, j->snapshot);
    j->stage = STAGE_FIND;
    j->work.data = j;
    if (j->snapshot == NULL || uv_queue_work(j->options.loop, &j->work, find, after_find) != 0) {
        finish(j, NULL);
    }
}

/* --- requests --- */

/* True: the job is now the one under way. */
static bool begin(struct calibration_jobs *j, struct http_job *job)
{
    if (j->stage != STAGE_IDLE) {
        http_job_answer(job, http_problem(503, "another calibration is under way; try again"));
        return false;
    }
    j->job = job;
    j->search.entries = 0;
    j->search.has_result = false;
    j->back = 0;
    return true;
}

static void on_post(void *ctx, struct http_job *job)
{
    struct calibration_jobs *j = ctx;
    int64_t now_ms = clock_unix_ms(j->options.clock);
    char error[CALIBRATION_ERROR_MAX];

    if (!begin(j, job)) {
        return;
    }
    if (now_ms == HWT_TIME_UNKNOWN) {
        finish(j, http_problem(503, "the time is not known yet, so no value can be dated"));
        return;
    }
    if (!calibration_ask_read(j->options.calibration, j->options.site, job->body, now_ms,
                              &j->search.ask, error)) {
        finish(j, http_problem(400, "%.300s", error));
        return;
    }
    switch (j->search.ask.method) {
    case CALIBRATION_READING:
    case CALIBRATION_RESISTIVE:
        conclude(j, calibration_search_near(&j->search));
        break;
    case CALIBRATION_METER:
    case CALIBRATION_SUM:
    case CALIBRATION_METHODS:
        start_find(j);
        break;
    }
}

static void on_delete(void *ctx, struct http_job *job)
{
    struct calibration_jobs *j = ctx;
    const struct calibration_entry *e;
    int64_t now_ms = clock_unix_ms(j->options.clock), since_ms;
    char error[CALIBRATION_ERROR_MAX];
    unsigned input;

    if (!begin(j, job)) {
        return;
    }
    e = calibration_find(j->options.calibration, (unsigned)job->number);
    if (e == NULL || e->back_ms != 0 || job->number > UINT32_MAX || now_ms == HWT_TIME_UNKNOWN) {
        finish(j,
               http_problem(404, "there is no calibration %" PRIu64 " that counts", job->number));
        return;
    }
    since_ms = e->since_ms != 0 && e->since_ms < e->unix_ms ? e->since_ms : e->unix_ms;
    if (!calibration_take_back(j->options.calibration, (unsigned)job->number, now_ms, error)) {
        finish(j, http_problem(500, "%.300s", error));
        return;
    }
    e = calibration_find(j->options.calibration, (unsigned)job->number);
    forget_near(j);
    j->search.entry[0] = *e;
    j->search.entries = 1;
    j->back = e->number;
    if (calibration_input(j->options.calibration, e->input) < 0) {
        answer(j, true, 0); /* not configured any more */
        return;
    }
    input = (unsigned)calibration_input(j->options.calibration, e->input);
    start_past(j, &input, 1, e->number, since_ms);
}

static void on_get(void *ctx, struct http_job *job)
{
    struct calibration_jobs *j = ctx;
    char *text = malloc(JSON_MAX);
    struct hwt_json json;

    if (text == NULL) {
        http_job_answer(job, NULL);
        return;
    }
    hwt_json_init(&json, text, JSON_MAX);
    calibration_show(j->options.calibration, j->options.site, job->may_change, &json);
    if (json.ok) {
        http_job_answer_json(job, 200, text, json.at);
    } else {
        http_job_answer(job, http_problem(500, "the history is too long"));
    }
    free(text);
}

/* --- life --- */

struct calibration_jobs *calibration_jobs_new(const struct calibration_jobs_options *options)
{
    struct calibration_jobs *j = calloc(1, sizeof(*j));

    if (j == NULL || pthread_mutex_init(&j->lock, NULL) != 0) {
        free(j);
        return NULL;
    }
    j->options = *options;
    j->search = (struct calibration_search){.calibration = options->calibration,
                                            .near = options->near,
                                            .site = options->site,
                                            .clock = options->clock};
    if (uv_async_init(options->loop, &j->stored, on_stored) != 0) {
        pthread_mutex_destroy(&j->lock);
        free(j);
        return NULL;
    }
    j->stored.data = j;
    return j;
}

void calibration_jobs_serve(struct calibration_jobs *j, struct requests *requests)
{
    requests_serve(requests, HTTP_GET_CALIBRATION, on_get, j);
    requests_serve(requests, HTTP_CALIBRATE, on_post, j);
    requests_serve(requests, HTTP_TAKE_BACK, on_delete, j);
}

void calibration_jobs_stop(struct calibration_jobs *j)
{
    if (j == NULL) {
        return;
    }
    j->stopped = true;
    pthread_mutex_lock(&j->lock);
    j->closed = true;
    pthread_mutex_unlock(&j->lock);
    if (j->job != NULL) {
        http_job_answer(j->job, http_problem(503, "the daemon is stopping"));
        j->job = NULL;
    }
    uv_close((uv_handle_t *)&j->stored, NULL);
}

void calibration_jobs_free(struct calibration_jobs *j)
{
    if (j != NULL) {
        calibration_past_free(j->past);
        free(j->snapshot);
        pthread_mutex_destroy(&j->lock);
        free(j);
    }
}
