/*
 * job.h: a request that another thread answers: it changes something, or asks for what only that
 * thread knows.
 *
 *   http thread: routes.c ──▶ hooks.submit(job) ──▶ the other thread: works as long as it likes
 *   http thread: sleeping ◀── http_job_answer(job, reply)
 *
 * The connection sleeps meanwhile and costs nothing; other requests go on.
 */
#ifndef DAEMON_HTTP_JOB_H
#define DAEMON_HTTP_JOB_H

#include <jansson.h>
#include <pthread.h>

#include "daemon/http/server.h"

/* What is asked for; routes.c says by which method and path. */
enum http_job_kind {
    HTTP_ADD_SOURCE,
    HTTP_SCAN_START,
    HTTP_SCAN_GET,
    HTTP_SCAN_STOP,
    HTTP_PORTS,
    HTTP_GET_CALIBRATION,
    HTTP_CALIBRATE,
    HTTP_TAKE_BACK,
    HTTP_JOB_KINDS
};

struct http_job {
    enum http_job_kind kind;
    const json_t *body;    /* an object; NULL: this kind has none */
    uint64_t number;       /* at the end of the path, where the route has one */
    bool may_change;       /* whoever asks may change something (struct http_options: changes) */
    struct http_job *next; /* for whoever holds it */
    /* private */
    pthread_mutex_t lock;
    unsigned refs;                /* the request's and the other thread's */
    struct http_request *request; /* NULL: it has its answer, or is gone */
    struct http_reply *reply;
};

/* Exactly once for each job that was submitted; the job is gone then. Takes the reply, which may be
 * NULL: out of memory. Any thread, does not block. */
void http_job_answer(struct http_job *job, struct http_reply *reply);
/* The same with JSON of n bytes, copied. */
void http_job_answer_json(struct http_job *job, unsigned status, const char *json, size_t n);

#endif
