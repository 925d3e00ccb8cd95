/*
 * streams.h: the sample streams: a sampler with its thread for each, and their readings' way to the
 * loop.
 *
 * A window crosses the hand-over as its time measured and not measured, then its readings. The time
 * of the first configured stream is the device's.
 */
#ifndef DAEMON_RUN_STREAMS_H
#define DAEMON_RUN_STREAMS_H

#include "daemon/base/status.h"
#include "daemon/drivers/sampler.h"
#include "daemon/run/hub.h"

struct streams; /* opaque */

struct streams_options {
    const struct installation *site;
    struct clock *clock;
    struct hub *hub;
    struct status *const *status; /* by config->source[] */
    /* The ratio and the lead of a voltage or clamp, as calibrated; NULL: as configured. */
    void (*sensor)(void *ctx, unsigned source, double *ratio_out, double *phase_deg_out);
    /* Readings of a stream, as they go to the hub; may be NULL. On the loop. */
    void (*seen)(void *ctx, const struct hwt_reading *readings, size_t n);
    void (*wake)(void *ctx); /* called in the samplers' threads, once a block */
    void *ctx;
};

/* NULL: out of memory, or a sampler's configuration contradicts itself (it was logged). */
struct streams *streams_new(const struct streams_options *options);
/* The ratio and the lead of a source's sensor from now on; others than voltages and clamps are
 * ignored. On the loop. */
void streams_trim(struct streams *s, unsigned source, double ratio, double phase_deg);
/* Starts the threads; false if one could not be started (it was logged). */
bool streams_start(struct streams *s);
/* Gives the hub all that came since the call before. On the loop. */
void streams_drain(struct streams *s);
/* Once a second: states, counters, log lines. On the loop. */
void streams_poll_status(struct streams *s);
/* Readings that found no room in a hand-over. */
uint64_t streams_lost(const struct streams *s);
/* The newest cycles of a clamp, which is site->source[source]: sampler_scope. Any thread. */
HWT_MUST_CHECK int streams_scope(struct streams *s, unsigned source, unsigned cycles,
                                 struct sampler_view *out);
/* Ends the threads; what they gave last can still be drained. */
void streams_stop(struct streams *s);
void streams_free(struct streams *s);

#endif
