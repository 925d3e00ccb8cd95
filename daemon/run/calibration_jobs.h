/*
 * calibration_jobs.h: calibration over the API (docs/HTTP_API.md): what is asked is looked at,
 * found, kept, applied, and if it is asked for the past is corrected, step by step on the loop,
 * with the reading of the log in a worker.
 *
 *   POST ─▶ find (at once, or a worker) ─▶ keep and apply ─▶ since? commit, plan (worker),
 *   correct (store) ─▶ answer                                DELETE: take back ─▶ the same
 *
 * One change at a time; another is refused meanwhile.
 */
#ifndef DAEMON_RUN_CALIBRATION_JOBS_H
#define DAEMON_RUN_CALIBRATION_JOBS_H

#include <uv.h>

#include "daemon/run/calibration.h"
#include "daemon/run/calibration_near.h"
#include "daemon/run/requests.h"
#include "daemon/store/store.h"

struct calibration_jobs; /* opaque */

struct calibration_jobs_options { /* all outlive the jobs */
    uv_loop_t *loop;
    const struct installation *site;
    struct clock *clock;
    struct store *store;
    struct calibration *calibration;
    struct calibration_near *near;
    uint64_t (*next_record)(void *ctx);
    /* Records were corrected: what was taken from the log is to be read again. */
    void (*corrected)(void *ctx);
    void *ctx;
};

/* NULL: out of memory. */
struct calibration_jobs *calibration_jobs_new(const struct calibration_jobs_options *options);
/* Answers the calibration requests. */
void calibration_jobs_serve(struct calibration_jobs *j, struct requests *requests);
/* Records up to that are durable. */
void calibration_jobs_tick(struct calibration_jobs *j, uint64_t durable);
/* Answers what is under way; a worker's work is waited for by the loop. NULL is fine. */
void calibration_jobs_stop(struct calibration_jobs *j);
/* After the loop ran. NULL is fine. */
void calibration_jobs_free(struct calibration_jobs *j);

#endif
