/* daemon/base: instants and lengths of time as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/time_text.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const int64_t now_ms = 1795162430000;

static int64_t one_hour_east(void *ctx, int64_t local_ms, int64_t after_ms)
{
    (void)ctx;
    (void)after_ms;
    return local_ms - 3600000;
}

static void instants_are_read_in_each_of_their_forms(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-20T13:05:00Z", 1795179900000},
        {"2026-11-20T14:05:00+01:00", 1795179900000},
        {"2026-11-20T14:05:00+0100", 1795179900000},
        {"2026-11-20T14:05+01", 1795179900000},
        {"2026-11-20 08:35:00-0430", 1795179900000},
        {"2026-11-20t13:05:00z", 1795179900000},
        {"2026-11-20T13:05:00.25Z", 1795179900250},
        {"2026-11-20T13:05:00.2509999Z", 1795179900250},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"1969-12-31T23:59:59Z", -1000},
        {"0001-01-01T00:00:00Z", -62135596800000},
        {"9999-12-31T23:59:59Z", 253402300799000},
        {"2026-11-20", 1795129200000},
        {"2026-11-20T14:05", 1795179900000},
        {"1795162430000", 1795162430000},
        {"-5", -5},
        {"0", 0},
        {"now", 1795162430000},
        {"now-90m", 1795162430000 - 5400000},
        {"now+2s", 1795162432000},
        {"-7d", 1795162430000 - 604800000},
        {"-250ms", 1795162429750},
        {"+1h", 1795166030000},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        int64_t ms = 1;

        print_message("# %s\n", rows[i].text);
        assert_true(time_text_instant(rows[i].text, now_ms, one_hour_east, NULL, &ms));
        assert_int_equal(ms, rows[i].ms);
    }
}

static void what_is_no_instant_is_refused(void **state)
{
    static const char *const rows[] = {"",
                                       "noon",
                                       "now-",
                                       "now-7",
                                       "now 7d",
                                       "nowhere",
                                       "-",
                                       "+5",
                                       "7d",
                                       "--7d",
                                       "-7x",
                                       "-0d",
                                       "2026-11",
                                       "2026-13-01",
                                       "2026-00-01",
                                       "2026-11-00",
                                       "2026-11-31",
                                       "2025-02-29",
                                       "1900-02-29",
                                       "0000-01-01",
                                       "2026-11-20T",
                                       "2026-11-20T24:00:00Z",
                                       "2026-11-20T14",
                                       "2026-11-20T14:60Z",
                                       "2026-11-20T14:05:60Z",
                                       "2026-11-20T14:05:00.Z",
                                       "2026-11-20T14:05:00+1",
                                       "2026-11-20T14:05:00+01:",
                                       "2026-11-20T14:05:00+01:60",
                                       "2026-11-20T14:05:00 Z",
                                       "2026-11-20Z",
                                       "20/11/2026",
                                       "9999999999999999",
                                       "1.5",
                                       "1e3"};

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        int64_t ms = 77;

        print_message("# %s\n", rows[i]);
        assert_false(time_text_instant(rows[i], now_ms, one_hour_east, NULL, &ms));
        assert_int_equal(ms, 77);
    }
}

static void a_time_without_a_zone_needs_one(void **state)
{
    int64_t ms;
    bool zoned = true;

    (void)state;
    assert_false(time_text_instant("2026-11-20", now_ms, NULL, NULL, &ms));
    assert_true(time_text_instant("2026-11-20T00:00Z", now_ms, NULL, NULL, &ms));
    assert_true(time_text_iso("2026-11-20T14:05, and more", 16, &ms, &zoned));
    assert_false(zoned);
    assert_int_equal(ms, 1795183500000);
    assert_true(time_text_iso("2026-11-20T14:05Z", 17, &ms, &zoned));
    assert_true(zoned);
}

static void lengths_have_a_unit_or_are_milliseconds(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* 0: refused */
    } rows[] = {
        {"250", 250},    {"250ms", 250},    {"10s", 10000},     {"15m", 900000},
        {"1h", 3600000}, {"7d", 604800000}, {"2w", 1209600000}, {"0", 0},
        {"0s", 0},       {"", 0},           {"s", 0},           {"-1s", 0},
        {"1 s", 0},      {"1sm", 0},        {"1y", 0},          {"999999999999999w", 0},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        int64_t ms = 0;

        print_message("# %s\n", rows[i].text);
        assert_int_equal(time_text_length(rows[i].text, &ms), rows[i].ms != 0);
        assert_int_equal(ms, rows[i].ms);
    }
}

static void offsets_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t minutes;
    } good[] = {{"UTC", 0}, {"Z", 0}, {"+01:00", 60}, {"-0330", -210}, {"+05", 300}};
    static const char *const bad[] = {"",       "1", "+1", "+24:00", "+01:60", "Europe/London",
                                      "+01:00x"};
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++) {
        print_message("# %s\n", good[i].text);
        assert_true(time_text_offset(good[i].text, &ms));
        assert_int_equal(ms, good[i].minutes * 60000);
    }
    for (size_t i = 0; i < LENGTH(bad); i++) {
        print_message("# %s\n", bad[i]);
        assert_false(time_text_offset(bad[i], &ms));
    }
}

static void what_is_printed_reads_back(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {1795179900250, "2026-11-20T13:05:00.250Z"},
        {0, "1970-01-01T00:00:00Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-62135596800000, "0001-01-01T00:00:00Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "253402300800000"},
        {INT64_MAX, "9223372036854775807"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char text[TIME_TEXT_MAX];
        int64_t ms;

        assert_string_equal(time_text_print(rows[i].ms, text), rows[i].text);
        if (rows[i].ms != INT64_MAX) {
            assert_true(time_text_instant(text, 0, NULL, NULL, &ms));
            assert_int_equal(ms, rows[i].ms);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_are_read_in_each_of_their_forms),
        cmocka_unit_test(what_is_no_instant_is_refused),
        cmocka_unit_test(a_time_without_a_zone_needs_one),
        cmocka_unit_test(lengths_have_a_unit_or_are_milliseconds),
        cmocka_unit_test(offsets_are_read),
        cmocka_unit_test(what_is_printed_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
