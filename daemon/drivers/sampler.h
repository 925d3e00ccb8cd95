/*
 * sampler.h: the sampling thread: octets of a sample stream in, readings of each window out.
 *
 *   socket or serial port ──▶ hwt_samples ─┬▶ hwt_meter ──▶ sink (in the sampler's thread)
 *   spidev ──▶ sampler_spi ────────────────┼▶ clock_feed             tick, once a block
 *                                          └▶ sampler_ring ──▶ sampler_scope (any thread)
 *
 * The thread waits for nothing but its input: it does not log, does not take a lock that others
 * hold for long, and keeps its state in atomics, which sampler_poll_status turns into status and
 * log lines in the caller's thread. Input that cannot be opened or breaks is tried again after
 * 0.2 s, doubling to 5 s (real time). The stream's clock is held against this computer's while NTP
 * is in step, and its rate put right (sampler_clock.h).
 */
#ifndef DAEMON_DRIVERS_SAMPLER_H
#define DAEMON_DRIVERS_SAMPLER_H

#include "core/meter/meter.h"
#include "core/meter/meter_scope.h"
#include "daemon/base/clock.h"
#include "daemon/base/status.h"

enum {
    SAMPLER_MORE_MAX = HWT_CHANNELS_MAX, /* of all slots together */
    SAMPLER_READINGS_MAX = HWT_SLOTS_MAX * HWT_METER_READINGS_MAX +
                           HWT_METER_GROUPS_MAX * HWT_METER_TOTAL_READINGS + SAMPLER_MORE_MAX
};

/* Quantities beyond those each slot has (hwt_meter_more_readings). */
struct sampler_more {
    const uint8_t *quantity; /* outlives the sampler */
    size_t n;
};

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
    const char *spidev[2]; /* converters, or NULL: instead of socket and port; the second too */
    unsigned spi_hz;
    struct hwt_meter_config meter;
    uint16_t source[HWT_SLOTS_MAX];  /* index of the source of each metered slot */
    const char *name[HWT_SLOTS_MAX]; /* its id, in log lines and causes; may be NULL */
    struct sampler_more more[HWT_SLOTS_MAX];
    uint16_t group_source[HWT_METER_GROUPS_MAX]; /* of meter.group[] */
    bool analyses;                               /* harmonics, of this slot and its reference: */
    uint8_t analysed;
    struct clock *clock;
    int64_t settle_us;     /* us of a synchronised clock before the stream's is held against it */
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
 * many have it; sequence) are further counters, and a cause while the state is ok; once the rate of
 * the sampler's clock is known, clock_fast_ppb and clock_unsure_ppb (95 %) tell it. Of converters
 * on SPI also: scans_per_s, jitter_min_us, _median_us, _p99_us, _max_us (pauses between batches in
 * the last seconds), batch_transfers, real_time (0 or 1), torn_batches, retries, overrun_scans.
 */
void sampler_poll_status(struct sampler *s);

/* What sampler_scope found; the traces' arrays are in `memory`. */
struct sampler_view {
    struct hwt_meter_scope scope;
    double noise;    /* codes, RMS, of the clamp, as learned; < 0: not known */
    uint8_t bits;    /* of a code */
    int64_t unix_ms; /* of the scope's t = 0, or HWT_TIME_UNKNOWN */
    void *memory;    /* free() */
};

/*
 * The newest whole cycles of the clamp in this slot (hwt_meter_scope). Any thread; the sampling
 * thread does not notice. On failure *out is untouched: ARGUMENT: no clamp, or the stream has not
 * this slot; AGAIN: no samples now, or too few since the last gap; SPACE.
 */
HWT_MUST_CHECK int sampler_scope(struct sampler *s, unsigned slot, unsigned cycles,
                                 struct sampler_view *out);

#endif
