/* What core/meter/meter_scope makes of scans whose signals are known in closed form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/meter/meter_scope.h"
#include "tests/unit/waves.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { SCANS = 2000 /* 15 cycles */ };

static struct waves waves;
static struct hwt_meter_config config;
static struct hwt_meter_scans scans;
static double volts[SCANS], amps[SCANS];
static uint8_t volts_clipped[SCANS], amps_clipped[SCANS];
static struct hwt_meter_scope scope;

static void begin(unsigned clamps, double hz)
{
    waves_init(&waves, clamps, 7);
    waves.hz = hz;
    waves.bits = 16; /* rounding counts for little */
    for (unsigned i = 0; i < waves.slots; i++) {
        waves.slot[i].codes *= 16;
        waves.slot[i].noise = 0;
    }
}

static void sine(unsigned slot, double rms, double lag_deg)
{
    waves.slot[slot].term[0] = (struct waves_term){1, rms, lag_deg};
}

static void configure(void)
{
    memset(&config, 0, sizeof(config));
    config.slots = (uint8_t)waves.slots;
    for (unsigned i = 0; i < waves.slots; i++) {
        config.slot[i].kind = waves.slot[i].kind;
        config.slot[i].ratio = 1 / waves.slot[i].codes;
        config.slot[i].phase_deg = waves.slot[i].lead_deg;
    }
}

static void sample(void)
{
    struct hwt_block b = waves_block(&waves, SCANS);

    scans = (struct hwt_meter_scans){.codes = b.codes,
                                     .scans = SCANS,
                                     .period_ps = b.scan_period_ps,
                                     .slots = b.slots,
                                     .bits = b.bits};
    memcpy(scans.slot, b.slot, sizeof(scans.slot));
}

static int look(unsigned slot, unsigned cycles, double noise)
{
    scope = (struct hwt_meter_scope){.voltage = {.value = volts, .clipped = volts_clipped},
                                     .current = {.value = amps, .clipped = amps_clipped}};
    return hwt_meter_scope(&config, slot, &scans, cycles, noise, &scope);
}

static void assert_near(double got, double want, double delta, const char *why)
{
    if (!(fabs(got - want) <= delta)) {
        fail_msg("%s: %.6f, not %.6f +- %g", why, got, want, delta);
    }
}

static void rms_frequency_and_harmonics_are_those_of_the_signals(void **state)
{
    static const double hz[] = {45.3, 49.71, 50.0, 61.7};
    static const unsigned cycles[] = {1, 2, 5, 10};

    (void)state;
    for (unsigned k = 0; k < COUNT(hz) * COUNT(cycles); k++) {
        unsigned n = cycles[k % COUNT(cycles)];
        char why[64];

        snprintf(why, sizeof(why), "%g Hz, %u cycles", hz[k / COUNT(cycles)], n);
        begin(1, hz[k / COUNT(cycles)]);
        waves.slot[0].term[1] = (struct waves_term){5, 7, 40};
        waves.slot[0].lead_deg = 0.8;
        waves.slot[1].term[0] = (struct waves_term){1, 8, 30};
        waves.slot[1].term[1] = (struct waves_term){3, 2, 100};
        waves.slot[1].term[2] = (struct waves_term){39, 0.5, 10};
        waves.slot[1].lead_deg = 3;
        waves.slot[1].offset = 25;
        configure();
        sample();
        assert_int_equal(look(1, n, 0), 0);
        assert_near(scope.hz, waves.hz, 5e-3, why);
        assert_near(scope.voltage.rms, sqrt(230 * 230 + 7 * 7), 0.05, why);
        assert_near(scope.voltage.thd, 7 / 230.0, 2e-4, why);
        assert_near(scope.voltage.harmonic[4], 7, 0.02, why);
        assert_near(scope.voltage.angle_deg[0], 0, 0.01, why);
        assert_near(scope.voltage.angle_deg[4], -40, 0.5, why);
        assert_near(scope.voltage.residue, 0, 0.05, why);
        /* the sensor's gain and lead are not the fundamental's for the others: undone in each */
        assert_near(scope.current.harmonic[0], 8, 2e-3, why);
        assert_near(scope.current.harmonic[2], 2, 2e-3, why);
        assert_near(scope.current.harmonic[38], 0.5, 5e-3, why);
        assert_near(scope.current.angle_deg[0], -30, 0.05, why);
        assert_near(scope.current.angle_deg[2], -100, 0.2, why);
        assert_near(scope.current.angle_deg[38], -10, 3, why);
        assert_near(scope.current.offset, 25, 0.3, why);
        assert_near(scope.current.rms, sqrt(64 + 4 + 0.25), 4e-3, why);
        assert_true(scope.current.thd_known && scope.voltage.thd_known);
        assert_int_equal(scope.current.clips + scope.voltage.clips, 0);
        assert_near(scope.samples * scope.step_us, n * 1e6 / waves.hz, 2 * scope.step_us, why);
    }
}

