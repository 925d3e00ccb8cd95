/* daemon/base: TZif files and their rules. Local days are tested against Python's zoneinfo in
 * tests/system/test_zones.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/bytes.h"
#include "daemon/base/calendar.h"
#include "daemon/base/zone_rule.h"

/* A header and data with two transitions, two types, "A\0"; times of `size` bytes. */
static void put_part(struct hwt_writer *w, uint8_t version, unsigned size, const int64_t at[2],
                     uint8_t second_type)
{
    static const uint8_t zeros[15] = {0};
    static const uint8_t counts[6] = {0, 0, 0, 2, 2, 2}; /* isut isstd leap time type chars */

    hwt_put_bytes(w, "TZif", 4);
    hwt_put_u8(w, version);
    hwt_put_bytes(w, zeros, 15);
    for (unsigned i = 0; i < 6; i++) {
        hwt_put_bytes(w, zeros, 3);
        hwt_put_u8(w, counts[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned k = size; k-- > 0;) {
            hwt_put_u8(w, (uint8_t)(at[i] >> (8 * k)));
        }
    }
    hwt_put_u8(w, 0);
    hwt_put_u8(w, second_type);
    hwt_put_bytes(w, "\x00\x00\x0e\x10\x00\x00", 6); /* 3600 */
    hwt_put_bytes(w, "\x00\x00\x1c\x20\x01\x00", 6); /* 7200 */
    hwt_put_bytes(w, "A", 2);
}

static size_t make_file(uint8_t *p, size_t room, const int64_t at[2], uint8_t second_type,
                        const char *footer)
{
    static const int64_t other[2] = {1, 2};
    struct hwt_writer w;

    hwt_writer_init(&w, p, room);
    put_part(&w, '2', 4, other, 1);
    put_part(&w, '2', 8, at, second_type);
    hwt_put_bytes(&w, footer, strlen(footer));
    assert_true(w.ok);
    return w.at;
}

static const int64_t steps[2] = {1000, 5000000000};

static void a_file_tells_the_offset_before_between_and_behind_its_transitions(void **state)
{
    static const struct {
        int64_t at;
        int32_t offset;
        int64_t until;
    } rows[] = {
        {-99999999999, 3600, 1000},      {999, 3600, 1000},
        {1000, 3600, 5000000000},        {4999999999, 3600, 5000000000},
        {5000000000, -10800, INT64_MAX}, /* the rule, not the last type */
    };
    uint8_t p[300];
    size_t n = make_file(p, sizeof(p), steps, 1, "\n<-03>3\n");
    int err;
    struct zone *z = zone_parse(p, n, &err);

    (void)state;
    assert_non_null(z);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t until;

        assert_int_equal(zone_offset_s(z, rows[i].at, &until), rows[i].offset);
        assert_true(until == rows[i].until);
    }
    zone_free(z);
}

static void without_a_rule_the_last_type_stays(void **state)
{
    static const int64_t other[2] = {1, 2};
    struct hwt_writer w;
    uint8_t p[300];
    size_t n = make_file(p, sizeof(p), steps, 1, "\n\n");
    int err;
    struct zone *z = zone_parse(p, n, &err);

    (void)state;
    assert_non_null(z);
    assert_int_equal(zone_offset_s(z, 6000000000, NULL), 7200);
    zone_free(z);
    hwt_writer_init(&w, p, sizeof(p)); /* version 1: no second part, no rule */
    put_part(&w, 0, 4, other, 1);
    z = zone_parse(p, w.at, &err);
    assert_non_null(z);
    assert_int_equal(zone_offset_s(z, 1, NULL), 3600);
    assert_int_equal(zone_offset_s(z, 2, NULL), 7200);
    zone_free(z);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    uint8_t p[300];
    size_t n = make_file(p, sizeof(p), steps, 1, "\n<-03>3\n");

    (void)state;
    for (size_t cut = 0; cut < n; cut++) {
        int err = 0;

        if (zone_parse(p, cut, &err) != NULL || err >= 0) {
            fail_msg("%zu of %zu bytes are taken", cut, n);
        }
    }
}

enum {                                      /* places in a file of make_file */
       SECOND = 44 + 2 * 4 + 2 + 2 * 6 + 2, /* the part that counts */
       LEAP_COUNT = SECOND + 28,
       TIME_COUNT = SECOND + 32,
       TYPE_COUNT = SECOND + 36,
       FIRST_OFFSET = SECOND + 44 + 2 * 8 + 2
};

