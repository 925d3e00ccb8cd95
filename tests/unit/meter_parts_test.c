/* The parts of core/meter by themselves: sensor curves, delay weights, registers, noise, the sums
 * of the harmonics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/meter/meter_curve.h"
#include "core/meter/meter_delay.h"
#include "core/meter/meter_energy.h"
#include "core/meter/meter_harmonics.h"
#include "core/meter/meter_noise.h"
#include "tests/unit/waves.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct hwt_meter_curve_point points[] = {{1, 0.98, 4}, {10, 1, 3}, {100, 1.02, 2.5}};

static void a_curve_is_straight_between_its_points_and_level_beyond(void **state)
{
    static const struct {
        double level;
        bool logarithmic;
        double factor, phase_deg;
        const char *why;
    } rows[] = {
        {0, true, 0.98, 4, "nothing at all"},
        {0.1, true, 0.98, 4, "below the first point"},
        {1, true, 0.98, 4, "on the first"},
        {3.16227766, true, 0.99, 3.5, "half-way of a decade"},
        {5.5, false, 0.99, 3.5, "half-way"},
        {10, true, 1, 3, "on the second"},
        {55, false, 1.01, 2.75, "half-way in the second stretch"},
        {1000, true, 1.02, 2.5, "beyond the last"},
    };
    struct hwt_meter_curve c = {points, COUNT(points)};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct hwt_meter_curve_point p = hwt_meter_curve_at(&c, rows[i].level, rows[i].logarithmic);

        if (fabs(p.factor - rows[i].factor) > 1e-9 ||
            fabs(p.phase_deg - rows[i].phase_deg) > 1e-8) {
            fail_msg("%s: %g, %g deg", rows[i].why, p.factor, p.phase_deg);
        }
        assert_true(p.level == rows[i].level);
    }
}

static void a_curve_that_makes_no_sense_is_refused(void **state)
{
    static const struct {
        struct hwt_meter_curve_point p[2];
        uint8_t n;
        const char *why;
    } rows[] = {
        {{{1, 1, 0}, {2, 1, 0}}, 0, "no point"},
        {{{0, 1, 0}, {2, 1, 0}}, 2, "a level of 0"},
        {{{2, 1, 0}, {2, 1, 0}}, 2, "levels that do not rise"},
        {{{1, 0.4, 0}, {2, 1, 0}}, 2, "a factor out of range"},
        {{{1, 1, 0}, {2, 1, 46}}, 2, "a phase out of range"},
        {{{1, 1, (double)NAN}, {2, 1, 0}}, 2, "no number"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct hwt_meter_curve c = {rows[i].p, rows[i].n};

        if (hwt_meter_curve_valid(&c)) {
            fail_msg("%s is taken", rows[i].why);
        }
    }
    assert_true(hwt_meter_curve_valid(&(struct hwt_meter_curve){points, COUNT(points)}));
    assert_false(hwt_meter_curve_valid(&(struct hwt_meter_curve){points, 13}));
}

/* Lag sums of a cubic: v(n + k) for k = -1 .. 2 around the instant. */
static void delay_weights_are_exact_for_a_cubic(void **state)
{
    (void)state;
    for (int32_t d_q16 = -65535; d_q16 <= 65535; d_q16 += 1117) {
        struct hwt_meter_delay d;
        double t = d_q16 / 65536.0, sum = 0;

        hwt_meter_delay_set(&d, d_q16);
        for (int k = 0; k < 4; k++) {
            double at = k - 1 + d.shift;

            sum += d.weight[k] * (2 * at * at * at - at * at + 3 * at + 7);
        }
        assert_true(fabs(sum - (2 * t * t * t - t * t + 3 * t + 7)) < 1e-12);
    }
}

