/* CSV files of other systems: daemon/store/csv.h with its options, import_rows.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/cli/zone_option.h"
#include "daemon/store/csv_line.h"
#include "daemon/store/csv_text.h"
#include "daemon/store/csv_units.h"
#include "daemon/store/import_rows.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* "TIME SPAN v v;" for each row, counts, '-' for missing; an error as "LINE:COLUMN text". */
static void read_all(const struct csv_options *options, bool by_start, const char *text, char *out,
                     size_t n)
{
    static struct import_rows r;
    struct csv_error error;
    int got = import_rows_measure(&r, options, by_start, text, strlen(text), &error);
    size_t at = 0;

    out[0] = '\0';
    got = got == 0 ? import_rows_rewind(&r, &error) : got;
    while (got == 0 && (got = import_rows_next(&r, &error)) == 1) {
        at += (size_t)snprintf(out + at, n - at, "%lld %u", (long long)r.unix_ms, r.span_ms);
        for (unsigned i = 0; i < r.csv.schema.count; i++) {
            bool missing = r.value[i].quality == HWT_QUALITY_MISSING;

            at += missing ? (size_t)snprintf(out + at, n - at, " -")
                          : (size_t)snprintf(out + at, n - at, " %lld", (long long)r.value[i].v);
        }
        at += (size_t)snprintf(out + at, n - at, ";");
        got = 0;
    }
    if (got < 0) {
        snprintf(out + at, n - at, "%u:%u %s", error.line, error.column, error.text);
    }
}

static void rows_of_other_systems_become_ours(void **state)
{
    static const struct csv_pair house[] = {{"House (kW)", "house_power"}, {"Note", "-"}};
    static const struct csv_pair house_kw[] = {{"house_power", "kW"}};
    static const struct csv_pair iotawatt[] = {{"Time", "time"}, {"hp_L1", "hp_power"}};
    static const struct csv_pair rest[] = {{"b", "b_power"}, {"*", "-"}};
    static const char *const sums[] = {"a_import"};
    static const struct {
        const char *why;
        struct csv_options options;
        bool by_start;
        const char *text, *rows;
    } rows[] = {
        {"Emoncms, one feed: no names, unix seconds, null for missing (emoncms.md, data.json, csv)",
         {.columns = "time,hp_power"},
         false,
         "1795162430,812.40\n1795162440,null\n1795162450,811.00\n",
         "1795162430000 10000 8124;1795162440000 10000 -;1795162450000 10000 8110;"},
        {"Emoncms, several feeds: the time is in ms",
         {.columns = "time,a_power,b_power"},
         false,
         "1795162430000,1.00,2.00\n1795162440000,null,3.00\n",
         "1795162430000 10000 10 20;1795162440000 10000 - 30;"},
        {"IoTaWatt: comma and space, CR LF, no last line end, labelled by the start",
         {.map = iotawatt, .maps = 2},
         true,
         "Time, hp_L1\r\n1767222000, 1490\r\n1767223200, 1502\r\n1767224400, null",
         "1767223200000 1200000 14900;1767224400000 1200000 15020;1767225600000 1200000 -;"},
        {"labelled by the start, a gap and steps that differ",
         {.columns = "time,a_power"},
         true,
         "1500000000,1\n1500000010,2\n1500000030,3\n1500000100,4\n",
         "1500000010000 10000 10;1500000030000 20000 20;1500000040000 10000 30;"
         "1500000110000 10000 40;"},
        {"labelled by the start, one row",
         {.columns = "time,a_power"},
         true,
         "1500000000,1",
         "1500000060000 60000 10;"},
        {"names in quotes, a unit, a column left out, semicolons",
         {.map = house, .maps = 2, .unit = house_kw, .units = 1},
         false,
         "\"Time\";\"House (kW)\";\"Note\"\n1500000000;\"1.25\";\"a; \"\"b\"\"\"\n1500000010;;\n",
         "1500000000000 10000 12500;1500000010000 10000 -;"},
        {"tabs",
         {.map = rest, .maps = 2},
         false,
         "time\ta\tb\n1500000000\tx\t2\n",
         "1500000000000 60000 20;"},
        {"amounts of intervals become a counter; what is missing adds nothing",
         {.sum = sums, .sums = 1},
         false,
         "time,a_import\n1500000000,0.5\n1500000010,\n1500000020,0.25\n",
         "1500000000000 10000 1800000;1500000010000 10000 -;1500000020000 10000 2700000;"},
        {"ISO times with zones, fractions of a second",
         {0},
         false,
         "time,a_power\n2026-11-20T14:05:00+01:00,1\n2026-11-20 13:05:10.500Z,2\n",
         "1795179900000 10500 10;1795179910500 10500 20;"},
        {"seconds with a fraction",
         {0},
         false,
         "time,a_power\n1500000000.25,1\n1500000000.75,2\n",
         "1500000000250 500 10;1500000000750 500 20;"},
        {"small numbers, said to be ms",
         {.time = CSV_TIME_MS},
         false,
         "time,a_power\n10,1\n20,2\n",
         "10 10 10;20 10 20;"},
        {"small numbers, said to be s",
         {.time = CSV_TIME_S},
         false,
         "time,a_power\n10,1\n20,2\n",
         "10000 10000 10;20000 10000 20;"},
        {"rows that do not rise are left out",
         {.backward = CSV_BACKWARD_SKIP},
         false,
         "time,a_power\n1500000010,1\n1500000010,2\n1500000000,x\n1500000020,4\n",
         "1500000010000 10000 10;1500000020000 10000 40;"},
        {"or kept, as long as the shortest step",
         {.backward = CSV_BACKWARD_KEEP},
         false,
         "time,a_power\n1500000010,1\n1500000020,2\n1500000000,3\n1500000010,4\n",
         "1500000010000 10000 10;1500000020000 10000 20;1500000000000 10000 30;"
         "1500000010000 10000 40;"},
    };
    char out[1024];

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        print_message("# %s\n", rows[i].why);
        read_all(&rows[i].options, rows[i].by_start, rows[i].text, out, sizeof(out));
        assert_string_equal(out, rows[i].rows);
    }
}

