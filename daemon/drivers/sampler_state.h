/*
 * sampler_state.h: what the sampling thread says of itself, and how the loop's thread shows it.
 *
 *   sampling thread ──say, count──▶ atomics ──show──▶ status, log (the loop's thread)
 */
#ifndef DAEMON_DRIVERS_SAMPLER_STATE_H
#define DAEMON_DRIVERS_SAMPLER_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/drivers/sampler.h"
#include "daemon/drivers/sampler_flags.h"
#include "daemon/drivers/sampler_spi.h"

enum sampler_note {
    SAMPLER_STARTING,
    SAMPLER_CLOSED,   /* detail: errno; 0: the other side hung up */
    SAMPLER_OPEN,     /* no block yet */
    SAMPLER_RUNNING,  /* blocks come */
    SAMPLER_MISMATCH, /* detail: the slot that is not the configuration's */
    SAMPLER_PERIOD    /* the scan period is out of range */
};

enum sampler_counter {
    SAMPLER_BLOCKS,
    SAMPLER_CHECKSUM,
    SAMPLER_LENGTH,
    SAMPLER_SANITY,
    SAMPLER_UNSUPPORTED,
    SAMPLER_LOST_BLOCKS,
    SAMPLER_DROPPED_SCANS,
    SAMPLER_RESTARTS,
    SAMPLER_SKIPPED_BYTES,
    SAMPLER_COUNTERS
};

/* Of converters on SPI. */
enum sampler_spi_gauge {
    SAMPLER_SPI_RATE,
    SAMPLER_SPI_PAUSE_MIN,
    SAMPLER_SPI_PAUSE_MEDIAN,
    SAMPLER_SPI_PAUSE_P99,
    SAMPLER_SPI_PAUSE_MAX,
    SAMPLER_SPI_TRANSFERS,
    SAMPLER_SPI_REAL_TIME,
    SAMPLER_SPI_TORN,
    SAMPLER_SPI_RETRIES,
    SAMPLER_SPI_OVERRUN,
    SAMPLER_SPI_GAUGES
};

enum { SAMPLER_SECOND_CHIP = 0x8000 }; /* in a note's detail: it is of the second converter */

struct sampler_state {
    struct sampler_flags flags;

    /* Written by the sampling thread. */
    atomic_uint_fast32_t note;    /* enum sampler_note << 16 | detail */
    atomic_int_fast64_t note_us;  /* real us, of its last change */
    atomic_int_fast64_t block_us; /* real us, of the last good block */
    atomic_int_fast64_t block_unix_ms;
    atomic_uint_fast64_t count[SAMPLER_COUNTERS];
    atomic_bool clock_known;       /* the rate of the sampler's clock is: */
    atomic_int_fast64_t clock_ppb; /* how much faster than true it runs */
    atomic_int_fast64_t clock_unsure_ppb;

    atomic_bool spi_known; /* the gauges are of something */
    atomic_uint_fast64_t spi[SAMPLER_SPI_GAUGES];

    /* The showing thread's own. */
    uint64_t shown[SAMPLER_COUNTERS];
    int64_t shown_us;                  /* real us */
    bool clock_told, spi_told;         /* in the log */
    bool damaged;                      /* in a time of damage: */
    int64_t damage_us;                 /* real us, the newest */
    uint64_t before[SAMPLER_COUNTERS]; /* when it began */
};

/* In the sampling thread: cheap, without a lock. */
void sampler_state_say(struct sampler_state *s, enum sampler_note note, unsigned detail);
void sampler_state_block(struct sampler_state *s, int64_t unix_ms);
void sampler_state_clock(struct sampler_state *s, int64_t fast_ppb, int64_t unsure_ppb);
void sampler_state_spi(struct sampler_state *s, const struct sampler_spi_view *view);

/* In the thread that owns the status. Contract: sampler_poll_status. */
void sampler_state_show(struct sampler_state *s, const struct sampler_options *options);

#endif
