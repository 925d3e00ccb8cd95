/* core/tslog: what roll-ups answer is what the records answer; whatever happens to the sheets. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/tslog/roll.h"
#include "tests/log/ramdev.h"

enum {
    BLOCK = 32 * HWT_TSLOG_PAGE,
    BLOCKS = 100,
    ROLL_BLOCK = 32 * HWT_TSLOG_PAGE,
    ROLL_BLOCKS = 40,
    POOL = HWT_ROLLUP_POOL_MIN
};

static const int64_t base_ms = INT64_C(1790000100000);

static uint64_t seed;

struct fixture {
    struct ramdev *dev, *roll_dev;
    uint32_t blocks_kept;
    struct hwt_tslog *log;
    struct hwt_tslog_snapshot *snapshot;
    struct hwt_tslog_buckets *it, *plain;
    struct hwt_rollup *roll;
    struct hwt_rollup_entry *pool;
    struct state {
        int64_t unix_ms, mono_us, counter[8], gauge[8];
        uint32_t boot;
    } state[2];
};

static struct hwt_channel full[] = {{"hp_power", HWT_Q_POWER},   {"hp_energy", HWT_Q_ENERGY},
                                    {"hp_flow_t", HWT_Q_FLOW_T}, {"pv_export", HWT_Q_EXPORT},
                                    {"room_t", HWT_Q_ROOM_T},    {"tank_volume", HWT_Q_VOLUME}};
static struct hwt_channel part[] = {{"pv_export", HWT_Q_EXPORT}, {"hp_power", HWT_Q_POWER}};
static const struct hwt_schema schemas[] = {{full, 6}, {part, 2}};
static const char *const all_ids[] = {"hp_power", "hp_energy",   "hp_flow_t",    "pv_export",
                                      "room_t",   "tank_volume", "no_such_power"};

/* --- log and roll-ups --- */

static void open_log(struct fixture *f)
{
    struct hwt_tslog_config config = {
        .bd = ramdev_bd(f->dev), .uuid = {1, 2, 3}, .blocks_kept = f->blocks_kept};
    struct hwt_tslog_recovery recovery;

    assert_int_equal(hwt_tslog_open(f->log, &config, &recovery), 0);
    assert_int_equal(hwt_tslog_stream(f->log, "own", HWT_PROVENANCE_MEASURED), 0);
    assert_int_equal(hwt_tslog_stream(f->log, "import_1", HWT_PROVENANCE_SIMULATED), 1);
}

static void look(struct fixture *f)
{
    hwt_tslog_snapshot(f->log, f->snapshot);
    hwt_rollup_view(f->roll, f->snapshot);
}

static void open_rolls(struct fixture *f)
{
    struct hwt_rollup_config config = {
        .bd = ramdev_bd(f->roll_dev), .pool = f->pool, .pool_count = POOL};

    hwt_tslog_snapshot(f->log, f->snapshot);
    memset(f->roll, 0xA5, sizeof(*f->roll)); /* whatever was there */
    assert_int_equal(hwt_rollup_open(f->roll, &config, f->snapshot), 0);
}

/* Until nothing is left to do; so many steps at most. */
static int roll_steps(struct fixture *f, unsigned steps)
{
    int more = 1;

    for (unsigned i = 0; more == 1 && i < steps; i++) {
        look(f);
        more = hwt_rollup_step(f->roll, f->snapshot);
    }
    look(f);
    return more;
}