static void options_that_do_not_fit_the_file_are_refused(void **state)
{
    static const struct csv_pair bad_id[] = {{"a", "A power"}}, no_column[] = {{"b", "b_power"}};
    static const struct csv_pair no_channel[] = {{"b_power", "kW"}},
                                 bad_unit[] = {{"a_power", "kWh"}};
    static const struct csv_pair twice[] = {{"a", "b_power"}}, none_left[] = {{"*", "-"}};
    static const char *const gauge[] = {"a_power"}, *const nothing[] = {"b_import"};
    static const struct {
        struct csv_options options;
        const char *text, *error;
    } rows[] = {
        {{.map = bad_id, .maps = 1}, "time,a\n", "1:6 a channel id is made of a-z, 0-9 and _"},
        {{.map = no_column, .maps = 1}, "time,a_power\n", "1:1 no column 'b'"},
        {{.map = twice, .maps = 1}, "time,a,b_power\n", "1:8 channel 'b_power' twice"},
        {{.map = none_left, .maps = 1}, "time,a\n", "1:1 no channel"},
        {{.unit = no_channel, .units = 1},
         "time,a_power\n",
         "1:1 no channel 'b_power' for unit kW"},
        {{.unit = bad_unit, .units = 1},
         "time,a_power\n",
         "1:1 unit kWh for 'a_power': one of W, mW, kW, MW"},
        {{.sum = gauge, .sums = 1},
         "time,a_power\n",
         "1:1 'a_power' is no counter: nothing to sum up"},
        {{.sum = nothing, .sums = 1}, "time,a_power\n", "1:1 no channel 'b_import' to sum up"},
        {{.columns = "a_power"},
         "1500000000,1\n",
         "0:1 the first column must be 'time', not 'a_power'"},
        {{.columns = "time,a power"}, "1500000000,1\n", "0:7 a channel id is made of"},
        {{.columns = "time,a_power"},
         "\n\n1500000000,1,2\n",
         "3:14 more values than the 1 channels"},
        {{.time = CSV_TIME_MS}, "time,a_power\n1500000000.5,1\n", "2:1 '1500000000.5' is no time"},
    };
    char out[512];

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        print_message("# %s\n", rows[i].error);
        read_all(&rows[i].options, false, rows[i].text, out, sizeof(out));
        if (strncmp(out, rows[i].error, strlen(rows[i].error)) != 0) {
            print_message("# said: %s\n", out);
        }
        assert_memory_equal(out, rows[i].error, strlen(rows[i].error));
    }
}

