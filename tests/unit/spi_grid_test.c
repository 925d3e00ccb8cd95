/* daemon/drivers/spi_grid and spi_jitter: scans at uneven times, put on an even grid; the summary
 * of pauses. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/drivers/spi_grid.h"

#define TWO_PI 6.28318530717958647692

enum { CONVERSION_NS = 35000 };

struct fixture {
    struct spi_chip chip[2];
    struct spi_ring ring[2];
    struct spi_grid grid;
    int64_t t_ns[2]; /* of the next scan */
    double peak;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->peak = 1500;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

/* Few channels are not neighbours. */
static void add_chip(struct fixture *f, unsigned channels, int64_t from_ns)
{
    unsigned c = f->grid.chips++;

    f->chip[c].channels = channels;
    f->chip[c].conversion_ns = CONVERSION_NS;
    for (unsigned i = 0; i < channels; i++) {
        f->chip[c].channel[i] = (uint8_t)(channels <= 4 ? 2 * i : i);
    }
    f->grid.chip[c] = &f->chip[c];
    f->grid.ring[c] = &f->ring[c];
    f->t_ns[c] = from_ns;
}

static double wave(const struct fixture *f, double t_ns)
{
    return f->peak * sin(TWO_PI * 50 * t_ns * 1e-9);
}

/* A batch of scans, and a pause after it. */
static void batch(struct fixture *f, unsigned chip, unsigned scans, int64_t pause_ns)
{
    struct spi_chip *c = &f->chip[chip];

    for (unsigned n = 0; n < scans; n++) {
        struct spi_scan scan = {.t_ns = f->t_ns[chip]};

        for (unsigned i = 0; i < c->channels; i++) {
            scan.code[i] =
                (uint16_t)lrint(2048 + wave(f, (double)(scan.t_ns + i * (int64_t)CONVERSION_NS)));
        }
        assert_true(spi_ring_put(&f->ring[chip], &scan));
        f->t_ns[chip] += c->channels * (int64_t)CONVERSION_NS;
    }
    f->t_ns[chip] += pause_ns;
}

/* The worst code of the scan against the wave at the slots' instants of the grid. */
static double worst(const struct fixture *f, const struct spi_grid_scan *scan)
{
    double most = 0;

    for (unsigned c = 0; c < f->grid.chips; c++) {
        for (unsigned i = 0; i < f->chip[c].channels; i++) {
            double slot_ns =
                spi_grid_slot_q16(&f->grid, c, i) / 65536e3 * (double)f->grid.period_ps;
            double want = wave(f, (double)scan->t_ns + slot_ns);

            most = fmax(most, fabs(scan->code[c * SPI_CHANNELS + f->chip[c].channel[i]] - want));
        }
    }
    return most;
}

static void uneven_scans_become_even_ones_of_the_same_wave(void **state)
{
    static const struct {
        const char *why;
        unsigned channels, scans, batches;
        int64_t pause_ns;
        double at_most; /* codes: half of it is rounding, of the sample and of the result */
    } rows[] = {
        {"two inputs, 511 transfers", 2, 255, 40, 120000, 1.1},
        {"eight inputs, 63 scans a batch", 8, 63, 40, 150000, 1.2},
        {"eight inputs, four scans a batch: 64-bit kernels with bufsiz 4096", 8, 4, 500, 150000,
         1.2},
        {"pauses of nearly the limit", 8, 63, 40, 990000, 2.5},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture *f = *state;
        struct spi_grid_scan scan;
        double most = 0;
        int64_t before_ns = 0;
        unsigned n = 0;

        memset(f, 0, sizeof(*f));
        f->peak = 1500;
        add_chip(f, rows[i].channels, 1000000007);
        spi_grid_init(&f->grid);
        assert_int_equal(spi_grid_period_ps(&f->grid), 0);
        for (unsigned k = 0; k < rows[i].batches; k++) {
            batch(f, 0, rows[i].scans, rows[i].pause_ns);
            while (spi_grid_period_ps(&f->grid) != 0 && spi_grid_next(&f->grid, &scan)) {
                assert_true(scan.dropped == 0);
                assert_true(n == 0 ||
                            llabs((scan.t_ns - before_ns) * 1000 - f->grid.period_ps) <= 1000);
                most = fmax(most, worst(f, &scan));
                before_ns = scan.t_ns;
                n++;
            }
        }
        if (n < 1000 || most > rows[i].at_most) {
            fail_msg("%s: %u scans, worst %.2f codes", rows[i].why, n, most);
        }
    }
}

