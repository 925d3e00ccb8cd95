/* core/encode: records as Emoncms reads them (reference: the bulk format as documented there). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/encode/emoncms.h"

static const struct hwt_channel channels[] = {
    {"hp_power", HWT_Q_POWER},
    {"hp_import", HWT_Q_IMPORT},
    {"heatmeter_flow_t", HWT_Q_FLOW_T},
    {"heatpump_cop", HWT_Q_COP},
};
enum { COLUMNS = 4 };
static const struct hwt_schema schema = {channels, COLUMNS};
static const struct hwt_emoncms_options all = {.node = "heatpump", .spacing_s = 10};

static struct hwt_record record_at(int64_t unix_ms, const struct hwt_value *values)
{
    return (struct hwt_record){.sequence = 1,
                               .unix_ms = unix_ms,
                               .span_ms = 10000,
                               .clock = HWT_CLOCK_SYNCED,
                               .count = COLUMNS,
                               .value = values};
}

static const struct hwt_value good[COLUMNS] = {
    {.v = 8124, .quality = HWT_QUALITY_GOOD},
    {.v = INT64_C(4811324412), .quality = HWT_QUALITY_SUSPECT},
    {.v = -350, .quality = HWT_QUALITY_GOOD},
    {.v = 3980, .quality = HWT_QUALITY_GOOD},
};
static const struct hwt_value partly[COLUMNS] = {
    {.v = 8124, .quality = HWT_QUALITY_MISSING},
    {.v = 0, .quality = HWT_QUALITY_GOOD},
    {.v = 123, .quality = HWT_QUALITY_MISSING},
    {.v = 9, .quality = HWT_QUALITY_MISSING},
};
static const struct hwt_value nothing[COLUMNS];

static void rows_have_time_node_and_the_values_that_exist(void **state)
{
    static const char want[] =
        "[[1795162430,\"heatpump\",{\"hp_power\":812.4,\"hp_import\":1336.479,"
        "\"heatmeter_flow_t\":-3.5,\"heatpump_cop\":3.98}],"
        "[1795162440,\"heatpump\",{\"hp_import\":0}]]";
    struct hwt_record a = record_at(1795162430000, good), b = record_at(1795162440000, partly);
    struct hwt_emoncms e;
    char buf[400];
    size_t n;

    (void)state;
    hwt_emoncms_begin(&e, &all, buf, sizeof(buf), HWT_EMONCMS_NO_SLOT);
    assert_int_equal(hwt_emoncms_row(&e, &schema, &a), 1);
    assert_int_equal(hwt_emoncms_row(&e, &schema, &b), 1);
    n = hwt_emoncms_end(&e);
    assert_int_equal(n, sizeof(want) - 1);
    assert_memory_equal(buf, want, n);
    assert_int_equal(e.rows, 2);
    assert_int_equal(e.slot, 179516244);
}

static void what_cannot_be_a_row_is_left_out_and_counted(void **state)
{
    static const struct {
        int64_t unix_ms;
        const struct hwt_value *values;
        int result;
        uint64_t untimed, empty, thinned;
        const char *why;
    } rows[] = {
        {HWT_TIME_UNKNOWN, good, 0, 1, 0, 0, "no wall time"},
        {120000, good, 0, 2, 0, 0, "1970: the clock was never set"},
        {1795162430000, nothing, 0, 2, 1, 0, "no value"},
        {1795162430000, good, 1, 2, 1, 0, "the first of its slot"},
        {1795162431000, good, 0, 2, 1, 1, "the slot has a row"},
        {1795162439999, good, 0, 2, 1, 2, "still"},
        {1795162440000, good, 1, 2, 1, 2, "the next slot"},
        {1795162430000, good, 1, 2, 1, 2, "the clock stepped back: not the newest row's slot"},
    };
    struct hwt_emoncms e;
    char buf[1000];

    (void)state;
    hwt_emoncms_begin(&e, &all, buf, sizeof(buf), HWT_EMONCMS_NO_SLOT);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_record rec = record_at(rows[i].unix_ms, rows[i].values);
        int result = hwt_emoncms_row(&e, &schema, &rec);

        if (result != rows[i].result || e.untimed != rows[i].untimed || e.empty != rows[i].empty ||
            e.thinned != rows[i].thinned) {
            fail_msg("%s: %d", rows[i].why, result);
        }
    }
    assert_in_range(hwt_emoncms_end(&e), 3 * 100, sizeof(buf));
    assert_int_equal(e.rows, 3);
}

static void the_slot_of_the_batch_before_is_respected(void **state)
{
    struct hwt_record rec = record_at(1795162433000, good);
    struct hwt_emoncms_options every = {.node = "n", .spacing_s = 0};
    struct hwt_emoncms e;
    char buf[400];

    (void)state;
    hwt_emoncms_begin(&e, &all, buf, sizeof(buf), 179516243);
    assert_int_equal(hwt_emoncms_row(&e, &schema, &rec), 0);
    assert_int_equal(hwt_emoncms_end(&e), 2);
    assert_memory_equal(buf, "[]", 2);
    hwt_emoncms_begin(&e, &every, buf, sizeof(buf), 1795162433);
    assert_int_equal(hwt_emoncms_row(&e, &schema, &rec), 1);
}

static void a_list_of_channels_is_a_filter(void **state)
{
    static const char *const list[] = {"heatpump_cop", "no_such", "hp_import"};
    static const char want[] =
        "[[1795162430,\"heatwatt\",{\"hp_import\":1336.479,\"heatpump_cop\":3.98}]]";
    struct hwt_emoncms_options o = {
        .node = "/\"\n", .channels = list, .channel_count = 3, .spacing_s = 10};
    struct hwt_record rec = record_at(1795162430000, good);
    struct hwt_emoncms e;
    char buf[400];
    size_t n;

    (void)state;
    hwt_emoncms_begin(&e, &o, buf, sizeof(buf), HWT_EMONCMS_NO_SLOT);
    assert_int_equal(hwt_emoncms_row(&e, &schema, &rec), 1);
    n = hwt_emoncms_end(&e);
    assert_int_equal(n, sizeof(want) - 1);
    assert_memory_equal(buf, want, n);
}

static void node_names_are_cleaned(void **state)
{
    static const struct {
        const char *node, *want, *why;
    } rows[] = {
        {"heatpump", "heatpump", "plain"},
        {"My house-1.a_b", "My house-1.a_b", "all that is allowed"},
        {"no/de(1)!\"\\", "node1", "the rest is dropped"},
        {"", "heatwatt", "nothing is left"},
        {"aaaaaaaaaabbbbbbbbbbccccccccccddddd", "aaaaaaaaaabbbbbbbbbbccccccccccdd", "cut"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_emoncms_options o = {.node = rows[i].node};
        struct hwt_emoncms e;
        char buf[8];

        hwt_emoncms_begin(&e, &o, buf, sizeof(buf), HWT_EMONCMS_NO_SLOT);
        if (strcmp(e.node, rows[i].want) != 0) {
            fail_msg("%s: %s", rows[i].why, e.node);
        }
    }
}

/* Rows of the same length until one finds no room. Returns the bytes of the batch. */
static size_t fill(struct hwt_emoncms *e, char *buf, size_t room, size_t rows_max)
{
    int result = 1;

    hwt_emoncms_begin(e, &all, buf, room, HWT_EMONCMS_NO_SLOT);
    for (int64_t t = 1795162430; result == 1 && e->rows < rows_max; t += 10) {
        struct hwt_record rec = record_at(t * 1000, good);

        result = hwt_emoncms_row(e, &schema, &rec);
    }
    assert_int_equal(result, e->rows == rows_max ? 1 : HWT_ERR_SPACE);
    return hwt_emoncms_end(e);
}

