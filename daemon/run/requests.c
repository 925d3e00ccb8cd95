#include "daemon/run/requests.h"

#include <stdlib.h>

#include "daemon/http/problem.h"

struct requests {
    uv_async_t wake;
    struct {
        requests_handler call;
        void *ctx;
    } handler[HTTP_JOB_KINDS];
    pthread_mutex_t lock; /* of what follows */
    struct http_job *first, *last;
    unsigned count;
    bool stopped;
};

static struct http_job *take(struct requests *r)
{
    struct http_job *job;

    pthread_mutex_lock(&r->lock);
    job = r->first;
    if (job != NULL) {
        r->first = job->next;
        r->last = r->first != NULL ? r->last : NULL;
        r->count--;
        job->next = NULL;
    }
    pthread_mutex_unlock(&r->lock);
    return job;
}

static void on_wake(uv_async_t *handle)
{
    struct requests *r = handle->data;
    struct http_job *job;

    while ((job = take(r)) != NULL) {
        if (r->handler[job->kind].call != NULL) {
            r->handler[job->kind].call(r->handler[job->kind].ctx, job);
        } else {
            http_job_answer(job, http_problem(503, "the daemon cannot do that now"));
        }
    }
}

struct requests *requests_new(uv_loop_t *loop)
{
    struct requests *r = calloc(1, sizeof(*r));

    if (r == NULL || pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return NULL;
    }
    if (uv_async_init(loop, &r->wake, on_wake) != 0) {
        pthread_mutex_destroy(&r->lock);
        free(r);
        return NULL;
    }
    r->wake.data = r;
    return r;
}

void requests_serve(struct requests *r, enum http_job_kind kind, requests_handler handler,
                    void *ctx)
{
    r->handler[kind].call = handler;
    r->handler[kind].ctx = ctx;
}

bool requests_submit(struct requests *r, struct http_job *job)
{
    bool taken;

    pthread_mutex_lock(&r->lock);
    taken = !r->stopped && r->count < REQUESTS_MAX;
    if (taken) {
        job->next = NULL;
        if (r->last != NULL) {
            r->last->next = job;
        } else {
            r->first = job;
        }
        r->last = job;
        r->count++;
        uv_async_send(&r->wake); /* under the lock: the handle is not closed meanwhile */
    }
    pthread_mutex_unlock(&r->lock);
    return taken;
}

void requests_stop(struct requests *r)
{
    struct http_job *job;

    if (r == NULL) {
        return;
    }
    pthread_mutex_lock(&r->lock);
    r->stopped = true;
    pthread_mutex_unlock(&r->lock);
    while ((job = take(r)) != NULL) {
        http_job_answer(job, http_problem(503, "the daemon is stopping"));
    }
    uv_close((uv_handle_t *)&r->wake, NULL);
}

void requests_free(struct requests *r)
{
    if (r != NULL) {
        pthread_mutex_destroy(&r->lock);
        free(r);
    }
}
