/* daemon/run/registers: what becomes of readings, what the journal tells of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/run/config.h"
#include "daemon/run/registers.h"

#define WH     INT64_C(3600000)
#define SECOND INT64_C(1000000)

enum { GOT_MAX = 16 };

static const char text[] =
    "version: 1\n"
    "data_dir: data\n"
    "sources:\n"
    "  - {id: heat, type: mbus, port: p1, address: 1, poll_s: 10, mains_powered: true}\n"
    "  - {id: tx, type: emon, port: p2, interval_s: 10, inputs: [\n"
    "      {id: hp, key: P1, quantity: power, energy_key: E1},\n"
    "      {id: led, key: pulse, quantity: import}]}\n";

struct rig {
    char dir[64], path[128];
    struct config *config;
    struct installation site;
    struct clock *clock;
    struct status *status[2];
    struct hub *hub;
    struct journal *journal;
    struct registers *registers;
    struct hwt_reading got[GOT_MAX];
    size_t n;
    int64_t now_us;
};

static void take_readings(void *ctx, const struct hwt_reading *r, size_t n)
{
    struct rig *rig = ctx;

    for (size_t i = 0; i < n && rig->n < GOT_MAX; i++) {
        rig->got[rig->n++] = r[i];
    }
}

static void drop_record(void *ctx, const struct hwt_schema *schema, const struct hwt_record *record)
{
    (void)ctx;
    (void)schema;
    (void)record;
}

static void start(struct rig *rig)
{
    const struct journal_options journal = {.dir = rig->dir};
    const struct hub_options hub = {.site = &rig->site, .clock = rig->clock, .sink = drop_record};
    struct registers_options options = {.site = &rig->site,
                                        .clock = rig->clock,
                                        .status = rig->status,
                                        .sink = take_readings,
                                        .ctx = rig};
    char error[256];

    rig->journal = journal_open(&journal, error, sizeof(error));
    rig->hub = hub_new(&hub);
    assert_true(rig->journal != NULL && rig->hub != NULL);
    options.journal = rig->journal;
    options.hub = rig->hub;
    rig->registers = registers_new(&options);
    assert_non_null(rig->registers);
}

static void stop(struct rig *rig)
{
    registers_free(rig->registers);
    hub_free(rig->hub);
    journal_close(rig->journal);
    rig->registers = NULL;
    rig->hub = NULL;
    rig->journal = NULL;
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct config_problems problems;

    if (rig == NULL) {
        return -1;
    }
    strcpy(rig->dir, "/tmp/heatwatt-registers-XXXXXX");
    if (mkdtemp(rig->dir) == NULL) {
        free(rig);
        return -1;
    }
    snprintf(rig->path, sizeof(rig->path), "%s/journal.jsonl", rig->dir);
    config_problems_init(&problems);
    rig->config = config_parse(text, sizeof(text) - 1, "f.yaml", &problems);
    config_problems_write(&problems, stderr);
    config_problems_free(&problems);
    rig->clock = clock_new(CLOCK_TRUST_ALWAYS);
    rig->status[0] = status_new("heat", "mbus");
    rig->status[1] = status_new("tx", "emon");
    assert_true(rig->config != NULL && installation_make(&rig->site, rig->config));
    start(rig);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    stop(rig);
    status_free(rig->status[0]);
    status_free(rig->status[1]);
    clock_free(rig->clock);
    config_free(rig->config);
    unlink(rig->path);
    rmdir(rig->dir);
    free(rig);
    return 0;
}

/* --- what goes in and comes out -------------------------------------------------------------- */

static uint16_t source_of(const struct rig *rig, const char *id)
{
    for (unsigned i = 0; i < rig->site.source_count; i++) {
        if (strcmp(rig->site.source[i].id, id) == 0) {
            return (uint16_t)i;
        }
    }
    fail_msg("no source %s", id);
    return 0;
}

