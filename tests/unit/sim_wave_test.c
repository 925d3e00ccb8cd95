/* sim/physics/wave and sim/truth: energies against integrals made another way. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/model.h"
#include "sim/physics/wave.h"
#include "sim/truth.h"

#define TWO_PI       6.28318530717958647692
#define RELATIVE_MAX 1e-5 /* ten times better than what a test of a meter needs */

static struct waves waves;

static int setup(void **state)
{
    (void)state;
    waves_init(&waves);
    return 0;
}

/* A wave straight from its spectrum, term by term. */
static double wave_at(const struct wave_spectrum *s, double theta)
{
    double x = 0;

    for (int h = 1; h <= WAVE_HARMONICS; h++) {
        x += s->re[h] * sin(TWO_PI * h * theta) + s->im[h] * cos(TWO_PI * h * theta);
    }
    return x * sqrt(2.0);
}

static double integral(enum wave_kind k, double from, double to)
{
    int steps = (int)((to - from) * 4000) + 100;
    double sum = 0;

    for (int i = 0; i < steps; i++) {
        double theta = from + (to - from) * ((double)i + 0.5) / steps;

        sum += wave_at(&waves.mains, theta) * wave_at(&waves.kind[k], theta);
    }
    return sum * (to - from) / steps;
}

static void every_kind_has_an_rms_of_one_and_a_power_factor_of_its_sort(void **state)
{
    static const struct {
        enum wave_kind kind;
        double lowest, highest;
        const char *why;
    } rows[] = {
        {WAVE_SINE, 0.999, 1.0, "no harmonics: only the fundamental of the voltage carries power"},
        {WAVE_QUADRATURE, -1e-9, 1e-9, "90 degrees behind"},
        {WAVE_RESISTIVE, 1.0 - 1e-9, 1.0 + 1e-9, "the voltage's own shape"},
        {WAVE_MOTOR, 0.7, 0.82, "39 degrees behind"},
        {WAVE_SMPS, 0.4, 0.75, "a pulse near the crest"},
        {WAVE_DIMMER, 0.6, 0.75, "half of each half wave: 1 / sqrt 2"},
        {WAVE_CAPACITOR, -0.02, 0.02, "nearly 90 degrees ahead"},
        {WAVE_PFC, 0.95, 1.0, "corrected"},
        {WAVE_INVERTER, 0.99, 1.0, "nearly a sine"},
    };

    (void)state;
    assert_int_equal(sizeof(rows) / sizeof(rows[0]), WAVE_KINDS);
    for (size_t i = 0; i < WAVE_KINDS; i++) {
        double p = waves.p[rows[i].kind];

        if (p < rows[i].lowest || p > rows[i].highest ||
            fabs(waves.g[rows[i].kind][rows[i].kind] - 1.0) > 1e-12) {
            fail_msg("%s (%s): power factor %.6f", wave_kind_names[rows[i].kind], rows[i].why, p);
        }
    }
}

static void energy_of_any_stretch_is_the_integral_of_v_times_i(void **state)
{
    static const struct {
        double from, to;
        const char *why;
    } rows[] = {
        {0.0, 1.0, "a cycle"},
        {0.13, 0.15, "a short stretch"},
        {0.4, 0.9613, "most of a cycle"},
        {0.97, 1.931, "over the end of a cycle"},
        {0.25, 12.75, "many cycles"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int k = 0; k < WAVE_KINDS; k++) {
            double expected = integral((enum wave_kind)k, rows[i].from, rows[i].to);
            double got = wave_energy(&waves, (enum wave_kind)k, rows[i].from, rows[i].to);

            if (fabs(got - expected) > 4e-6 * (1.0 + rows[i].to - rows[i].from)) {
                fail_msg("%s, %s: %.9f, integral %.9f", rows[i].why, wave_kind_names[k], got,
                         expected);
            }
        }
    }
}

/* A house that only switches: two circuits step each second, in the middle of cycles. */
static void switch_house(struct house *h, int second)
{
    h->hz = 49.95 + 0.01 * (second % 7);
    h->amps[CIRCUIT_HOB][WAVE_RESISTIVE] = second % 3 == 0 ? 0.0 : 8.0 + second % 5;
    h->amps[CIRCUIT_SOCKETS][WAVE_SMPS] = 1.0 + 0.2 * (second % 4);
    h->amps[CIRCUIT_SOCKETS][WAVE_MOTOR] = second % 2 == 0 ? 3.0 : 0.0;
    for (int k = 0; k < WAVE_KINDS; k++) {
        h->amps[CIRCUIT_GRID][k] = h->amps[CIRCUIT_HOB][k] + h->amps[CIRCUIT_SOCKETS][k];
    }
}

