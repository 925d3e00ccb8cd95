/* daemon/run/calibration_log: a clamp against a meter, and circuits against their main clamp, from
 * the records of a log: meters that count in steps and are read now and then, holes, another
 * register. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "daemon/run/calibration_log.h"
#include "tests/log/ramdev.h"

#define DEGREE    (3.14159265358979323846 / 180)
#define MJ_PER_WH 3600000.0

enum { RECORDS = 3 * 360, SPAN_MS = 10000, CLAMPS = 4 };

/* Columns: of each clamp (0 the main one) import, export, reactive power; then the meter. */
enum { PER_CLAMP = 3, REGISTER = CLAMPS * PER_CLAMP, METER_POWER, COLUMNS };

static const struct hwt_channel channel[COLUMNS] = {
    {"main_import", HWT_Q_IMPORT},
    {"main_export", HWT_Q_EXPORT},
    {"main_reactive_power", HWT_Q_REACTIVE_POWER},
    {"a_import", HWT_Q_IMPORT},
    {"a_export", HWT_Q_EXPORT},
    {"a_reactive_power", HWT_Q_REACTIVE_POWER},
    {"b_import", HWT_Q_IMPORT},
    {"b_export", HWT_Q_EXPORT},
    {"b_reactive_power", HWT_Q_REACTIVE_POWER},
    {"pv_import", HWT_Q_IMPORT},
    {"pv_export", HWT_Q_EXPORT},
    {"pv_reactive_power", HWT_Q_REACTIVE_POWER},
    {"sdm_import", HWT_Q_IMPORT},
    {"sdm_power", HWT_Q_POWER},
};
static const struct hwt_schema schema = {channel, COLUMNS};

struct story {
    double gain[CLAMPS], lead_deg; /* hidden: what corrects each clamp; of `a` */
    double step_wh;                /* of the register */
    unsigned every_s;              /* the meter is read */
    bool constant;                 /* `a` never moves */
    unsigned hole, swap; /* record after which some are missing; the register is another */
    bool no_register;
    bool idle; /* nothing to speak of flows through `b` */
};

struct fixture {
    struct ramdev *dev;
    struct hwt_tslog *log;
    struct hwt_tslog_snapshot *snapshot;
};

static double load(const struct story *s, unsigned clamp, int t_s)
{
    switch (clamp) {
    case 1: /* a heat pump that comes and goes */
        return s->constant ? 1507.3 : t_s / 700 % 3 == 0 ? 40 : 1500 + 700 * sin(t_s / 200.0);
    case 2:
        return s->idle ? 0.5 : t_s / 410 % 4 == 1 ? 2000 : 5;
    default: /* feeds in: its own power is positive, the main's less by it */
        return t_s / 1900 % 2 == 1 ? 1200 + 500 * sin(t_s / 333.0) : 0;
    }
}

/* The main clamp sees a + b - pv and 30 W that nobody else does. Each second counts. */
static void write_log(struct fixture *f, const struct story *s)
{
    double wh[CLAMPS] = {0}, meter_wh = 5000, shown_wh = 5000, shown_w = 0;
    int64_t shown_s = 0, sequence_at = 0;

    for (int i = 1; i <= RECORDS; i++) {
        struct hwt_value value[COLUMNS] = {{.v = 0}};
        struct hwt_record r = {.unix_ms = (int64_t)i * SPAN_MS,
                               .mono_us = (int64_t)i * SPAN_MS * 1000,
                               .boot = 1,
                               .span_ms = SPAN_MS,
                               .clock = HWT_CLOCK_SYNCED,
                               .count = COLUMNS,
                               .value = value};
        double q[CLAMPS] = {0};
        uint64_t sequence;

        for (int t = (i - 1) * 10; t < i * 10; t++) {
            double p[CLAMPS] = {0, load(s, 1, t), load(s, 2, t), load(s, 3, t)};
            double q_a = p[1] * tan((10 + 25 * sin(t / 900.0)) * DEGREE),
                   lead = s->lead_deg * DEGREE;

            p[0] = p[1] + p[2] - p[3] + 30;
            meter_wh += p[1] / 3600;
            for (unsigned c = 0; c < CLAMPS; c++) {
                double seen = c == 1 ? p[1] * cos(lead) + q_a * sin(lead) : p[c];

                wh[c] += seen / s->gain[c] / 3600;
            }
            q[1] += (q_a * cos(lead) - p[1] * sin(lead)) / s->gain[1] / 10;
            if ((t + 1) % (int)s->every_s == 0) {
                shown_wh = floor(meter_wh / s->step_wh) * s->step_wh;
                shown_w = p[1];
                shown_s = t + 1;
            }
        }
        meter_wh = i == (int)s->swap ? 77 : meter_wh;
        for (unsigned c = 0; c < CLAMPS; c++) {
            bool in = wh[c] >= 0;

            value[c * PER_CLAMP] = (struct hwt_value){.v = llround(in ? wh[c] * MJ_PER_WH : 0),
                                                      .quality = HWT_QUALITY_GOOD};
            value[c * PER_CLAMP + 1] = (struct hwt_value){.v = llround(in ? 0 : -wh[c] * MJ_PER_WH),
                                                          .quality = HWT_QUALITY_GOOD};
            value[c * PER_CLAMP + 2] =
                (struct hwt_value){.v = llround(q[c] * 10), .quality = HWT_QUALITY_GOOD};
        }
        value[REGISTER] = (struct hwt_value){
            .v = llround(shown_wh * MJ_PER_WH),
            .quality = shown_s > 0 && !s->no_register ? HWT_QUALITY_GOOD : HWT_QUALITY_MISSING,
            .age_ms = (uint32_t)((i * 10 - shown_s) * 1000)};
        value[METER_POWER] =
            (struct hwt_value){.v = llround(shown_w * 10),
                               .quality = s->every_s <= 1 ? HWT_QUALITY_GOOD : HWT_QUALITY_MISSING};
        if (s->hole == 0 || i <= (int)s->hole || i > (int)s->hole + 40) {
            assert_int_equal(hwt_tslog_append(f->log, 0, &schema, &r, &sequence), 0);
            sequence_at = (int64_t)sequence;
        }
    }
    assert_true(sequence_at > 0);
    assert_int_equal(hwt_tslog_commit(f->log), 0);
    hwt_tslog_snapshot(f->log, f->snapshot);
}

