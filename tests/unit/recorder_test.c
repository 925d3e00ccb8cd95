/* core/record: readings become records, aligned to the wall clock whatever it does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/record/recorder.h"

enum { SECOND = 1000000, CLAMP = 2, METER = 3 };

static const struct hwt_column columns[] = {
    {CLAMP, HWT_Q_POWER, 3 * SECOND},
    {CLAMP, HWT_Q_IMPORT, 3 * SECOND},
    {METER, HWT_Q_FLOW_T, 32 * SECOND},
};
enum { POWER, IMPORT, FLOW_T, COLUMNS };

static struct hwt_recorder r; /* too large for small stacks */

static void start(unsigned interval_s)
{
    assert_int_equal(hwt_recorder_init(&r, columns, COLUMNS, interval_s, 7), HWT_OK);
}

static bool put(int column, int64_t at_us, int64_t v, enum hwt_quality quality)
{
    struct hwt_reading in = {.value = v,
                             .mono_us = at_us,
                             .source = columns[column].source,
                             .quantity = columns[column].quantity,
                             .quality = (uint8_t)quality};

    return hwt_recorder_put(&r, &in);
}

static struct hwt_record_time at(int64_t mono_us, int64_t unix_ms)
{
    return (struct hwt_record_time){.mono_us = mono_us,
                                    .unix_ms = unix_ms,
                                    .clock = unix_ms == HWT_TIME_UNKNOWN ? HWT_CLOCK_UNKNOWN
                                                                         : HWT_CLOCK_SYNCED};
}

static bool due(int64_t mono_us, int64_t unix_ms, struct hwt_record *out)
{
    struct hwt_record_time now = at(mono_us, unix_ms);

    return hwt_recorder_due(&r, &now, out);
}

static void gauges_are_means_and_counters_are_newest(void **state)
{
    struct hwt_record rec;

    (void)state;
    start(10);
    assert_false(due(0, 1000000, &rec));
    assert_true(put(POWER, 1 * SECOND, 100, HWT_QUALITY_GOOD));
    assert_true(put(POWER, 2 * SECOND, 200, HWT_QUALITY_GOOD));
    assert_true(put(POWER, 3 * SECOND, 302, HWT_QUALITY_GOOD));
    assert_true(put(IMPORT, 1 * SECOND, 5000, HWT_QUALITY_GOOD));
    assert_true(put(IMPORT, 9 * SECOND, 5007, HWT_QUALITY_GOOD));
    assert_false(due(10 * SECOND - 1, 1009999, &rec));
    assert_true(due(10 * SECOND, 1010000, &rec));
    assert_int_equal(rec.count, COLUMNS);
    assert_int_equal(rec.value[POWER].v, 201); /* 200.67, rounded */
    assert_int_equal(rec.value[POWER].quality, HWT_QUALITY_GOOD);
    assert_int_equal(rec.value[IMPORT].v, 5007);
    assert_int_equal(rec.value[FLOW_T].quality, HWT_QUALITY_MISSING);
    assert_int_equal(rec.span_ms, 10000);
    assert_true(rec.mono_us == 10 * SECOND);
    assert_true(rec.unix_ms == 1010000);
    assert_int_equal(rec.clock, HWT_CLOCK_SYNCED);
    assert_int_equal(rec.boot, 7);
    assert_false(due(10 * SECOND + 1, 1010000, &rec));
    assert_true(due(20 * SECOND, 1020000, &rec));
    for (int i = 0; i < COLUMNS; i++) { /* nothing is kept from before */
        assert_int_equal(rec.value[i].quality, HWT_QUALITY_MISSING);
    }
}

