#include "daemon/drivers/sampler_spi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MS = 20, BLOCK_SCANS_MIN = 8 };

_Static_assert((int)SPI_SLOTS <= (int)HWT_SLOTS_MAX, "a block has room for the slots");

struct sampler_spi {
    unsigned chips, buses;
    struct spi_chip chip[SPI_CHIPS_MAX];
    struct spi_ring ring[SPI_CHIPS_MAX];
    struct spi_bus bus[SPI_CHIPS_MAX];
    unsigned bus_of[SPI_CHIPS_MAX];
    struct spi_grid grid;
    struct sampler_spi_link link;

    struct hwt_block block; /* being filled */
    unsigned scans_max;     /* of a block; 0: the grid is not known yet */
    bool waiting;           /* scan begins the next block: a gap lies before it */
    struct spi_grid_scan scan;
    int32_t codes[HWT_BLOCK_CODES_MAX];
};

/* "/dev/spidev1.0" is of bus 1: what stands before the last point. */
static bool same_bus(const char *a, const char *b)
{
    size_t n = strlen(a);

    while (n > 0 && a[n - 1] != '.') {
        n--;
    }
    return n > 0 && strncmp(a, b, n) == 0;
}

static unsigned channels_of(const struct sampler_spi_options *o, unsigned chip)
{
    unsigned channels = 0;

    for (unsigned i = 0; i < SPI_CHANNELS; i++) {
        channels |= o->slot[chip * SPI_CHANNELS + i].kind != HWT_SLOT_UNUSED ? 1u << i : 0;
    }
    return channels;
}

static void assign(struct sampler_spi *s, const struct sampler_spi_options *o)
{
    for (unsigned i = 0; i < s->chips; i++) {
        bool shared = i > 0 && same_bus(o->device[0], o->device[i]);
        struct spi_bus *b = &s->bus[shared ? 0 : s->buses];

        s->bus_of[i] = (unsigned)(b - s->bus);
        s->buses += !shared;
        b->chip[b->chips] = &s->chip[i];
        b->ring[b->chips++] = &s->ring[i];
        s->grid.chip[i] = &s->chip[i];
        s->grid.ring[i] = &s->ring[i];
    }
    s->grid.chips = s->chips;
    spi_grid_init(&s->grid);
    memcpy(s->block.slot, o->slot, sizeof(o->slot));
    s->block.slots = (uint8_t)(s->chips * SPI_CHANNELS);
    s->block.bits = HWT_MCP3208_BITS;
    s->block.wall_us = HWT_TIME_UNKNOWN;
    s->block.codes = s->codes;
}

static int start(struct sampler_spi *s, const struct sampler_spi_options *o, unsigned *chip_out)
{
    int error = 0;

    for (unsigned i = 0; i < s->chips && error == 0; i++) {
        *chip_out = i;
        error = spi_chip_open(&s->chip[i], o->device[i], o->hz, channels_of(o, i));
    }
    for (unsigned i = 0; i < s->buses && error == 0; i++) {
        error = spi_bus_start(&s->bus[i]);
    }
    return error;
}

int sampler_spi_open(const struct sampler_spi_options *o, const struct sampler_spi_link *link,
                     struct sampler_spi **spi_out, unsigned *chip_out)
{
    struct sampler_spi *s = calloc(1, sizeof(*s));
    int error;

    *chip_out = 0;
    if (s == NULL) {
        return -ENOMEM;
    }
    s->link = *link;
    s->chips = o->device[1] != NULL && channels_of(o, 1) != 0 ? 2 : 1;
    for (unsigned i = 0; i < SPI_CHIPS_MAX; i++) {
        s->chip[i].fd = -1;
    }
    assign(s, o);
    error = start(s, o, chip_out);
    if (error != 0) {
        sampler_spi_close(s, NULL);
        return error;
    }
    *spi_out = s;
    return 0;
}

void sampler_spi_close(struct sampler_spi *s, struct sampler_spi_link *link)
{
    if (s == NULL) {
        return;
    }
    for (unsigned i = 0; i < s->buses; i++) {
        spi_bus_stop(&s->bus[i]);
    }
    for (unsigned i = 0; i < s->chips; i++) {
        spi_chip_close(&s->chip[i]);
    }
    if (link != NULL) {
        struct sampler_spi_view v;

        sampler_spi_look(s, &v);
        *link = s->link;
        link->bad = v.bad;
        link->torn = v.torn;
        link->retried = v.retried;
        link->overrun = v.overrun;
    }
    free(s);
}