static void roll_all(struct fixture *f)
{
    assert_int_equal(roll_steps(f, 100000), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->dev = ramdev_new(BLOCK, BLOCKS, 0xFF);
    f->roll_dev = ramdev_new(ROLL_BLOCK, ROLL_BLOCKS, 0xFF);
    f->log = calloc(1, sizeof(*f->log));
    f->snapshot = calloc(1, sizeof(*f->snapshot));
    f->it = calloc(1, sizeof(*f->it));
    f->plain = calloc(1, sizeof(*f->plain));
    f->roll = calloc(1, sizeof(*f->roll));
    f->pool = calloc(POOL, sizeof(*f->pool));
    f->state[0] = (struct state){.unix_ms = base_ms, .boot = 1};
    f->state[1] = (struct state){.unix_ms = base_ms - 40000000, .boot = 1};
    open_log(f);
    open_rolls(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ramdev_breaches(f->dev), 0);
    ramdev_free(f->dev);
    ramdev_free(f->roll_dev);
    free(f->log);
    free(f->snapshot);
    free(f->it);
    free(f->plain);
    free(f->roll);
    free(f->pool);
    free(f);
    return 0;
}

/* --- records --- */

struct kind { /* of a run of records; numbers are 1 in so many records, 0: never */
    uint32_t pace_ms;
    unsigned gap, back, jump, missing, reset, timeless, schema, wild;
};

static int64_t gauge_value(struct rng *rng, const struct kind *k, int64_t v)
{
    return k->wild != 0 && rng_below(rng, k->wild) == 0
               ? (int64_t)(rng_next(rng) >> rng_below(rng, 30))
               : v;
}

static bool happens(struct rng *rng, unsigned one_in)
{
    return one_in != 0 && rng_below(rng, one_in) == 0;
}

static void fill(struct fixture *f, struct rng *rng, int stream, size_t count, const struct kind *k)
{
    struct state *s = &f->state[stream];

    for (size_t n = 0; n < count; n++) {
        struct hwt_value value[6];
        struct hwt_record r = {.span_ms = k->pace_ms, .clock = HWT_CLOCK_SYNCED, .value = value};
        const struct hwt_schema *schema = &schemas[k->schema != 0 && n / k->schema % 3 == 1];
        uint64_t sequence;

        s->unix_ms += k->pace_ms;
        s->mono_us += (int64_t)k->pace_ms * 1000;
        s->unix_ms += happens(rng, k->gap) ? rng_below(rng, 1000) * (int64_t)k->pace_ms : 0;
        s->unix_ms -= happens(rng, k->back) ? rng_below(rng, 5000) * INT64_C(1000) : 0;
        s->unix_ms += happens(rng, k->jump) ? rng_below(rng, 400000) * INT64_C(1000) : 0;
        r.mono_us = s->mono_us;
        r.unix_ms = s->unix_ms;
        r.boot = s->boot;
        if (k->timeless != 0 && n / k->timeless % 4 == 1) {
            r.unix_ms = HWT_TIME_UNKNOWN;
            r.clock = HWT_CLOCK_UNKNOWN;
        }
        r.count = schema->count;
        for (size_t i = 0; i < schema->count; i++) {
            size_t id = schema == &schemas[0] ? i : 3 - 3 * i; /* its place in `full` */

            s->gauge[id] += (int64_t)rng_below(rng, 200) - 100;
            s->counter[id] =
                happens(rng, k->reset) ? 0 : s->counter[id] + 1000 * (int64_t)rng_below(rng, 90000);
            value[i].age_ms = 0;
            value[i].quality = happens(rng, k->missing) ? HWT_QUALITY_MISSING : HWT_QUALITY_GOOD;
            value[i].v = id % 2 == 1 ? s->counter[id] : gauge_value(rng, k, s->gauge[id]);
        }
        assert_int_equal(hwt_tslog_append(f->log, stream, schema, &r, &sequence), 0);
        if (n % 500 == 499) {
            assert_int_equal(hwt_tslog_commit(f->log), 0);
        }
    }
    assert_int_equal(hwt_tslog_commit(f->log), 0);
}

/* --- comparing --- */

static void expect_equal(const struct hwt_bucket *got, const struct hwt_bucket *want,
                         unsigned fields, const char *id)
{
    bool all = got->count == want->count && got->measured_ms == want->measured_ms &&
               got->from_ms == want->from_ms && got->to_ms == want->to_ms;

    if (all && want->count > 0) {
        all = ((fields & HWT_BUCKET_MIN) == 0 || got->min == want->min) &&
              ((fields & HWT_BUCKET_MAX) == 0 || got->max == want->max) &&
              ((fields & HWT_BUCKET_FIRST) == 0 || got->first == want->first) &&
              ((fields & HWT_BUCKET_LAST) == 0 || got->last == want->last) &&
              ((fields & HWT_BUCKET_DELTA) == 0 || got->delta == want->delta) &&
              ((fields & HWT_BUCKET_MEAN) == 0 ||
               fabs(got->mean - want->mean) <= 1e-9 * (1 + fabs(want->mean)));
    }
    if (!all) {
        fail_msg("%s from %lld to %lld, fields %u: count %u (%u), time %llu (%llu), min %lld "
                 "(%lld), max %lld (%lld), first %lld (%lld), last %lld (%lld), delta %lld "
                 "(%lld), mean %.9g (%.9g)",
                 id, (long long)want->from_ms, (long long)want->to_ms, fields, got->count,
                 want->count, (unsigned long long)got->measured_ms,
                 (unsigned long long)want->measured_ms, (long long)got->min, (long long)want->min,
                 (long long)got->max, (long long)want->max, (long long)got->first,
                 (long long)want->first, (long long)got->last, (long long)want->last,
                 (long long)got->delta, (long long)want->delta, got->mean, want->mean);
    }
}

static void compare(struct fixture *f, const char *const *ids, size_t n,
                    const struct hwt_tslog_range *range)
{
    struct hwt_bucket got[HWT_TSLOG_QUERY_MAX], want[HWT_TSLOG_QUERY_MAX];
    struct hwt_tslog_range records = *range;
    unsigned fields = range->fields == 0 ? HWT_BUCKET_ALL : range->fields;
    int more;

    records.unrolled = true;
    records.budget = 0;
    assert_int_equal(hwt_tslog_buckets_open(f->it, f->snapshot, ids, n, range), 0);
    assert_int_equal(hwt_tslog_buckets_open(f->plain, f->snapshot, ids, n, &records), 0);
    do {
        while ((more = hwt_tslog_buckets_next(f->it, got)) == HWT_ERR_AGAIN) {
            assert_true(range->budget > 0);
        }
        assert_int_equal(more, hwt_tslog_buckets_next(f->plain, want));
        for (size_t i = 0; more == 1 && i < n; i++) {
            expect_equal(&got[i], &want[i], fields, ids[i]);
        }
    } while (more == 1);
    assert_int_equal(more, 0);
}

static void compare_some(struct fixture *f, struct rng *rng, unsigned questions)
{
    static const int64_t steps[] = {900000,  3600000,  86400000, 1800000, 10800000, 450000,
                                    1234567, 31536000, 43200000, 2700000, 604800000};
    static const uint8_t fields[] = {HWT_BUCKET_MEAN,
                                     HWT_BUCKET_MEAN | HWT_BUCKET_MIN | HWT_BUCKET_MAX,
                                     HWT_BUCKET_DELTA,
                                     HWT_BUCKET_FIRST | HWT_BUCKET_LAST | HWT_BUCKET_DELTA,
                                     HWT_BUCKET_MIN | HWT_BUCKET_MAX,
                                     0};
    int64_t from_ms = f->state[1].unix_ms < base_ms ? f->state[1].unix_ms : base_ms - 41000000;
    int64_t span_ms = f->state[0].unix_ms - from_ms;

    for (unsigned q = 0; q < questions; q++) {
        int64_t step = steps[rng_below(rng, sizeof(steps) / sizeof(steps[0]))];
        int64_t from = from_ms + (int64_t)(rng_next(rng) % (uint64_t)span_ms);
        int64_t to = from + (int64_t)(rng_next(rng) % (uint64_t)span_ms);
        size_t n = 1 + rng_below(rng, 7), first = rng_below(rng, (uint32_t)(8 - n));
        struct hwt_tslog_range range = {
            .step_ms = step,
            .fields = fields[rng_below(rng, sizeof(fields))],
            .budget = rng_below(rng, 3) == 0 ? 1 + rng_below(rng, 9) : 0,
        };

        if (rng_below(rng, 4) != 0) {
            from = from / step * step;
        }
        if (rng_below(rng, 4) == 0) {
            to = to / 900000 * 900000;
        }
        range.from_ms = from;
        range.to_ms = to < from ? from : to;
        compare(f, all_ids + first, n, &range);
    }
}

/* --- the tests --- */

static const struct kind regular = {.pace_ms = 10000};
static const struct kind rough = {
    .pace_ms = 10000, .gap = 300, .back = 700, .jump = 2500, .missing = 9, .reset = 400};

static void roll_ups_answer_what_records_answer(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed};

    fill(f, &rng, 0, 30000, &rough);
    fill(f, &rng, 1, 9000, &rough);
    compare_some(f, &rng, 10);
    roll_all(f);
    assert_true(f->snapshot->roll.count > 0);
    compare_some(f, &rng, 150);
}

