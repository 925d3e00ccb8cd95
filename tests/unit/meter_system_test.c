/* What core/meter says of sensors, phases and faults, on made streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/meter/meter.h"
#include "tests/unit/waves.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct hwt_meter meter;
static struct hwt_meter_config config;
static struct hwt_meter_window last; /* the newest whole one */
static struct waves waves;

/* Slot 0 the voltage, the others clamps against it; sensors told as they are. */
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

static void start(void)
{
    assert_int_equal(hwt_meter_init(&meter, &config), 0);
    memset(&last, 0, sizeof(last));
}

/* Whole windows in so many seconds. */
static unsigned run(double seconds)
{
    double scans = seconds / (WAVES_PERIOD_PS * 1e-12);
    struct hwt_meter_window w;
    unsigned n = 0;

    for (double k = 0; k < scans; k += 128) {
        struct hwt_block b = waves_block(&waves, 128);

        assert_true(hwt_meter_feed(&meter, &b) >= 0);
        while (hwt_meter_next(&meter, &w)) {
            if (!w.partial) {
                last = w;
                n++;
            }
        }
    }
    return n;
}

static void sine(unsigned slot, double rms, double lag_deg)
{
    waves.slot[slot].term[0] = (struct waves_term){1, rms, lag_deg};
}

/* Three voltages in slots 0..2 in this order of lag, three clamps of 10 A in phase in 3..5. */
static void three_phases(double lag2, double lag3)
{
    double lag[3] = {0, lag2, lag3};

    waves_init(&waves, 5, 6);
    for (unsigned k = 0; k < 3; k++) {
        waves.slot[k] = waves.slot[0];
        waves.slot[k].time_q16 = (uint16_t)(k * 4000);
        sine(k, 230, lag[k]);
        sine(3 + k, 10, lag[k]);
    }
    configure();
    for (unsigned k = 0; k < 3; k++) {
        config.slot[k].phase = (uint8_t)(k + 1);
        config.slot[3 + k].reference = (uint8_t)k;
    }
}

static void the_sequence_of_three_voltages_is_told(void **state)
{
    (void)state;
    three_phases(120, 240);
    start();
    assert_true(run(1) > 2);
    assert_int_equal(last.sequence, HWT_METER_SEQUENCE_RIGHT);
    three_phases(240, 120);
    start();
    assert_true(run(1) > 2);
    assert_int_equal(last.sequence, HWT_METER_SEQUENCE_REVERSED);
    assert_true(fabs(last.channel[4].p_w / 2300 - 1) < 1e-3);
    config.slot[2].phase = 0;
    start();
    assert_true(run(1) > 2);
    assert_int_equal(last.sequence, HWT_METER_SEQUENCE_UNKNOWN);
}

static void a_lost_phase_is_flagged_and_the_others_measure_on(void **state)
{
    (void)state;
    three_phases(120, 240);
    sine(1, 40, 120); /* fed back by a motor */
    start();
    assert_true(run(1) > 2);
    assert_int_equal(last.sequence, HWT_METER_SEQUENCE_UNKNOWN);
    assert_int_equal(last.channel[0].flags & HWT_METER_PHASE_LOST, 0);
    assert_true((last.channel[1].flags & HWT_METER_PHASE_LOST) != 0);
    assert_int_equal(last.channel[1].flags & HWT_METER_NO_VOLTAGE, 0);
    sine(1, 2, 120);
    assert_true(run(1) > 2);
    assert_true((last.channel[1].flags & HWT_METER_NO_VOLTAGE) != 0);
    assert_true((last.channel[4].flags & HWT_METER_NO_VOLTAGE) != 0);
    assert_int_equal(last.channel[4].power_quality, HWT_QUALITY_MISSING);
    assert_int_equal(last.channel[3].power_quality, HWT_QUALITY_GOOD);
}

