#include "sim/devices/elster_output.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BAUD = 2400,
    CHARACTER_BITS = 10,
    DATA = 4,
    DATA_LENGTH = 104,
    PRODUCT = DATA,
    FIRMWARE = DATA + 12,
    MAKER_SERIAL = DATA + 21,
    CONFIGURATION = DATA + 24,
    SERIAL = DATA + 26,
    IMPORT = DATA + 45,
    EXPORT = DATA + 55,
    POWER_FAILS = DATA + 90,
    ETX = DATA + DATA_LENGTH,
    SUM,
    FLASHES_MAX = ELSTER_PACKET * 9 + 256,
    FAIL_S = 3,
    AFTER_NS = 120000000, /* the packet begins so long after the second */
    JITTER_NS = 40000
};

void elster_output_init(struct elster_output *e, const struct elec_meter *meter, uint64_t seed)
{
    e->meter = meter;
    e->serial = 1234;
    rng_init(&e->rng, seed, 77);
}

void elster_output_power_fail(struct elster_output *e)
{
    e->power_fails++;
    e->dark = FAIL_S;
}

void elster_output_swap(struct elster_output *e)
{
    e->serial++;
    e->power_fails = 0;
}

/* Ten digits, two in an octet, the first ones first. */
static void put_bcd(uint8_t *out, uint64_t wh)
{
    for (int i = 4; i >= 0; i--, wh /= 100) {
        out[i] = (uint8_t)(wh % 10 | (wh / 10 % 10) << 4);
    }
}

static uint8_t sum_of(const uint8_t *p, size_t n)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum = (uint8_t)(sum + p[i]);
    }
    return sum;
}

static void encode(struct elster_output *e, uint8_t p[ELSTER_PACKET])
{
    uint64_t import_wh = (uint64_t)floor(e->meter->import_wh);
    uint64_t export_wh = (uint64_t)floor(e->meter->export_wh);
    char serial[17];

    memset(p, 0, ELSTER_PACKET);
    memcpy(p, "\1\0\x68\2", 4);
    memcpy(p + PRODUCT, "Elster A100C", 12);
    memcpy(p + FIRMWARE, "1-00100-B", 9);
    memcpy(p + MAKER_SERIAL, "\x12\x34\x56", 3);
    p[CONFIGURATION + 1] = 0x17;
    snprintf(serial, sizeof(serial), "SIM%013lu", (unsigned long)e->serial);
    memcpy(p + SERIAL, serial, 16);
    put_bcd(p + IMPORT, import_wh);
    put_bcd(p + EXPORT, export_wh);
    p[POWER_FAILS] = (uint8_t)e->power_fails;
    p[POWER_FAILS + 1] = (uint8_t)(e->power_fails >> 8);
    p[ETX] = 3;
    p[SUM] = sum_of(p, SUM);
    if (e->checksum > 0) {
        e->checksum--;
        p[SUM] ^= 0x21;
    }
    e->recent[e->packets % ELSTER_RECENT].import_wh = import_wh;
    e->recent[e->packets % ELSTER_RECENT].export_wh = export_wh;
    e->packets++;
}

static int64_t jitter(struct elster_output *e)
{
    return (int64_t)rng_between(&e->rng, -JITTER_NS, JITTER_NS);
}

/* When the packet's flashes come, ns after its start; how many. */
static size_t flashes_of(struct elster_output *e, const uint8_t *p, int64_t *at)
{
    size_t n = 0;

    for (int64_t c = 0; c < ELSTER_PACKET; c++) {
        for (int64_t bit = 0; bit < CHARACTER_BITS - 1; bit++) {
            if (bit == 0 || (p[c] >> (bit - 1) & 1) == 0) {
                at[n++] = (c * CHARACTER_BITS + bit) * 1000000000 / BAUD + jitter(e);
            }
        }
    }
    return n;
}

static size_t spoil(struct elster_output *e, int64_t *at, size_t n)
{
    for (unsigned k = 0; e->lose > 0 && k < 100 && n > 1; k++, e->lose--) {
        size_t i = (size_t)(rng_uniform(&e->rng) * (double)n);

        memmove(at + i, at + i + 1, (n - i - 1) * sizeof(at[0]));
        n--;
    }
    for (unsigned k = 0; e->extra > 0 && k < 100 && n < FLASHES_MAX; k++, e->extra--) {
        at[n++] = (int64_t)rng_between(&e->rng, 0, 450e6);
    }
    return n;
}

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

void elster_output_send(struct elster_output *e, int64_t t_ns)
{
    uint8_t packet[ELSTER_PACKET];
    int64_t at[FLASHES_MAX];
    size_t n;

    if (e->dark > 0) {
        e->dark--;
        return;
    }
    encode(e, packet);
    n = spoil(e, at, flashes_of(e, packet, at));
    qsort(at, n, sizeof(at[0]), by_time);
    for (size_t i = 0; i < n; i++) {
        line_feed_put(&e->feed, t_ns + AFTER_NS + at[i], true);
    }
}
