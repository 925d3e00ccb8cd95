/* core/tslog: corrections: what they make of values, and that they are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/tslog/internal.h"
#include "tests/log/model.h"

enum { BLOCK = 16 * HWT_TSLOG_PAGE, BLOCKS = 60, RECORDS = 200 };

#define ONE ((int64_t)1 << 30)

struct fixture {
    struct ramdev *dev;
    struct hwt_tslog *log;
    struct hwt_tslog_snapshot *snapshot;
    struct hwt_tslog_cursor *cursor;
    struct hwt_tslog_buckets *buckets;
};

static const struct hwt_channel channel[3] = {{"a_power", HWT_Q_POWER},
                                              {"a_reactive_power", HWT_Q_REACTIVE_POWER},
                                              {"b_energy", HWT_Q_ENERGY}};
static const struct hwt_schema schema = {channel, 3};

static void open_log(struct fixture *f)
{
    struct hwt_tslog_config config = {.bd = ramdev_bd(f->dev)};
    struct hwt_tslog_recovery recovery;

    assert_int_equal(hwt_tslog_open(f->log, &config, &recovery), 0);
    assert_int_equal(hwt_tslog_stream(f->log, HWT_TSLOG_OWN, HWT_PROVENANCE_MEASURED), 0);
}

/* Record i: P = 1000 i, Q = 10 i, missing at each tenth; energy 100 i. */
static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->dev = ramdev_new(BLOCK, BLOCKS, 0xFF);
    f->log = calloc(1, sizeof(*f->log));
    f->snapshot = calloc(1, sizeof(*f->snapshot));
    f->cursor = calloc(1, sizeof(*f->cursor));
    f->buckets = calloc(1, sizeof(*f->buckets));
    open_log(f);
    for (int64_t i = 1; i <= RECORDS; i++) {
        struct hwt_value value[3] = {{.v = 1000 * i, .quality = HWT_QUALITY_GOOD},
                                     {.v = 10 * i, .quality = HWT_QUALITY_GOOD},
                                     {.v = 100 * i, .quality = HWT_QUALITY_GOOD}};
        struct hwt_record r = {.mono_us = i * 10000000,
                               .unix_ms = i * 10000,
                               .boot = 1,
                               .span_ms = 10000,
                               .clock = HWT_CLOCK_SYNCED,
                               .count = 3,
                               .value = value};
        uint64_t sequence;

        value[1].quality = i % 10 == 0 ? HWT_QUALITY_MISSING : HWT_QUALITY_GOOD;
        assert_int_equal(hwt_tslog_append(f->log, 0, &schema, &r, &sequence), 0);
    }
    assert_int_equal(hwt_tslog_commit(f->log), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    ramdev_free(f->dev);
    free(f->log);
    free(f->snapshot);
    free(f->cursor);
    free(f->buckets);
    free(f);
    return 0;
}

/* P of records 1..RECORDS times gain, plus Q times cross. */
static struct hwt_correction power_times(int64_t gain, int64_t cross)
{
    struct hwt_correction c = {.channel = "a_power",
                               .cross = "a_reactive_power",
                               .id = "test",
                               .first = 1,
                               .last = RECORDS,
                               .gain_q30 = gain,
                               .cross_q30 = cross,
                               .unix_ms = 5};

    return c;
}

static void correct(struct fixture *f, const struct hwt_correction *c)
{
    assert_int_equal(hwt_tslog_correct(f->log, 0, c), 0);
}

static void commit(struct fixture *f)
{
    assert_int_equal(hwt_tslog_commit(f->log), 0);
    hwt_tslog_snapshot(f->log, f->snapshot);
}

static struct hwt_value read_value(struct fixture *f, uint64_t sequence, unsigned column,
                                   bool stored)
{
    const struct hwt_schema *got;
    const struct hwt_record *record;
    uint64_t lost;

    assert_int_equal(hwt_tslog_cursor_open(f->cursor, f->snapshot, 0, sequence), 0);
    hwt_tslog_cursor_stored(f->cursor, stored);
    assert_int_equal(hwt_tslog_cursor_next(f->cursor, &got, &record, &lost), 1);
    return record->value[column];
}

