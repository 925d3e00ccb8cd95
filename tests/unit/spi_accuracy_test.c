/* What power and current read of converters on SPI are worth: closed forms through converters that
 * round, in batches with pauses, through spi_grid and core/meter. Prints the table of
 * docs/METERING.md, section 14. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/meter/meter.h"
#include "daemon/drivers/spi_grid.h"

#define TWO_PI 6.28318530717958647692
#define VOLTS  230.0
#define HZ     50.01 /* no batch keeps step with it */

enum { CONVERSION_NS = 35000, SECONDS = 12, TERMS = 4, ROOM = 512 };

/* How the converters are read. */
struct way {
    const char *name;
    unsigned channels, scans;   /* of a chip, of a batch */
    double pause_us, spread_us; /* at the least, and exponential beyond it */
    double late_us;             /* the stamps' scatter: the call begins late */
    double spikes;              /* a second, of 3 ms */
};

static const struct way ways[] = {
    {"2 channels, 255 scans a batch", 2, 255, 120, 20, 2, 0},
    {"8 channels, 63 scans", 8, 63, 150, 20, 2, 0},
    {"8 channels, 4 scans (64-bit, bufsiz 4096)", 8, 4, 150, 20, 2, 0},
    {"8 of 16 channels, two chips in turn", 8, 1, 400, 15, 2, 0},
    {"8 channels, loaded: 15 us, 3 ms twice a second", 8, 63, 300, 100, 15, 2},
};

struct load {
    const char *name;
    double amps, lag_deg;
    struct {
        double h, part, lag_deg; /* of the fundamental's amperes */
    } term[TERMS];
};

static const struct load loads[] = {
    {"10 A, PF 1", 10, 0, {{0, 0, 0}}},
    {"10 A, PF 0.5", 10, 60, {{0, 0, 0}}},
    {"1 A, PF 1", 1, 0, {{0, 0, 0}}},
    {"0.2 A, PF 1", 0.2, 0, {{0, 0, 0}}},
    {"10 A, 5th 30 %, 7th 15 %", 10, 10, {{5, 0.3, 20}, {7, 0.15, -40}}},
};

/* Error of P over S, and of I, in per cent: at most. */
static const struct {
    double p, i;
} limits[sizeof(ways) / sizeof(ways[0])][sizeof(loads) / sizeof(loads[0])] = {
    {{0.01, 0.01}, {0.01, 0.01}, {0.1, 0.15}, {0.3, 1.5}, {0.01, 0.02}},
    {{0.01, 0.01}, {0.01, 0.01}, {0.1, 0.15}, {0.3, 1.5}, {0.01, 0.03}},
    {{0.01, 0.01}, {0.01, 0.01}, {0.1, 0.15}, {0.3, 1.5}, {0.01, 0.05}},
    {{0.03, 0.02}, {0.03, 0.02}, {0.1, 0.15}, {0.3, 1.5}, {0.05, 0.5}},
    {{0.02, 0.01}, {0.02, 0.01}, {0.1, 0.15}, {0.3, 1.5}, {0.02, 0.05}},
};

static uint64_t seed;

static double uniform(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return ((double)(seed >> 11) + 0.5) * 0x1p-53;
}

static double gauss(void)
{
    return sqrt(-2 * log(uniform())) * cos(TWO_PI * uniform());
}

static double amperes(const struct load *l, double turns)
{
    double x = l->amps * sin(TWO_PI * (turns - l->lag_deg / 360));

    for (unsigned k = 0; k < TERMS; k++) {
        x += l->amps * l->term[k].part *
             sin(TWO_PI * (l->term[k].h * turns - l->term[k].lag_deg / 360));
    }
    return sqrt(2) * x;
}

static uint16_t convert(double codes)
{
    double x = floor(2048.5 + codes + 0.5 * gauss());

    return (uint16_t)(x < 0 ? 0 : x > 4095 ? 4095 : x);
}

struct rig {
    struct spi_chip chip;
    struct spi_ring ring;
    struct spi_grid grid;
    struct hwt_meter meter;
    struct hwt_block block;
    int32_t codes[ROOM * SPI_CHANNELS];
    double t_ns; /* true, of the next batch */
    double p_j, s_us, i_square;
    unsigned windows;
};

/* Channel 0 is the voltage, the last the clamp: the farthest apart. */
static void batch(struct rig *r, const struct way *w, const struct load *l)
{
    double stamp_ns = r->t_ns - w->late_us * 1e3 * fabs(gauss());
    struct spi_scan scan;

    for (unsigned n = 0; n < w->scans; n++) {
        for (unsigned i = 0; i < w->channels; i++) {
            double t_s = (r->t_ns + (n * w->channels + i) * (double)CONVERSION_NS) * 1e-9;
            double turns = fmod(t_s * HZ, 1);

            scan.code[i] = i == 0 ? convert(sqrt(2) * VOLTS * sin(TWO_PI * turns) / 0.209)
                                  : convert(amperes(l, turns) / 0.0424); /* 60 A of full scale */
        }
        scan.t_ns = (int64_t)(stamp_ns + n * w->channels * (double)CONVERSION_NS);
        assert_true(spi_ring_put(&r->ring, &scan));
    }
    r->t_ns += w->scans * w->channels * (double)CONVERSION_NS + w->pause_us * 1e3 -
               w->spread_us * 1e3 * log(uniform());
    if (uniform() < w->spikes * w->scans * w->channels * CONVERSION_NS * 1e-9) {
        r->t_ns += 3e6;
    }
}