static void every_kind_of_record_is_rolled_up_right(void **state)
{
    static const struct {
        struct kind kind;
        size_t count;
        const char *why;
    } rows[] = {
        {{.pace_ms = 10000}, 20000, "regular"},
        {{.pace_ms = 1000, .gap = 2000}, 20000, "each second"},
        {{.pace_ms = 3600000, .missing = 3}, 3000, "slower than a row"},
        {{.pace_ms = 777777}, 3000, "about as long as a row"},
        {{.pace_ms = 10000, .missing = 2, .reset = 20}, 20000, "hardly there"},
        {{.pace_ms = 10000, .schema = 1100, .missing = 50}, 20000, "channels come and go"},
        {{.pace_ms = 10000, .back = 40, .jump = 200}, 20000, "a clock gone mad"},
        {{.pace_ms = 10000, .wild = 5000}, 20000, "sums that do not fit"},
        {{.pace_ms = 10000, .wild = 1}, 9000, "nothing but noise"},
        {{.pace_ms = 10000, .timeless = 900, .reset = 100}, 20000, "no wall time at times"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rng rng = {seed + i};
        struct fixture *f;

        print_message("# %s\n", rows[i].why);
        if (i > 0) {
            teardown(state);
            setup(state);
        }
        f = *state;
        fill(f, &rng, 0, rows[i].count, &rows[i].kind);
        roll_all(f);
        assert_true(f->snapshot->roll.count > 0);
        compare_some(f, &rng, 60);
    }
}

static void rolling_while_records_come_ends_in_the_same_answers(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed + 7};

    for (int i = 0; i < 60; i++) {
        fill(f, &rng, rng_below(&rng, 4) == 0, 100 + rng_below(&rng, 900), &rough);
        (void)roll_steps(f, rng_below(&rng, 12));
        compare_some(f, &rng, 2);
        if (rng_below(&rng, 6) == 0) {
            open_rolls(f); /* a restart: what was not in a sheet is read again */
        }
    }
    roll_all(f);
    compare_some(f, &rng, 60);
}

