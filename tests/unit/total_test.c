/* core/heat/total: totals that never step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/heat/total.h"

#define WH INT64_C(3600000) /* mJ */

static const struct hwt_total_rules rules = {
    .num = 3600, .den = 1, .wrap = INT64_C(4294967296000), .most_per_s = INT64_C(100000000)};

struct step {
    int64_t wh;
    bool may_fall, restarted;
    enum hwt_total_event event;
    int64_t up_wh, down_wh;
};

/* A message each 10 s. */
static void follow(struct hwt_total *t, const struct step *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        print_message("# %lld\n", (long long)s[i].wh);
        assert_int_equal(hwt_total_feed(t, (int64_t)(i + 1) * 10000000, s[i].wh * 1000,
                                        s[i].may_fall, s[i].restarted),
                         s[i].event);
        assert_true(t->up == s[i].up_wh * WH);
        assert_true(t->down == s[i].down_wh * WH);
    }
}

#define FOLLOW(t, ...)                            \
    follow(t, (const struct step[]){__VA_ARGS__}, \
           sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

static void what_rises_and_what_is_fed_back_are_kept_apart(void **state)
{
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &rules);
    FOLLOW(&t, {100, false, false, HWT_TOTAL_FIRST, 100, 0},
           {105, false, false, HWT_TOTAL_MOVED, 105, 0},
           {103, true, false, HWT_TOTAL_MOVED, 105, 2}, {103, true, false, HWT_TOTAL_MOVED, 105, 2},
           {104, true, false, HWT_TOTAL_MOVED, 106, 2});
}

static void a_reset_makes_no_step(void **state)
{
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &rules);
    FOLLOW(&t, {5000, false, false, HWT_TOTAL_FIRST, 5000, 0},
           {0, false, false, HWT_TOTAL_RESET, 5000, 0}, {4, false, false, HWT_TOTAL_MOVED, 5004, 0},
           {2, true, true, HWT_TOTAL_RESET, 5004, 0}, {3, true, false, HWT_TOTAL_MOVED, 5005, 0},
           {1, false, false, HWT_TOTAL_RESET, 5005, 0} /* low, but nothing was fed in */);
}

static void a_misread_loses_nothing(void **state)
{
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &rules);
    FOLLOW(&t, {12345, false, false, HWT_TOTAL_FIRST, 12345, 0},
           {1345, false, false, HWT_TOTAL_RESET, 12345, 0},
           {12355, false, false, HWT_TOTAL_RESTORED, 12355, 0});
}

static void a_full_turn_is_taken_off_in_both_ways(void **state)
{
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &rules);
    hwt_total_resume(&t, 7 * WH, 0, 0);
    FOLLOW(&t, {2147483640, false, false, HWT_TOTAL_RESET, 7, 0},
           {2147483646, false, false, HWT_TOTAL_MOVED, 13, 0},
           {-2147483646, false, false, HWT_TOTAL_WRAPPED, 17, 0},
           {2147483647, true, false, HWT_TOTAL_WRAPPED, 17, 3});
}

static void an_unsigned_register_of_pulses_turns_too(void **state)
{
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &rules);
    hwt_total_resume(&t, 0, 0, 0);
    FOLLOW(&t, {4294967295, false, false, HWT_TOTAL_RESET, 0, 0},
           {3, false, false, HWT_TOTAL_WRAPPED, 4, 0});
}

static void a_restart_of_ours_goes_on(void **state)
{
    static const struct {
        const char *why;
        int64_t up_wh, down_wh, since_s, sent_wh;
        enum hwt_total_event event;
        int64_t after_wh;
    } rows[] = {
        {"the register rose meanwhile", 100, 0, -3600, 1100, HWT_TOTAL_MOVED, 1100},
        {"fed in before: the register is the difference", 100, 30, -10, 75, HWT_TOTAL_MOVED, 105},
        {"more than any power moves", 100, 0, -10, 900000, HWT_TOTAL_RESET, 100},
        {"a reset meanwhile", 100, 0, -3600, 3, HWT_TOTAL_RESET, 100},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_total t;

        print_message("# %s\n", rows[i].why);
        hwt_total_init(&t, &rules);
        hwt_total_resume(&t, rows[i].up_wh * WH, rows[i].down_wh * WH, rows[i].since_s * 1000000);
        assert_int_equal(hwt_total_feed(&t, 1000000, rows[i].sent_wh * 1000, false, false),
                         rows[i].event);
        assert_true(t.up == rows[i].after_wh * WH);
        assert_true(t.down == rows[i].down_wh * WH);
    }
}

static void numbers_at_the_ends_of_int64_are_refused_not_overflown(void **state)
{
    const struct hwt_total_rules one_to_one = {
        .num = 1, .den = 1, .wrap = INT64_C(1) << 40, .most_per_s = 1};
    struct hwt_total t;

    (void)state;
    hwt_total_init(&t, &rules);
    assert_int_equal(hwt_total_feed(&t, 0, INT64_MAX, false, false), HWT_TOTAL_RESET);
    assert_int_equal(hwt_total_feed(&t, 1, INT64_MIN, true, false), HWT_TOTAL_RESET);
    assert_true(t.up == 0 && t.down == 0);
    hwt_total_init(&t, &one_to_one); /* where even INT64_MIN thousandths are counts */
    assert_int_equal(hwt_total_feed(&t, 0, INT64_MIN, true, false), HWT_TOTAL_RESET);
    assert_true(t.up == 0 && t.down == 0);
    hwt_total_init(&t, &one_to_one);
    assert_int_equal(hwt_total_feed(&t, 0, 0, true, false), HWT_TOTAL_FIRST);
    assert_int_equal(hwt_total_feed(&t, 1, INT64_MIN, true, false), HWT_TOTAL_RESET);
    assert_true(t.up == 0 && t.down == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_rises_and_what_is_fed_back_are_kept_apart),
        cmocka_unit_test(a_reset_makes_no_step),
        cmocka_unit_test(a_misread_loses_nothing),
        cmocka_unit_test(a_full_turn_is_taken_off_in_both_ways),
        cmocka_unit_test(an_unsigned_register_of_pulses_turns_too),
        cmocka_unit_test(a_restart_of_ours_goes_on),
        cmocka_unit_test(numbers_at_the_ends_of_int64_are_refused_not_overflown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
