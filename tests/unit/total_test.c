/* core/heat/total: totals that never step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/heat/total.h"

#define WH     INT64_C(3600000) /* mJ */
#define SECOND INT64_C(1000000)

static const struct hwt_total_rules energy = {.most_per_s = INT64_C(100000000), .unit = {WH, 1000}};
static const struct hwt_total_rules net = {
    .most_per_s = INT64_C(100000000), .unit = {WH, 1000}, .falls = true};

enum { MAY_FALL = 1, RESTARTED = 2, DEVICE_A = 4, DEVICE_B = 8 };

struct step {
    int64_t wh;
    int hints;
    enum hwt_total_event event;
    int64_t up_wh, down_wh, offset_wh;
    const char *why;
};

/* A reading each 10 s. */
static void follow(struct hwt_total *t, const struct step *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct hwt_total_hint hint = {
            .may_fall = (s[i].hints & MAY_FALL) != 0,
            .restarted = (s[i].hints & RESTARTED) != 0,
            .device = (uint32_t)(s[i].hints & (DEVICE_A | DEVICE_B)),
        };
        enum hwt_total_event event =
            hwt_total_feed(t, (int64_t)(i + 1) * 10 * SECOND, s[i].wh * WH, hint);

        if (event != s[i].event || t->up != s[i].up_wh * WH || t->down != s[i].down_wh * WH ||
            hwt_total_offset(t) != s[i].offset_wh * WH) {
            fail_msg("%lld, %s: event %d, up %lld, down %lld, offset %lld", (long long)s[i].wh,
                     s[i].why, (int)event, (long long)(t->up / WH), (long long)(t->down / WH),
                     (long long)(hwt_total_offset(t) / WH));
        }
    }
}

#define FOLLOW(t, ...)                            \
    follow(t, (const struct step[]){__VA_ARGS__}, \
           sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

static void another_meter_makes_no_step_whether_it_shows_less_or_more(void **state)
{
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &energy);
    FOLLOW(&t, {5000, 0, HWT_TOTAL_FIRST, 5000, 0, 0, "the first"},
           {5000, 0, HWT_TOTAL_MOVED, 5000, 0, 0, "stands"},
           {5010, 0, HWT_TOTAL_MOVED, 5010, 0, 0, "rises"},
           {900000, 0, HWT_TOTAL_ODD, 5010, 0, 0, "a higher one"},
           {900003, 0, HWT_TOTAL_SWAPPED, 5013, 0, -894990, "it counts on"},
           {900005, 0, HWT_TOTAL_MOVED, 5015, 0, -894990, "and on"},
           {1000, 0, HWT_TOTAL_ODD, 5015, 0, -894990, "a lower one"},
           {1002, 0, HWT_TOTAL_SWAPPED, 5017, 0, 4015, "it counts on"},
           {1005, 0, HWT_TOTAL_MOVED, 5020, 0, 4015, "and on"});
    assert_true(t.before == 900005 * WH && t.after == 1000 * WH);
}

static void a_reset_makes_no_step(void **state)
{
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &net);
    FOLLOW(&t, {5000, 0, HWT_TOTAL_FIRST, 5000, 0, 0, "the first"},
           {0, 0, HWT_TOTAL_ODD, 5000, 0, 0, "0, or a misread"},
           {4, 0, HWT_TOTAL_RESET, 5004, 0, 5000, "it rises from 0"},
           {2, MAY_FALL | RESTARTED, HWT_TOTAL_RESET, 5004, 0, 5002,
            "the device says that it restarted"},
           {3, MAY_FALL, HWT_TOTAL_MOVED, 5005, 0, 5002, ""},
           {1, 0, HWT_TOTAL_ODD, 5005, 0, 5002, "low, but nothing was fed in"},
           {1, 0, HWT_TOTAL_RESET, 5005, 0, 5004, "it stays there"},
           {2, RESTARTED, HWT_TOTAL_MOVED, 5006, 0, 5004, "a restart that kept its registers"});
}

static void misreads_that_come_back_are_no_event_and_lose_nothing(void **state)
{
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &energy);
    FOLLOW(&t, {12345, 0, HWT_TOTAL_FIRST, 12345, 0, 0, "the first"},
           {1345, 0, HWT_TOTAL_ODD, 12345, 0, 0, "a digit is missing"},
           {12355, 0, HWT_TOTAL_RESTORED, 12355, 0, 0, "back"},
           {712355, 0, HWT_TOTAL_ODD, 12355, 0, 0, "a digit is wrong"},
           {12, 0, HWT_TOTAL_ODD, 12355, 0, 0, "and another"},
           {12366, 0, HWT_TOTAL_RESTORED, 12366, 0, 0, "back"},
           {12366, 0, HWT_TOTAL_MOVED, 12366, 0, 0, "stands"});
}