static void anchors_learnt_later_make_sheets_anew(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed + 8};
    struct kind timeless = {.pace_ms = 10000, .timeless = 2000};
    struct hwt_anchor anchor = {1, HWT_CLOCK_SYNCED, 50000000, base_ms + 50000000 / 1000};

    fill(f, &rng, 0, 16000, &timeless);
    f->state[0].boot = 2;
    fill(f, &rng, 0, 8000, &regular);
    roll_all(f);
    compare_some(f, &rng, 20);
    assert_int_equal(hwt_tslog_anchor(f->log, 0, &anchor), 0);
    assert_int_equal(hwt_tslog_commit(f->log), 0);
    look(f);
    compare_some(f, &rng, 20); /* outdated sheets are not used */
    roll_all(f);
    for (uint32_t i = 0; i < f->snapshot->roll.count; i++) {
        assert_true(hwt_roll_current(f->snapshot, &f->snapshot->roll.sheet[i]));
    }
    compare_some(f, &rng, 60);
}

/* A sheet that begins behind records without wall time has none itself, but its first rise changes
 * when theirs is learnt. */
static void an_anchor_also_changes_the_rise_behind_its_records(void **state)
{
    static const struct kind timeless = {.pace_ms = 10000, .timeless = 2000};
    struct fixture *f = *state;
    struct rng rng = {seed + 19};
    struct hwt_anchor anchor = {1, HWT_CLOCK_SYNCED, 50000000, base_ms + 50000000 / 1000};

    fill(f, &rng, 0, 4000, &timeless);
    look(f);
    assert_int_equal(hwt_rollup_flush(f->roll, f->snapshot), 0);
    fill(f, &rng, 0, 9000, &regular);
    roll_all(f);
    assert_int_equal(f->snapshot->roll.sheet[1].first, 4001);
    assert_int_equal(hwt_tslog_anchor(f->log, 0, &anchor), 0);
    assert_int_equal(hwt_tslog_commit(f->log), 0);
    look(f);
    compare_some(f, &rng, 60);
    roll_all(f);
    compare_some(f, &rng, 60);
}

