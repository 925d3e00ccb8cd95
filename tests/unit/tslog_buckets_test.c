/* core/tslog: down-sampled reads against a brute-force sum over all records. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/quantity.h"
#include "tests/log/ramdev.h"

enum { BLOCK = 16 * HWT_TSLOG_PAGE, BLOCKS = 80, RECORDS_MAX = 20000, STREAMS = 2 };

static const int64_t base_ms = INT64_C(1790000000000);

static uint64_t seed;

/* A row of the model: the same data as appended, kept apart. */
struct row {
    int stream;
    int64_t unix_ms;
    uint32_t span_ms;
    uint32_t boot;
    int64_t mono_us;
    const struct hwt_schema *schema;
    struct hwt_value value[8];
};

struct fixture {
    struct ramdev *dev;
    struct hwt_tslog *log;
    struct hwt_tslog_snapshot *snapshot;
    struct hwt_tslog_buckets *it;
    struct row *row;
    size_t rows;
    struct hwt_anchor anchor;
};

static struct hwt_channel full[] = {{"hp_power", HWT_Q_POWER},   {"hp_energy", HWT_Q_ENERGY},
                                    {"hp_flow_t", HWT_Q_FLOW_T}, {"pv_export", HWT_Q_EXPORT},
                                    {"room_t", HWT_Q_ROOM_T},    {"tank_volume", HWT_Q_VOLUME}};
static struct hwt_channel part[] = {{"pv_export", HWT_Q_EXPORT}, {"hp_power", HWT_Q_POWER}};
static const struct hwt_schema schemas[] = {{full, 6}, {part, 2}};