static void a_sample_is_the_signal_at_its_own_time(void **state)
{
    (void)state;
    begin(2, 50.2);
    waves.slot[0].lead_deg = 2;
    waves.slot[2].lead_deg = 4; /* 222 us, and the slot is converted 130 us after the voltage */
    waves.slot[2].offset = -40;
    sine(2, 10, 60);
    configure();
    sample();
    assert_int_equal(look(2, 3, 0), 0);
    for (uint32_t k = 0; k < scope.samples; k++) {
        double turn = 2 * WAVES_PI * waves.hz * 1e-6;
        double v = (scope.voltage.first_us + k * scope.step_us) * turn;
        double i = (scope.current.first_us + k * scope.step_us) * turn - WAVES_PI / 3;

        assert_near(volts[k], 230 * sqrt(2) * sin(v), 0.3, "volts");
        assert_near(amps[k], 10 * sqrt(2) * sin(i), 0.02, "amperes");
    }
    assert_near(scope.voltage.first_us, 0, 200, "the cut begins at the rise");
    assert_near(scope.zero_scan,
                (ceil(scope.zero_scan * waves.hz * scope.step_us * 1e-6 + waves.turns - 0.5) -
                 waves.turns) /
                    (waves.hz * scope.step_us * 1e-6),
                0.01, "t = 0 is a rise of the mains");
}

static void codes_at_the_converters_limit_are_marked_one_by_one(void **state)
{
    uint32_t clips = 0;

    (void)state;
    begin(1, 50);
    sine(1, 150, 0); /* 16 x 11.8 codes an ampere: the crest is at 40000 */
    configure();
    sample();
    assert_int_equal(look(1, 2, 0), 0);
    for (uint32_t k = 0; k < scope.samples; k++) {
        double crest = 150 * sqrt(2) *
                       sin((scope.current.first_us + k * scope.step_us) * 1e-6 * 100 * WAVES_PI);
        bool over = fabs(crest) * waves.slot[1].codes >= 32768;

        if (fabs(fabs(crest) * waves.slot[1].codes - 32767) > 20) {
            assert_int_equal(amps_clipped[k], over);
        }
        clips += amps_clipped[k];
        assert_int_equal(volts_clipped[k], 0);
    }
    assert_int_equal(scope.current.clips, clips);
    assert_true(clips > 60 && clips < 140);
}

static void a_clamp_turned_round_is_shown_the_right_way(void **state)
{
    (void)state;
    begin(1, 50);
    sine(1, 10, 180);
    configure();
    config.slot[1].reversed = true;
    sample();
    assert_int_equal(look(1, 2, 0), 0);
    assert_near(scope.current.angle_deg[0], 0, 0.05, "angle");
    assert_near(amps[33], volts[33] / 23, 0.8, "the samples follow the voltage");
}

static void a_load_between_two_voltages_sees_their_difference(void **state)
{
    (void)state;
    begin(2, 50);
    waves.slot[1] = waves.slot[0];
    waves.slot[1].time_q16 = 30000;
    sine(1, 230, 240);
    sine(2, 10, 30);
    configure();
    config.slot[2].between = true;
    config.slot[2].minus = 1;
    sample();
    assert_int_equal(look(2, 4, 0), 0);
    assert_near(scope.voltage.rms, 230 * sqrt(3), 0.1, "volts");
    assert_near(scope.voltage.angle_deg[0], -30, 0.05, "angle of the difference");
    assert_near(scope.current.angle_deg[0], -30, 0.05, "angle of the current");
}

