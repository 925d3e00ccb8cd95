/*
 * elapsed.h: time measured and time not measured since the installation first measured: their sum
 * is the time elapsed.
 *
 *   first block                     kill        first block
 *     |--measured--|gap|--measured--|....gap....|--measured--▶
 *
 * The time between two runs is a gap: from the end of the newest record of the log to the first
 * scan of this run. Between the sampler's windows the sum goes on with the clock, so that any
 * record's end has its exact share.
 */
#ifndef DAEMON_RUN_ELAPSED_H
#define DAEMON_RUN_ELAPSED_H

#include <stdbool.h>
#include <stdint.h>

enum { ELAPSED_POINTS = 16 };

struct elapsed_point {
    int64_t mono_us;
    int64_t measured_us;
    int64_t gap_us;
};

struct elapsed { /* private */
    int64_t base_measured_us;
    int64_t base_gap_us;
    int64_t last_unix_ms; /* end of the log's newest record, or HWT_TIME_UNKNOWN */
    unsigned count;       /* points ever put */
    struct elapsed_point point[ELAPSED_POINTS]; /* ring */
};

void elapsed_init(struct elapsed *e);
/* Goes on from the newest record's counters. */
void elapsed_restore(struct elapsed *e, int64_t measured_ms, int64_t gap_ms, int64_t unix_ms);
/* A window of the sampler ended at mono_us (wall time unix_ms or unknown): totals of the sampler
 * since its start. */
void elapsed_put(struct elapsed *e, int64_t mono_us, int64_t unix_ms, int64_t measured_us,
                 int64_t gap_us);
/* Both sums at an instant at or shortly after a window's end. False: no window reaches near enough.
 */
bool elapsed_at(const struct elapsed *e, int64_t mono_us, int64_t *measured_ms_out,
                int64_t *gap_ms_out);

#endif
