/*
 * api_query.c: GET /api/v1/query. The log is read in slices of a few milliseconds; between two of
 * them other requests and the event streams have their turn. Then the table is sent.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/http/api.h"
#include "daemon/http/log_view.h"
#include "daemon/http/plan.h"
#include "daemon/http/table.h"

enum {
    SLICE_US = 4000,                  /* real us of reading at a time */
    SLICE_PAGES = 16,                 /* of the log, after which it is time to look at the clock */
    QUERY_BYTES_MAX = 3 * 1024 * 1024 /* of all running queries: values, and readers of the log */
};

struct job {
    struct http *h;
    size_t bytes; /* of h->query_bytes */
    struct log_view *log;
    uint32_t done; /* buckets */
    struct hwt_bucket bucket[PLAN_SERIES_MAX];
    struct table table;
};

static void job_free(void *work)
{
    struct job *job = work;

    if (job == NULL) {
        return;
    }
    job->h->query_bytes -= job->bytes;
    table_deinit(&job->table);
    log_view_free(job->log);
    free(job);
}

static size_t bytes_needed(const struct plan *plan)
{
    return sizeof(struct job) + sizeof(struct log_view) +
           (size_t)plan->buckets * plan->column_count * sizeof(int64_t);
}

/* The streams that have records in the range, and from when to when within it. */
static int find_origins(struct job *job)
{
    struct table *t = &job->table;
    int streams = hwt_tslog_streams(&job->log->snapshot);

    for (int i = 0; i < streams && i < HWT_TSLOG_STREAMS_MAX; i++) {
        struct hwt_stream_info info;
        struct table_origin *o = &t->origin[t->origins];
        int err = hwt_tslog_stream_info(&job->log->snapshot, i, &info);

        if (err < 0) {
            return err;
        }
        if (info.first > info.last || info.first_ms == HWT_TIME_UNKNOWN ||
            info.last_ms == HWT_TIME_UNKNOWN || info.last_ms <= t->plan.from_ms ||
            info.first_ms >= t->plan.to_ms) {
            continue;
        }
        memcpy(o->name, info.name, sizeof(o->name));
        o->provenance = info.provenance;
        o->from_ms = info.first_ms > t->plan.from_ms ? info.first_ms : t->plan.from_ms;
        o->to_ms = info.last_ms < t->plan.to_ms ? info.last_ms : t->plan.to_ms;
        t->origins++;
    }
    return 0;
}

/* What buckets are to tell. */
static uint8_t fields_of(const struct plan *plan)
{
    static const uint8_t field[PLAN_FNS] = {[PLAN_MEAN] = HWT_BUCKET_MEAN,
                                            [PLAN_MIN] = HWT_BUCKET_MIN,
                                            [PLAN_MAX] = HWT_BUCKET_MAX,
                                            [PLAN_DELTA] = HWT_BUCKET_DELTA};
    unsigned fields = 0;

    for (unsigned i = 0; i < plan->column_count; i++) {
        fields |= field[plan->column[i].fn];
    }
    return (uint8_t)fields;
}

static int job_open(struct job *job)
{
    const struct plan *plan = &job->table.plan;
    struct hwt_tslog_range range = {.from_ms = plan->from_ms,
                                    .to_ms = plan->to_ms,
                                    .step_ms = plan->step_ms,
                                    .fields = fields_of(plan),
                                    .budget = SLICE_PAGES};
    const char *ids[PLAN_SERIES_MAX];
    int err;

    job->log = log_view_new(&job->h->hooks, &err);
    if (job->log == NULL) {
        return err;
    }
    for (unsigned i = 0; i < plan->series_count; i++) {
        ids[i] = plan->series[i].id;
    }
    err = find_origins(job);
    return err < 0 ? err
                   : hwt_tslog_buckets_open(&job->log->read.buckets, &job->log->snapshot, ids,
                                            plan->series_count, &range);
}