static void a_group_nets_over_its_phases_and_its_clamps_do_not(void **state)
{
    struct hwt_meter_total t;

    (void)state;
    three_phases(120, 240);
    sine(5, 4, 60); /* the third phase feeds back 4 A: 240 degrees less half a turn */
    config.groups = 1;
    config.group[0].clamps = 0x38;
    config.group[0].vector_import_mj = 5000000;
    start();
    assert_true(run(2) > 5);
    t = last.total[0];
    assert_int_equal(t.quality, HWT_QUALITY_GOOD);
    assert_true(fabs(t.p_w / (16 * 230) - 1) < 1e-3);
    assert_true(fabs(t.se_va / (3 * 230 * sqrt((100 + 100 + 16) / 3.0)) - 1) < 1e-3);
    assert_true(fabs(t.pf - t.p_w / t.se_va) < 1e-12);
    assert_int_equal(t.vector_export_mj, 0);
    assert_int_equal(t.phase_export_mj, last.channel[5].export_mj);
    assert_int_equal(t.phase_import_mj, last.channel[3].import_mj + last.channel[4].import_mj);
    assert_true(llabs(t.vector_import_mj - 5000000 - (t.phase_import_mj - t.phase_export_mj)) <= 4);
    sine(1, 2, 120); /* a phase lost: no total, energy of the others */
    assert_true(run(1) > 2);
    assert_int_equal(last.total[0].quality, HWT_QUALITY_MISSING);
    assert_true(last.total[0].vector_import_mj > t.vector_import_mj);
}

static void a_load_between_two_voltages_has_their_difference(void **state)
{
    (void)state;
    three_phases(120, 240);
    config.slot[3].between = true;
    config.slot[3].minus = 1;
    waves.slot[0].lead_deg = waves.slot[1].lead_deg = 0.4;
    waves.slot[3].lead_deg = 2.5;
    for (unsigned k = 0; k < 4; k++) {
        config.slot[k].phase_deg = waves.slot[k].lead_deg;
    }
    sine(3, 10, -30 + 20); /* V1 - V2 leads V1 by 30 degrees */
    start();
    assert_true(run(2) > 5);
    assert_true(fabs(last.channel[3].p_w / (3983.72 * 0.9396926) - 1) < 1e-3);
    assert_true(fabs(last.channel[3].q1_var / (3983.72 * 0.3420201) - 1) < 1e-3);
    assert_true(fabs(last.channel[3].s_va / 3983.72 - 1) < 1e-3);
}

static void a_derived_phase_is_labelled(void **state)
{
    (void)state;
    waves_init(&waves, 2, 6);
    sine(1, 10, 120 + 60);
    sine(2, 10, 240);
    configure();
    config.slot[1].shift_deg = 120;
    config.slot[2].shift_deg = -120;
    start();
    assert_true(run(2) > 5);
    for (unsigned k = 1; k < 3; k++) {
        assert_true((last.channel[k].flags & HWT_METER_DERIVED) != 0);
        assert_int_equal(last.channel[k].power_quality, HWT_QUALITY_SUSPECT);
        assert_true(fabs(last.channel[k].p_w / (k == 1 ? 1150 : 2300) - 1) < 1e-3);
    }
    assert_true(last.channel[1].import_mj > 1500000);
}

static void the_curve_of_a_clamp_bends_ratio_and_phase(void **state)
{
    static const struct hwt_meter_curve_point p[] = {{1, 1.05, 3}, {100, 0.95, 1}};
    static const struct hwt_meter_curve curve = {p, 2};

    (void)state;
    waves_init(&waves, 1, 3);
    waves.slot[1].lead_deg = 2; /* at 10 A, the middle */
    sine(1, 10, 60);
    configure();
    config.slot[1].phase_deg = 0;
    config.slot[1].curve = &curve;
    start();
    assert_true(run(2) > 5);
    assert_true(fabs(last.channel[1].rms / 10 - 1) < 1e-3);
    assert_true(fabs(last.channel[1].p_w / 1150 - 1) < 1e-3);
    waves.slot[1].lead_deg = 1;
    waves.slot[1].codes *= 1 / 0.95;
    sine(1, 100, 60);
    assert_true(run(2) > 5);
    assert_true(fabs(last.channel[1].p_w / 11500 - 1) < 1e-3);
}