static void a_correction_is_exact_and_rounds_half_away_from_zero(void **state)
{
    static const struct {
        int64_t gain, cross, offset, value, other, want;
        const char *why;
    } rows[] = {
        {ONE, 0, 0, 12345, 7, 12345, "gain 1"},
        {ONE / 2, 0, 0, 3, 0, 2, "1.5 to 2"},
        {ONE / 2, 0, 0, -3, 0, -2, "-1.5 to -2"},
        {ONE / 2 - 1, 0, 0, 3, 0, 1, "just below 1.5"},
        {ONE, -ONE, 0, 100, 30, 70, "the other channel"},
        {ONE / 4, ONE / 4, 0, 1, 1, 1, "0.25 + 0.25, rounded once"},
        {0, 0, -9, 100, 0, -9, "offset alone"},
        {ONE, 0, 0, INT64_MAX, 0, INT64_MAX, "the largest"},
        {ONE, 0, 0, INT64_MIN, 0, INT64_MIN, "the smallest"},
        {-ONE, 0, 0, INT64_MIN, 0, INT64_MAX, "one too many"},
        {(int64_t)1 << 40, 0, 0, INT64_MAX, 0, INT64_MAX, "1024 times the largest"},
        {(int64_t)1 << 40, (int64_t)1 << 40, 0, INT64_MIN, INT64_MIN, INT64_MIN,
         "twice that, below"},
        {(int64_t)1 << 40, -((int64_t)1 << 40), 5, INT64_MIN, INT64_MIN, 5, "large ones cancel"},
        {ONE + 1, 0, 0, INT64_C(1) << 31, 0, (INT64_C(1) << 31) + 2,
         "small part of a large number"},
        {ONE, 0, 1, INT64_MAX, 0, INT64_MAX, "an offset beyond the limit"},
        {ONE, 0, -1, INT64_MIN, 0, INT64_MIN, "and below"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_correction c = {
            .gain_q30 = rows[i].gain, .cross_q30 = rows[i].cross, .offset = rows[i].offset};

        print_message("# %s\n", rows[i].why);
        assert_true(hwt_tslog_corrected(&c, rows[i].value, rows[i].other) == rows[i].want);
    }
}

static void readers_give_corrected_values_and_on_request_the_stored_ones(void **state)
{
    static const struct hwt_tslog_range range = {.to_ms = 100000, .step_ms = 100000};
    static const char *const ids[] = {"a_power", "b_energy"};
    struct fixture *f = *state;
    struct hwt_correction c = power_times(2 * ONE, 0);
    struct hwt_bucket b[2];

    c.first = 4;
    c.last = 8;
    correct(f, &c);
    strcpy(c.channel, "b_energy");
    c.gain_q30 = 3 * ONE;
    c.first = 1;
    c.last = RECORDS;
    correct(f, &c);
    commit(f);
    for (uint64_t i = 1; i <= 10; i++) {
        int64_t p = (int64_t)(1000 * i);

        assert_int_equal(read_value(f, i, 0, false).v, i >= 4 && i <= 8 ? 2 * p : p);
        assert_int_equal(read_value(f, i, 0, true).v, p);
    }
    assert_int_equal(hwt_tslog_buckets_open(f->buckets, f->snapshot, ids, 2, &range), 0);
    assert_int_equal(hwt_tslog_buckets_next(f->buckets, b), 1);
    assert_int_equal(b[0].max, 16000);
    assert_int_equal(b[0].min, 1000);
    assert_int_equal(b[0].mean, (55 + 30) * 100);
    assert_int_equal(b[1].delta, 9 * 300);
}

static void corrections_of_one_act_see_the_values_before_it(void **state)
{
    struct fixture *f = *state;
    struct hwt_correction p = power_times(ONE / 2, ONE), q = power_times(ONE / 2, -ONE);

    strcpy(q.channel, "a_reactive_power");
    strcpy(q.cross, "a_power");
    correct(f, &p); /* P' = P/2 + Q, Q' = Q/2 - P */
    correct(f, &q);
    p.unix_ms = q.unix_ms = 6; /* the same once more, of P' and Q' */
    correct(f, &q);
    correct(f, &p);
    commit(f);
    /* record 4: P 4000, Q 40; P' 2040, Q' -3980; P'' 1020 - 3980, Q'' -1990 - 2040 */
    assert_int_equal(read_value(f, 4, 0, false).v, -2960);
    assert_int_equal(read_value(f, 4, 1, false).v, -4030);
}

static void acts_follow_each_other_in_the_order_they_were_recorded(void **state)
{
    struct fixture *f = *state;
    struct hwt_correction c = power_times(2 * ONE, 0);

    correct(f, &c);
    strcpy(c.id, "other"); /* at the same time, but another act */
    c.gain_q30 = ONE;
    c.offset = 1;
    correct(f, &c);
    strcpy(c.id, "test"); /* back to the first's name: a third */
    c.gain_q30 = 10 * ONE;
    c.offset = 0;
    correct(f, &c);
    commit(f);
    assert_int_equal(read_value(f, 3, 0, false).v, (3000 * 2 + 1) * 10);
}

static void missing_stays_missing_and_half_known_is_suspect(void **state)
{
    struct fixture *f = *state;
    struct hwt_correction p = power_times(2 * ONE, ONE), q = power_times(2 * ONE, ONE);
    struct hwt_value v;

    strcpy(q.channel, "a_reactive_power");
    strcpy(q.cross, "not_there");
    correct(f, &p);
    correct(f, &q);
    commit(f);
    v = read_value(f, 10, 1, false); /* missing there */
    assert_int_equal(v.quality, HWT_QUALITY_MISSING);
    v = read_value(f, 10, 0, false);
    assert_int_equal(v.v, 20000);
    assert_int_equal(v.quality, HWT_QUALITY_SUSPECT);
    v = read_value(f, 11, 0, false);
    assert_int_equal(v.v, 22110);
    assert_int_equal(v.quality, HWT_QUALITY_GOOD);
    v = read_value(f, 11, 1, false); /* its other channel is in no record */
    assert_int_equal(v.v, 220);
    assert_int_equal(v.quality, HWT_QUALITY_SUSPECT);
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct fixture *f = *state;
    struct hwt_correction good = power_times(ONE, 0), bad;

    assert_int_equal(hwt_tslog_correct(f->log, 1, &good), HWT_ERR_ARGUMENT);
#define REFUSED(change)                                                         \
    do {                                                                        \
        bad = good;                                                             \
        change;                                                                 \
        print_message("# %s\n", #change);                                       \
        assert_int_equal(hwt_tslog_correct(f->log, 0, &bad), HWT_ERR_ARGUMENT); \
    } while (0)
    REFUSED(bad.channel[0] = 'A');
    REFUSED(bad.channel[0] = 0);
    REFUSED(memset(bad.channel, 'a', sizeof(bad.channel)));
    REFUSED(bad.cross[0] = '-');
    REFUSED((bad.cross[0] = 0, bad.cross_q30 = 1));
    REFUSED(bad.id[1] = 10);
    REFUSED(memset(bad.id, 'a', sizeof(bad.id)));
    REFUSED(bad.first = 0);
    REFUSED((bad.first = 9, bad.last = 8));
    REFUSED(bad.gain_q30 = ((int64_t)1 << 40) + 1);
    REFUSED(bad.cross_q30 = INT64_MIN);
    REFUSED(bad.unix_ms = HWT_TIME_UNKNOWN);
    correct(f, &good);
    REFUSED(bad.first = RECORDS); /* the same act again */
    bad = good;
    bad.first = bad.last = RECORDS + 1;
    correct(f, &bad);
    commit(f);
    assert_int_equal(f->snapshot->amended.count, 2);
}

/* As long as they get. */
static struct hwt_correction long_one(unsigned i)
{
    struct hwt_correction c = power_times(ONE, 0);

    memset(c.channel, 'c', HWT_ID_MAX);
    memset(c.cross, 'd', HWT_ID_MAX);
    memset(c.id, 'e', HWT_ID_MAX);
    c.unix_ms = i;
    return c;
}

static void corrections_are_durable_with_the_next_commit_in_two_copies(void **state)
{
    struct fixture *f = *state;
    struct hwt_correction c;
    uint64_t ops;

    for (unsigned i = 0; i < HWT_TSLOG_CORRECTIONS_MAX; i++) {
        c = long_one(i);
        correct(f, &c);
    }
    c = power_times(ONE, 0);
    assert_int_equal(hwt_tslog_correct(f->log, 0, &c), HWT_ERR_SPACE);
    hwt_tslog_snapshot(f->log, f->snapshot);
    assert_int_equal(f->snapshot->amended.count, 0);
    commit(f);
    assert_int_equal(f->snapshot->amended.count, HWT_TSLOG_CORRECTIONS_MAX);
    for (unsigned k = 0; k < 2; k++) { /* one copy or the other is damaged, on any page */
        for (unsigned part = 0; part < 10; part++) {
            uint8_t *page =
                ramdev_bytes(f->dev) +
                (size_t)(hwt_tslog_slot_page(HWT_TSLOG_AMEND_MEMBER, k) + part) * HWT_TSLOG_PAGE;
            struct hwt_tslog_config config = {.bd = ramdev_bd(f->dev), .read_only = true};
            struct hwt_tslog_recovery recovery;

            page[200] ^= 1;
            assert_int_equal(hwt_tslog_open(f->log, &config, &recovery), 0);
            page[200] ^= 1;
            assert_int_equal(recovery.pages_bad, 1);
            hwt_tslog_snapshot(f->log, f->snapshot);
            assert_int_equal(f->snapshot->amended.count, HWT_TSLOG_CORRECTIONS_MAX);
            for (unsigned i = 0; i < HWT_TSLOG_CORRECTIONS_MAX; i++) {
                c = long_one(i);
                assert_true(model_fix_equal(&f->snapshot->amended.at[i].what, &c));
            }
        }
    }
    open_log(f);
    ops = ramdev_ops(f->dev);
    commit(f);
    assert_int_equal(ramdev_ops(f->dev), ops); /* nothing left to do */
}

static void pages_of_two_generations_make_no_copy(void **state)
{
    struct fixture *f = *state;
    uint8_t before[HWT_TSLOG_PAGE], *page;
    struct hwt_correction c;

    for (unsigned i = 0; i < 40; i++) { /* two pages */
        c = long_one(i);
        correct(f, &c);
    }
    commit(f);
    page = ramdev_bytes(f->dev) +
           (size_t)(hwt_tslog_slot_page(HWT_TSLOG_AMEND_MEMBER, 1 - f->log->amended_slot) + 1) *
               HWT_TSLOG_PAGE; /* where the next commit goes first */
    memcpy(before, page, sizeof(before));
    c = long_one(40);
    correct(f, &c);
    commit(f);
    memcpy(page, before, sizeof(before));
    open_log(f);
    hwt_tslog_snapshot(f->log, f->snapshot);
    assert_int_equal(f->snapshot->amended.count, 41);
}

static void a_revision_changes_with_what_touches_its_records(void **state)
{
    struct fixture *f = *state;
    struct hwt_correction c = power_times(ONE, 0);
    struct hwt_anchor anchor = {1, HWT_CLOCK_SYNCED, 0, 77};
    uint32_t before, after;

    hwt_tslog_snapshot(f->log, f->snapshot);
    assert_int_equal(hwt_tslog_revision(f->snapshot, 0, 1, RECORDS, true), 0);
    c.first = 50;
    c.last = 60;
    correct(f, &c);
    assert_int_equal(hwt_tslog_revision(f->snapshot, 0, 1, RECORDS, true), 0); /* not yet durable */
    commit(f);
    before = hwt_tslog_revision(f->snapshot, 0, 55, 55, false);
    assert_int_not_equal(before, 0);
    assert_int_equal(hwt_tslog_revision(f->snapshot, 0, 60, 70, true), before);
    assert_int_equal(hwt_tslog_revision(f->snapshot, 0, 1, 49, true), 0);
    assert_int_equal(hwt_tslog_revision(f->snapshot, 0, 61, RECORDS, true), 0);
    assert_int_equal(hwt_tslog_revision(f->snapshot, 1, 55, 55, true), 0);
    c.unix_ms++;
    correct(f, &c); /* the same once more */
    commit(f);
    assert_int_not_equal(hwt_tslog_revision(f->snapshot, 0, 55, 55, false), before);
    assert_int_equal(hwt_tslog_anchor(f->log, 0, &anchor), 0);
    commit(f);
    assert_int_equal(hwt_tslog_revision(f->snapshot, 0, 1, 49, false), 0);
    before = hwt_tslog_revision(f->snapshot, 0, 1, 49, true);
    assert_int_not_equal(before, 0);
    anchor.unix_ms++;
    assert_int_equal(hwt_tslog_anchor(f->log, 0, &anchor), 0);
    commit(f);
    after = hwt_tslog_revision(f->snapshot, 0, 1, 49, true);
    assert_int_not_equal(after, before);
    open_log(f);
    hwt_tslog_snapshot(f->log, f->snapshot);
    assert_int_equal(hwt_tslog_revision(f->snapshot, 0, 1, 49, true), after);
}

int main(void)
{
#define AMEND_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_correction_is_exact_and_rounds_half_away_from_zero),
        AMEND_TEST(readers_give_corrected_values_and_on_request_the_stored_ones),
        AMEND_TEST(corrections_of_one_act_see_the_values_before_it),
        AMEND_TEST(acts_follow_each_other_in_the_order_they_were_recorded),
        AMEND_TEST(missing_stays_missing_and_half_known_is_suspect),
        AMEND_TEST(what_makes_no_sense_is_refused),
        AMEND_TEST(corrections_are_durable_with_the_next_commit_in_two_copies),
        AMEND_TEST(pages_of_two_generations_make_no_copy),
        AMEND_TEST(a_revision_changes_with_what_touches_its_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