/* Also where the counter's last value before a sheet is corrected, and nothing in the sheet is. */
static void corrections_make_sheets_anew(void **state)
{
    static const struct kind some_missing = {.pace_ms = 10000, .missing = 2};
    struct fixture *f = *state;
    struct rng rng = {seed + 20};
    struct hwt_correction correction = {
        .channel = "hp_energy", .first = 1000, .gain_q30 = (1 << 30) + 12345, .unix_ms = base_ms};

    for (int i = 0; i < 6; i++) {
        uint64_t end;

        fill(f, &rng, 0, 2000, &some_missing);
        look(f);
        assert_int_equal(hwt_rollup_flush(f->roll, f->snapshot), 0);
        end = hwt_tslog_durable(f->log, 0); /* of a sheet */
        fill(f, &rng, 0, 4000, &some_missing);
        roll_all(f);
        compare_some(f, &rng, 10);
        correction.first = end - 900;
        correction.last = end - rng_below(&rng, 2);
        correction.unix_ms++;
        assert_int_equal(hwt_tslog_correct(f->log, 0, &correction), 0);
        assert_int_equal(hwt_tslog_commit(f->log), 0);
        look(f);
        compare_some(f, &rng, 20); /* outdated sheets are not used */
        roll_all(f);
        compare_some(f, &rng, 20);
    }
}

static void roll_ups_that_are_gone_are_made_again(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed + 9};

    fill(f, &rng, 0, 20000, &rough);
    roll_all(f);
    ramdev_free(f->roll_dev);
    f->roll_dev = ramdev_new(ROLL_BLOCK, ROLL_BLOCKS, 0);
    open_rolls(f);
    look(f);
    assert_int_equal(f->snapshot->roll.count, 0);
    roll_all(f);
    assert_true(f->snapshot->roll.count > 0);
    compare_some(f, &rng, 60);
}

static void another_logs_roll_ups_are_not_taken(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed + 10};

    fill(f, &rng, 0, 9000, &regular);
    roll_all(f);
    ramdev_free(f->dev);
    f->dev = ramdev_new(BLOCK, BLOCKS, 0xFF);
    open_log(f); /* the same name, but none of its records: restored, say */
    open_rolls(f);
    look(f);
    assert_int_equal(f->snapshot->roll.count, 0);
    fill(f, &rng, 0, 9000, &rough);
    open_rolls(f);
    look(f);
    assert_int_equal(f->snapshot->roll.count, 0);
    roll_all(f);
    compare_some(f, &rng, 30);
}

