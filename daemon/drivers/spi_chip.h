/*
 * spi_chip.h: an MCP3208 behind Linux spidev, read in batches of many conversions a call.
 *
 *   ioctl ─▶ |c c c c|c c c c|c c c c| ─▶ back          c: a conversion, 24 clocks, its own select
 *     before    scan    scan    scan    after           stamps: CLOCK_BOOTTIME
 *
 * Within a batch the controller sets the pace: conversion_ns from one to the next, measured when
 * the chip is opened. One message holds at most 511 transfers (the size field of the ioctl), and
 * their octets, each transfer rounded up to a cache line by recent kernels, at most spidev.bufsiz:
 * what a message may hold is tried. Blocking; for one thread at a time.
 */
#ifndef DAEMON_DRIVERS_SPI_CHIP_H
#define DAEMON_DRIVERS_SPI_CHIP_H

#include <linux/spi/spidev.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/wire/mcp3208.h"
#include "daemon/drivers/spi_ring.h"

enum { SPI_TRANSFERS_MAX = 511 };

struct spi_chip {
    int fd;
    unsigned channels;             /* converted in a scan, 1..8 */
    uint8_t channel[SPI_CHANNELS]; /* which, rising */
    unsigned transfers_max;        /* of a batch, as this system takes them */
    int64_t conversion_ns;         /* from a conversion to the next within a batch */
    int64_t call_ns;               /* what a call adds to its conversions, at the least */

    /* Private. */
    struct spi_ioc_transfer transfer[SPI_TRANSFERS_MAX];
    uint8_t ask[SPI_CHANNELS][HWT_MCP3208_OCTETS];
    uint8_t answer[SPI_TRANSFERS_MAX][HWT_MCP3208_OCTETS];
};

struct spi_batch {
    int64_t before_ns, after_ns; /* CLOCK_BOOTTIME */
};

int64_t spi_now_ns(void);

/* Real-time priority (SCHED_FIFO 20) of the calling thread, or none again. False: not permitted, or
 * there is one core only: there a thread that never sleeps, as some controllers' drivers poll,
 * would leave nothing to the others. */
bool spi_real_time(bool on);

/*
 * Opens, sets mode 0 and the clock, claims the device against another heatwatt, and measures.
 * channels: a bit each. 0 or a negative errno: -EBUSY, another heatwatt reads it; -EMSGSIZE, not
 * even one scan fits spidev.bufsiz; what the system says otherwise. On failure the chip is closed.
 */
HWT_MUST_CHECK int spi_chip_open(struct spi_chip *c, const char *path, unsigned hz,
                                 unsigned channels);

/* Idempotent. */
void spi_chip_close(struct spi_chip *c);

/* Converts `transfers` times, 1..transfers_max, scan after scan. 0 or a negative errno; -EIO too if
 * the system transferred less than asked. */
HWT_MUST_CHECK int spi_chip_read(struct spi_chip *c, unsigned transfers,
                                 struct spi_batch *batch_out);

/* Codes of the n-th whole scan of the batch read last. False: a conversion's null bit is set. */
HWT_MUST_CHECK bool spi_chip_scan(const struct spi_chip *c, unsigned n,
                                  uint16_t code_out[SPI_CHANNELS]);

#endif
