/*
 * spi_grid.h: scans that came in batches, put on an even grid of time.
 *
 *   chip 0   x x x x x  x x x x x  x x x x x        x x x x    x: a scan, stamped
 *   chip 1    x x x x x  x x x x x  x x x x x        x x x
 *   grid     | | | | | | | | | | | | | | | | . . . | | | |     .: more than a pause: dropped
 *
 * Each scan of the grid is the cubic through the two scans on either side of its instant, of each
 * chip by its own stamps: the same four weights for all inputs of a chip, as they were converted
 * at the same places of their scans. So the pauses between batches, which are neither even nor
 * short against a scan, cost accuracy and not phase; the error is docs/METERING.md, section 14.
 */
#ifndef DAEMON_DRIVERS_SPI_GRID_H
#define DAEMON_DRIVERS_SPI_GRID_H

#include "daemon/drivers/spi_bus.h"

enum { SPI_SLOTS = SPI_CHIPS_MAX * SPI_CHANNELS };

struct spi_grid {
    unsigned chips;
    const struct spi_chip *chip[SPI_CHIPS_MAX];
    struct spi_ring *ring[SPI_CHIPS_MAX];

    /* Private. */
    int64_t period_ps;
    bool begun;
    int64_t origin_ns; /* of scan 0 */
    uint64_t next;     /* scan */
    uint64_t dropped;  /* before it */
};

void spi_grid_init(struct spi_grid *g);

/* The period of the grid, ps: the mean of the slowest chip's scans over the first 0.25 s; 0: not
 * enough scans have come for that. */
int64_t spi_grid_period_ps(struct spi_grid *g);

struct spi_grid_scan {
    int64_t t_ns;
    uint64_t dropped;        /* scans of the grid lost just before */
    int32_t code[SPI_SLOTS]; /* by chip x 8 + channel; mid-scale is 0; 0 where none is read */
};

/* The next scan of the grid, once spi_grid_period_ps has told it. False: more scans are needed. */
HWT_MUST_CHECK bool spi_grid_next(struct spi_grid *g, struct spi_grid_scan *out);

/* When in the scan the chip's n-th conversion is, in 1/65536 of the period. */
uint16_t spi_grid_slot_q16(const struct spi_grid *g, unsigned chip, unsigned n);

#endif