static void two_meters_on_one_address_count_one_of_them(void **state)
{
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &energy);
    FOLLOW(&t, {500, 0, HWT_TOTAL_FIRST, 500, 0, 0, "a"}, {90000, 0, HWT_TOTAL_ODD, 500, 0, 0, "b"},
           {501, 0, HWT_TOTAL_RESTORED, 501, 0, 0, "a"}, {90001, 0, HWT_TOTAL_ODD, 501, 0, 0, "b"},
           {502, 0, HWT_TOTAL_RESTORED, 502, 0, 0, "a"});
}

static void a_meter_that_says_it_is_another_is_not_compared_with_the_one_before(void **state)
{
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &energy);
    FOLLOW(&t, {500, 0, HWT_TOTAL_FIRST, 500, 0, 0, "the first"},
           {501, DEVICE_A, HWT_TOTAL_MOVED, 501, 0, 0, "it says who it is"},
           {503, DEVICE_B, HWT_TOTAL_ODD, 501, 0, 0, "another, near by chance"},
           {503, DEVICE_A, HWT_TOTAL_RESTORED, 503, 0, 0, "it was the first one's answer"},
           {504, DEVICE_B, HWT_TOTAL_ODD, 503, 0, 0, "another"},
           {505, DEVICE_B, HWT_TOTAL_SWAPPED, 504, 0, -1, "for good"},
           {506, 0, HWT_TOTAL_MOVED, 505, 0, -1, "and on"},
           {507, DEVICE_A, HWT_TOTAL_ODD, 505, 0, -1, "the first again"});
    hwt_total_init(&t, &energy);
    hwt_total_resume(&t, 500 * WH, 0, 0, 0, DEVICE_A);
    FOLLOW(&t, {503, DEVICE_B, HWT_TOTAL_ODD, 500, 0, 0, "exchanged while nobody looked"},
           {504, DEVICE_B, HWT_TOTAL_SWAPPED, 501, 0, -3, "for good"});
}

static void a_register_that_turns_over_loses_nothing_at_any_width(void **state)
{
    static const struct {
        const char *why;
        int64_t unit, last, next; /* in counts of unit; they are 30 apart */
    } rows[] = {
        {"5 digits of 1 Wh", WH, 99985, 15},
        {"6 digits of 1 Wh", WH, 999990, 20},
        {"7 digits of 1 Wh", WH, 9999999, 29},
        {"8 digits of 1 Wh", WH, 99999999, 29},
        {"10 digits of 1 Wh", WH, INT64_C(9999999999), 29},
        {"16 bits of 1 Wh", WH, 65535, 29},
        {"24 bits of 1 Wh", WH, 16777215, 29},
        {"31 bits of 1 Wh", WH, INT64_C(2147483647), 29},
        {"32 bits of 1 Wh", WH, INT64_C(4294967295), 29},
        {"32 bits of 1 Wh, signed", WH, INT64_C(2147483647), INT64_C(-2147483619)},
        {"8 digits of 10 Wh", 10 * WH, 99999999, 29},
        {"16 bits of 100 Wh", 100 * WH, 65535, 0},
        {"32 bits of 10 Wh", 10 * WH, INT64_C(4294967295), 29},
        {"7 digits of 1 kWh", 1000 * WH, 9999999, 0},
        {"8 digits of 1 MJ", INT64_C(1000000000), 99999999, 0},
        {"9 digits of 1 kJ", INT64_C(1000000), 999999999, 29},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct hwt_total_hint none = {false, false, 0};
        int64_t u = rows[i].unit, rise = rows[i].next == 0 ? 1 : 30;
        struct hwt_total t;

        print_message("# %s\n", rows[i].why);
        hwt_total_init(&t, &energy);
        assert_int_equal(hwt_total_feed(&t, 0, rows[i].last * u, none), HWT_TOTAL_FIRST);
        assert_int_equal(hwt_total_feed(&t, 60 * SECOND, rows[i].next * u, none), HWT_TOTAL_ODD);
        assert_int_equal(hwt_total_feed(&t, 120 * SECOND, (rows[i].next + 1) * u, none),
                         HWT_TOTAL_WRAPPED);
        assert_true(t.up == (rows[i].last + rise + 1) * u);
        assert_int_equal(hwt_total_feed(&t, 180 * SECOND, (rows[i].next + 2) * u, none),
                         HWT_TOTAL_MOVED);
        assert_true(t.up == (rows[i].last + rise + 2) * u);
    }
}

