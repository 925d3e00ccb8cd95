/* core/wire/pulses and steps: which edges are pulses, and what power they tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/wire/pulses.h"
#include "core/wire/steps.h"

static const struct hwt_pulses_options s0 = {30000, 30000, 100000};

enum { UP = 1, DOWN = 0, IDLE = 2 };

static void levels_must_be_held_and_pulses_apart(void **state)
{
    static const struct {
        struct {
            int64_t ms;
            int what;
        } edge[12];
        uint64_t pulses, bounces, close;
        const char *why;
    } rows[] = {
        {{{100, UP}, {150, DOWN}, {300, UP}, {350, DOWN}, {500, IDLE}}, 2, 0, 0, "two pulses"},
        {{{100, UP}, {129, DOWN}, {300, IDLE}}, 0, 1, 0, "one that is too short"},
        {{{100, UP}, {130, DOWN}, {300, IDLE}}, 1, 0, 0, "just long enough"},
        {{{100, UP}, {101, DOWN}, {102, UP}, {150, DOWN}, {300, IDLE}},
         1,
         2,
         0,
         "a contact that bounces as it closes"},
        {{{100, UP}, {150, DOWN}, {151, UP}, {152, DOWN}, {300, IDLE}}, 1, 2, 0, "and as it opens"},
        {{{100, UP}, {140, DOWN}, {175, UP}, {210, DOWN}, {300, IDLE}},
         1,
         0,
         1,
         "two that are closer than the meter can deliver"},
        {{{100, UP}, {131, IDLE}, {500, DOWN}}, 1, 0, 0, "counted while it lasts, and once"},
        {{{100, DOWN}, {200, UP}, {250, DOWN}, {300, IDLE}},
         1,
         0,
         0,
         "begun before we looked: only the next counts"},
        {{{100, UP}, {200, UP}, {250, DOWN}, {300, IDLE}}, 1, 0, 0, "an edge is missing"},
        {{{500, IDLE}}, 0, 0, 0, "nothing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_pulses p;
        uint64_t told = 0;
        int64_t at;

        print_message("# %s\n", rows[i].why);
        hwt_pulses_init(&p, &s0);
        for (size_t k = 0; k < 12 && rows[i].edge[k].ms > 0; k++) {
            int64_t us = rows[i].edge[k].ms * 1000;

            told += rows[i].edge[k].what == IDLE
                        ? hwt_pulses_idle(&p, us, &at)
                        : hwt_pulses_edge(&p, us, rows[i].edge[k].what == UP, 0, &at);
        }
        assert_int_equal(p.counters.pulses, rows[i].pulses);
        assert_int_equal(told, rows[i].pulses);
        assert_int_equal(p.counters.bounces, rows[i].bounces);
        assert_int_equal(p.counters.close, rows[i].close);
    }
}

static void a_pulse_is_stamped_by_its_first_edge(void **state)
{
    struct hwt_pulses p;
    int64_t at = 0;

    (void)state;
    hwt_pulses_init(&p, &s0);
    assert_false(hwt_pulses_edge(&p, 7000000, true, 0, &at));
    assert_true(hwt_pulses_edge(&p, 7050000, false, 5, &at));
    assert_int_equal(at, 7000000);
    assert_int_equal(p.counters.lost, 5);
}

static void power_holds_then_falls_then_is_none(void **state)
{
    static const int64_t wh = 3600000;
    static const struct {
        int64_t ms, tenths; /* -1: not known */
        const char *why;
    } rows[] = {
        {10000, 10000, "1 Wh in 3.6 s is 1 kW"},
        {13600, 10000, "the next is not overdue"},
        {17200, 5000, "twice the time: at most half"},
        {46000, 1000, "ten times"},
        {310000, 120, "not yet nothing"},
        {310001, 0, "now it is"},
    };
    struct hwt_steps s;
    int64_t tenths;

    (void)state;
    hwt_steps_init(&s, 300000000);
    assert_false(hwt_steps_power(&s, 5000000, wh, &tenths));
    hwt_steps_add(&s, 6400000, wh);
    assert_false(hwt_steps_power(&s, 7000000, wh, &tenths));
    hwt_steps_add(&s, 10000000, wh);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("# %s\n", rows[i].why);
        assert_true(hwt_steps_power(&s, rows[i].ms * 1000, wh, &tenths));
        assert_int_equal(tenths, rows[i].tenths);
    }
    hwt_steps_add(&s, 900000000, wh); /* after a rest: its pace is not known */
    assert_false(hwt_steps_power(&s, 900000001, wh, &tenths));
    hwt_steps_add(&s, 901800000, wh);
    hwt_steps_add(&s, 901800000, wh); /* two at once */
    assert_true(hwt_steps_power(&s, 901800000, wh, &tenths));
    assert_int_equal(tenths, 40000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_must_be_held_and_pulses_apart),
        cmocka_unit_test(a_pulse_is_stamped_by_its_first_edge),
        cmocka_unit_test(power_holds_then_falls_then_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