static void no_register_is_ever_off_by_a_millijoule(void **state)
{
    struct hwt_meter_energy e;
    int64_t import_nj = 0, export_nj = 0;
    uint32_t random = 9;

    (void)state;
    memset(&e, 0, sizeof(e));
    for (int i = 0; i < 200000; i++) {
        int64_t nj;

        random = random * 1664525u + 1013904223u;
        nj = (int64_t)(random >> 8) - (1 << 23); /* +-8 mJ */
        *(nj > 0 ? &import_nj : &export_nj) += llabs(nj);
        hwt_meter_energy_add(&e, nj, 0, 200000, 0);
        assert_true(import_nj - e.import_mj * 1000000 >= 0);
        assert_true(import_nj - e.import_mj * 1000000 < 1000000);
        assert_true(export_nj - e.export_mj * 1000000 >= 0);
        assert_true(export_nj - e.export_mj * 1000000 < 1000000);
    }
}

static void reactive_energy_goes_to_its_quadrant(void **state)
{
    static const struct {
        int64_t p, q;
        unsigned quadrant;
    } rows[] = {{5, 3, 0}, {-5, 3, 1}, {-5, -3, 2}, {5, -3, 3}, {0, 3, 0}, {0, -3, 3}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct hwt_meter_energy e;

        memset(&e, 0, sizeof(e));
        hwt_meter_energy_add(&e, rows[i].p * 1000000, rows[i].q * 1000000, 200000, 0);
        for (unsigned k = 0; k < 4; k++) {
            assert_int_equal(e.reactive_mj[k], k == rows[i].quadrant ? 3 : 0);
        }
    }
}

/* Windows of 200 ms at these powers, with a threshold of 0.5 W. */
static void feed(struct hwt_meter_energy *e, double watts, double var, double seconds)
{
    for (double t = 0; t < seconds - 0.1; t += 0.2) {
        hwt_meter_energy_add(e, hwt_meter_energy_nj(watts, 200000),
                             hwt_meter_energy_nj(var, 200000), 200000, 0.5);
    }
}

static void what_is_below_the_threshold_for_a_minute_is_left_out(void **state)
{
    struct hwt_meter_energy e;

    (void)state;
    memset(&e, 0, sizeof(e));
    feed(&e, 0.4, 5, 3600);
    assert_int_equal(e.import_mj, 0);
    assert_int_equal(e.reactive_mj[0], 0);
    assert_true(llabs(e.idle_mj - 1440000) < 30000);
    assert_false(e.counting);
}