static void a_full_batch_ends_with_whole_rows(void **state)
{
    struct hwt_emoncms e;
    char buf[400];
    size_t row, n;

    (void)state;
    row = fill(&e, buf, sizeof(buf), 1) - 2;
    assert_true(row < 64 + 64 * COLUMNS); /* as the header promises */
    for (size_t room = 2; room < sizeof(buf); room++) {
        memset(buf, '#', sizeof(buf));
        n = fill(&e, buf, room, 100);
        assert_int_equal(e.rows, (room - 2 + 1) / (row + 1)); /* with commas between, in brackets */
        assert_true(n <= room);
        assert_memory_equal(buf + n - 2, e.rows > 0 ? "]]" : "[]", 2);
        assert_int_equal(buf[room], '#');
    }
}

static void values_that_do_not_fit_are_left_out_never_null(void **state)
{
    static const struct hwt_channel one[] = {{"dp_pressure", HWT_Q_PRESSURE}, {"x_gap", HWT_Q_GAP}};
    static const struct hwt_schema two = {one, 2};
    struct hwt_value v[2] = {{.v = INT64_MAX, .quality = HWT_QUALITY_GOOD},
                             {.v = INT64_MIN, .quality = HWT_QUALITY_GOOD}};
    struct hwt_record rec = record_at(1795162430000, v);
    struct hwt_emoncms e;
    char buf[200];
    size_t n;

    (void)state;
    rec.count = 2;
    hwt_emoncms_begin(&e, &all, buf, sizeof(buf), HWT_EMONCMS_NO_SLOT);
    assert_int_equal(hwt_emoncms_row(&e, &two, &rec), 1);
    n = hwt_emoncms_end(&e);
    buf[n] = '\0';
    assert_null(strstr(buf, "null"));
    assert_non_null(strstr(buf, "\"dp_pressure\":9223372036854775807"));
    assert_non_null(strstr(buf, "\"x_gap\":-9223372036854775.808"));
}

static void the_form_body_is_percent_encoded(void **state)
{
    static const char json[] = "[[1,\"a b\",{\"x_y-z.w~\":-1.5}]]";
    static const char want[] = "data=%5B%5B1%2C%22a%20b%22%2C%7B%22x_y-z.w~%22%3A-1.5%7D%5D%5D";
    char out[100];
    size_t n = hwt_emoncms_form_size(json, sizeof(json) - 1);

    (void)state;
    assert_int_equal(n, sizeof(want) - 1);
    memset(out, '#', sizeof(out));
    hwt_emoncms_form(json, sizeof(json) - 1, out);
    assert_memory_equal(out, want, n);
    assert_int_equal(out[n], '#');
    assert_int_equal(hwt_emoncms_form_size("\xff&=+", 4), 5 + 12);
    hwt_emoncms_form("\xff&=+", 4, out);
    assert_memory_equal(out, "data=%FF%26%3D%2B", 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_time_node_and_the_values_that_exist),
        cmocka_unit_test(what_cannot_be_a_row_is_left_out_and_counted),
        cmocka_unit_test(the_slot_of_the_batch_before_is_respected),
        cmocka_unit_test(a_list_of_channels_is_a_filter),
        cmocka_unit_test(node_names_are_cleaned),
        cmocka_unit_test(a_full_batch_ends_with_whole_rows),
        cmocka_unit_test(values_that_do_not_fit_are_left_out_never_null),
        cmocka_unit_test(the_form_body_is_percent_encoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
