/* daemon/run/calibration: what counts of the values found, that they are kept, and the corrections
 * that bring the log to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/run/calibration.h"
#include "daemon/run/calibration_past.h"
#include "tests/log/folder.h"
#include "tests/log/ramdev.h"

#define DEGREE   (3.14159265358979323846 / 180)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char house[] = "version: 1\nsources:\n  - id: s\n    type: samples\n    socket: x\n"
                            "    voltages: [{id: mains, slot: 0, ratio: 0.2}]\n"
                            "    clamps:\n      - {id: hp, slot: 1, ratio: 0.1, phase_deg: 2}\n"
                            "      - {id: hob, slot: 2, ratio: 0.1}\nroles: {elec: hp}\n";

struct rig {
    struct folder *folder;
    struct config *config;
    struct installation site;
    struct calibration *c;
    uint64_t next;
    double ratio[SOURCES_MAX], phase_deg[SOURCES_MAX]; /* as applied */
    unsigned mains, hp, hob;
};

static uint64_t next_record(void *ctx)
{
    return ((struct rig *)ctx)->next;
}

static void apply(void *ctx, unsigned source, double ratio, double phase_deg)
{
    struct rig *r = ctx;

    r->ratio[source] = ratio;
    r->phase_deg[source] = phase_deg;
}

static struct calibration *open_calibration(struct rig *r, char *error)
{
    struct calibration_options o = {.site = &r->site,
                                    .data_dir = r->folder->dir,
                                    .uuid = {7},
                                    .apply = apply,
                                    .next_record = next_record,
                                    .ctx = r};

    return calibration_new(&o, error, CALIBRATION_ERROR_MAX);
}

static void start(struct rig *r, struct folder *folder, const char *text)
{
    struct config_problems problems;
    char error[CALIBRATION_ERROR_MAX] = "";

    config_problems_init(&problems);
    r->folder = folder;
    r->config = config_parse(text, strlen(text), "t.yaml", &problems);
    config_problems_free(&problems);
    assert_non_null(r->config);
    memset(&r->site, 0, sizeof(r->site));
    assert_true(installation_make(&r->site, r->config));
    r->c = open_calibration(r, error);
    if (r->c == NULL) {
        fail_msg("%s", error);
    }
    r->mains = (unsigned)calibration_input(r->c, "mains");
    r->hp = (unsigned)calibration_input(r->c, "hp");
    r->hob = (unsigned)calibration_input(r->c, "hob");
}

static void end(struct rig *r)
{
    calibration_free(r->c);
    config_free(r->config);
}

static struct calibration_entry entry(const struct rig *r, unsigned input, double gain,
                                      double phase_deg, double voltage_gain)
{
    struct calibration_entry e = {.method = CALIBRATION_METER,
                                  .note = "a test",
                                  .unix_ms = 1800000000000,
                                  .from_ms = 1,
                                  .to_ms = 2,
                                  .has_gain = gain > 0,
                                  .has_phase = phase_deg > 0 || phase_deg < 0,
                                  .gain = {gain, 0.005},
                                  .phase_deg = {phase_deg, 0.1},
                                  .voltage_gain = voltage_gain,
                                  .nominal = calibration_nominal(r->c, input)};

    strcpy(e.input, r->site.source[input].id);
    return e;
}