static void the_curve_of_a_voltage_turns_its_phase(void **state)
{
    static const struct hwt_meter_curve_point p[] = {{200, 1, 4}, {260, 1, 7}};
    static const struct hwt_meter_curve curve = {p, 2};

    (void)state;
    waves_init(&waves, 1, 3);
    waves.slot[0].lead_deg = 5.5;
    sine(1, 10, 60);
    configure();
    config.slot[0].phase_deg = 0;
    config.slot[0].curve = &curve;
    start();
    assert_true(run(2) > 5);
    assert_true(fabs(last.channel[1].p_w / 1150 - 1) < 1e-3);
}

static void a_trim_counts_at_once_and_registers_go_on(void **state)
{
    int64_t before;

    (void)state;
    waves_init(&waves, 1, 3);
    waves.slot[0].codes *= 1 / 1.01;
    waves.slot[1].codes *= 1 / 1.02;
    waves.slot[1].lead_deg = 3;
    sine(1, 10, 60);
    configure();
    config.slot[0].ratio /= 1.01; /* as if they were not known */
    config.slot[1].ratio /= 1.02;
    config.slot[1].phase_deg = 2;
    start();
    assert_true(run(2) > 5);
    assert_true(fabs(last.channel[1].rms / (10 / 1.02) - 1) < 1e-3);
    before = last.channel[1].import_mj;
    assert_int_equal(hwt_meter_trim(&meter, 0, config.slot[0].ratio * 1.01, 0), 0);
    assert_int_equal(hwt_meter_trim(&meter, 1, config.slot[1].ratio * 1.02, 3), 0);
    assert_true(run(2) > 5);
    assert_true(fabs(last.channel[0].rms / 230 - 1) < 1e-3);
    assert_true(fabs(last.channel[1].rms / 10 - 1) < 1e-3);
    assert_true(fabs(last.channel[1].p_w / 1150 - 1) < 1e-3);
    assert_true(last.channel[1].import_mj > before + 2000000);
    assert_int_equal(hwt_meter_trim(&meter, 1, 0, 3), HWT_ERR_ARGUMENT);
    assert_int_equal(hwt_meter_trim(&meter, 1, 1, 46), HWT_ERR_ARGUMENT);
    assert_int_equal(hwt_meter_trim(&meter, 23, 1, 0), HWT_ERR_ARGUMENT);
}

/* A triangle of 64 codes in 5 s has this slope. */
static void a_sloping_offset_is_no_current(void **state)
{
    double irms2 = 0, p = 0;
    unsigned n = 0;

    (void)state;
    waves_init(&waves, 1, 3);
    waves.slot[1].drift = 51.2;
    sine(1, 0.5, 60);
    configure();
    config.slot[1].noise = 0.7;
    start();
    assert_true(run(1) > 2);
    for (; n < 20; n++) {
        assert_true(run(0.25) >= 1);
        irms2 += last.channel[1].rms * last.channel[1].rms / 20;
        p += last.channel[1].p_w / 20;
    }
    assert_true(fabs(sqrt(irms2) / 0.5 - 1) < 0.01); /* 0.5 A is 5.9 codes; 10 codes a window */
    assert_true(fabs(p / 57.5 - 1) < 0.02);
}

static void learned_noise_is_taken_out_of_the_current(void **state)
{
    double irms2 = 0, s = 0;

    (void)state;
    waves_init(&waves, 1, 3);
    configure();
    start();
    assert_true(run(30) > 100);
    assert_true(fabs(last.channel[1].noise - 0.7) < 0.06);
    assert_int_equal(last.channel[1].flags & (HWT_METER_NOISY | HWT_METER_QUIET), 0);
    sine(1, 0.1, 0);
    (void)run(0.5);
    for (unsigned n = 0; n < 40; n++) {
        (void)run(0.25);
        irms2 += last.channel[1].rms * last.channel[1].rms / 40;
        s += last.channel[1].s_va / 40;
    }
    assert_true(fabs(sqrt(irms2) / 0.1 - 1) < 0.05); /* 19 % with the noise in it */
    assert_true(fabs(s / 23 - 1) < 0.06);
}