static void say(struct rig *rig, const char *source, const char *identity, bool restarted)
{
    const struct device_news news = {source_of(rig, source), identity, restarted};

    registers_news(rig->registers, &news);
}

/* Ten seconds later: a reading, and a power with it if that is not 0. */
static void put(struct rig *rig, const char *source, enum hwt_quantity q, int64_t value,
                int64_t power)
{
    struct hwt_reading r[2] = {
        {.value = power, .quantity = HWT_Q_POWER},
        {.value = value, .quantity = (uint8_t)q},
    };

    rig->now_us += 10 * SECOND;
    rig->n = 0;
    for (size_t i = 0; i < 2; i++) {
        r[i].source = source_of(rig, source);
        r[i].mono_us = rig->now_us;
        r[i].quality = HWT_QUALITY_GOOD;
    }
    registers_put(rig->registers, power != 0 ? r : r + 1, power != 0 ? 2 : 1);
}

/* Wh or l of what came out; -1: it did not. */
static int64_t out(const struct rig *rig, enum hwt_quantity q, int64_t unit)
{
    for (size_t i = 0; i < rig->n; i++) {
        if (rig->got[i].quantity == q) {
            return rig->got[i].value / unit;
        }
    }
    return -1;
}

static uint64_t counter(const struct rig *rig, unsigned source, const char *name)
{
    struct status_view v;

    status_get(rig->status[source], &v);
    for (unsigned i = 0; i < v.counters; i++) {
        if (strcmp(v.counter[i].name, name) == 0) {
            return v.counter[i].value;
        }
    }
    return 0;
}

struct told {
    char text[1024]; /* "kind channel or source, …", oldest first */
    struct journal_entry newest;
    unsigned n;
};

static bool tell(void *ctx, const struct journal_entry *e, const char *p, size_t n)
{
    struct told *t = ctx;
    char before[sizeof(t->text)];

    (void)p;
    (void)n;
    if (t->n++ == 0) {
        t->newest = *e;
    }
    memcpy(before, t->text, sizeof(before));
    snprintf(t->text, sizeof(t->text), "%s %s%s%.900s", e->kind,
             e->channel[0] != '\0' ? e->channel : e->source, before[0] != '\0' ? ", " : "", before);
    return true;
}

/* What the journal tells so far; it is closed and opened again for that. */
static struct told told(struct rig *rig)
{
    const struct journal_query all = {HWT_TIME_UNKNOWN, HWT_TIME_UNKNOWN, NULL, 100};
    struct told t = {.n = 0};

    stop(rig);
    assert_true(journal_read(rig->dir, &all, tell, &t) >= 0);
    start(rig);
    return t;
}

/* --- tests ----------------------------------------------------------------------------------- */

static void a_swap_is_told_once_with_numbers_meter_and_offset(void **state)
{
    struct rig *rig = *state;
    int64_t shown;
    int column = installation_column(&rig->site, source_of(rig, "heat"), HWT_Q_ENERGY);
    struct told t;

    say(rig, "heat", "KAM 11111111", false);
    put(rig, "heat", HWT_Q_ENERGY, 5000 * WH, 30000);
    assert_int_equal(out(rig, HWT_Q_ENERGY, WH), 5000);
    assert_int_equal(out(rig, HWT_Q_POWER, 1), 30000);
    put(rig, "heat", HWT_Q_ENERGY, 5010 * WH, 30000);
    say(rig, "heat", "KAM 22222222", false);
    put(rig, "heat", HWT_Q_ENERGY, 5020 * WH, 30000); /* near by chance */
    assert_int_equal(out(rig, HWT_Q_ENERGY, WH), -1);
    assert_int_equal(out(rig, HWT_Q_POWER, 1), 30000);
    put(rig, "heat", HWT_Q_ENERGY, 5030 * WH, 30000);
    assert_int_equal(out(rig, HWT_Q_ENERGY, WH), 5020);
    assert_true(registers_shown(rig->registers, (unsigned)column, &shown));
    assert_int_equal(shown / WH, 5030);
    assert_int_equal(counter(rig, 0, "anchored"), 1);
    t = told(rig);
    assert_string_equal(t.text, "meter_found heat, register_swap heat_energy");
    assert_string_equal(t.newest.meter, "KAM 22222222");
    assert_string_equal(t.newest.feed, "heat");
    assert_int_equal(t.newest.offset, -10 * WH);
    assert_non_null(strstr(t.newest.text, "5010 Wh before, 5020 Wh after"));
}