static void open_log(struct fixture *f)
{
    struct hwt_tslog_config config = {.bd = ramdev_bd(f->dev), .uuid = {1}};
    struct hwt_tslog_recovery recovery;

    assert_int_equal(hwt_tslog_open(f->log, &config, &recovery), 0);
    assert_int_equal(hwt_tslog_stream(f->log, "own", HWT_PROVENANCE_MEASURED), 0);
    assert_int_equal(hwt_tslog_stream(f->log, "import_1", HWT_PROVENANCE_SIMULATED), 1);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->dev = ramdev_new(BLOCK, BLOCKS, 0xFF);
    f->log = calloc(1, sizeof(*f->log));
    f->snapshot = calloc(1, sizeof(*f->snapshot));
    f->it = calloc(1, sizeof(*f->it));
    f->row = calloc(RECORDS_MAX, sizeof(*f->row));
    open_log(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    ramdev_free(f->dev);
    free(f->log);
    free(f->snapshot);
    free(f->it);
    free(f->row);
    free(f);
    return 0;
}

static void append(struct fixture *f, const struct row *row)
{
    struct hwt_record r = {
        .mono_us = row->mono_us,
        .unix_ms = row->unix_ms,
        .boot = row->boot,
        .span_ms = row->span_ms,
        .clock = row->unix_ms == HWT_TIME_UNKNOWN ? HWT_CLOCK_UNKNOWN : HWT_CLOCK_SYNCED,
        .count = row->schema->count,
        .value = row->value,
    };
    uint64_t sequence;

    assert_true(f->rows < RECORDS_MAX);
    assert_int_equal(hwt_tslog_append(f->log, row->stream, row->schema, &r, &sequence), 0);
    f->row[f->rows++] = *row;
}

/* Wall time as a reader must see it. */
static int64_t start_of(const struct fixture *f, const struct row *row)
{
    int64_t end = row->unix_ms;

    if (end == HWT_TIME_UNKNOWN && f->anchor.boot != 0 && row->boot == f->anchor.boot &&
        row->stream == 0) {
        end = f->anchor.unix_ms + (row->mono_us - f->anchor.mono_us) / 1000;
    }
    return end == HWT_TIME_UNKNOWN ? end : end - row->span_ms;
}

static const struct hwt_value *value_in(const struct row *row, const char *id, bool *counter)
{
    for (size_t i = 0; i < row->schema->count; i++) {
        if (strcmp(row->schema->channel[i].id, id) == 0) {
            *counter = hwt_quantity_get(row->schema->channel[i].quantity)->kind == HWT_COUNTER;
            return row->value[i].quality == HWT_QUALITY_MISSING ? NULL : &row->value[i];
        }
    }
    return NULL;
}

static void brute(const struct fixture *f, int stream, const char *id, struct hwt_bucket *b)
{
    bool known = false, counter = false;
    int64_t before = 0;
    long double sum = 0;

    b->count = 0;
    b->delta = 0;
    b->measured_ms = 0;
    for (size_t i = 0; i < f->rows; i++) {
        const struct row *row = &f->row[i];
        int64_t start = start_of(f, row);
        const struct hwt_value *v = row->stream == stream ? value_in(row, id, &counter) : NULL;

        if (v == NULL || start == HWT_TIME_UNKNOWN) {
            continue;
        }
        if (start >= b->from_ms && start < b->to_ms) {
            b->min = b->count == 0 || v->v < b->min ? v->v : b->min;
            b->max = b->count == 0 || v->v > b->max ? v->v : b->max;
            b->first = b->count == 0 ? v->v : b->first;
            b->last = v->v;
            b->delta += counter && known && v->v > before ? v->v - before : 0;
            b->measured_ms += row->span_ms;
            sum += (long double)v->v * row->span_ms;
            b->count++;
        }
        before = v->v;
        known = true;
    }
    b->mean = b->count > 0 ? (double)(sum / (long double)b->measured_ms) : 0;
}

static int open_steps(struct fixture *f, const char *const *ids, size_t n, int64_t from, int64_t to,
                      int64_t step)
{
    struct hwt_tslog_range range = {.from_ms = from, .to_ms = to, .step_ms = step};

    return hwt_tslog_buckets_open(f->it, f->snapshot, ids, n, &range);
}

static void check_range(struct fixture *f, const char *const *ids, size_t n,
                        const struct hwt_tslog_range *range)
{
    struct hwt_bucket got[HWT_TSLOG_QUERY_MAX];
    int64_t at = range->from_ms, to = range->to_ms;
    int more;

    hwt_tslog_snapshot(f->log, f->snapshot);
    assert_int_equal(hwt_tslog_buckets_open(f->it, f->snapshot, ids, n, range), 0);
    while ((more = hwt_tslog_buckets_next(f->it, got)) == 1) {
        int64_t end = range->next != NULL ? range->next(range->ctx, at) : at + range->step_ms;

        end = end < to ? end : to;
        for (size_t i = 0; i < n; i++) {
            struct hwt_bucket want = {.from_ms = at, .to_ms = end};

            brute(f, 0, ids[i], &want);
            if (want.count == 0) {
                brute(f, 1, ids[i], &want);
            }
            if (got[i].count != want.count) {
                print_message("# %s from %lld to %lld\n", ids[i], (long long)at, (long long)end);
            }
            assert_int_equal(got[i].from_ms, want.from_ms);
            assert_int_equal(got[i].to_ms, want.to_ms);
            assert_int_equal(got[i].count, want.count);
            if (want.count > 0) {
                assert_int_equal(got[i].min, want.min);
                assert_int_equal(got[i].max, want.max);
                assert_int_equal(got[i].first, want.first);
                assert_int_equal(got[i].last, want.last);
                assert_int_equal(got[i].delta, want.delta);
                assert_int_equal(got[i].measured_ms, want.measured_ms);
                assert_true(fabs(got[i].mean - want.mean) <= 1e-9 * (1 + fabs(want.mean)));
            }
        }
        at = end;
    }
    assert_int_equal(more, 0);
    assert_int_equal(at, to);
}

static void check(struct fixture *f, const char *const *ids, size_t n, int64_t from, int64_t to,
                  int64_t step)
{
    struct hwt_tslog_range range = {.from_ms = from, .to_ms = to, .step_ms = step};

    check_range(f, ids, n, &range);
}

/* Values that walk, counters that rise and are reset, missing values, gaps, clock steps. */
static void fill(struct fixture *f, struct rng *rng, int stream, size_t count, int64_t start_ms,
                 int64_t pace_ms)
{
    struct row row = {.stream = stream, .unix_ms = start_ms, .boot = 1};
    int64_t counter[8] = {0}, gauge[8] = {0};

    for (size_t n = 0; n < count; n++) {
        row.span_ms = (uint32_t)pace_ms;
        row.unix_ms += pace_ms;
        if (rng_below(rng, 60) == 0) {
            row.unix_ms += rng_below(rng, 40) * pace_ms; /* a gap */
        }
        if (rng_below(rng, 250) == 0) {
            row.unix_ms -= rng_below(rng, 90) * 1000; /* the wall clock steps back */
        }
        if (rng_below(rng, 300) == 0) {
            row.unix_ms += ((int64_t)rng_below(rng, 7200) - 3600) * 1000; /* far */
        }
        row.mono_us = row.unix_ms * 1000;
        row.schema = &schemas[n / 400 % 3 == 1];
        for (size_t i = 0; i < row.schema->count; i++) {
            bool missing = rng_below(rng, 8) == 0;

            gauge[i] += (int64_t)rng_below(rng, 200) - 100;
            counter[i] = rng_below(rng, 150) == 0 ? 0 : counter[i] + rng_below(rng, 90000000);
            row.value[i].quality = missing ? HWT_QUALITY_MISSING : HWT_QUALITY_GOOD;
            row.value[i].v = i % 2 == 1 ? counter[i] : gauge[i];
        }
        append(f, &row);
        if (rng_below(rng, 40) == 0) {
            assert_int_equal(hwt_tslog_commit(f->log), 0);
        }
    }
    assert_int_equal(hwt_tslog_commit(f->log), 0);
}

static const char *const all_ids[] = {"hp_power", "hp_energy",   "hp_flow_t",    "pv_export",
                                      "room_t",   "tank_volume", "no_such_power"};

static void buckets_equal_a_sum_over_all_records(void **state)
{
    static const int64_t steps[] = {10000, 60000, 900000, 3600000, 1234567, 86400000};
    struct fixture *f = *state;
    struct rng rng = {seed};

    fill(f, &rng, 0, 3000, base_ms, 10000);
    fill(f, &rng, 1, 2000, base_ms - 20000000, 20000);
    for (size_t i = 0; i < 18; i++) {
        int64_t step = steps[i % 6];
        int64_t from = base_ms - 21000000 + rng_below(&rng, 60000000);
        int64_t to = from + step * (1 + rng_below(&rng, 12)) - rng_below(&rng, 5000);
        size_t n = 1 + rng_below(&rng, 7);

        check(f, &all_ids[7 - n], n, from, to, step);
    }
}

static void deltas_of_adjoining_buckets_add_up_to_the_whole(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed + 1};
    const char *const id[] = {"hp_energy"};
    struct hwt_bucket b, whole;
    int64_t sum = 0, from = base_ms + 4000000, to = base_ms + 25000000;

    fill(f, &rng, 0, 3000, base_ms, 10000);
    hwt_tslog_snapshot(f->log, f->snapshot);
    assert_int_equal(open_steps(f, id, 1, from, to, to - from), 0);
    assert_int_equal(hwt_tslog_buckets_next(f->it, &whole), 1);
    for (int64_t at = from; at < to; at += 700000) { /* each a query of its own */
        assert_int_equal(open_steps(f, id, 1, at, at + 700000, 700000), 0);
        assert_int_equal(hwt_tslog_buckets_next(f->it, &b), 1);
        sum += b.count > 0 ? b.delta : 0;
    }
    assert_true(whole.delta > 0);
    assert_int_equal(sum, whole.delta);
}