/* 1:30 on 25 October 2026 comes twice in London, 1:30 on 29 March not at all. */
static void local_times_find_their_hour_when_clocks_change(void **state)
{
    static const char autumn[] = "time,a_power\n2026-10-25T00:30:00,1\n2026-10-25T01:30:00,2\n"
                                 "2026-10-25T01:30:00,3\n2026-10-25T02:30:00,4\n";
    struct zone_option london = {0}, east = {0};
    struct csv_options options = {.zone = zone_option_utc, .zone_ctx = &london};
    char out[512];

    (void)state;
    assert_true(zone_option_take(&london, "Europe/London"));
    read_all(&options, false, autumn, out, sizeof(out));
    assert_string_equal(out, "1792884600000 3600000 10;1792888200000 3600000 20;"
                             "1792891800000 3600000 30;1792895400000 3600000 40;");
    assert_int_equal(zone_option_utc(&london, 1774747800000, INT64_MIN), 1774747800000);
    assert_int_equal(zone_option_utc(&london, 1774751400000, INT64_MIN), 1774747800000);
    assert_true(zone_option_take(&east, "+05:30"));
    assert_int_equal(zone_option_utc(&east, 0, INT64_MIN), -19800000);
    assert_false(zone_option_take(&east, "Europe/Londn"));
    zone_option_free(&london);
    zone_option_free(&east);
}

static void a_unit_is_so_many_of_the_quantitys_counts(void **state)
{
    static const struct {
        unsigned quantity;
        const char *unit;
        int64_t number;
        int exponent;
        int64_t counts;
    } rows[] = {
        {HWT_Q_POWER, NULL, 1, 0, 10},
        {HWT_Q_POWER, "W", 1, 0, 10},
        {HWT_Q_POWER, "kW", 12345, -4, 12345},
        {HWT_Q_POWER, "mW", 1500, 0, 15},
        {HWT_Q_IMPORT, "kWh", 1, 0, 3600000000},
        {HWT_Q_IMPORT, "J", 1, 0, 1000},
        {HWT_Q_IMPORT, "MJ", 36, -1, 3600000000},
        {HWT_Q_VOLUME, "m3", 1234, -3, 1234000},
        {HWT_Q_FLOW_RATE, "l/min", 10, 0, 6000},
        {HWT_Q_FLOW_RATE, "m3/h", 1, 0, 10000},
        {HWT_Q_FLOW_RATE, "l/s", 1, 0, 36000},
        {HWT_Q_PRESSURE, "bar", 15, -1, 150000},
        {HWT_Q_POWER_FACTOR, "%", 95, 0, 950},
        {HWT_Q_CURRENT, "mA", 1, 0, 1},
        {HWT_Q_VOLTAGE, "mV", 230004, 0, 23000},
        {HWT_Q_MEASURED, "min", 1, 0, 60000},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct csv_scale scale;
        char names[128];
        int64_t counts;

        print_message("# %s\n", rows[i].unit != NULL ? rows[i].unit : "own");
        assert_true(csv_unit_scale(rows[i].quantity, rows[i].unit, &scale));
        assert_true(csv_scaled(&scale, rows[i].number, rows[i].exponent, &counts));
        assert_int_equal(counts, rows[i].counts);
        csv_unit_names(rows[i].quantity, names, sizeof(names));
        assert_true(rows[i].unit == NULL || strstr(names, rows[i].unit) != NULL);
    }
}

static void numbers_are_put_so_that_they_read_back(void **state)
{
    static const struct {
        int64_t counts, per_unit;
        const char *text;
    } rows[] = {
        {0, 10, "0"},
        {5, 10, "0.5"},
        {-5, 10, "-0.5"},
        {100, 10, "10"},
        {-3462, 100, "-34.62"},
        {7, 1000, "0.007"},
        {1, 3600000, "0.0000003"},
        {3599999, 3600000, "0.9999997"},
        {3600000, 3600000, "1"},
        {INT64_MIN, 1, "-9223372036854775808"},
        {INT64_MAX, 3600000, "2562047788015.2155019"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char text[CSV_NUMBER_MAX];
        size_t n = csv_put_value(text, rows[i].counts, rows[i].per_unit);

        print_message("# %s\n", rows[i].text);
        assert_int_equal(n, strlen(rows[i].text));
        assert_memory_equal(text, rows[i].text, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_other_systems_become_ours),
        cmocka_unit_test(options_that_do_not_fit_the_file_are_refused),
        cmocka_unit_test(local_times_find_their_hour_when_clocks_change),
        cmocka_unit_test(a_unit_is_so_many_of_the_quantitys_counts),
        cmocka_unit_test(numbers_are_put_so_that_they_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
