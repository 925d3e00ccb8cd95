#include "daemon/run/source_add.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "daemon/base/log.h"
#include "daemon/http/problem.h"
#include "daemon/run/config_add.h"
#include "daemon/run/config_item.h"
#include "daemon/run/config_tree.h"

struct source_add_work {
    uv_work_t work;
    struct source_add *owner;
    struct http_job *job;
    bool check_only;
    char *item;
    size_t item_n;
    enum config_add_result result;
    struct config_problems problems;
};

/* --- the answer --- */

static const struct {
    unsigned status;
    const char *detail;
} outcomes[] = {
    [CONFIG_ADD_TAKEN] = {409, "the id is taken"},
    [CONFIG_ADD_WRONG] = {422, "the source would not be right"},
    [CONFIG_ADD_FILE] = {409, "nothing can be added to the configuration file as it is; correct it "
                              "by hand first"},
    [CONFIG_ADD_FAILED] = {500, "the configuration file cannot be read or written"},
};

static struct http_reply *refusal(const struct source_add_work *w)
{
    static const char unlisted[] = "and more";
    struct http_fault fault[CONFIG_PROBLEMS_MAX + 1];
    struct http_problem problem;
    size_t n = 0;

    http_problem_set(&problem, outcomes[w->result].status, NULL, "%s", outcomes[w->result].detail);
    for (; n < w->problems.count; n++) {
        const struct config_problem *p = &w->problems.item[n];

        fault[n] = (struct http_fault){p->field, p->text};
    }
    if (w->problems.left_out > 0) {
        fault[n++] = (struct http_fault){"", unlisted};
    }
    problem.faults = fault;
    problem.fault_count = n;
    return http_problem_reply(&problem);
}

static const char *id_of(const struct http_job *job)
{
    return json_string_value(json_object_get(json_object_get(job->body, "source"), "id"));
}

static void answer(struct source_add_work *w)
{
    char text[256]; /* an id is right by now: short and plain */
    struct hwt_json j;

    if (w->result != CONFIG_ADD_OK) {
        http_job_answer(w->job, refusal(w));
        return;
    }
    hwt_json_init(&j, text, sizeof(text));
    hwt_json_object(&j, NULL);
    hwt_json_string(&j, "id", id_of(w->job));
    if (!w->check_only) {
        hwt_json_bool(&j, "restart", true);
    }
    hwt_json_end_object(&j);
    http_job_answer_json(w->job, w->check_only ? 200 : 201, text, j.at);
}

/* --- the work --- */

static void do_work(uv_work_t *work)
{
    struct source_add_work *w = work->data;

    w->result = config_add(w->owner->path, w->item, w->item_n, w->check_only, &w->problems);
}

static void log_outcome(const struct source_add_work *w)
{
    if (w->result == CONFIG_ADD_OK) {
        LOG(LOG_INFO, "run", "source added id=%s file=%s", id_of(w->job), w->owner->path);
    } else if (w->result == CONFIG_ADD_FAILED && w->problems.count > 0) {
        LOG(LOG_ERROR, "run", "source not added file=%s: %s", w->owner->path,
            w->problems.item[0].text);
    }
}

static void work_done(uv_work_t *work, int status)
{
    struct source_add_work *w = work->data;
    struct source_add *owner = w->owner;
    bool added = w->result == CONFIG_ADD_OK && !w->check_only;

    (void)status; /* never cancelled */
    if (!w->check_only) {
        log_outcome(w);
    }
    answer(w);
    owner->work = NULL;
    config_problems_free(&w->problems);
    free(w->item);
    free(w);
    if (added) {
        owner->added(owner->ctx);
    }
}

/* --- the request --- */

/* NULL, or what is wrong with the body. */
static struct http_reply *check_body(const json_t *body)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)body, key, value)
    {
        if (strcmp(key, "source") != 0 && strcmp(key, "check") != 0) {
            return http_problem(400, "member '%.40s' is not known; the body has source and check",
                                key);
        }
    }
    value = json_object_get(body, "source");
    if (!json_is_object(value)) {
        return http_problem(400, "source: an object is needed, with id, type and what its type "
                                 "needs");
    }
    if (!json_is_string(json_object_get(value, "id"))) {
        return http_problem(400, "source.id: a text is needed");
    }
    value = json_object_get(body, "check");
    if (value != NULL && !json_is_boolean(value)) {
        return http_problem(400, "check: true or false");
    }
    return NULL;
}

static bool begin(struct source_add *s, struct http_job *job, char *item, size_t n)
{
    struct source_add_work *w = calloc(1, sizeof(*w));

    if (w == NULL) {
        return false;
    }
    w->work.data = w;
    w->owner = s;
    w->job = job;
    w->check_only = json_is_true(json_object_get(job->body, "check"));
    w->item = item;
    w->item_n = n;
    config_problems_init(&w->problems);
    if (uv_queue_work(s->loop, &w->work, do_work, work_done) != 0) {
        free(w);
        return false;
    }
    s->work = w;
    return true;
}

void source_add_handle(void *ctx, struct http_job *job)
{
    struct source_add *s = ctx;
    struct http_reply *refused = check_body(job->body);
    char *item;
    size_t n;

    if (refused == NULL && s->work != NULL) {
        refused = http_problem(503, "another source is being added; try again");
    }
    if (refused != NULL) {
        http_job_answer(job, refused);
        return;
    }
    item = config_item_text(json_object_get(job->body, "source"), &n);
    if (item == NULL) {
        http_job_answer(job,
                        http_problem(422, "source: nests deeper than %d levels", CONFIG_DEPTH_MAX));
    } else if (!begin(s, job, item, n)) {
        free(item);
        http_job_answer(job, NULL);
    }
}
