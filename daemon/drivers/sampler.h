/*
 * sampler.h: the sampling thread: octets of a sample stream in, readings of each window out.
 *
 *   socket or serial port ──▶ hwt_samples ──▶ hwt_meter ──▶ sink (in the sampler's thread)
 *                                   └──▶ clock_feed             tick, once a block
 *
 * The thread waits for nothing but its input: it does not log, does not take a lock that others
 * hold for long, and keeps its state in atomics, which sampler_poll_status turns into status and
 * log lines in the caller's thread. Input that cannot be opened or breaks is tried again after
 * 0.2 s, doubling to 5 s (real time).
 */
#ifndef DAEMON_DRIVERS_SAMPLER_H
#define DAEMON_DRIVERS_SAMPLER_H

#include "core/meter/meter.h"
#include "daemon/base/clock.h"
#include "daemon/base/status.h"

enum { SAMPLER_READINGS_MAX = HWT_SLOTS_MAX * HWT_METER_READINGS_MAX };

struct sampler; /* opaque */

/* One window of the meter; borrowed, valid during the call of the sink. */
struct sampler_window {
    const struct hwt_reading
        *reading; /* what is missing is left out; mono_us is the window's end */
    size_t count;
    int64_t mono_us;      /* us, the clock's monotonic time at the window's end */
    uint32_t duration_us; /* us */
    uint64_t measured_us; /* us measured since the first block */
    uint64_t gap_us; /* us not measured since the first block, time a sampler was gone included */
};

typedef void (*sampler_sink)(void *ctx, const struct sampler_window *window);
typedef void (*sampler_tick)(void *ctx);

struct sampler_options { /* strings and the clock outlive the sampler; the rest is copied */
    const char *id;      /* in log lines */
    const char *socket;  /* path of a stream socket to connect to, or NULL: */
    const char *port;    /* serial port, 8N1 */
    unsigned baud;
    struct hwt_meter_config meter;
    uint16_t source[HWT_SLOTS_MAX];  /* index of the source of each metered slot */
    const char *name[HWT_SLOTS_MAX]; /* its id, in log lines and causes; may be NULL */
    struct clock *clock;
    struct status *status; /* of the stream as a whole; written by sampler_poll_status only */
    sampler_sink sink;     /* called in the sampler's thread; must not block */
    sampler_tick tick;     /* the same, after each block; may be NULL */
    void *ctx;
};

/* NULL: out of memory, or the meter's configuration contradicts itself. */
struct sampler *sampler_new(const struct sampler_options *options);

/* Starts the thread. HWT_ERR_IO if there cannot be one. */
HWT_MUST_CHECK int sampler_start(struct sampler *s);

/* Gives the sink what was measured of the last window, and ends the thread. Idempotent. */
void sampler_stop(struct sampler *s);

/* Stops first. */
void sampler_free(struct sampler *s);

/*
 * Another ratio and phase for a slot that is metered (as hwt_meter_trim), from the next block on.
 * Any thread; numbers out of range are ignored.
 */
void sampler_trim(struct sampler *s, unsigned slot, double ratio, double phase_deg);

/*
 * To be called about once a second (real time) by the thread that owns the status: sets its state
 * and cause, its counters (blocks, CHECKSUM, LENGTH, SANITY, UNSUPPORTED, lost_blocks,
 * dropped_scans, restarts, skipped_bytes) and logs the begin and the end of each time of damage.
 * Stale: no block for 2 s. Failed: not open, or the slots are not the configuration's. What the
 * meter flags of its inputs (clipped, no_voltage, phase_lost, reversed, gaping, noisy, quiet: how
 * many have it; sequence) are further counters, and a cause while the state is ok.
 */
void sampler_poll_status(struct sampler *s);

#endif