static void a_longer_pause_is_dropped_scans_exactly_counted(void **state)
{
    static const int64_t pauses_ns[] = {1100000, 5000000, 20000000, INT64_C(3600000000000)};
    struct fixture *f = *state;
    struct spi_grid_scan scan;
    uint64_t scans = 0, dropped = 0;
    int64_t first_ns = 0, last_ns = 0;
    unsigned gaps = 0;

    add_chip(f, 4, 1000000000);
    spi_grid_init(&f->grid);
    for (unsigned k = 0; k < 60; k++) {
        batch(f, 0, 127, k >= 30 && k < 34 ? pauses_ns[k - 30] : 100000);
        while (spi_grid_period_ps(&f->grid) != 0 && spi_grid_next(&f->grid, &scan)) {
            first_ns = scans == 0 ? scan.t_ns : first_ns;
            last_ns = scan.t_ns;
            scans++;
            dropped += scan.dropped;
            assert_true(worst(f, &scan) < 1.2);
            if (scan.dropped > 0) { /* what lies within the hole, and no more */
                int64_t lost_ns = (int64_t)scan.dropped * f->grid.period_ps / 1000;
                int64_t scan_ns = 4 * CONVERSION_NS;

                assert_in_range(lost_ns, pauses_ns[gaps] - scan_ns, pauses_ns[gaps] + 2 * scan_ns);
                gaps++;
            }
        }
    }
    assert_int_equal(gaps, 4);
    assert_true(llabs((last_ns - first_ns) / 1000 -
                      (int64_t)((scans + dropped - 1) * (uint64_t)f->grid.period_ps / 1000000)) <=
                1);
}

static void two_chips_of_two_buses_make_one_scan(void **state)
{
    struct fixture *f = *state;
    struct spi_grid_scan scan;
    unsigned n = 0, gaps = 0;

    add_chip(f, 3, 1000000000);
    add_chip(f, 8, 1007654321);
    spi_grid_init(&f->grid);
    for (unsigned k = 0; k < 100; k++) {
        while (f->t_ns[0] < f->t_ns[1]) {
            batch(f, 0, 170, f->t_ns[0] > 2000000000 && gaps == 0 ? 2000000 : 80000);
        }
        batch(f, 1, 63, 130000);
        while (spi_grid_period_ps(&f->grid) != 0 && spi_grid_next(&f->grid, &scan)) {
            n++;
            gaps += scan.dropped > 0;
            assert_true(worst(f, &scan) < 1.3);
        }
    }
    /* The grid is the slower chip's; a gap of either is a gap of both. */
    assert_in_range(f->grid.period_ps, 280000000, 284000000);
    assert_true(n > 4000);
    assert_true(gaps >= 1);
}

static void what_the_ring_has_no_room_for_is_refused(void **state)
{
    struct fixture *f = *state;
    struct spi_scan scan = {0};

    for (unsigned i = 0; i < SPI_RING; i++) {
        scan.t_ns = i;
        assert_true(spi_ring_put(&f->ring[0], &scan));
    }
    assert_false(spi_ring_put(&f->ring[0], &scan));
    spi_ring_drop(&f->ring[0], 1);
    scan.t_ns = SPI_RING;
    assert_true(spi_ring_put(&f->ring[0], &scan));
    assert_int_equal(spi_ring_count(&f->ring[0]), SPI_RING);
    assert_int_equal(spi_ring_at(&f->ring[0], 0)->t_ns, 1);
    assert_int_equal(spi_ring_at(&f->ring[0], SPI_RING - 1)->t_ns, SPI_RING);
}

static void pauses_are_summed_up(void **state)
{
    struct spi_jitter j;
    struct spi_jitter_summary s;

    (void)state;
    spi_jitter_reset(&j);
    s = spi_jitter_get(&j);
    assert_int_equal(s.max_us + s.p99_us + s.median_us + s.min_us, 0);
    for (int64_t us = 1; us <= 1000; us++) {
        spi_jitter_add(&j, us * 10);
    }
    spi_jitter_add(&j, -5); /* clocks that disagree */
    s = spi_jitter_get(&j);
    assert_int_equal(s.min_us, 0);
    assert_int_equal(s.max_us, 10000);
    assert_in_range(s.median_us, 4840, 5010); /* a bin is a 32nd wide */
    assert_in_range(s.p99_us, 9590, 9910);
    for (int64_t us = 60; us < 70; us++) { /* where the bins' law changes */
        spi_jitter_reset(&j);
        spi_jitter_add(&j, us);
        assert_int_equal(spi_jitter_get(&j).median_us, us < 64 ? us : us / 2 * 2);
    }
    spi_jitter_reset(&j);
    spi_jitter_add(&j, INT64_C(5000000000));
    assert_true(spi_jitter_get(&j).median_us > 900000);
    assert_true(spi_jitter_get(&j).max_us == UINT32_MAX);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(uneven_scans_become_even_ones_of_the_same_wave),
        TEST(a_longer_pause_is_dropped_scans_exactly_counted),
        TEST(two_chips_of_two_buses_make_one_scan),
        TEST(what_the_ring_has_no_room_for_is_refused),
        TEST(pauses_are_summed_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
