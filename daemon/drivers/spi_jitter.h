/*
 * spi_jitter.h: how long a bus stood still between its conversions: each pause from the end of one
 * batch's conversions to the begin of the next, as a histogram of some seconds, and its summary.
 * Bins are 1 us wide up to 64 us, a 32nd of the value above; values beyond the last are in it.
 */
#ifndef DAEMON_DRIVERS_SPI_JITTER_H
#define DAEMON_DRIVERS_SPI_JITTER_H

#include <stdint.h>

enum { SPI_JITTER_BINS = 64 + 32 * 14 }; /* up to 1 s */

struct spi_jitter {
    uint32_t bin[SPI_JITTER_BINS];
    uint32_t count;
    int64_t min_us, max_us;
};

struct spi_jitter_summary { /* us */
    uint32_t min_us, median_us, p99_us, max_us;
};

void spi_jitter_reset(struct spi_jitter *j);
void spi_jitter_add(struct spi_jitter *j, int64_t us);
/* Zeros if nothing was added. Median and 99th percentile are bins' lower bounds. */
struct spi_jitter_summary spi_jitter_get(const struct spi_jitter *j);

#endif