static void add(struct rig *r, struct calibration_entry e)
{
    char error[CALIBRATION_ERROR_MAX];

    assert_true(calibration_add(r->c, &e, 1, error));
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void the_newest_counts_over_the_nominal_and_a_start_anew(void **state)
{
    struct rig r = {.next = 5};
    char error[CALIBRATION_ERROR_MAX];
    double ratio, phase_deg;

    start(&r, *state, house);
    calibration_sensor(r.c, r.hp, &ratio, &phase_deg);
    assert_true(near(ratio, 0.1) && near(phase_deg, 2));
    add(&r, entry(&r, r.hp, 1.01, 0.5, 0));
    assert_true(near(r.ratio[r.hp], 0.101) && near(r.phase_deg[r.hp], 2.5));
    add(&r, entry(&r, r.hp, 1.02, 0, 0)); /* a gain alone: the phase stays */
    assert_true(near(r.ratio[r.hp], 0.102) && near(r.phase_deg[r.hp], 2.5));
    assert_true(near(r.ratio[r.hob], 0.1));
    calibration_free(r.c);

    r.c = open_calibration(&r, error);
    assert_non_null(r.c);
    calibration_sensor(r.c, r.hp, &ratio, &phase_deg);
    assert_true(near(ratio, 0.102) && near(phase_deg, 2.5));
    assert_int_equal(calibration_counts(r.c, r.hp, false)->number, 2);
    assert_int_equal(calibration_counts(r.c, r.hp, true)->number, 1);
    assert_string_equal(calibration_find(r.c, 1)->note, "a test");
    assert_true(calibration_take_back(r.c, 2, 1800000001000, error));
    assert_true(near(r.ratio[r.hp], 0.101));
    add(&r, entry(&r, r.hp, 1.03, 0, 0));
    assert_int_equal(calibration_counts(r.c, r.hp, false)->number, 3); /* 2 is not given again */
    end(&r);
}

static void another_sensor_of_the_configuration_is_not_corrected(void **state)
{
    struct rig r = {.next = 1};
    double ratio, phase_deg;
    char text[sizeof(house)];
    char *at;

    start(&r, *state, house);
    add(&r, entry(&r, r.hp, 1.01, 0.5, 0));
    end(&r);
    strcpy(text, house);
    at = strstr(text, "ratio: 0.1, phase");
    at[9] = '2'; /* 0.1 becomes 0.2 */
    at[9] = '3';
    start(&r, *state, text);
    calibration_sensor(r.c, r.hp, &ratio, &phase_deg);
    assert_true(near(ratio, 0.3) && near(phase_deg, 2));
    end(&r);
    start(&r, *state, house); /* and the old one is again */
    calibration_sensor(r.c, r.hp, &ratio, &phase_deg);
    assert_true(near(ratio, 0.101));
    end(&r);
}

static void a_gain_of_power_gives_way_to_one_of_its_voltage(void **state)
{
    struct rig r = {.next = 1};

    start(&r, *state, house);
    add(&r, entry(&r, r.hp, 1.02, 0, 1));  /* found from power with the voltage as it came */
    add(&r, entry(&r, r.hob, 1.02, 0, 0)); /* from amperes */
    add(&r, entry(&r, r.mains, 1.01, 0, 0));
    assert_true(near(r.ratio[r.mains] * r.ratio[r.hp], 0.2 * 0.1 * 1.02));
    assert_true(near(r.ratio[r.hob], 0.102));
    end(&r);
}

static void a_file_that_is_not_ours_is_refused_and_left_alone(void **state)
{
    static const struct {
        const char *text, *says, *why;
    } rows[] = {
        {"", "line 1", "nothing in it"},
        {"{\"version\": 2}", "another version", "of a later one"},
        {"{\"version\": 1, \"log\": \"x\", \"numbers\": 0, \"entries\": {}, \"records\": {}}",
         "not what heatwatt wrote", "entries that are no list"},
        {"{\"version\": 1, \"log\": \"x\", \"numbers\": 0, \"entries\": [{\"number\": 1, "
         "\"input\": "
         "\"hp\", \"method\": \"meter\", \"note\": \"\", \"gain\": 50, \"gain_pct\": 1}], "
         "\"records\": {}}",
         "not what heatwatt wrote", "a gain out of reason"},
    };
    struct folder *folder = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rig r = {.next = 1};
        char error[CALIBRATION_ERROR_MAX] = "", *text;

        start(&r, folder, house);
        folder_write(folder, "calibration.json", rows[i].text, strlen(rows[i].text));
        if (open_calibration(&r, error) != NULL || strstr(error, rows[i].says) == NULL) {
            fail_msg("%s: %s", rows[i].why, error);
        }
        text = folder_read(folder, "calibration.json", NULL);
        assert_string_equal(text, rows[i].text);
        free(text);
        end(&r);
        remove(folder_path(folder, "calibration.json"));
    }
}