/* Once the grid is known: the layout of all blocks. */
static bool lay_out(struct sampler_spi *s)
{
    int64_t period_ps = spi_grid_period_ps(&s->grid);

    if (period_ps == 0) {
        return false;
    }
    s->block.scan_period_ps = (uint32_t)(period_ps < UINT32_MAX ? period_ps : UINT32_MAX);
    for (unsigned i = 0; i < s->chips; i++) {
        for (unsigned n = 0; n < s->chip[i].channels; n++) {
            s->block.slot[i * SPI_CHANNELS + s->chip[i].channel[n]].time_q16 =
                spi_grid_slot_q16(&s->grid, i, n);
        }
    }
    s->scans_max = (unsigned)(BLOCK_MS * INT64_C(1000000000) / period_ps);
    s->scans_max = s->scans_max < BLOCK_SCANS_MIN ? BLOCK_SCANS_MIN : s->scans_max;
    if (s->scans_max * s->block.slots > HWT_BLOCK_CODES_MAX) {
        s->scans_max = HWT_BLOCK_CODES_MAX / s->block.slots;
    }
    return true;
}

/* Scans of this grid in the time since the block before, if that was of another opening. */
static uint32_t away_scans(const struct sampler_spi *s, uint64_t from_us)
{
    uint64_t end_us = s->link.end_us, scans;

    if (end_us == 0 || from_us <= end_us) {
        return 0;
    }
    scans = (from_us - end_us) * 1000000 / s->block.scan_period_ps;
    return scans < UINT32_MAX ? (uint32_t)scans : UINT32_MAX;
}

static void add_scan(struct sampler_spi *s)
{
    if (s->block.scans == 0) {
        s->block.device_us = (uint64_t)s->scan.t_ns / 1000;
        s->block.dropped = (uint32_t)s->scan.dropped;
        if (!s->waiting && s->grid.next == 1) {
            s->block.dropped += away_scans(s, s->block.device_us);
        }
    }
    s->waiting = false;
    memcpy(s->codes + (size_t)s->block.scans * s->block.slots, s->scan.code,
           s->block.slots * sizeof(s->codes[0]));
    s->block.scans++;
}

static void give(struct sampler_spi *s, struct hwt_block *out)
{
    s->block.sequence = s->link.sequence++;
    *out = s->block;
    s->link.end_us =
        s->block.device_us + (uint64_t)s->block.scans * s->block.scan_period_ps / 1000000;
    s->block.scans = 0;
}

bool sampler_spi_next(struct sampler_spi *s, struct hwt_block *block_out)
{
    if (s->scans_max == 0 && !lay_out(s)) {
        return false;
    }
    if (s->waiting) {
        add_scan(s);
    }
    while (s->block.scans < s->scans_max) {
        if (!spi_grid_next(&s->grid, &s->scan)) {
            return false;
        }
        if (s->scan.dropped > 0 && s->block.scans > 0) {
            s->waiting = true;
            give(s, block_out);
            return true;
        }
        add_scan(s);
    }
    give(s, block_out);
    return true;
}

int sampler_spi_error(const struct sampler_spi *s, unsigned *chip_out)
{
    for (unsigned i = 0; i < s->buses; i++) {
        int error = atomic_load(&s->bus[i].error);

        if (error != 0) {
            *chip_out = (unsigned)(s->bus[i].chip[0] - s->chip);
            return error;
        }
    }
    return 0;
}

void sampler_spi_look(const struct sampler_spi *s, struct sampler_spi_view *v)
{
    *v = (struct sampler_spi_view){.bad = s->link.bad,
                                   .torn = s->link.torn,
                                   .retried = s->link.retried,
                                   .overrun = s->link.overrun,
                                   .real_time = true};
    v->transfers = SPI_TRANSFERS_MAX;
    v->scans_per_s = s->scans_max == 0 ? 0 : (uint32_t)(1000000000000 / s->block.scan_period_ps);
    for (unsigned i = 0; i < s->chips; i++) {
        if (s->chip[i].transfers_max < v->transfers) {
            v->transfers = s->chip[i].transfers_max;
        }
    }
    for (unsigned i = 0; i < s->buses; i++) {
        const struct spi_bus *b = &s->bus[i];

        v->bad += atomic_load(&b->bad);
        v->torn += atomic_load(&b->torn);
        v->retried += atomic_load(&b->retried);
        v->overrun += atomic_load(&b->overrun);
        v->real_time = v->real_time && atomic_load(&b->real_time);
        if (atomic_load(&b->told) && atomic_load(&b->jitter[2]) >= v->pause.p99_us) {
            v->told = true;
            v->pause = (struct spi_jitter_summary){
                (uint32_t)atomic_load(&b->jitter[0]), (uint32_t)atomic_load(&b->jitter[1]),
                (uint32_t)atomic_load(&b->jitter[2]), (uint32_t)atomic_load(&b->jitter[3])};
        }
    }
}
