/*
 * spi_bus.h: a thread that does nothing but read the converters of one SPI bus.
 *
 *   chip 0 ─┐  batch, batch, batch …   ┌▶ ring of chip 0
 *   chip 1 ─┴▶ (in turn, if there are ─┴▶ ring of chip 1 ─▶ sampling thread
 *              two: a scan of each)
 *
 * A batch is of as many whole scans as a message holds, 20 ms at most. A batch that took more than
 * SPI_PAUSE_NS longer than its conversions is thrown away: when its scans were taken is not known.
 * When the bus has another pace than was measured, the thread ends with ESTALE.
 * The thread asks for real-time priority, where there is more than one core. It gives it back if
 * the controller's driver polls, so that the thread never sleeps: the kernel would stop such a one
 * for 50 ms of each second (sched_rt_runtime_us). It takes no lock, and tells by atomics.
 */
#ifndef DAEMON_DRIVERS_SPI_BUS_H
#define DAEMON_DRIVERS_SPI_BUS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "daemon/drivers/spi_chip.h"
#include "daemon/drivers/spi_jitter.h"
#include "daemon/drivers/spi_ring.h"

/* A pause between two scans up to this is bridged; a longer one is a gap (docs/METERING.md). */
#define SPI_PAUSE_NS INT64_C(1000000)

enum { SPI_CHIPS_MAX = 2 };

struct spi_bus {
    unsigned chips;
    struct spi_chip *chip[SPI_CHIPS_MAX]; /* open; the bus does not own them */
    struct spi_ring *ring[SPI_CHIPS_MAX];

    /* What the thread tells. */
    atomic_int error;             /* errno that ended it; EREMOTEIO: no converter answers; ESTALE:
                                   * the bus has changed its pace */
    atomic_uint_fast64_t bad;     /* scans with a conversion that no converter drove */
    atomic_uint_fast64_t torn;    /* batches thrown away */
    atomic_uint_fast64_t retried; /* batches that failed, and were made good by the next */
    atomic_uint_fast64_t overrun; /* scans that found no room */
    atomic_bool real_time;
    atomic_bool told;               /* the summary is of something */
    atomic_uint_fast32_t jitter[4]; /* us, of the last seconds: min, median, p99, max */

    /* Private. */
    pthread_t thread;
    bool started;
    atomic_bool stop;
    struct spi_jitter now;
    int64_t summed_ns, ended_ns;
    int64_t busy_ns;                /* of the thread's processor time, at the last summary */
    unsigned failures, silent, odd; /* in a row */
};

/* Starts reading. 0 or a negative errno. */
HWT_MUST_CHECK int spi_bus_start(struct spi_bus *b);
/* Ends the thread, within a batch's time. Idempotent. */
void spi_bus_stop(struct spi_bus *b);

#endif