static void what_is_above_it_counts_from_its_first_window(void **state)
{
    static const struct {
        double watts, seconds;
        const char *why;
    } rows[] = {
        {0.6, 300, "little"},
        {3000, 2, "a kettle's click"},
        {-0.6, 300, "little, fed back"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct hwt_meter_energy e;
        double want = rows[i].watts * rows[i].seconds * 1000;

        memset(&e, 0, sizeof(e));
        feed(&e, rows[i].watts, 2, rows[i].seconds);
        if (fabs((double)(e.import_mj - e.export_mj) - want) > 1) {
            fail_msg("%s: %lld mJ, not %.0f", rows[i].why, (long long)(e.import_mj - e.export_mj),
                     want);
        }
        assert_true(llabs(e.reactive_mj[want > 0 ? 0 : 1] - (int64_t)(rows[i].seconds * 2000)) <=
                    1);
        assert_int_equal(e.idle_mj, 0);
    }
}

static void a_minute_of_little_ends_the_counting_and_the_next_load_begins_it(void **state)
{
    struct hwt_meter_energy e;
    int64_t before;

    (void)state;
    memset(&e, 0, sizeof(e));
    feed(&e, 100, 0, 60);
    feed(&e, 0.1, 0, 120);
    before = e.import_mj;
    assert_false(e.counting);
    assert_true(before <= 6000000 + 12000);
    feed(&e, 0.1, 0, 300);
    assert_int_equal(e.import_mj, before);
    feed(&e, 100, 0, 1);
    assert_true(e.import_mj >= before + 100000);
}

/* Windows of white noise in whole codes, upon a sine of so many codes. */
static double learn(double noise, double sine, double step, int windows)
{
    struct hwt_meter_noise s;
    static struct waves w;
    int32_t x[HWT_METER_NOISE_MAX + 4];

    memset(&s, 0, sizeof(s));
    waves_init(&w, 1, 12);
    for (int k = 0; k < windows; k++) {
        double residue = noise * noise + 1 / 12.0 + (step > 0 ? step * step / 8 : 0);

        for (size_t n = 0; n < COUNT(x); n++) {
            double v = sine * sin(2 * WAVES_PI * (double)n / 133.382 + k) +
                       (n % 64 > 40 ? step : 0) + noise * waves_gauss(&w);

            x[n] = (int32_t)floor(v + 0.5);
        }
        hwt_meter_noise_add(&s, x + 2, 50); /* in two pieces */
        hwt_meter_noise_add(&s, x + 52, 300);
        hwt_meter_noise_learn(&s, residue, true);
    }
    return hwt_meter_noise_codes(&s);
}

static void noise_is_learned_under_a_smooth_load_and_not_from_edges(void **state)
{
    (void)state;
    assert_true(fabs(learn(0.7, 0, 0, 2000) / 0.7 - 1) < 0.02);
    assert_true(fabs(learn(0.7, 1000, 0, 2000) / 0.7 - 1) < 0.02);
    assert_true(fabs(learn(1.5, 300, 0, 2000) / 1.5 - 1) < 0.02);
    assert_true(learn(0.7, 0, 0, HWT_METER_NOISE_KNOWN - 1) < 0);
    assert_true(learn(0.7, 0, 100, 500) < 0);
}

/* So that the windows' sums are the sums of all scans. */
static void the_two_edges_of_a_scan_add_up_to_it_in_every_harmonic(void **state)
{
    enum { ORDERS = 40, SCANS = 50 };
    static struct hwt_meter_harmonics whole, parted;
    const uint32_t step = 0x01EB851F; /* 133 scans a turn */

    (void)state;
    for (uint32_t n = 0; n < SCANS; n++) {
        int32_t x = (int32_t)(n * 331 % 4096) - 2048, v = (int32_t)(n * 737 % 4096) - 2048;
        uint32_t weight_q16 = 1 + n * 1311;

        hwt_meter_harmonics_add(&whole, &x, &v, n * step, step, 0, 1);
        for (unsigned k = 0; k < 2; k++) {
            hwt_meter_harmonics_add_edge(&parted, k, k == 0 ? x : v, n * step, weight_q16);
            hwt_meter_harmonics_add_edge(&parted, k, k == 0 ? x : v, n * step, 65536 - weight_q16);
        }
    }
    for (unsigned k = 0; k < 2; k++) {
        for (unsigned i = 0; i < ORDERS; i++) {
            assert_int_equal(parted.tone[k][i].cos_edge_q16, whole.tone[k][i].cos * 65536);
            assert_int_equal(parted.tone[k][i].sin_edge_q16, whole.tone[k][i].sin * 65536);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_curve_is_straight_between_its_points_and_level_beyond),
        cmocka_unit_test(a_curve_that_makes_no_sense_is_refused),
        cmocka_unit_test(delay_weights_are_exact_for_a_cubic),
        cmocka_unit_test(no_register_is_ever_off_by_a_millijoule),
        cmocka_unit_test(reactive_energy_goes_to_its_quadrant),
        cmocka_unit_test(what_is_below_the_threshold_for_a_minute_is_left_out),
        cmocka_unit_test(what_is_above_it_counts_from_its_first_window),
        cmocka_unit_test(a_minute_of_little_ends_the_counting_and_the_next_load_begins_it),
        cmocka_unit_test(noise_is_learned_under_a_smooth_load_and_not_from_edges),
        cmocka_unit_test(the_two_edges_of_a_scan_add_up_to_it_in_every_harmonic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