static void many_small_buckets_cross_windows(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed + 2};

    fill(f, &rng, 0, 900, base_ms, 10000);
    check(f, all_ids, 7, base_ms - 50000, base_ms + 3000000, 7000);
    check(f, all_ids, 1, base_ms - 50000, base_ms + 8000000, 2500);
}

/* The first stream that is there is not number 0: no window may show what the one before held. */
static void a_log_of_an_import_alone_is_read_window_by_window(void **state)
{
    struct fixture *f = *state;
    struct hwt_tslog_config config;
    struct hwt_tslog_recovery recovery;
    struct rng rng = {seed + 3};

    ramdev_free(f->dev);
    f->dev = ramdev_new(BLOCK, BLOCKS, 0xFF);
    config = (struct hwt_tslog_config){.bd = ramdev_bd(f->dev), .uuid = {2}};
    assert_int_equal(hwt_tslog_open(f->log, &config, &recovery), 0);
    assert_int_equal(hwt_tslog_stream(f->log, "import_1", HWT_PROVENANCE_SIMULATED), 1);
    fill(f, &rng, 1, 900, base_ms, 10000);
    check(f, all_ids, 7, base_ms - 50000, base_ms + 9000000, 7000);
}

static void a_clock_that_was_days_ahead_for_a_while_spoils_no_rise(void **state)
{
    static const int64_t offset[] = {0, 864000000, 16000000};
    struct fixture *f = *state;
    struct row row = {.span_ms = 10000, .boot = 1, .schema = &schemas[0]};

    for (int i = 0; i < 3 * 1500; i++) {
        row.mono_us += 10000000;
        row.unix_ms = base_ms + offset[i / 1500] + i % 1500 * 10000;
        row.schema = &schemas[i / 3000]; /* its pages start with its records */
        for (int k = 0; k < 6; k++) {
            row.value[k] = (struct hwt_value){.v = i * INT64_C(10001), .quality = HWT_QUALITY_GOOD};
        }
        append(f, &row);
    }
    assert_int_equal(hwt_tslog_commit(f->log), 0);
    check(f, all_ids, 6, base_ms, base_ms + 32000000, 4000000);
}

