#include "daemon/http/job.h"

#include <stdlib.h>

#include "daemon/http/api.h"

static void unref(struct http_job *job)
{
    bool last;

    pthread_mutex_lock(&job->lock);
    last = --job->refs == 0;
    pthread_mutex_unlock(&job->lock);
    if (last) {
        http_reply_unref(job->reply);
        json_decref((json_t *)(uintptr_t)job->body);
        pthread_mutex_destroy(&job->lock);
        free(job);
    }
}

void http_job_answer(struct http_job *job, struct http_reply *reply)
{
    if (reply == NULL) {
        reply = http_problem(500, "out of memory");
    }
    pthread_mutex_lock(&job->lock);
    job->reply = reply;
    if (job->request != NULL) {
        struct http_request *request = job->request;

        job->request = NULL;
        http_request_wake(request); /* under the lock: the request cannot go before */
    }
    pthread_mutex_unlock(&job->lock);
    unref(job);
}

void http_job_answer_json(struct http_job *job, unsigned status, const char *json, size_t n)
{
    http_job_answer(job, api_json(status, json, n));
}

/* The request is over, answered or not. */
static void leave(void *work)
{
    struct http_job *job = work;

    pthread_mutex_lock(&job->lock);
    job->request = NULL;
    pthread_mutex_unlock(&job->lock);
    unref(job);
}

/* NULL, or the reply that refuses the body. */
static struct http_reply *read_body(const struct http_request *request, json_t **body_out)
{
    json_error_t error;

    if (request->body_n == 0) {
        return http_problem(400, "%.20s needs a JSON object as its body", request->method);
    }
    *body_out = json_loadb(request->body, request->body_n, JSON_REJECT_DUPLICATES, &error);
    if (*body_out == NULL) {
        return http_problem(400, "the body is not JSON: line %d, column %d: %.120s", error.line,
                            error.column, error.text);
    }
    if (!json_is_object(*body_out)) {
        json_decref(*body_out);
        *body_out = NULL;
        return http_problem(400, "the body is JSON, but not an object {}");
    }
    return NULL;
}

static struct http_job *job_new(enum http_job_kind kind, uint64_t number, json_t *body)
{
    struct http_job *job = calloc(1, sizeof(*job));

    if (job == NULL || pthread_mutex_init(&job->lock, NULL) != 0) {
        free(job);
        json_decref(body);
        return NULL;
    }
    job->kind = kind;
    job->number = number;
    job->body = body;
    return job;
}

/* The answer, once. NULL: not there yet. */
static struct http_reply *take_reply(struct http_job *job)
{
    struct http_reply *reply;

    pthread_mutex_lock(&job->lock);
    reply = job->reply;
    job->reply = NULL;
    pthread_mutex_unlock(&job->lock);
    return reply;
}

struct http_reply *http_job_handle(struct http *h, struct http_request *request,
                                   enum http_job_kind kind, bool wants_body, uint64_t number)
{
    struct http_reply *reply;
    json_t *body = NULL;
    struct http_job *job;

    if (request->work != NULL) {
        reply = take_reply(request->work);
        return reply != NULL ? reply : http_reply_sleep();
    }
    reply = wants_body ? read_body(request, &body) : NULL;
    if (reply != NULL) {
        return reply;
    }
    job = job_new(kind, number, body);
    if (job == NULL) {
        return NULL;
    }
    job->refs = 2;
    job->may_change = http_may_change(h, request);
    job->request = request;
    request->work = job;
    request->work_free = leave;
    if (h->hooks.submit == NULL || !h->hooks.submit(h->hooks.ctx, job)) {
        unref(job); /* the other's */
        return http_problem(503, "the daemon is busy with other changes, or stopping; try again");
    }
    return http_reply_sleep();
}