static void open_log(struct fixture *f, const struct story *s)
{
    struct hwt_tslog_config config;
    struct hwt_tslog_recovery recovery;

    f->dev = ramdev_new(16 * HWT_TSLOG_PAGE, 60, 0xFF);
    f->log = calloc(1, sizeof(*f->log));
    f->snapshot = calloc(1, sizeof(*f->snapshot));
    config = (struct hwt_tslog_config){.bd = ramdev_bd(f->dev)};
    assert_int_equal(hwt_tslog_open(f->log, &config, &recovery), 0);
    assert_int_equal(hwt_tslog_stream(f->log, HWT_TSLOG_OWN, HWT_PROVENANCE_MEASURED), 0);
    write_log(f, s);
}

static void close_log(struct fixture *f)
{
    ramdev_free(f->dev);
    free(f->log);
    free(f->snapshot);
}

static struct calibration_series series_of(const struct fixture *f)
{
    return (struct calibration_series){
        .snapshot = f->snapshot,
        .what = {{.plus = "a_import", .minus = "a_export", .reactive = "a_reactive_power"}},
        .count = 1,
        .against = {.plus = "sdm_import"},
        .to_ms = (int64_t)RECORDS * SPAN_MS,
        .first = 1};
}

static void a_meters_register_in_steps_gives_gain_and_phase(void **state)
{
    static const struct {
        struct story story;
        double gain_half, phase_half; /* at most; phase 0: none is to be told */
        unsigned left_out;
        const char *why;
    } rows[] = {
        {{.gain = {1, 1.013, 1, 1}, .lead_deg = 1.5, .step_wh = 1, .every_s = 10},
         0.01,
         0.5,
         0,
         "1 Wh, each record"},
        {{.gain = {1, 0.98, 1, 1}, .lead_deg = -1, .step_wh = 1, .every_s = 60},
         0.01,
         0.5,
         0,
         "1 Wh, each minute, carried on between"},
        {{.gain = {1, 1.02, 1, 1}, .lead_deg = 0, .step_wh = 10, .every_s = 30},
         0.01,
         0.5,
         0,
         "10 Wh, twice a minute"},
        {{.gain = {1, 1.02, 1, 1}, .lead_deg = 0, .step_wh = 1, .every_s = 10, .constant = true},
         0.01,
         0.5,
         0,
         "a load that never moves, its power factor does"},
        {{.gain = {1, 1.013, 1, 1}, .lead_deg = 1.5, .step_wh = 1, .every_s = 10, .hole = 500},
         0.01,
         0.5,
         0,
         "40 records are missing"},
        {{.gain = {1, 1.013, 1, 1}, .lead_deg = 1.5, .step_wh = 1, .every_s = 10, .swap = 500},
         0.01,
         0.5,
         0,
         "another meter"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f;
        struct calibration_series series;
        struct calibration_result r;
        const struct story *s = &rows[i].story;

        open_log(&f, s);
        series = series_of(&f);
        calibration_against_meter(&series, &r);
        close_log(&f);
        if (!r.known[0] || fabs(r.gain[0].value - s->gain[1]) > r.gain[0].half ||
            r.gain[0].half > rows[i].gain_half || r.left_out != rows[i].left_out ||
            (rows[i].phase_half > 0) != r.has_phase ||
            (r.has_phase && (fabs(r.phase_deg.value - s->lead_deg) > r.phase_deg.half ||
                             r.phase_deg.half > rows[i].phase_half))) {
            fail_msg("%s: %s gain %.5f +-%.5f, phase %d %.3f +-%.3f, %u blocks, %u left out",
                     rows[i].why, r.refusal, r.gain[0].value, r.gain[0].half, r.has_phase,
                     r.phase_deg.value, r.phase_deg.half, r.blocks, r.left_out);
        }
    }
}

static void a_meters_power_will_do(void **state)
{
    struct story s = {.gain = {1, 1.02, 1, 1}, .step_wh = 1, .every_s = 1, .no_register = true};
    struct fixture f;
    struct calibration_series series;
    struct calibration_result r;

    (void)state;
    open_log(&f, &s);
    series = series_of(&f);
    series.against = (struct calibration_energy){.power = "sdm_power"};
    calibration_against_meter(&series, &r);
    close_log(&f);
    assert_string_equal(r.refusal, "");
    assert_true(fabs(r.gain[0].value - 1.02) <= r.gain[0].half);
}

static void what_the_records_do_not_tell_is_refused(void **state)
{
    struct story s = {.gain = {1, 1, 1, 1}, .step_wh = 1, .every_s = 10};
    struct fixture f;
    struct calibration_series series;
    struct calibration_result r;

    (void)state;
    open_log(&f, &s);
    series = series_of(&f);
    series.to_ms = 200000;
    calibration_against_meter(&series, &r);
    assert_non_null(strstr(r.refusal, "at least"));
    assert_false(r.known[0]);
    series = series_of(&f);
    series.first = RECORDS - 10; /* those before rest on another sensor */
    calibration_against_meter(&series, &r);
    assert_non_null(strstr(r.refusal, "at least"));
    series = series_of(&f);
    strcpy(series.what[0].plus, "pv_import"); /* not the same circuit */
    calibration_against_meter(&series, &r);
    assert_true(r.refusal[0] != '\0');
    close_log(&f);
}

static void find_each_circuit(bool idle)
{
    struct story s = {.gain = {1, 1.02, 0.97, 1.01}, .step_wh = 1, .every_s = 10, .idle = idle};
    static const char *const id[] = {"a", "b", "pv"};
    struct fixture f;
    struct calibration_series series;
    struct calibration_result r;

    open_log(&f, &s);
    series = (struct calibration_series){.snapshot = f.snapshot,
                                         .count = 3,
                                         .against = {.plus = "main_import", .minus = "main_export"},
                                         .to_ms = (int64_t)RECORDS * SPAN_MS,
                                         .first = 1};
    for (unsigned i = 0; i < 3; i++) {
        snprintf(series.what[i].plus, sizeof(series.what[i].plus), "%s_import", id[i]);
        snprintf(series.what[i].minus, sizeof(series.what[i].minus), "%s_export", id[i]);
        series.what[i].negative = i == 2;
    }
    calibration_against_main(&series, &r);
    close_log(&f);
    assert_string_equal(r.refusal, "");
    for (unsigned i = 0; i < 3; i++) {
        if (idle && i == 1) {
            assert_false(r.known[i]);
            continue;
        }
        if (!r.known[i] || fabs(r.gain[i].value - s.gain[i + 1]) > r.gain[i].half + 1e-6 ||
            r.gain[i].half > 0.002) {
            fail_msg("%s: %.6f +-%.6f", id[i], r.gain[i].value, r.gain[i].half);
        }
    }
    assert_true(fabs(r.offset_w.value - (idle ? 30.5 : 30)) < 0.5);
}

static void each_circuits_part_of_the_main_is_found(void **state)
{
    (void)state;
    find_each_circuit(false);
}

static void a_circuit_without_energy_does_not_hinder_the_others(void **state)
{
    (void)state;
    find_each_circuit(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_meters_register_in_steps_gives_gain_and_phase),
        cmocka_unit_test(a_meters_power_will_do),
        cmocka_unit_test(what_the_records_do_not_tell_is_refused),
        cmocka_unit_test(each_circuits_part_of_the_main_is_found),
        cmocka_unit_test(a_circuit_without_energy_does_not_hinder_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