static void take_windows(struct rig *r, unsigned clamp)
{
    struct hwt_meter_window w;

    while (hwt_meter_next(&r->meter, &w)) {
        if (!w.partial && ++r->windows > 10) { /* the noise is being learnt */
            r->p_j += w.channel[clamp].p_w * w.duration_us;
            r->i_square += w.channel[clamp].rms * w.channel[clamp].rms * w.duration_us;
            r->s_us += w.duration_us;
        }
    }
}

static void feed(struct rig *r, unsigned clamp)
{
    if (r->block.scans > 0) {
        assert_true(hwt_meter_feed(&r->meter, &r->block) >= 0);
        take_windows(r, clamp);
        r->block.sequence++;
    }
    r->block.scans = 0;
}

static void take_scans(struct rig *r, unsigned clamp)
{
    struct spi_grid_scan scan;

    if (spi_grid_period_ps(&r->grid) == 0) {
        return;
    }
    r->block.scan_period_ps = (uint32_t)r->grid.period_ps;
    r->block.slot[clamp].time_q16 = spi_grid_slot_q16(&r->grid, 0, clamp);
    while (spi_grid_next(&r->grid, &scan)) {
        if (scan.dropped > 0 || r->block.scans == ROOM) {
            feed(r, clamp);
        }
        if (r->block.scans == 0) {
            r->block.device_us = (uint64_t)scan.t_ns / 1000;
            r->block.dropped = (uint32_t)scan.dropped;
        }
        memcpy(r->codes + r->block.scans++ * SPI_CHANNELS, scan.code,
               SPI_CHANNELS * sizeof(r->codes[0]));
    }
}

static void run(struct rig *r, const struct way *w, const struct load *l)
{
    struct hwt_meter_config config = {.slots = (uint8_t)w->channels};
    unsigned clamp = w->channels - 1;

    memset(r, 0, sizeof(*r));
    seed = 12345;
    r->t_ns = 1e9;
    r->chip.channels = w->channels;
    r->chip.conversion_ns = CONVERSION_NS;
    for (unsigned i = 0; i < w->channels; i++) {
        r->chip.channel[i] = (uint8_t)i;
    }
    r->grid.chips = 1;
    r->grid.chip[0] = &r->chip;
    r->grid.ring[0] = &r->ring;
    spi_grid_init(&r->grid);
    config.slot[0] = (struct hwt_meter_slot){
        .kind = HWT_SLOT_VOLTAGE, .ratio = 0.209, .reference = HWT_METER_NO_REFERENCE};
    config.slot[clamp] = (struct hwt_meter_slot){.kind = HWT_SLOT_CURRENT, .ratio = 0.0424};
    assert_int_equal(hwt_meter_init(&r->meter, &config), 0);
    r->block = (struct hwt_block){.slots = SPI_CHANNELS, .bits = 12, .codes = r->codes};
    r->block.slot[0].kind = HWT_SLOT_VOLTAGE;
    r->block.slot[clamp].kind = HWT_SLOT_CURRENT;
    while (r->t_ns < (1 + SECONDS) * 1e9) {
        batch(r, w, l);
        take_scans(r, clamp);
    }
    feed(r, clamp);
}

static void power_and_current_are_within_what_is_stated(void **state)
{
    struct rig *r = malloc(sizeof(*r));
    unsigned wrong = 0;

    (void)state;
    assert_non_null(r);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        for (size_t k = 0; k < sizeof(loads) / sizeof(loads[0]); k++) {
            const struct load *l = &loads[k];
            double square = l->amps * l->amps, p, error_p, error_i;

            run(r, &ways[i], l);
            for (unsigned t = 0; t < TERMS; t++) {
                square += l->amps * l->amps * l->term[t].part * l->term[t].part;
            }
            p = VOLTS * l->amps * cos(TWO_PI * l->lag_deg / 360);
            error_p = 100 * (r->p_j / r->s_us - p) / (VOLTS * sqrt(square));
            error_i = 100 * (sqrt(r->i_square / r->s_us / square) - 1);
            print_message("%-48s %-26s P %+.3f %% of S, I %+.3f %%, %2.0f %% of the time\n",
                          ways[i].name, l->name, error_p, error_i,
                          100 * r->s_us / 1e6 / (SECONDS - 2));
            wrong += !(fabs(error_p) <= limits[i][k].p) || !(fabs(error_i) <= limits[i][k].i);
        }
    }
    free(r);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_and_current_are_within_what_is_stated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