static void noise_is_learned_anew_when_the_codes_change(void **state)
{
    (void)state;
    waves_init(&waves, 1, 3);
    configure();
    config.slot[1].noise = 0.6;
    start();
    (void)run(1);
    assert_true(fabs(last.channel[1].noise - 0.6) < 0.1); /* told, before 50 windows have passed */
    waves.bits = 14;
    (void)run(1);
    assert_true(last.channel[1].noise < 0);
}

static void noise_outside_its_range_is_told(void **state)
{
    static const struct {
        double noise;
        unsigned flag;
        uint8_t bits;
        const char *why;
    } rows[] = {
        {0, HWT_METER_QUIET, 12, "none"},
        {0.2, HWT_METER_QUIET, 12, "below the converter's steps"},
        {0.33, HWT_METER_QUIET, 12, "a little below"},
        {0.55, 0, 12, "as it should be"},
        {1.2, HWT_METER_NOISY, 12, "too much"},
        {1.5, 0, 16, "less than 0.7 codes of 12 bits"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned got;

        waves_init(&waves, 1, 3);
        waves.bits = rows[i].bits;
        waves.slot[1].noise = rows[i].noise;
        configure();
        start();
        (void)run(20);
        got = last.channel[1].flags & (HWT_METER_QUIET | HWT_METER_NOISY);
        if (got != rows[i].flag) {
            fail_msg("%s: flags %u, noise %g", rows[i].why, got, last.channel[1].noise);
        }
    }
}

static void a_consumer_that_feeds_back_for_seconds_is_a_clamp_turned_round(void **state)
{
    (void)state;
    waves_init(&waves, 2, 3);
    sine(1, 5, 170);
    sine(2, 5, 180);
    configure();
    config.slot[1].consumer = true;
    start();
    (void)run(3);
    assert_int_equal(last.channel[1].flags & HWT_METER_REVERSED, 0);
    (void)run(4);
    assert_true((last.channel[1].flags & HWT_METER_REVERSED) != 0);
    assert_int_equal(last.channel[2].flags & HWT_METER_REVERSED, 0);
    sine(1, 5, 0);
    (void)run(1);
    assert_int_equal(last.channel[1].flags & HWT_METER_REVERSED, 0);
}

/* A resistor seen by a clamp that leads by 15 degrees more than it should; others that lead. */
static void a_clamp_that_does_not_close_is_told_from_loads_that_lead(void **state)
{
    static const struct {
        double lead_deg, lag_deg, fifth;
        bool gaping;
        const char *why;
    } rows[] = {
        {2.5, 0, 0.03, false, "a resistor, the clamp closed"},
        {17.5, 0, 0.03, true, "a resistor, a gap of a sheet of paper"},
        {6, 0, 0.03, false, "a resistor, a clamp of 3.5 degrees more"},
        {32.5, 0, 0.03, true, "a resistor, a gap of 0.04 mm"},
        {2.5, -20, 0.15, false, "a capacitor: its fifth is five times as large"},
        {2.5, 20, 0.03, false, "lagging"},
        {2.5, -12, 0.4, false, "a converter"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool got;

        waves_init(&waves, 1, 3);
        waves.slot[0].term[1] = (struct waves_term){5, 230 * 0.03, 0};
        sine(1, 20, rows[i].lag_deg);
        waves.slot[1].term[1] = (struct waves_term){5, 20 * rows[i].fifth, 0};
        waves.slot[1].lead_deg = rows[i].lead_deg;
        configure();
        config.slot[1].phase_deg = 2.5;
        start();
        (void)run(12);
        got = (last.channel[1].flags & HWT_METER_GAPING) != 0;
        if (got != rows[i].gaping) {
            fail_msg("%s: %s", rows[i].why, got ? "gaping" : "not gaping");
        }
    }
}

static void clipping_is_flagged_beside_the_quality(void **state)
{
    (void)state;
    waves_init(&waves, 2, 3);
    sine(1, 130, 0);
    sine(2, 1, 0);
    configure();
    start();
    (void)run(1);
    assert_true((last.channel[1].flags & HWT_METER_CLIPPED) != 0);
    assert_int_equal(last.channel[2].flags & HWT_METER_CLIPPED, 0);
    assert_int_equal(last.channel[0].flags & HWT_METER_CLIPPED, 0);
}

static void a_no_load_rule_keeps_the_registers_and_says_so(void **state)
{
    (void)state;
    waves_init(&waves, 1, 3);
    configure();
    config.slot[1].no_load_w = 0.5;
    config.slot[1].import_mj = 77;
    start();
    (void)run(70);
    assert_int_equal(last.channel[1].import_mj, 77);
    assert_int_equal(last.channel[1].export_mj, 0);
    assert_true((last.channel[1].flags & HWT_METER_IDLE) != 0);
    sine(1, 0.1, 0);
    (void)run(5);
    assert_int_equal(last.channel[1].flags & HWT_METER_IDLE, 0);
    assert_true(last.channel[1].import_mj > 100000); /* 115 J */
}

static void what_an_empty_clamp_shows_of_the_voltage_is_taken_out(void **state)
{
    (void)state;
    waves_init(&waves, 1, 3);
    sine(1, 10, 60);
    configure();
    config.slot[1].leak_s = 1e-3;
    config.slot[1].leak_b_s = 2e-3;
    start();
    assert_true(run(1) > 2);
    assert_true(fabs(last.channel[1].p_w - (1150 - 52.9)) < 1.5);
    assert_true(fabs(last.channel[1].q1_var - (1991.86 + 105.8)) < 1.5);
}

static void the_selected_slot_and_its_reference_give_their_harmonics(void **state)
{
    struct hwt_meter_spectrum s;

    (void)state;
    waves_init(&waves, 1, 3);
    waves.slot[0].lead_deg = 4;
    waves.slot[0].term[1] = (struct waves_term){5, 11.5, -30};
    waves.slot[1].lead_deg = 2.5;
    sine(1, 10, 40);
    waves.slot[1].term[1] = (struct waves_term){3, 2, -100};
    configure();
    start();
    assert_true(run(1) > 2);
    assert_false(hwt_meter_spectrum(&meter, 1, &s));
    assert_int_equal(hwt_meter_select(&meter, 2), HWT_ERR_ARGUMENT);
    assert_int_equal(hwt_meter_select(&meter, 1), 0);
    assert_true(run(1) > 2);
    assert_true(hwt_meter_spectrum(&meter, 1, &s));
    assert_int_equal(s.slot, 1);
    assert_true(s.device_us == last.device_us);
    assert_true(fabs(s.rms[0] - 10) < 0.01 && fabs(s.angle_deg[0] + 40) < 0.1);
    assert_true(fabs(s.rms[2] - 2) < 0.01 && fabs(s.angle_deg[2] - 100) < 0.3);
    assert_true(s.rms[6] < 0.01);
    assert_true(hwt_meter_spectrum(&meter, 0, &s));
    assert_true(fabs(s.rms[4] - 11.5) < 0.02 && fabs(s.angle_deg[4] - 30) < 0.3);
    assert_true(fabs(last.channel[1].thd - 0.2) < 0.002);
    assert_int_equal(hwt_meter_select(&meter, -1), 0);
    assert_true(run(1) > 2);
    assert_false(hwt_meter_spectrum(&meter, 1, &s));
}

static void displacement_and_angle_are_of_the_fundamental(void **state)
{
    (void)state;
    waves_init(&waves, 1, 3);
    sine(1, 10, 30);
    waves.slot[1].term[1] = (struct waves_term){3, 6, 0};
    configure();
    start();
    assert_true(run(1) > 2);
    assert_true(fabs(last.channel[1].pf1 - cos(WAVES_PI / 6)) < 1e-3);
    assert_true(fabs(last.channel[1].pf - cos(WAVES_PI / 6) * 10 / sqrt(136)) < 1e-3);
    assert_true(fabs(last.channel[1].angle_deg + 30) < 0.05);
    assert_true(fabs(last.channel[1].fundamental / 10 - 1) < 1e-3);
    assert_true(fabs(last.channel[0].angle_deg) < 1e-9);
    assert_int_equal(last.channel[1].angle_quality, HWT_QUALITY_GOOD);
}

static void a_sensor_for_direct_current_keeps_its_mean(void **state)
{
    (void)state;
    waves_init(&waves, 1, 3);
    sine(1, 3, 0);
    waves.slot[1].offset = 4 * 11.8;
    configure();
    config.slot[1].dc = true;
    start();
    assert_true(run(1) > 2);
    assert_true(fabs(last.channel[1].rms - 5) < 0.01);
}

static void a_configuration_that_contradicts_itself_is_refused(void **state)
{
    static const struct hwt_meter_curve none = {NULL, 0};
    struct hwt_meter_config good;

    (void)state;
    three_phases(120, 240);
    good = config;
    for (unsigned k = 0; k < 13; k++) {
        config = good;
        switch (k) {
        case 0:
            config.slot[3].curve = &none;
            break;
        case 1:
            config.slot[3].shift_deg = 181;
            break;
        case 2:
            config.slot[3].between = true; /* the same voltage at both ends */
            config.slot[3].minus = 0;
            break;
        case 3:
            config.slot[3].between = true;
            config.slot[3].minus = 4; /* a clamp */
            break;
        case 4:
            config.slot[0].phase = 4;
            break;
        case 5:
            config.groups = HWT_METER_GROUPS_MAX + 1;
            break;
        case 6:
            config.groups = 1; /* of nothing */
            break;
        case 7:
            config.groups = 1;
            config.group[0].clamps = 1; /* a voltage */
            break;
        case 8:
            config.slot[3].no_load_w = -1;
            break;
        case 9:
            config.slot[3].noise = 101;
            break;
        case 10:
            config.slot[3].reactive_mj[2] = -1;
            break;
        case 11:
            config.slot[3].leak_s = (double)NAN;
            break;
        default:
            config.slot[3].between = true; /* a derived phase has one voltage */
            config.slot[3].minus = 1;
            config.slot[3].shift_deg = 120;
            break;
        }
        if (hwt_meter_init(&meter, &config) != HWT_ERR_ARGUMENT) {
            fail_msg("row %u is taken", k);
        }
    }
    assert_int_equal(hwt_meter_init(&meter, &good), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequence_of_three_voltages_is_told),
        cmocka_unit_test(a_lost_phase_is_flagged_and_the_others_measure_on),
        cmocka_unit_test(a_group_nets_over_its_phases_and_its_clamps_do_not),
        cmocka_unit_test(a_load_between_two_voltages_has_their_difference),
        cmocka_unit_test(a_derived_phase_is_labelled),
        cmocka_unit_test(the_curve_of_a_clamp_bends_ratio_and_phase),
        cmocka_unit_test(the_curve_of_a_voltage_turns_its_phase),
        cmocka_unit_test(a_trim_counts_at_once_and_registers_go_on),
        cmocka_unit_test(a_sloping_offset_is_no_current),
        cmocka_unit_test(learned_noise_is_taken_out_of_the_current),
        cmocka_unit_test(noise_is_learned_anew_when_the_codes_change),
        cmocka_unit_test(noise_outside_its_range_is_told),
        cmocka_unit_test(a_consumer_that_feeds_back_for_seconds_is_a_clamp_turned_round),
        cmocka_unit_test(a_clamp_that_does_not_close_is_told_from_loads_that_lead),
        cmocka_unit_test(clipping_is_flagged_beside_the_quality),
        cmocka_unit_test(a_no_load_rule_keeps_the_registers_and_says_so),
        cmocka_unit_test(what_an_empty_clamp_shows_of_the_voltage_is_taken_out),
        cmocka_unit_test(the_selected_slot_and_its_reference_give_their_harmonics),
        cmocka_unit_test(displacement_and_angle_are_of_the_fundamental),
        cmocka_unit_test(a_sensor_for_direct_current_keeps_its_mean),
        cmocka_unit_test(a_configuration_that_contradicts_itself_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