static void a_misread_is_counted_and_not_told(void **state)
{
    struct rig *rig = *state;

    put(rig, "heat", HWT_Q_ENERGY, 5000 * WH, 0);
    put(rig, "heat", HWT_Q_ENERGY, 50 * WH, 0);
    assert_int_equal(rig->n, 0);
    put(rig, "heat", HWT_Q_ENERGY, 5020 * WH, 0);
    assert_int_equal(out(rig, HWT_Q_ENERGY, WH), 5020);
    assert_int_equal(counter(rig, 0, "misread"), 1);
    assert_int_equal(told(rig).n, 0);
}

static void volumes_follow_the_largest_flow(void **state)
{
    struct rig *rig = *state;

    put(rig, "heat", HWT_Q_VOLUME, 1000 * 1000, 0);
    put(rig, "heat", HWT_Q_VOLUME, 1300 * 1000, 0); /* 300 l in ten seconds */
    assert_int_equal(out(rig, HWT_Q_VOLUME, 1000), 1300);
    put(rig, "heat", HWT_Q_VOLUME, 9000 * 1000, 0);
    assert_int_equal(rig->n, 0);
    put(rig, "heat", HWT_Q_VOLUME, 9001 * 1000, 0);
    assert_int_equal(out(rig, HWT_Q_VOLUME, 1000), 1301);
    assert_string_equal(told(rig).text, "register_swap heat_volume");
}

static void a_signed_register_becomes_import_and_export(void **state)
{
    static const struct {
        int64_t wh, power_w, import, export;
        const char *why;
    } rows[] = {
        {100, 500, 100, 0, "the first"},        {105, 500, 105, 0, "it rises"},
        {103, -500, 105, 2, "what was fed in"}, {102, 500, 105, 3, "before the power turned"},
        {104, 500, 107, 3, "it rises"},         {90, 500, -1, -1, "nothing was fed in"},
        {106, 500, 109, 3, "it was a misread"},
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("# %s\n", rows[i].why);
        put(rig, "hp", HWT_Q_IMPORT, rows[i].wh * WH, rows[i].power_w * 10);
        assert_int_equal(out(rig, HWT_Q_IMPORT, WH), rows[i].import);
        assert_int_equal(out(rig, HWT_Q_EXPORT, WH), rows[i].export);
    }
    assert_int_equal(told(rig).n, 0);
}

static void a_device_that_says_it_restarted_needs_no_second_reading(void **state)
{
    struct rig *rig = *state;

    put(rig, "hp", HWT_Q_IMPORT, 700 * WH, 5000);
    put(rig, "led", HWT_Q_IMPORT, 900 * WH, 0);
    say(rig, "hp", NULL, true);
    say(rig, "led", NULL, true);
    put(rig, "hp", HWT_Q_IMPORT, 0, 5000);
    assert_int_equal(out(rig, HWT_Q_IMPORT, WH), 700);
    put(rig, "led", HWT_Q_IMPORT, 1 * WH, 0);
    assert_int_equal(out(rig, HWT_Q_IMPORT, WH), 900);
    put(rig, "hp", HWT_Q_IMPORT, 2 * WH, 5000);
    assert_int_equal(out(rig, HWT_Q_IMPORT, WH), 702);
    assert_int_equal(counter(rig, 1, "anchored"), 2);
    assert_string_equal(told(rig).text, "register_reset hp_import, register_reset led_import");
}