static void what_is_near_no_width_or_too_far_behind_it_is_no_roll_over(void **state)
{
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &energy);
    FOLLOW(&t, {9990000, 0, HWT_TOTAL_FIRST, 9990000, 0, 0, "10 kWh before the turn"},
           {3, 0, HWT_TOTAL_ODD, 9990000, 0, 0, "10 s later"},
           {4, 0, HWT_TOTAL_RESET, 9990001, 0, 9989997, "no power makes that"},
           {9999999, 0, HWT_TOTAL_ODD, 9990001, 0, 9989997, "elsewhere"},
           {9999999, 0, HWT_TOTAL_SWAPPED, 9990001, 0, -9998, "it stays"},
           {50000, 0, HWT_TOTAL_ODD, 9990001, 0, -9998, "far behind the turn"},
           {50000, 0, HWT_TOTAL_SWAPPED, 9990001, 0, 9940001, "another meter"});
}

/* Every fall is a roll-over at most at the widths that are listed: 10 kWh is none of 1 Wh. */
static void no_other_width_is_tried(void **state)
{
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &energy);
    FOLLOW(&t, {9999, 0, HWT_TOTAL_FIRST, 9999, 0, 0, "four digits"},
           {1, 0, HWT_TOTAL_ODD, 9999, 0, 0, "near 0"},
           {2, 0, HWT_TOTAL_RESET, 10000, 0, 9998, "no display is as short"});
}

static void what_rises_and_what_is_fed_back_are_kept_apart(void **state)
{
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &net);
    FOLLOW(&t, {100, 0, HWT_TOTAL_FIRST, 100, 0, 0, "the first"},
           {105, 0, HWT_TOTAL_MOVED, 105, 0, 0, "rises"},
           {103, MAY_FALL, HWT_TOTAL_MOVED, 105, 2, 0, "is fed in"},
           {103, MAY_FALL, HWT_TOTAL_MOVED, 105, 2, 0, "stands"},
           {104, MAY_FALL, HWT_TOTAL_MOVED, 106, 2, 0, "rises"});
    hwt_total_init(&t, &net);
    FOLLOW(&t, {-40, 0, HWT_TOTAL_FIRST, 0, 40, 0, "fed in before it was ever read"},
           {-38, 0, HWT_TOTAL_MOVED, 2, 40, 0, "rises"});
}

static void a_signed_register_turns_over_in_both_ways(void **state)
{
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &net);
    FOLLOW(
        &t, {2147483646, 0, HWT_TOTAL_FIRST, 2147483646, 0, 0, "the first"},
        {-2147483646, 0, HWT_TOTAL_ODD, 2147483646, 0, 0, "over 2^31"},
        {-2147483645, 0, HWT_TOTAL_WRAPPED, INT64_C(2147483651), 0, INT64_C(4294967296), "up"},
        {2147483647, MAY_FALL, HWT_TOTAL_ODD, INT64_C(2147483651), 0, INT64_C(4294967296), "back"},
        {2147483646, MAY_FALL, HWT_TOTAL_WRAPPED, INT64_C(2147483651), 5, 0, "and down"});
    hwt_total_init(&t, &net);
    FOLLOW(&t, {2, 0, HWT_TOTAL_FIRST, 2, 0, 0, "near 0, where nothing turns over"},
           {-2147483600, 0, HWT_TOTAL_ODD, 2, 0, 0, "46 from 2^31 less 2^31"},
           {-2147483600, 0, HWT_TOTAL_SWAPPED, 2, 0, INT64_C(2147483602), "another device"});
}

static void a_restart_of_ours_goes_on(void **state)
{
    static const struct {
        const char *why;
        int64_t up_wh, down_wh, offset_wh, since_s, first_wh, next_wh;
        enum hwt_total_event first, next;
        int64_t after_wh;
    } rows[] = {
        {"the register rose meanwhile", 100, 0, 0, -3600, 1100, 1101, HWT_TOTAL_MOVED,
         HWT_TOTAL_MOVED, 1101},
        {"the same, behind an offset", 100, 0, -7000, -3600, 8100, 8101, HWT_TOTAL_MOVED,
         HWT_TOTAL_MOVED, 1101},
        {"fed in before: the register is the difference", 100, 30, 0, -10, 75, 75, HWT_TOTAL_MOVED,
         HWT_TOTAL_MOVED, 105},
        {"a kilowatt-hour fell due meanwhile", 7000, 0, 0, -2, 8000, 8000, HWT_TOTAL_MOVED,
         HWT_TOTAL_MOVED, 8000},
        {"more than any power moves", 100, 0, 0, -10, 900000, 900002, HWT_TOTAL_ODD,
         HWT_TOTAL_SWAPPED, 102},
        {"a reset meanwhile", 100, 0, 0, -3600, 3, 4, HWT_TOTAL_ODD, HWT_TOTAL_RESET, 101},
        {"a roll-over meanwhile", 99990, 0, 0, -3600, 10, 11, HWT_TOTAL_ODD, HWT_TOTAL_WRAPPED,
         100011},
        {"a misread first", 100, 0, 0, -3600, 3, 110, HWT_TOTAL_ODD, HWT_TOTAL_RESTORED, 110},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct hwt_total_hint none = {false, false, 0};
        struct hwt_total t;

        print_message("# %s\n", rows[i].why);
        hwt_total_init(&t, &net);
        hwt_total_resume(&t, rows[i].up_wh * WH, rows[i].down_wh * WH, rows[i].offset_wh * WH,
                         rows[i].since_s * SECOND, 0);
        assert_true(hwt_total_offset(&t) == rows[i].offset_wh * WH);
        assert_int_equal(hwt_total_feed(&t, SECOND, rows[i].first_wh * WH, none), rows[i].first);
        assert_int_equal(hwt_total_feed(&t, 11 * SECOND, rows[i].next_wh * WH, none), rows[i].next);
        assert_true(t.up == rows[i].after_wh * WH);
        assert_true(t.down == rows[i].down_wh * WH);
        assert_true(hwt_total_offset(&t) ==
                    (rows[i].after_wh - rows[i].down_wh - rows[i].next_wh) * WH);
    }
}