static void a_value_that_cannot_be_saved_is_not_applied(void **state)
{
    struct rig r = {.next = 1};
    char error[CALIBRATION_ERROR_MAX] = "";
    struct calibration_entry e;

    start(&r, *state, house);
    assert_int_equal(mkdir(folder_path(r.folder, "calibration.json.new"), 0700), 0);
    e = entry(&r, r.hp, 1.01, 0, 0);
    assert_false(calibration_add(r.c, &e, 1, error));
    assert_non_null(strstr(error, "cannot be written"));
    assert_null(calibration_counts(r.c, r.hp, false));
    assert_true(r.ratio[r.hp] <= 0);
    rmdir(folder_path(r.folder, "calibration.json.new"));
    end(&r);
}

/* --- the past --- */

enum { RECORDS = 200, SINCE = 21, CALIBRATED = 101 };

/* A house whose hp clamp shows 1/1.02 of the current and leads 1 degree too far; the voltage shows
 * 1/1.01. Loads move; record i ends at i x 10 s. */
struct house_record {
    double p, q; /* W, var: true */
};

static struct house_record true_at(int64_t i)
{
    double p = 1000 + 700 * sin((double)i / 7);

    return (struct house_record){p, p * 0.4 + 100 * cos((double)i / 3)};
}

struct past {
    struct ramdev *dev;
    struct hwt_tslog *log;
    struct hwt_tslog_snapshot *snapshot;
    struct hwt_tslog_cursor *cursor;
    int64_t import_mj;
};

static int64_t *at_channel(const struct rig *r, struct hwt_value *value, unsigned source,
                           enum hwt_quantity quantity)
{
    int column = installation_column(&r->site, source, quantity);

    value[column].quality = HWT_QUALITY_GOOD;
    return &value[column].v;
}

static void append(struct past *p, const struct rig *r, int64_t i, double gain, double lead_deg)
{
    struct hwt_value value[HWT_CHANNELS_MAX] = {{.v = 0}};
    struct house_record t = true_at(i);
    double turn = lead_deg * DEGREE, s = hypot(t.p, t.q);
    double power = gain * (t.p * cos(turn) + t.q * sin(turn));
    double reactive = gain * (t.q * cos(turn) - t.p * sin(turn));
    uint64_t sequence;
    struct hwt_record record = {.mono_us = i * 10000000,
                                .unix_ms = i * 10000,
                                .boot = 1,
                                .span_ms = 10000,
                                .clock = HWT_CLOCK_SYNCED,
                                .count = r->site.schema.count,
                                .value = value};

    p->import_mj += llround(power * 10000);
    *at_channel(r, value, r->hp, HWT_Q_POWER) = llround(power * 10);
    *at_channel(r, value, r->hp, HWT_Q_REACTIVE_POWER) = llround(reactive * 10);
    *at_channel(r, value, r->hp, HWT_Q_APPARENT_POWER) = llround(gain * s * 10);
    *at_channel(r, value, r->hp, HWT_Q_CURRENT) = llround(gain * s / 230 * 1000);
    *at_channel(r, value, r->hp, HWT_Q_IMPORT) = p->import_mj;
    *at_channel(r, value, r->hp, HWT_Q_EXPORT) = 0;
    *at_channel(r, value, r->mains, HWT_Q_VOLTAGE) = 23000;
    *at_channel(r, value, SOURCE_LEDGER, HWT_Q_ELEC_ENERGY) = p->import_mj;
    assert_int_equal(hwt_tslog_append(p->log, 0, &r->site.schema, &record, &sequence), 0);
    assert_int_equal(sequence, i);
}

static struct past open_past(void)
{
    struct past p = {.dev = ramdev_new(16 * HWT_TSLOG_PAGE, 60, 0xFF)};
    struct hwt_tslog_config config = {.bd = ramdev_bd(p.dev)};
    struct hwt_tslog_recovery recovery;