/* 1: more to read; 0: all is read; or a negative enum hwt_err. */
static int job_read(struct job *job)
{
    int64_t until = clock_real_us() + SLICE_US;

    while (job->done < job->table.plan.buckets) {
        int r = hwt_tslog_buckets_next(&job->log->read.buckets, job->bucket);

        if (r <= 0 && r != HWT_ERR_AGAIN) {
            return r;
        }
        if (r == 1) {
            table_put(&job->table, job->done++, job->bucket);
        }
        if (clock_real_us() >= until) {
            return 1;
        }
    }
    return 0;
}

/* A series that is not configured, not in this range and not elsewhere in the log is a typing
 * error: answered so, rather than by a column of nulls. NULL: all are known. */
static const char *unknown_series(struct job *job, int *err_out)
{
    const struct plan *plan = &job->table.plan;
    struct log_channels log = {0};
    const char *unknown = NULL;
    bool looked = false;

    *err_out = 0;
    for (unsigned i = 0; i < plan->series_count && unknown == NULL && *err_out == 0; i++) {
        if (plan->series[i].configured || table_has_values(&job->table, i)) {
            continue;
        }
        if (!looked) {
            looked = true;
            *err_out = log_channels_read(&log, job->log);
        }
        if (log_channels_find(&log, plan->series[i].id) == NULL) {
            unknown = plan->series[i].id;
        }
    }
    log_channels_free(&log);
    return unknown;
}

static ssize_t body_read(void *ctx, char *p, size_t n)
{
    struct job *job = ctx;
    size_t done = table_read(&job->table, p, n);

    return done > 0 ? (ssize_t)done : -1;
}

static struct http_reply *job_reply(struct http_request *request)
{
    static const struct http_stream_ops ops = {.read = body_read, .free = job_free};
    struct job *job = request->work;
    struct http_reply *reply;
    struct http_problem problem;
    int err;
    const char *unknown = unknown_series(job, &err);

    if (err < 0) {
        return http_problem(500, "the log cannot be read: %s", hwt_err_name(err));
    }
    if (unknown != NULL) {
        http_problem_set(&problem, 400, "series",
                         "series: '%s' is neither configured nor in the log; /api/v1/series lists "
                         "what there is",
                         unknown);
        return http_problem_reply(&problem);
    }
    job->h->query_bytes -= sizeof(*job->log);
    job->bytes -= sizeof(*job->log);
    log_view_free(job->log);
    job->log = NULL;
    request->work = NULL; /* now the stream's */
    request->work_free = NULL;
    reply = http_reply_stream(200, "application/json", &ops, job);
    if (reply != NULL && !http_reply_header(reply, "Cache-Control", "no-store")) {
        http_reply_unref(reply);
        return NULL;
    }
    return reply;
}

/* Puts a job into the request. NULL, or the reply that refuses it. */
static struct http_reply *job_begin(struct http *h, struct http_request *request,
                                    const struct http_query *query)
{
    struct http_problem problem;
    struct plan plan;
    size_t known_count = 0;
    const struct http_series *known = h->hooks.series(h->hooks.ctx, &known_count);
    struct job *job;
    int err;

    if (plan_parse(&plan, query, known, known_count, &problem) < 0) {
        return http_problem_reply(&problem);
    }
    if (h->query_bytes + bytes_needed(&plan) > QUERY_BYTES_MAX) {
        return http_problem(503, "other queries are using the memory set aside; try again");
    }
    job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return NULL;
    }
    job->h = h;
    job->bytes = bytes_needed(&plan);
    h->query_bytes += job->bytes;
    request->work = job;
    request->work_free = job_free;
    err = table_init(&job->table, &plan);
    if (err == 0) {
        err = job_open(job);
    }
    return err < 0 ? http_problem(503, "the log cannot be read: %s", hwt_err_name(err)) : NULL;
}

struct http_reply *api_query(struct http *h, struct http_request *request,
                             const struct http_query *query)
{
    int r;

    if (query != NULL) {
        struct http_reply *refusal = job_begin(h, request, query);

        if (refusal != NULL || request->work == NULL) {
            return refusal;
        }
    }
    r = job_read(request->work);
    if (r > 0) {
        return http_reply_later();
    }
    return r < 0 ? http_problem(500, "the log cannot be read: %s", hwt_err_name(r))
                 : job_reply(request);
}
