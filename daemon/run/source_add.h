/*
 * source_add.h: POST /api/v1/sources: a source of the page enters the configuration file.
 *
 *   job ──▶ JSON becomes lines ──▶ config_add, by a worker ──▶ answer; what was added is told
 *
 * One at a time; loop thread, but for the worker.
 */
#ifndef DAEMON_RUN_SOURCE_ADD_H
#define DAEMON_RUN_SOURCE_ADD_H

#include <uv.h>

#include "daemon/run/requests.h"

struct source_add {
    const char *path; /* of the configuration file */
    uv_loop_t *loop;
    void (*added)(void *ctx); /* the file holds it, and the answer is given */
    void *ctx;
    /* private */
    struct source_add_work *work; /* under way, or NULL */
};

/* Of the job kind HTTP_ADD_SOURCE; ctx is a struct source_add. The work under way when the loop
 * stops ends with the loop: run it until it is empty before the struct goes. */
void source_add_handle(void *ctx, struct http_job *job);

#endif