    p.log = calloc(1, sizeof(*p.log));
    p.snapshot = calloc(1, sizeof(*p.snapshot));
    p.cursor = calloc(1, sizeof(*p.cursor));
    assert_int_equal(hwt_tslog_open(p.log, &config, &recovery), 0);
    assert_int_equal(hwt_tslog_stream(p.log, HWT_TSLOG_OWN, HWT_PROVENANCE_MEASURED), 0);
    return p;
}

static void close_past(struct past *p)
{
    ramdev_free(p->dev);
    free(p->log);
    free(p->snapshot);
    free(p->cursor);
}

/* As the store does. Returns how many corrections there were. */
static size_t correct(struct past *p, struct rig *r, unsigned input, int64_t now_ms)
{
    const struct hwt_correction *c;
    struct calibration_past *past =
        calibration_past_new(r->c, &r->site, input, (SINCE - 1) * 10000, now_ms, "test");
    size_t n;

    assert_int_equal(hwt_tslog_commit(p->log), 0);
    hwt_tslog_snapshot(p->log, p->snapshot);
    assert_int_equal(calibration_past_plan(past, p->snapshot), 0);
    n = calibration_past_corrections(past, &c);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(hwt_tslog_correct(p->log, 0, &c[i]), 0);
    }
    assert_int_equal(hwt_tslog_commit(p->log), 0);
    assert_true(calibration_past_done(past, r->c));
    calibration_past_free(past);
    return n;
}

struct seen {
    int64_t power, reactive, current, voltage, import, elec;
};

static void read_all(struct past *p, const struct rig *r, struct seen seen[RECORDS + 1])
{
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost;

    hwt_tslog_snapshot(p->log, p->snapshot);
    assert_int_equal(hwt_tslog_cursor_open(p->cursor, p->snapshot, 0, 1), 0);
    while (hwt_tslog_cursor_next(p->cursor, &schema, &record, &lost) == 1) {
        struct hwt_value v[HWT_CHANNELS_MAX];

        memcpy(v, record->value, record->count * sizeof(v[0]));
        seen[record->sequence] = (struct seen){
            *at_channel(r, v, r->hp, HWT_Q_POWER),
            *at_channel(r, v, r->hp, HWT_Q_REACTIVE_POWER),
            *at_channel(r, v, r->hp, HWT_Q_CURRENT),
            *at_channel(r, v, r->mains, HWT_Q_VOLTAGE),
            *at_channel(r, v, r->hp, HWT_Q_IMPORT),
            *at_channel(r, v, SOURCE_LEDGER, HWT_Q_ELEC_ENERGY),
        };
    }
}

/* Energy of records from..to as a query counts it: a step down counts nothing. */
static double rise_of(const struct seen *seen, int from, int to)
{
    double sum = 0;

    for (int i = from; i <= to; i++) {
        int64_t d = seen[i].import - seen[i - 1].import;

        sum += d > 0 ? (double)d : 0;
    }
    return sum;
}

static double true_rise(int from, int to)
{
    double sum = 0;

    for (int i = from; i <= to; i++) {
        sum += true_at(i).p * 10000;
    }
    return sum;
}

static void check_corrected(const struct seen *before, const struct seen *after, double gain)
{
    for (int i = 1; i <= RECORDS; i++) {
        struct house_record t = true_at(i);

        if (i < SINCE) { /* as it was, its counter perhaps shifted as a whole */
            assert_int_equal(after[i].power, before[i].power);
            assert_int_equal(after[i].import - after[1].import,
                             before[i].import - before[1].import);
        } else if (fabs((double)after[i].power - t.p * 10) > 1.1 ||
                   fabs((double)after[i].reactive - t.q * 10) > 1.1) {
            fail_msg("record %d: %lld, %lld", i, (long long)after[i].power,
                     (long long)after[i].reactive);
        }
    }
    assert_int_equal(after[RECORDS].import, before[RECORDS].import); /* live goes on from there */
    assert_int_equal(after[CALIBRATED].import, before[CALIBRATED].import);
    if (fabs(rise_of(after, SINCE + 1, RECORDS) / true_rise(SINCE + 1, RECORDS) - 1) >
        2e-5) { /* P is kept to 0.1 W */
        fail_msg("gain %g: energy %g, truth %g", gain, rise_of(after, SINCE + 1, RECORDS),
                 true_rise(SINCE + 1, RECORDS));
    }
    /* What the step at the start makes is less than a record. */
    assert_true(fabs(rise_of(after, 2, RECORDS) - rise_of(after, 2, SINCE - 1) -
                     true_rise(SINCE, RECORDS)) < 2e7);
    for (int i = SINCE + 1; i <= RECORDS; i++) {
        assert_true(llabs((after[i].elec - after[i - 1].elec) -
                          (after[i].import - after[i - 1].import)) <= 2);
    }
}

