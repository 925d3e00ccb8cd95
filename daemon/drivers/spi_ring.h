/*
 * spi_ring.h: the scans of one converter, from the thread that reads it to the sampling thread.
 * One writer, one reader, no lock; a scan that finds no room is counted by the writer, and shows to
 * the reader as a hole in time.
 */
#ifndef DAEMON_DRIVERS_SPI_RING_H
#define DAEMON_DRIVERS_SPI_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPI_CHANNELS = 8, SPI_RING = 8192 }; /* 0.6 s of two inputs */

struct spi_scan {
    int64_t t_ns;                /* CLOCK_BOOTTIME of the first conversion */
    uint16_t code[SPI_CHANNELS]; /* in the order of conversion */
};

struct spi_ring {
    atomic_size_t put, taken; /* ever */
    struct spi_scan scan[SPI_RING];
};

/* Writer. False: full. */
static inline bool spi_ring_put(struct spi_ring *r, const struct spi_scan *scan)
{
    size_t put = atomic_load_explicit(&r->put, memory_order_relaxed);

    if (put - atomic_load_explicit(&r->taken, memory_order_acquire) == SPI_RING) {
        return false;
    }
    r->scan[put % SPI_RING] = *scan;
    atomic_store_explicit(&r->put, put + 1, memory_order_release);
    return true;
}

/* Reader: how many wait, the i-th of them, and an end to the first n. */
static inline size_t spi_ring_count(struct spi_ring *r)
{
    return atomic_load_explicit(&r->put, memory_order_acquire) -
           atomic_load_explicit(&r->taken, memory_order_relaxed);
}

static inline const struct spi_scan *spi_ring_at(const struct spi_ring *r, size_t i)
{
    return &r->scan[(atomic_load_explicit(&r->taken, memory_order_relaxed) + i) % SPI_RING];
}

static inline void spi_ring_drop(struct spi_ring *r, size_t n)
{
    atomic_store_explicit(&r->taken, atomic_load_explicit(&r->taken, memory_order_relaxed) + n,
                          memory_order_release);
}

#endif