/* Joules of a circuit over a stretch, from the waves themselves. */
static double brute_joules(const struct house *h, enum circuit c, double volts, double theta,
                           double span)
{
    double sum = 0;
    int steps = 160;

    for (int n = 0; n < steps; n++) {
        double at = theta + h->hz * span * ((double)n + 0.5) / steps, i = 0;

        for (int k = 0; k < WAVE_KINDS; k++) {
            i += h->amps[c][k] == 0.0 ? 0.0 : h->amps[c][k] * wave_at(&waves.kind[k], at);
        }
        sum += volts * wave_at(&waves.mains, at) * i;
    }
    return sum * span / steps;
}

static void truth_equals_an_independent_integral_while_loads_switch(void **state)
{
    static struct truth t;
    struct house h = {.waves = &waves, .hz = 50.0};
    double span = 0.0191923, theta = 0, hob = 0, grid = 0, seconds = 0;

    (void)state;
    truth_init(&t);
    truth_start(&t, 1700000000);
    for (int block = 0; block < 60; block++) {
        double volts = 228.0 + 0.05 * block;

        if (block % 5 == 0) {
            switch_house(&h, block / 5);
            truth_second(&t, &h);
        }
        truth_add(&t, &h, volts, theta - floor(theta), seconds, seconds + span);
        hob += brute_joules(&h, CIRCUIT_HOB, volts, theta, span);
        grid += brute_joules(&h, CIRCUIT_GRID, volts, theta, span);
        theta += h.hz * span;
        seconds += span;
    }
    assert_true(hob > 1000.0);
    assert_true(fabs(t.energy[CIRCUIT_HOB].import_j / hob - 1.0) < RELATIVE_MAX);
    assert_true(fabs(t.energy[CIRCUIT_GRID].import_j / grid - 1.0) < RELATIVE_MAX);
    assert_true(fabs(t.now.circuit[CIRCUIT_GRID].p / grid - 1.0) < RELATIVE_MAX);
}

static void import_and_export_split_by_sign_and_keep_the_net(void **state)
{
    static struct truth t;
    struct house h = {.waves = &waves, .hz = 50.0};
    double net = 0;

    (void)state;
    truth_init(&t);
    truth_start(&t, 0);
    for (int n = 0; n < 40; n++) {
        h.amps[CIRCUIT_GRID][WAVE_RESISTIVE] = n < 15 ? 4.0 : -6.0;
        truth_second(&t, &h);
        truth_add(&t, &h, 230.0, 0.3, 0.019 * n, 0.019 * (n + 1));
        net += brute_joules(&h, CIRCUIT_GRID, 230.0, 0.3, 0.019);
    }
    assert_true(t.energy[CIRCUIT_GRID].import_j > 0.0);
    assert_true(t.energy[CIRCUIT_GRID].export_j > t.energy[CIRCUIT_GRID].import_j);
    assert_true(fabs(t.energy[CIRCUIT_GRID].import_j - t.energy[CIRCUIT_GRID].export_j - net) <
                1e-4 * fabs(net));
}

static void windows_are_whole_wall_minutes_and_split_a_stretch_that_crosses(void **state)
{
    static struct truth t;
    struct house h = {.waves = &waves, .hz = 50.0};
    const int64_t start_s = 1768000040; /* 40 s before a whole minute */

    (void)state;
    truth_init(&t);
    h.amps[CIRCUIT_HP][WAVE_SINE] = 5.0;
    truth_second(&t, &h);
    truth_start(&t, start_s);
    for (int n = 0; n * 0.7 < 165.0; n++) {
        truth_add(&t, &h, 230.0, 0.0, 0.7 * n, 0.7 * (n + 1));
    }
    assert_int_equal(start_s % 60, 20);
    assert_int_equal(t.windows, 2); /* 40 s of the first minute: cut short, not kept */
    assert_true(fabs(t.window[0].start_s - 40.0) < 1e-9);
    assert_true(fabs(t.window[0].end_s - t.window[0].start_s - 60.0) < 1e-9);
    assert_true(fabs(t.window[1].start_s - t.window[0].end_s) < 1e-12);
    assert_true(fabs(t.window[0].circuit[CIRCUIT_HP].i - 5.0) < 1e-9);
    assert_true(fabs(t.window[0].circuit[CIRCUIT_HP].s - 1150.0) < 1e-6);
    assert_true(fabs(t.window[0].circuit[CIRCUIT_HP].p - 1150.0 * waves.p[WAVE_SINE]) < 0.3);
    assert_true(fabs(t.window[0].v - 230.0) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_an_rms_of_one_and_a_power_factor_of_its_sort),
        cmocka_unit_test(energy_of_any_stretch_is_the_integral_of_v_times_i),
        cmocka_unit_test(truth_equals_an_independent_integral_while_loads_switch),
        cmocka_unit_test(import_and_export_split_by_sign_and_keep_the_net),
        cmocka_unit_test(windows_are_whole_wall_minutes_and_split_a_stretch_that_crosses),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