static void the_past_is_brought_to_what_was_found_and_back(void **state)
{
    static const double gains[] = {1.02, 0.97};

    for (size_t k = 0; k < COUNT(gains); k++) {
        static struct seen before[RECORDS + 1], after[RECORDS + 1], again[RECORDS + 1];
        struct rig r = {.next = 1};
        struct past p = open_past();
        char error[CALIBRATION_ERROR_MAX];

        start(&r, *state, house);
        for (int i = 1; i < CALIBRATED; i++) {
            append(&p, &r, i, 1 / gains[k], 1);
        }
        r.next = CALIBRATED;
        add(&r, entry(&r, r.hp, gains[k], 1, 1));
        for (int i = CALIBRATED; i <= RECORDS; i++) {
            append(&p, &r, i, 1, 0);
        }
        assert_int_equal(hwt_tslog_commit(p.log), 0);
        read_all(&p, &r, before);
        assert_true(correct(&p, &r, r.hp, 3000000) >= 6);
        read_all(&p, &r, after);
        check_corrected(before, after, gains[k]);
        assert_int_equal(correct(&p, &r, r.hp, 3000001), 0); /* once, not twice */

        assert_true(calibration_take_back(r.c, 1, 1800000001000, error));
        assert_true(correct(&p, &r, r.hp, 3000002) >= 6);
        read_all(&p, &r, again);
        for (int i = SINCE; i < CALIBRATED; i++) {
            assert_true(llabs(again[i].power - before[i].power) <= 1);
            assert_true(llabs(again[i].reactive - before[i].reactive) <= 1);
            assert_true(llabs((again[i].import - again[SINCE].import) -
                              (before[i].import - before[SINCE].import)) <= 400);
        }
        end(&r);
        remove(folder_path(*state, "calibration.json"));
        close_past(&p);
    }
}

static void a_voltages_gain_corrects_the_clamps_on_it(void **state)
{
    static struct seen before[RECORDS + 1], after[RECORDS + 1];
    struct rig r = {.next = 1};
    struct past p = open_past();

    start(&r, *state, house);
    for (int i = 1; i <= RECORDS; i++) {
        append(&p, &r, i, 1, 0);
    }
    r.next = RECORDS + 1;
    add(&r, entry(&r, r.mains, 1.01, 0, 0));
    assert_int_equal(hwt_tslog_commit(p.log), 0);
    read_all(&p, &r, before);
    (void)correct(&p, &r, r.mains, 3000000);
    read_all(&p, &r, after);
    for (int i = 1; i <= RECORDS; i++) {
        double gain = i < SINCE ? 1 : 1.01;

        assert_int_equal(after[i].voltage, llround(23000 * gain));
        assert_true(fabs((double)after[i].power - gain * (double)before[i].power) <= 0.51);
        assert_int_equal(after[i].current, before[i].current);
    }
    end(&r);
    close_past(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_newest_counts_over_the_nominal_and_a_start_anew,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(another_sensor_of_the_configuration_is_not_corrected,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_gain_of_power_gives_way_to_one_of_its_voltage,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_ours_is_refused_and_left_alone,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_value_that_cannot_be_saved_is_not_applied, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(the_past_is_brought_to_what_was_found_and_back,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_voltages_gain_corrects_the_clamps_on_it, folder_setup,
                                        folder_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