/* Totals kept before a swap and the offset after it, or the other way round: whatever a loss of
 * power leaves behind, what is counted then is right. */
static void an_offset_newer_than_the_totals_loses_nothing(void **state)
{
    const struct hwt_total_hint none = {false, false, 0};
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &energy); /* at 5000 the meter was swapped; the new one began at 70 */
    hwt_total_resume(&t, 4990 * WH, 0, 4930 * WH, -60 * SECOND, 0);
    assert_int_equal(hwt_total_feed(&t, SECOND, 75 * WH, none), HWT_TOTAL_MOVED);
    assert_true(t.up == 5005 * WH);
}

static void bursts_of_readings_of_one_instant_are_no_leap(void **state)
{
    const struct hwt_total_rules supply = {.most_per_s = INT64_C(25000000), .unit = {WH, 1000}};
    const struct hwt_total_hint none = {false, false, 0};
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &supply);
    assert_int_equal(hwt_total_feed(&t, 0, 0, none), HWT_TOTAL_FIRST);
    for (int64_t i = 1; i < 8; i++) {
        assert_int_equal(hwt_total_feed(&t, 30 * SECOND, 10 * i * WH, none), HWT_TOTAL_MOVED);
    }
}

static void numbers_at_the_ends_of_int64_are_refused_not_overflown(void **state)
{
    const struct hwt_total_hint none = {false, false, 0};
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &net);
    assert_int_equal(hwt_total_feed(&t, 0, INT64_MAX, none), HWT_TOTAL_ODD);
    assert_int_equal(hwt_total_feed(&t, 1, INT64_MIN, none), HWT_TOTAL_ODD);
    assert_int_equal(hwt_total_feed(&t, 2, INT64_MIN, none), HWT_TOTAL_ODD);
    assert_false(t.known);
    assert_int_equal(hwt_total_feed(&t, 3, 0, none), HWT_TOTAL_FIRST);
    assert_int_equal(hwt_total_feed(&t, 4, INT64_MAX / 4, none), HWT_TOTAL_ODD);
    assert_int_equal(hwt_total_feed(&t, 5, -(INT64_MAX / 4), none), HWT_TOTAL_ODD);
    assert_int_equal(hwt_total_feed(&t, 6, -(INT64_MAX / 4), none), HWT_TOTAL_SWAPPED);
    assert_true(t.up == 0 && t.down == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_meter_makes_no_step_whether_it_shows_less_or_more),
        cmocka_unit_test(a_reset_makes_no_step),
        cmocka_unit_test(misreads_that_come_back_are_no_event_and_lose_nothing),
        cmocka_unit_test(two_meters_on_one_address_count_one_of_them),
        cmocka_unit_test(a_meter_that_says_it_is_another_is_not_compared_with_the_one_before),
        cmocka_unit_test(a_register_that_turns_over_loses_nothing_at_any_width),
        cmocka_unit_test(what_is_near_no_width_or_too_far_behind_it_is_no_roll_over),
        cmocka_unit_test(no_other_width_is_tried),
        cmocka_unit_test(what_rises_and_what_is_fed_back_are_kept_apart),
        cmocka_unit_test(a_signed_register_turns_over_in_both_ways),
        cmocka_unit_test(a_restart_of_ours_goes_on),
        cmocka_unit_test(an_offset_newer_than_the_totals_loses_nothing),
        cmocka_unit_test(bursts_of_readings_of_one_instant_are_no_leap),
        cmocka_unit_test(numbers_at_the_ends_of_int64_are_refused_not_overflown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