static void a_meter_is_told_when_it_is_first_met_and_when_it_is_another_without_a_step(void **state)
{
    struct rig *rig = *state;

    put(rig, "heat", HWT_Q_ENERGY, 0, 0);
    say(rig, "heat", "KAM 1", false);
    put(rig, "heat", HWT_Q_ENERGY, 0, 0);
    assert_string_equal(told(rig).text, "meter_found heat");
    say(rig, "heat", "KAM 1", false); /* after the restart, the same */
    put(rig, "heat", HWT_Q_ENERGY, 0, 0);
    assert_string_equal(told(rig).text, "meter_found heat");
    say(rig, "heat", "KAM 1", false);
    put(rig, "heat", HWT_Q_ENERGY, 0, 0);
    say(rig, "heat", "KAM 2", false); /* at 0, too */
    put(rig, "heat", HWT_Q_ENERGY, 0, 0);
    put(rig, "heat", HWT_Q_ENERGY, 0, 0);
    put(rig, "heat", HWT_Q_ENERGY, 0, 0);
    assert_string_equal(told(rig).text, "meter_found heat, meter_exchanged heat");
    assert_int_equal(counter(rig, 0, "anchored"), 0);
}

/* Meters that tell who they are only now and then: behind a step that is not known until they do.
 */
static void a_meter_that_tells_late_who_it_is_makes_no_second_step(void **state)
{
    struct rig *rig = *state;
    struct told t;

    say(rig, "heat", "SDM 1", false);
    put(rig, "heat", HWT_Q_ENERGY, 5000 * WH, 0);
    put(rig, "heat", HWT_Q_ENERGY, 5000 * WH, 0);
    put(rig, "heat", HWT_Q_ENERGY, 4000 * WH, 0);
    put(rig, "heat", HWT_Q_ENERGY, 4001 * WH, 0);
    assert_int_equal(out(rig, HWT_Q_ENERGY, WH), 5001);
    say(rig, "heat", "SDM 2", false);
    put(rig, "heat", HWT_Q_ENERGY, 4002 * WH, 0);
    assert_int_equal(out(rig, HWT_Q_ENERGY, WH), 5002);
    put(rig, "heat", HWT_Q_ENERGY, 4003 * WH, 0);
    assert_int_equal(out(rig, HWT_Q_ENERGY, WH), 5003);
    t = told(rig);
    assert_string_equal(t.text, "meter_found heat, register_swap heat_energy, meter_found heat");
    assert_string_equal(t.newest.meter, "SDM 2");
}

/* Another log in the same folder: the offset of before says nothing about its counters. */
static void counters_that_the_log_does_not_have_begin_where_the_register_stands(void **state)
{
    struct rig *rig = *state;

    put(rig, "heat", HWT_Q_ENERGY, 5000 * WH, 0);
    put(rig, "heat", HWT_Q_ENERGY, 10 * WH, 0);
    put(rig, "heat", HWT_Q_ENERGY, 11 * WH, 0);
    assert_int_equal(out(rig, HWT_Q_ENERGY, WH), 5001);
    assert_int_equal(told(rig).newest.offset, 4990 * WH);
    put(rig, "heat", HWT_Q_ENERGY, 12 * WH, 0);
    assert_int_equal(out(rig, HWT_Q_ENERGY, WH), 12);
    assert_string_equal(told(rig).text, "register_reset heat_energy, register_first heat_energy");
    put(rig, "heat", HWT_Q_ENERGY, 13 * WH, 0); /* and again, without another word */
    assert_int_equal(told(rig).n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_swap_is_told_once_with_numbers_meter_and_offset, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_misread_is_counted_and_not_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(volumes_follow_the_largest_flow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signed_register_becomes_import_and_export, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_device_that_says_it_restarted_needs_no_second_reading,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_meter_is_told_when_it_is_first_met_and_when_it_is_another_without_a_step, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(a_meter_that_tells_late_who_it_is_makes_no_second_step,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            counters_that_the_log_does_not_have_begin_where_the_register_stands, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
