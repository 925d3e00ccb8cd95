/*
 * sampler_spi.h: one or two MCP3208 on Linux spidev as a source of sample blocks.
 *
 *   /dev/spidev0.0 ─▶ bus thread ─▶ ring ─┐
 *   /dev/spidev1.0 ─▶ bus thread ─▶ ring ─┴▶ even grid ─▶ hwt_block, 20 ms or up to a gap
 *
 * Slot n is channel n of the first chip, slot 8 + n of the second. Two chips on one bus share a
 * thread and take turns, scan by scan. Block times are CLOCK_BOOTTIME, which NTP steers: they need
 * no further discipline. The opener's thread owns it; next does not block.
 */
#ifndef DAEMON_DRIVERS_SAMPLER_SPI_H
#define DAEMON_DRIVERS_SAMPLER_SPI_H

#include "core/flow.h"
#include "daemon/drivers/spi_bus.h"
#include "daemon/drivers/spi_grid.h"

struct sampler_spi; /* opaque */

struct sampler_spi_options {
    const char *device[SPI_CHIPS_MAX]; /* "/dev/spidev0.0"; the second may be NULL */
    unsigned hz;
    struct hwt_slot slot[SPI_SLOTS]; /* kinds; channels whose slot is unused are not converted */
};

/* What goes on from one opening to the next. Zeroed before the first. */
struct sampler_spi_link {
    uint32_t sequence;
    uint64_t end_us;                      /* of the last block; 0: none yet */
    uint64_t bad, torn, retried, overrun; /* as struct sampler_spi_view */
};

struct sampler_spi_view {
    uint64_t bad, torn, retried, overrun; /* as of struct spi_bus, over all openings */
    uint32_t scans_per_s;                 /* of the grid; 0: not known yet */
    uint32_t transfers;              /* of a message, at the most; of the chip with the fewer */
    bool real_time;                  /* all threads have it */
    bool told;                       /* the pauses are of something */
    struct spi_jitter_summary pause; /* of the worse bus */
};

/* Opens and measures the chips, starts the threads; takes up to a second. 0 or a negative errno,
 * with the index of the chip. */
HWT_MUST_CHECK int sampler_spi_open(const struct sampler_spi_options *o,
                                    const struct sampler_spi_link *link,
                                    struct sampler_spi **spi_out, unsigned *chip_out);
/* Stops the threads; free(NULL) is fine. link tells where it ended. */
void sampler_spi_close(struct sampler_spi *s, struct sampler_spi_link *link);

/* The next block; its codes are valid until the next call. False: none yet. */
HWT_MUST_CHECK bool sampler_spi_next(struct sampler_spi *s, struct hwt_block *block_out);

/* 0, or the errno that ended a thread, and the index of a chip of it. */
int sampler_spi_error(const struct sampler_spi *s, unsigned *chip_out);

void sampler_spi_look(const struct sampler_spi *s, struct sampler_spi_view *view_out);

#endif