static void roll_ups_outlive_their_records(void **state)
{
    static const struct hwt_tslog_range days = {.from_ms = 1789948800000,
                                                .to_ms = 1789948800000 + 16 * INT64_C(86400000),
                                                .step_ms = 86400000,
                                                .fields = HWT_BUCKET_MEAN | HWT_BUCKET_DELTA |
                                                          HWT_BUCKET_MIN | HWT_BUCKET_MAX};
    static const char *const ids[] = {"hp_energy", "room_t"};
    struct fixture *f = *state;
    struct rng rng = {seed + 11};
    struct hwt_bucket before[16][2], after[2];
    struct hwt_tslog_range of_energy = days, of_room = days;

    (void)of_energy;
    of_room.fields = HWT_BUCKET_MEAN | HWT_BUCKET_MIN | HWT_BUCKET_MAX;
    of_energy.fields = HWT_BUCKET_DELTA;
    f->blocks_kept = 40;
    open_log(f);
    fill(f, &rng, 0, 100000, &regular);
    roll_all(f);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(
            hwt_tslog_buckets_open(f->it, f->snapshot, &ids[k], 1, k == 0 ? &of_energy : &of_room),
            0);
        for (int i = 0; i < 12; i++) {
            assert_int_equal(hwt_tslog_buckets_next(f->it, &before[i][k]), 1);
        }
    }
    while (hwt_roll_kept(f->snapshot, 0) < 60000) {
        fill(f, &rng, 0, 5000, &regular);
        roll_all(f);
    }
    open_rolls(f);
    look(f);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(
            hwt_tslog_buckets_open(f->it, f->snapshot, &ids[k], 1, k == 0 ? &of_energy : &of_room),
            0);
        for (int i = 0; i < 11; i++) {
            assert_int_equal(hwt_tslog_buckets_next(f->it, &after[k]), 1);
            assert_true(after[k].count > 0);
            expect_equal(&after[k], &before[i][k], k == 0 ? of_energy.fields : of_room.fields,
                         ids[k]);
        }
    }
}

static void a_rotten_bit_never_changes_an_answer(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed + 12};
    uint8_t *bytes;

    fill(f, &rng, 0, 7000, &rough);
    roll_all(f);
    bytes = ramdev_bytes(f->roll_dev);
    for (uint32_t s = 0; s < f->snapshot->roll.count; s++) {
        const struct hwt_rollup_sheet *sheet = &f->snapshot->roll.sheet[s];
        size_t n = (size_t)sheet->pages * HWT_TSLOG_PAGE;
        uint8_t *p =
            bytes + (size_t)sheet->block * ROLL_BLOCK + (size_t)sheet->page * HWT_TSLOG_PAGE;

        for (size_t i = rng_below(&rng, 37); i < n; i += 1 + rng_below(&rng, 300)) {
            uint8_t was = p[i];

            p[i] ^= (uint8_t)(1u << rng_below(&rng, 8));
            compare_some(f, &rng, 1);
            p[i] = was;
        }
    }
}

static void damaged_sheets_are_found_and_made_again(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed + 13};
    struct hwt_rollup_counters counters;
    struct hwt_rollup_sheet sheet;
    uint8_t *bytes;

    fill(f, &rng, 0, 30000, &rough);
    roll_all(f);
    sheet = f->snapshot->roll.sheet[f->snapshot->roll.count / 2];
    bytes = ramdev_bytes(f->roll_dev);
    bytes[(size_t)sheet.block * ROLL_BLOCK + (size_t)sheet.page * HWT_TSLOG_PAGE + sheet.front +
          40] ^= 1;
    open_rolls(f);
    roll_all(f);
    hwt_rollup_counters(f->roll, &counters);
    assert_int_equal(counters.damaged, 1);
    for (uint32_t i = 0; i + 1 < f->snapshot->roll.count; i++) {
        assert_int_equal(f->snapshot->roll.sheet[i].last + 1, f->snapshot->roll.sheet[i + 1].first);
    }
    compare_some(f, &rng, 60);
}

static void a_power_cut_at_any_write_costs_no_right_answer(void **state)
{
    static const struct kind slow = {.pace_ms = 870000, .missing = 30, .reset = 200, .back = 500};
    struct fixture *f = *state;
    struct rng rng = {seed + 14};
    uint64_t cut = 1;

    fill(f, &rng, 0, 8000, &slow);
    for (;; cut += 1 + rng_below(&rng, 6)) {
        uint64_t ops;

        ramdev_free(f->roll_dev);
        f->roll_dev = ramdev_new(ROLL_BLOCK, ROLL_BLOCKS, 0xFF);
        open_rolls(f);
        ramdev_cut_at(f->roll_dev, cut);
        (void)roll_steps(f, 100000);
        ops = ramdev_ops(f->roll_dev);
        ramdev_power_cycle(f->roll_dev, &rng);
        open_rolls(f);
        look(f);
        compare_some(f, &rng, 3);
        (void)roll_steps(f, 1 + rng_below(&rng, 200));
        compare_some(f, &rng, 3);
        roll_all(f);
        compare_some(f, &rng, 3);
        if (ops < cut) {
            break;
        }
    }
    assert_true(cut > 50);
}