static void the_quality_is_the_worst_of_the_readings(void **state)
{
    static const struct {
        enum hwt_quality a, b, want;
        int64_t mean;
        const char *why;
    } rows[] = {
        {HWT_QUALITY_GOOD, HWT_QUALITY_GOOD, HWT_QUALITY_GOOD, 150, "good"},
        {HWT_QUALITY_GOOD, HWT_QUALITY_SUSPECT, HWT_QUALITY_SUSPECT, 150, "one is suspect"},
        {HWT_QUALITY_SUSPECT, HWT_QUALITY_GOOD, HWT_QUALITY_SUSPECT, 150, "the other is"},
        {HWT_QUALITY_GOOD, HWT_QUALITY_MISSING, HWT_QUALITY_GOOD, 100, "missing is not counted"},
        {HWT_QUALITY_MISSING, HWT_QUALITY_MISSING, HWT_QUALITY_MISSING, 0, "nothing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_record rec;

        start(10);
        (void)due(0, 0, &rec);
        (void)put(POWER, 1, 100, rows[i].a);
        (void)put(POWER, 2, 200, rows[i].b);
        assert_true(due(10 * SECOND, 10000, &rec));
        if (rec.value[POWER].quality != rows[i].want ||
            (rows[i].want != HWT_QUALITY_MISSING && rec.value[POWER].v != rows[i].mean)) {
            fail_msg("%s: %d", rows[i].why, rec.value[POWER].quality);
        }
    }
}

static void intervals_end_at_multiples_of_the_wall_clock(void **state)
{
    static const struct {
        unsigned interval_s;
        int64_t unix_ms;  /* at mono 5 s */
        int64_t first_ms; /* label */
        uint32_t first_span_ms;
        const char *why;
    } rows[] = {
        {10, 1800000003250, 1800000010000, 6750, "a shorter first one"},
        {60, 1800000003250, 1800000060000, 56750, "a minute"},
        {1, 1800000003250, 1800000004000, 750, "a second"},
        {7, 1800000003250, 1800000006000, 2750, "any length"},
        {10, 1800000000000, 1800000010000, 10000, "started on the boundary"},
        {10, 1800000009950, 1800000020000, 10050, "a tiny first one is joined to the next"},
        {10, HWT_TIME_UNKNOWN, HWT_TIME_UNKNOWN, 5000, "no wall time: monotonic multiples"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_record rec = {0};
        bool wall = rows[i].unix_ms != HWT_TIME_UNKNOWN;
        int64_t us, spans = 0, label = rows[i].first_ms;

        start(rows[i].interval_s);
        for (us = 0; us <= INT64_C(200) * SECOND; us += SECOND / 4) {
            if (!due(5 * SECOND + us, wall ? rows[i].unix_ms + us / 1000 : rows[i].unix_ms, &rec)) {
                continue;
            }
            if (spans == 0 && rec.span_ms != rows[i].first_span_ms) {
                fail_msg("%s: first span %u", rows[i].why, rec.span_ms);
            }
            if (rec.unix_ms != label) {
                fail_msg("%s: label %lld", rows[i].why, (long long)rec.unix_ms);
            }
            spans += rec.span_ms;
            label += wall ? (int64_t)rows[i].interval_s * 1000 : 0;
        }
        assert_true(spans * 1000 == rec.mono_us - 5 * SECOND);
    }
}

/* A query puts a record where its interval starts: a millisecond early is the bucket before. */
static void intervals_of_a_known_clock_tile_its_time(void **state)
{
    static const struct {
        int64_t ppm, jitter_us; /* of the wall clock against the monotonic one */
        const char *why;
    } rows[] = {
        {0, 0, "a steady clock"},
        {0, 999, "one read in whole milliseconds, at any moment in them"},
        {500, 0, "slewed forward, as fast as a kernel does"},
        {-500, 0, "slewed back"},
        {-500, 999, "both"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t end_ms = 0;
        struct hwt_record rec;

        start(10);
        for (int64_t us = 0; us < INT64_C(600) * SECOND; us += 199700) {
            int64_t wall_us = us + us * rows[i].ppm / SECOND + us % (rows[i].jitter_us + 1);

            if (!due(us, 1800000000000 + wall_us / 1000, &rec)) {
                continue;
            }
            if (end_ms != 0 && rec.unix_ms - rec.span_ms != end_ms) {
                fail_msg("%s: from %lld, not %lld", rows[i].why,
                         (long long)(rec.unix_ms - rec.span_ms), (long long)end_ms);
            }
            end_ms = rec.unix_ms;
        }
        assert_in_range(end_ms, 1800000590000, 1800000600000);
    }
}

/* A clock that runs 400 ppm fast against the monotonic one: labels stay at the multiples. */
static void a_slewed_clock_keeps_the_labels_whole(void **state)
{
    struct hwt_record rec;
    int64_t records = 0;

    (void)state;
    start(10);
    for (int64_t us = 0; us < INT64_C(7200) * SECOND; us += 200000) {
        if (due(us, 1800000000000 + (us + us / 2500) / 1000, &rec)) {
            records++;
            int64_t wall_us = rec.mono_us + rec.mono_us / 2500; /* at the end of the interval */

            assert_int_equal(rec.unix_ms % 10000, 0);
            assert_int_equal(rec.span_ms, 10000);
            assert_in_range(1800000000000 + wall_us / 1000 - rec.unix_ms + 1, 0, 2);
        }
    }
    assert_int_equal(records, 720);
}

static void a_stepping_clock_makes_no_negative_span_and_no_record_twice(void **state)
{
    static const struct {
        int64_t step_ms;
        int64_t followed_ms; /* a little one is taken for a slew: the span is the wall clock's */
        const char *why;
    } rows[] = {
        {3600000, 0, "an hour on"},          {-3600000, 0, "an hour back"},
        {-4000, 0, "four seconds back"},     {-300, -300, "a little back"},
        {300, 300, "a little on"},           {-10000, 0, "one interval back"},
        {86400000LL * 3650, 0, "ten years"}, {-1800000000000LL, 0, "to 1970"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int64_t when = 30 * SECOND; when < 41 * SECOND; when += SECOND / 2) {
            int64_t last_us = 0, last_ms = 0, spans = 0;
            struct hwt_record rec;

            start(10);
            for (int64_t us = 0; us <= INT64_C(100) * SECOND; us += SECOND / 10) {
                int64_t ms = 1800000000000 + us / 1000 + (us >= when ? rows[i].step_ms : 0);

                while (due(us, ms, &rec)) {
                    int64_t after_ms = rec.mono_us > when ? rows[i].step_ms : 0;
                    int64_t off_ms = rec.unix_ms - 1800000000000 - rec.mono_us / 1000 - after_ms;

                    if (rec.mono_us <= last_us || rec.unix_ms == last_ms || rec.span_ms == 0 ||
                        rec.span_ms > 20000 || off_ms < -1 || off_ms > 1) {
                        fail_msg("%s at %lld us: span %u", rows[i].why, (long long)when,
                                 rec.span_ms);
                    }
                    last_us = rec.mono_us;
                    last_ms = rec.unix_ms;
                    spans += rec.span_ms;
                }
            }
            spans -= last_us / 1000 + rows[i].followed_ms;
            if (spans < -1 || spans > 0) { /* -1: a label that would be one twice is one more */
                fail_msg("%s at %lld us: the spans are off by %lld ms", rows[i].why,
                         (long long)when, (long long)spans);
            }
            assert_int_equal(last_ms % 10000, 0); /* in step again */
            assert_true(last_us > 89 * INT64_C(1000000));
        }
    }
}

static void a_wall_time_learnt_later_aligns_from_the_next_interval(void **state)
{
    struct hwt_record rec;

    (void)state;
    start(10);
    (void)due(1 * SECOND, HWT_TIME_UNKNOWN, &rec);
    assert_false(due(4 * SECOND, HWT_TIME_UNKNOWN, &rec));
    assert_false(due(5 * SECOND, 1800000003000, &rec));
    assert_true(due(10 * SECOND, 1800000008000, &rec));
    assert_true(rec.unix_ms == 1800000008000); /* it is known when the record is made */
    assert_int_equal(rec.span_ms, 9000);
    assert_true(due(12 * SECOND, 1800000010000, &rec));
    assert_true(rec.unix_ms == 1800000010000);
    assert_int_equal(rec.span_ms, 2000);
    assert_true(due(22 * SECOND, HWT_TIME_UNKNOWN, &rec)); /* and lost again */
}

static void a_stall_leaves_a_hole_not_a_pile_of_empty_records(void **state)
{
    struct hwt_record rec;
    int records = 0;

    (void)state;
    start(10);
    (void)due(0, 1800000000000, &rec);
    (void)put(POWER, SECOND, 5, HWT_QUALITY_GOOD);
    while (due(INT64_C(3605) * SECOND, 1800003605000, &rec)) {
        records++;
    }
    assert_int_equal(records, 1);
    assert_int_equal(rec.span_ms, 10000);
    assert_int_equal(rec.value[POWER].v, 5);
    assert_true(due(INT64_C(3610) * SECOND, 1800003610000, &rec));
    assert_int_equal(rec.span_ms, 5000);
}

static void a_reading_after_the_end_waits_for_the_next_interval(void **state)
{
    struct hwt_record rec;

    (void)state;
    start(10);
    (void)due(0, 0, &rec);
    (void)put(POWER, 10 * SECOND, 10, HWT_QUALITY_GOOD); /* the end belongs to the interval */
    (void)put(POWER, 10 * SECOND + 1, 30, HWT_QUALITY_GOOD);
    assert_true(due(11 * SECOND, 11000, &rec));
    assert_int_equal(rec.value[POWER].v, 10);
    (void)put(POWER, 9 * SECOND, 50, HWT_QUALITY_GOOD); /* late: not lost */
    assert_true(due(20 * SECOND, 20000, &rec));
    assert_int_equal(rec.value[POWER].v, 40);
    (void)put(IMPORT, 25 * SECOND, 900, HWT_QUALITY_GOOD);
    (void)put(IMPORT, 24 * SECOND, 800, HWT_QUALITY_GOOD); /* a counter never goes back */
    assert_true(due(30 * SECOND, 30000, &rec));
    assert_int_equal(rec.value[IMPORT].v, 900);
    assert_int_equal(rec.value[POWER].quality, HWT_QUALITY_MISSING); /* and waits only once */
    (void)put(IMPORT, 24 * SECOND, 800, HWT_QUALITY_GOOD);
    assert_true(due(40 * SECOND, 40000, &rec));
    assert_int_equal(rec.value[IMPORT].quality, HWT_QUALITY_MISSING);
}

static void live_values_age_and_then_are_missing(void **state)
{
    struct hwt_live live;

    (void)state;
    start(10);
    assert_int_equal(hwt_recorder_live(&r, POWER, 0).quality, HWT_QUALITY_MISSING);
    (void)put(POWER, 5 * SECOND, -1234, HWT_QUALITY_SUSPECT);
    live = hwt_recorder_live(&r, POWER, 5 * SECOND + 120000);
    assert_int_equal(live.value, -1234);
    assert_int_equal(live.age_us, 120000);
    assert_int_equal(live.quality, HWT_QUALITY_SUSPECT);
    assert_int_equal(hwt_recorder_live(&r, POWER, 8 * SECOND).quality, HWT_QUALITY_SUSPECT);
    assert_int_equal(hwt_recorder_live(&r, POWER, 8 * SECOND + 1).quality, HWT_QUALITY_MISSING);
    (void)put(FLOW_T, 5 * SECOND, 3462, HWT_QUALITY_GOOD);
    assert_int_equal(hwt_recorder_live(&r, FLOW_T, 37 * SECOND).value, 3462);
    (void)put(FLOW_T, 38 * SECOND, 8500, HWT_QUALITY_MISSING); /* says: not measured now */
    assert_int_equal(hwt_recorder_live(&r, FLOW_T, 38 * SECOND).quality, HWT_QUALITY_MISSING);
    assert_int_equal(hwt_recorder_live(&r, COLUMNS, 0).quality, HWT_QUALITY_MISSING);
}

static void the_last_interval_is_flushed_shorter(void **state)
{
    struct hwt_record rec;
    struct hwt_record_time now = at(4 * SECOND, 1800000004000);

    (void)state;
    start(10);
    (void)due(0, 1800000000000, &rec);
    assert_false(hwt_recorder_flush(&r, &now, &rec));
    (void)put(IMPORT, 3 * SECOND, 17, HWT_QUALITY_GOOD);
    assert_true(hwt_recorder_flush(&r, &now, &rec));
    assert_int_equal(rec.span_ms, 4000);
    assert_true(rec.unix_ms == 1800000004000);
    assert_int_equal(rec.value[IMPORT].v, 17);
    assert_false(hwt_recorder_flush(&r, &now, &rec));
    assert_true(due(10 * SECOND, 1800000010000, &rec));
    assert_int_equal(rec.span_ms, 6000);
}

static void wild_readings_are_refused_and_foreign_ones_ignored(void **state)
{
    struct hwt_reading foreign = {
        .source = 99, .quantity = HWT_Q_POWER, .quality = HWT_QUALITY_GOOD};
    struct hwt_record rec;

    (void)state;
    start(60);
    (void)due(0, 0, &rec);
    assert_true(hwt_recorder_put(&r, &foreign));
    assert_false(put(POWER, 1, INT64_MAX, HWT_QUALITY_GOOD));
    assert_false(put(POWER, 1, INT64_MIN, HWT_QUALITY_GOOD));
    assert_false(put(POWER, 1, 1, HWT_QUALITY_COUNT));
    assert_int_equal(hwt_recorder_refused(&r), 3);
    for (int i = 0; i < 70000; i++) { /* more than one interval can sum: no overflow */
        assert_true(put(POWER, 2 + i, ((int64_t)1 << 47) - 1, HWT_QUALITY_GOOD));
    }
    assert_true(put(IMPORT, 9, INT64_MAX, HWT_QUALITY_GOOD)); /* counters use the full width */
    assert_true(due(60 * SECOND, 60000, &rec));
    assert_true(rec.value[POWER].v == ((int64_t)1 << 47) - 1);
    assert_true(rec.value[IMPORT].v == INT64_MAX);
}

static void wrong_columns_are_refused(void **state)
{
    static const struct hwt_column twice[] = {{1, HWT_Q_POWER, 1}, {1, HWT_Q_POWER, 2}};
    static const struct hwt_column none[] = {{1, HWT_Q_NONE, 1}};
    static const struct hwt_column beyond[] = {{1, HWT_Q_COUNT, 1}};

    (void)state;
    assert_int_equal(hwt_recorder_init(&r, columns, 0, 10, 1), HWT_ERR_ARGUMENT);
    assert_int_equal(hwt_recorder_init(&r, columns, HWT_CHANNELS_MAX + 1, 10, 1), HWT_ERR_ARGUMENT);
    assert_int_equal(hwt_recorder_init(&r, columns, COLUMNS, 0, 1), HWT_ERR_ARGUMENT);
    assert_int_equal(hwt_recorder_init(&r, columns, COLUMNS, 61, 1), HWT_ERR_ARGUMENT);
    assert_int_equal(hwt_recorder_init(&r, twice, 2, 10, 1), HWT_ERR_ARGUMENT);
    assert_int_equal(hwt_recorder_init(&r, none, 1, 10, 1), HWT_ERR_ARGUMENT);
    assert_int_equal(hwt_recorder_init(&r, beyond, 1, 10, 1), HWT_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gauges_are_means_and_counters_are_newest),
        cmocka_unit_test(the_quality_is_the_worst_of_the_readings),
        cmocka_unit_test(intervals_end_at_multiples_of_the_wall_clock),
        cmocka_unit_test(intervals_of_a_known_clock_tile_its_time),
        cmocka_unit_test(a_slewed_clock_keeps_the_labels_whole),
        cmocka_unit_test(a_stepping_clock_makes_no_negative_span_and_no_record_twice),
        cmocka_unit_test(a_wall_time_learnt_later_aligns_from_the_next_interval),
        cmocka_unit_test(a_stall_leaves_a_hole_not_a_pile_of_empty_records),
        cmocka_unit_test(a_reading_after_the_end_waits_for_the_next_interval),
        cmocka_unit_test(live_values_age_and_then_are_missing),
        cmocka_unit_test(the_last_interval_is_flushed_shorter),
        cmocka_unit_test(wild_readings_are_refused_and_foreign_ones_ignored),
        cmocka_unit_test(wrong_columns_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
