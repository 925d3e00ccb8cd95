/*
 * scans.h: scans that are asked for over HTTP, one at a time, while the daemon measures.
 *
 *   POST /api/v1/scan ─▶ the lines on its ports pause ─▶ scan ─▶ each port done: its lines go on
 *                                                         └▶ publish: at each find, else twice a s
 *
 * The last scan's result stays until the next one or the daemon's end.
 */
#ifndef DAEMON_RUN_SCANS_H
#define DAEMON_RUN_SCANS_H

#include "daemon/base/clock.h"
#include "daemon/run/buses.h"
#include "daemon/run/requests.h"

struct scans; /* opaque */

struct scans_options {
    uv_loop_t *loop;
    const struct config *config;
    struct buses *buses;
    struct clock *clock;
    /* a scan object, and whether that scan still runs; borrowed */
    void (*publish)(void *ctx, const char *json, size_t n, bool running);
    void *ctx;
};

/* Answers the jobs about scans and ports from now on. All must outlive it. NULL: out of memory. */
struct scans *scans_new(const struct scans_options *options, struct requests *requests);
/* Ends a scan that runs; the lines stay as they are. Before the buses are freed; the memory goes
 * when the loop has run. NULL is fine. */
void scans_free(struct scans *s);

#endif