static void a_curve_is_read_at_the_level_found(void **state)
{
    static const struct hwt_meter_curve_point point[] = {{1, 2, 0}, {100, 1, 3}};
    static const struct hwt_meter_curve curve = {point, 2};

    (void)state;
    begin(1, 50);
    sine(1, 10, 0);
    configure();
    config.slot[1].curve = &curve;
    sample();
    assert_int_equal(look(1, 4, 0), 0);
    assert_near(scope.current.rms, 14.2334, 0.002,
                "A by the curve"); /* 10 (2 - log10(I) / 2) = I */
    assert_near(scope.current.angle_deg[0], -3 * log10(14.2334) / 2, 0.01, "lead by the curve");
}

static void learned_noise_is_taken_out_of_the_current(void **state)
{
    (void)state;
    begin(1, 50);
    sine(1, 0.1, 0);
    waves.bits = 12;
    waves.slot[0].codes = 1100 / 230.0;
    waves.slot[1].codes = 11.8;
    waves.slot[1].noise = 0.7;
    configure();
    sample();
    assert_int_equal(look(1, 10, 0.7), 0);
    assert_near(scope.current.rms, 0.1, 0.006, "with the noise known");
    assert_near(scope.current.residue, sqrt(0.49 + 1 / 12.0) / 11.8, 0.005,
                "what is left is noise");
    assert_false(scope.current.thd_known);
    assert_int_equal(look(1, 10, -1), 0);
    assert_true(scope.current.rms > 0.112);
}

static void without_a_voltage_the_cut_is_by_time(void **state)
{
    (void)state;
    begin(1, 50);
    sine(0, 3, 0);
    sine(1, 10, 0);
    configure();
    sample();
    assert_int_equal(look(1, 4, 0), 0);
    assert_true(scope.hz == 0 && !scope.current.thd_known && !scope.voltage.thd_known);
    assert_near(scope.current.rms, 10, 0.02, "80 ms are whole cycles here");
    assert_near(scope.samples * scope.step_us, 80000, 300, "80 ms");
    assert_true(scope.has_voltage);
    assert_near(scope.voltage.rms, 3, 0.05, "what stray coupling gives");
}

static void a_clamp_without_a_reference_is_cut_by_the_voltage_that_lives(void **state)
{
    (void)state;
    begin(2, 50);
    sine(2, 10, 45);
    configure();
    config.slot[2].reference = HWT_METER_NO_REFERENCE;
    sample();
    assert_int_equal(look(2, 2, 0), 0);
    assert_false(scope.has_voltage);
    assert_near(scope.hz, 50, 0.01, "frequency");
    assert_near(scope.current.angle_deg[0], -45, 0.05, "angle");
}

static void what_cannot_be_shown_is_refused(void **state)
{
    (void)state;
    begin(1, 50);
    sine(1, 10, 0);
    configure();
    sample();
    assert_int_equal(look(0, 2, 0), HWT_ERR_ARGUMENT); /* a voltage */
    assert_int_equal(look(2, 2, 0), HWT_ERR_ARGUMENT); /* no slot */
    assert_int_equal(look(1, 0, 0), HWT_ERR_ARGUMENT);
    assert_int_equal(look(1, 11, 0), HWT_ERR_ARGUMENT);
    for (uint32_t n = 0; n < 1000; n += 7) { /* 7 cycles of scans hold no 10 */
        scans.scans = n;
        assert_int_equal(look(1, 10, 0), HWT_ERR_AGAIN);
    }
    scans.scans = SCANS;
    scans.slots = 1;
    assert_int_equal(look(1, 2, 0), HWT_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rms_frequency_and_harmonics_are_those_of_the_signals),
        cmocka_unit_test(a_sample_is_the_signal_at_its_own_time),
        cmocka_unit_test(codes_at_the_converters_limit_are_marked_one_by_one),
        cmocka_unit_test(a_clamp_turned_round_is_shown_the_right_way),
        cmocka_unit_test(a_load_between_two_voltages_sees_their_difference),
        cmocka_unit_test(a_curve_is_read_at_the_level_found),
        cmocka_unit_test(learned_noise_is_taken_out_of_the_current),
        cmocka_unit_test(without_a_voltage_the_cut_is_by_time),
        cmocka_unit_test(a_clamp_without_a_reference_is_cut_by_the_voltage_that_lives),
        cmocka_unit_test(what_cannot_be_shown_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