static void impossible_files_are_refused(void **state)
{
    static const struct {
        int64_t at[2];
        uint8_t second_type;
        const char *footer;
        size_t place; /* of a byte exchanged for `value`; here 0 is no place of a fault */
        uint8_t value;
        int err;
        const char *why;
    } rows[] = {
        {{5, 5}, 1, "\n\n", SECOND, 'T', HWT_ERR_SANITY, "transitions that do not rise"},
        {{5, 6}, 2, "\n\n", SECOND, 'T', HWT_ERR_SANITY, "a type that there is not"},
        {{5, 6}, 1, "\nXX\n", SECOND, 'T', HWT_ERR_SANITY, "a rule that is none"},
        {{5, 6}, 1, "\nXXX3", SECOND, 'T', HWT_ERR_LENGTH, "a rule without end"},
        {{5, 6}, 1, "\n\n", 0, 'X', HWT_ERR_NOT_MINE, "no TZif"},
        {{5, 6}, 1, "\n\n", SECOND, 'X', HWT_ERR_NOT_MINE, "no second TZif"},
        {{5, 6}, 1, "\n\n", TIME_COUNT, 1, HWT_ERR_LENGTH, "more data than there is"},
        {{5, 6}, 1, "\n\n", LEAP_COUNT, 0xFF, HWT_ERR_LENGTH, "counts near 2^32"},
        {{5, 6}, 1, "\n\n", TYPE_COUNT + 3, 0, HWT_ERR_SANITY, "no types"},
        {{5, 6}, 1, "\n\n", FIRST_OFFSET, 0x7F, HWT_ERR_SANITY, "an offset of years"},
        {{5, 6}, 1, "\n\n0123456789ab", LEAP_COUNT + 3, 1, HWT_ERR_UNSUPPORTED, "leap seconds"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t p[300];
        size_t n = make_file(p, sizeof(p), rows[i].at, rows[i].second_type, rows[i].footer);
        int err = 0;

        p[rows[i].place] = rows[i].value;
        if (zone_parse(p, n, &err) != NULL || err != rows[i].err) {
            fail_msg("%s: %s", rows[i].why, hwt_err_name(err));
        }
    }
}

static void rules_are_taken_or_refused(void **state)
{
    static const struct {
        const char *text;
        int err;
    } rows[] = {
        {"UTC0", 0},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 0},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 0},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 0}, /* hours below 0: version 3 */
        {"EST5EDT,0/0,J365/25", 0},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", 0},
        {"", HWT_ERR_SANITY},
        {"CET", HWT_ERR_SANITY},
        {"CE-1", HWT_ERR_SANITY},
        {"<CET-1", HWT_ERR_SANITY},
        {"CET-25", HWT_ERR_SANITY},
        {"CET-1:60", HWT_ERR_SANITY},
        {"CET-1CEST", HWT_ERR_SANITY}, /* when? */
        {"CET-1CEST,M3.5.0", HWT_ERR_SANITY},
        {"CET-1CEST,M13.5.0,M10.5.0", HWT_ERR_SANITY},
        {"CET-1CEST,M3.6.0,M10.5.0", HWT_ERR_SANITY},
        {"CET-1CEST,M3.5.7,M10.5.0", HWT_ERR_SANITY},
        {"CET-1CEST,J0,M10.5.0", HWT_ERR_SANITY},
        {"CET-1CEST,366,M10.5.0", HWT_ERR_SANITY},
        {"CET-1CEST,M3.5.0/168,M10.5.0", HWT_ERR_SANITY},
        {"CET-1CEST,M3.5.0,M10.5.0x", HWT_ERR_SANITY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct zone_rule rule;

        if (zone_rule_parse(&rule, rows[i].text, strlen(rows[i].text)) != rows[i].err) {
            fail_msg("'%s' is not judged right", rows[i].text);
        }
    }
}

static void a_rule_tells_the_offset_and_its_end(void **state)
{
    static const struct {
        const char *rule;
        int64_t at;
        int32_t offset;
        int64_t until;
        const char *why;
    } rows[] = {
        {"GMT0BST,M3.5.0/1,M10.5.0", 4078429199, 0, 4078429200, "the last second of winter 2099"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 7200, 1792890000, "2026-03-29 01:00 UTC"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1774745999, 3600, 1774746000, "the second before"},
        {"<+03>-3<+04>,J60/0,J61/0", 1709251200 - 10800, 14400, 1709251200 + 86400 - 14400,
         "J60 is 1 March in 2024, too"},
        {"<+03>-3<+04>,59/0,60/0", 1709164800 - 10800, 14400, 1709164800 + 86400 - 14400,
         "day 59 is 29 February in 2024"},
        {"EST5EDT,0/0,J365/25", 1783000000, -14400, 1798779600, "daylight saving all the year"},
        {"<+00>0", 1783000000, 0, INT64_MAX, "no changes"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct zone_rule rule;
        int64_t until;
        int32_t offset;

        assert_int_equal(zone_rule_parse(&rule, rows[i].rule, strlen(rows[i].rule)), 0);
        offset = zone_rule_offset_s(&rule, rows[i].at, &until);
        if (offset != rows[i].offset || until != rows[i].until) {
            fail_msg("%s: %d until %lld", rows[i].why, (int)offset, (long long)until);
        }
    }
}

static void dates_and_days_are_each_other_s_inverse(void **state)
{
    struct calendar_date d;

    (void)state;
    for (int64_t day = -800000; day < 3000000; day += 61) {
        assert_true(calendar_days_of(calendar_date_of(day)) == day);
    }
    d = calendar_date_of(11016); /* a leap day of a year that 400 divides */
    assert_true(d.year == 2000 && d.month == 2 && d.day == 29);
    assert_int_equal(calendar_days_of((struct calendar_date){1970, 1, 1}), 0);
    assert_int_equal(calendar_days_of((struct calendar_date){2100, 3, 1}) -
                         calendar_days_of((struct calendar_date){2100, 2, 28}),
                     1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_tells_the_offset_before_between_and_behind_its_transitions),
        cmocka_unit_test(without_a_rule_the_last_type_stays),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(impossible_files_are_refused),
        cmocka_unit_test(rules_are_taken_or_refused),
        cmocka_unit_test(a_rule_tells_the_offset_and_its_end),
        cmocka_unit_test(dates_and_days_are_each_other_s_inverse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