static void records_without_wall_time_count_once_an_anchor_tells_it(void **state)
{
    struct fixture *f = *state;
    struct row row = {.boot = 7, .span_ms = 10000, .schema = &schemas[0]};

    for (int i = 1; i <= 300; i++) {
        row.mono_us = i * INT64_C(10000000);
        row.unix_ms = i < 200 ? HWT_TIME_UNKNOWN : base_ms + i * INT64_C(10000);
        for (int k = 0; k < 6; k++) {
            row.value[k] = (struct hwt_value){.v = i * 100 + k, .quality = HWT_QUALITY_GOOD};
        }
        append(f, &row);
    }
    assert_int_equal(hwt_tslog_commit(f->log), 0);
    check(f, all_ids, 6, base_ms, base_ms + 3000000, 60000);
    f->anchor = (struct hwt_anchor){7, HWT_CLOCK_SYNCED, 2000000000, base_ms + 2000000};
    assert_int_equal(hwt_tslog_anchor(f->log, 0, &f->anchor), 0);
    assert_int_equal(hwt_tslog_commit(f->log), 0);
    check(f, all_ids, 6, base_ms, base_ms + 3000000, 60000);
    open_log(f);
    check(f, all_ids, 6, base_ms, base_ms + 3000000, 60000);
}

static void a_short_query_of_a_long_log_reads_little(void **state)
{
    struct fixture *f = *state;
    struct rng rng = {seed + 3};
    const char *const id[] = {"hp_power"};
    struct hwt_bucket b;
    uint64_t reads;

    fill(f, &rng, 0, 12000, base_ms, 10000);
    hwt_tslog_snapshot(f->log, f->snapshot);
    reads = ramdev_reads(f->dev);
    assert_true(f->snapshot->segments >= 3);
    assert_int_equal(open_steps(f, id, 1, base_ms + 60000000, base_ms + 60600000, 60000), 0);
    while (hwt_tslog_buckets_next(f->it, &b) == 1) {
        assert_int_equal(b.to_ms - b.from_ms, 60000);
    }
    assert_true(ramdev_reads(f->dev) - reads < 60);
}

/* 23, 24 and 25 units in turn, as days are when a clock changes. */
static int64_t uneven(void *ctx, int64_t edge_ms)
{
    const int64_t *unit = ctx;
    int64_t days = (edge_ms - base_ms) / (72 * *unit), within = (edge_ms - base_ms) % (72 * *unit);
    int64_t end = within < 23 * *unit ? 23 : within < 47 * *unit ? 47 : 72;

    return base_ms + (days * 72 + end) * *unit;
}

static void buckets_may_be_of_unlike_length(void **state)
{
    static int64_t units[] = {1000, 7300, 400000};
    struct fixture *f = *state;
    struct rng rng = {seed + 9};

    fill(f, &rng, 0, 3000, base_ms, 10000);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct hwt_tslog_range range = {
            .from_ms = base_ms, .to_ms = base_ms + 31000000, .next = uneven, .ctx = &units[i]};

        check_range(f, all_ids, 7, &range);
    }
}

static void wrong_arguments_are_refused(void **state)
{
    static const struct {
        size_t n;
        int64_t from, to, step;
        const char *why;
    } rows[] = {
        {0, 0, 1, 1, "no channel"},
        {65, 0, 1, 1, "too many channels"},
        {1, 2, 1, 1, "range backwards"},
        {1, 0, 1, 0, "step 0"},
    };
    struct fixture *f = *state;

    hwt_tslog_snapshot(f->log, f->snapshot);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("# %s\n", rows[i].why);
        assert_int_equal(open_steps(f, all_ids, rows[i].n, rows[i].from, rows[i].to, rows[i].step),
                         HWT_ERR_ARGUMENT);
    }
}

int main(int argc, char **argv)
{
#define BUCKET_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        BUCKET_TEST(buckets_equal_a_sum_over_all_records),
        BUCKET_TEST(deltas_of_adjoining_buckets_add_up_to_the_whole),
        BUCKET_TEST(many_small_buckets_cross_windows),
        BUCKET_TEST(a_log_of_an_import_alone_is_read_window_by_window),
        BUCKET_TEST(a_clock_that_was_days_ahead_for_a_while_spoils_no_rise),
        BUCKET_TEST(records_without_wall_time_count_once_an_anchor_tells_it),
        BUCKET_TEST(a_short_query_of_a_long_log_reads_little),
        BUCKET_TEST(buckets_may_be_of_unlike_length),
        BUCKET_TEST(wrong_arguments_are_refused),
    };

    seed = gen_seed(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