static void an_import_that_has_ended_is_rolled_up_to_its_last_record(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed + 18};
    uint64_t last;

    fill(f, &rng, 0, 777, &regular);
    fill(f, &rng, 1, 30777, &regular);
    look(f);
    assert_int_equal(hwt_rollup_flush(f->roll, f->snapshot), 0);
    look(f);
    assert_int_equal(f->snapshot->roll.count, 2); /* one each */
    last = hwt_tslog_durable(f->log, 1);
    assert_int_equal(f->snapshot->roll.sheet[1].last, last);
    compare_some(f, &rng, 30);
    fill(f, &rng, 1, 9000, &rough); /* and goes on, if there is more after all */
    roll_all(f);
    assert_int_equal(f->snapshot->roll.sheet[2].first, last + 1);
    compare_some(f, &rng, 60);
}

static void a_full_device_leaves_the_records_to_answer(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed + 15};

    ramdev_free(f->roll_dev);
    f->roll_dev = ramdev_new(8 * HWT_TSLOG_PAGE, 1, 0xFF);
    open_rolls(f);
    fill(f, &rng, 0, 60000, &rough);
    assert_int_equal(roll_steps(f, 100000), HWT_ERR_SPACE);
    compare_some(f, &rng, 20);
}

static void small_sheets_are_merged(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed + 16};
    unsigned in_class[3] = {0};

    for (int i = 0; i < 330; i++) { /* a page at a time, as a live log does */
        fill(f, &rng, 0, 500, &regular);
        roll_all(f);
    }
    for (uint32_t i = 0; i < f->snapshot->roll.count; i++) {
        in_class[hwt_roll_class(f->snapshot->roll.sheet[i].rows[0])]++;
    }
    assert_true(in_class[2] >= 1);
    assert_true(in_class[1] <= 24);
    assert_true(in_class[0] <= 24);
    compare_some(f, &rng, 60);
}

static void a_wide_query_is_answered_without_reading_records(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed + 17};
    struct hwt_tslog_range range = {.from_ms = 1789948800000 + 86400000,
                                    .to_ms = 1789948800000 + 20 * INT64_C(86400000),
                                    .step_ms = 86400000,
                                    .fields = HWT_BUCKET_MEAN | HWT_BUCKET_MIN};
    struct hwt_bucket b;
    uint64_t reads;

    fill(f, &rng, 0, 200000, &regular);
    roll_all(f);
    reads = ramdev_reads(f->dev);
    assert_int_equal(hwt_tslog_buckets_open(f->it, f->snapshot, all_ids, 1, &range), 0);
    while (hwt_tslog_buckets_next(f->it, &b) == 1) {
        assert_int_equal(b.count, 8640);
    }
    assert_int_equal(ramdev_reads(f->dev), reads);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(roll_ups_answer_what_records_answer),
        TEST(every_kind_of_record_is_rolled_up_right),
        TEST(rolling_while_records_come_ends_in_the_same_answers),
        TEST(anchors_learnt_later_make_sheets_anew),
        TEST(an_anchor_also_changes_the_rise_behind_its_records),
        TEST(corrections_make_sheets_anew),
        TEST(roll_ups_that_are_gone_are_made_again),
        TEST(another_logs_roll_ups_are_not_taken),
        TEST(roll_ups_outlive_their_records),
        TEST(a_rotten_bit_never_changes_an_answer),
        TEST(damaged_sheets_are_found_and_made_again),
        TEST(a_power_cut_at_any_write_costs_no_right_answer),
        TEST(an_import_that_has_ended_is_rolled_up_to_its_last_record),
        TEST(a_full_device_leaves_the_records_to_answer),
        TEST(small_sheets_are_merged),
        TEST(a_wide_query_is_answered_without_reading_records),
#undef TEST
    };

    seed = gen_seed(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
