/*
 * requests.h: what comes over HTTP and is answered by the loop: each kind of job (http/job.h) has a
 * handler, called in the loop's thread.
 *
 *   http thread ── requests_submit ──▶ queue ── uv_async ──▶ handler ──▶ http_job_answer
 *
 * A handler may answer at once or keep the job and answer later; it must not block.
 */
#ifndef DAEMON_RUN_REQUESTS_H
#define DAEMON_RUN_REQUESTS_H

#include <stdbool.h>
#include <uv.h>

#include "daemon/http/job.h"

struct requests; /* opaque */

enum { REQUESTS_MAX = 16 /* in the queue; more are refused */ };

typedef void (*requests_handler)(void *ctx, struct http_job *job);

/* NULL: out of memory. */
struct requests *requests_new(uv_loop_t *loop);
/* Who answers a kind; before the first job comes. A kind without a handler is answered 503. */
void requests_serve(struct requests *r, enum http_job_kind kind, requests_handler handler,
                    void *ctx);
/* Any thread. False: the queue is full, or stopped; the job stays the caller's. */
bool requests_submit(struct requests *r, struct http_job *job);
/* Closes its handle, answers what waits with 503; handlers are called no more. NULL is fine. */
void requests_stop(struct requests *r);
/* After requests_stop, when the loop ran and no thread submits any more. NULL is fine. */
void requests_free(struct requests *r);

#endif
