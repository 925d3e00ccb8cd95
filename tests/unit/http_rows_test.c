/* daemon/http: rows of a query read from a log: merged, resumed, over damage and wrong clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/http/direct.h"
#include "daemon/http/table.h"
#include "tests/log/ramdev.h"

enum { BLOCK = 16 * HWT_TSLOG_PAGE, BLOCKS = 80, OWN = 0, IMPORT = 1, ROWS_MAX = 20000 };

enum { BLOCKS_KEPT = 6, BLOCKS_KEPT_MANY = 60 };

static const int64_t base_ms = INT64_C(1790000000000);
static const struct hwt_channel channels[] = {{"hp_power", HWT_Q_POWER},
                                              {"hp_energy", HWT_Q_ENERGY},
                                              {"room_temperature", HWT_Q_TEMPERATURE}};
static const struct hwt_schema schema = {channels, 3};
static const struct hwt_channel other_channels[] = {{"cellar_temperature", HWT_Q_TEMPERATURE}};
static const struct hwt_schema other_schema = {other_channels, 1};

static int64_t now_us; /* of a desk whose time the test gives */

static int64_t given_time(void)
{
    return now_us;
}

struct fixture {
    struct ramdev *dev;
    struct hwt_tslog *log;
    struct http_hooks hooks;
    struct desk desk;
    struct zone *utc;
    struct plan plan;
    struct rows rows;
};

static int take_snapshot(void *ctx, struct hwt_tslog_snapshot *snapshot_out)
{
    struct fixture *f = ctx;

    hwt_tslog_snapshot(f->log, snapshot_out);
    return 0;
}

static int open_log(void **state, uint32_t blocks_kept)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct hwt_tslog_config config;
    struct hwt_tslog_recovery recovery;
    int err;

    f->dev = ramdev_new(BLOCK, BLOCKS, 0xFF);
    f->log = calloc(1, sizeof(*f->log));
    f->hooks = (struct http_hooks){.snapshot = take_snapshot, .ctx = f};
    f->utc = zone_load("UTC", &err);
    desk_init(&f->desk, &f->hooks);
    config =
        (struct hwt_tslog_config){.bd = ramdev_bd(f->dev), .uuid = {1}, .blocks_kept = blocks_kept};
    assert_int_equal(hwt_tslog_open(f->log, &config, &recovery), 0);
    assert_int_equal(hwt_tslog_stream(f->log, "own", HWT_PROVENANCE_MEASURED), OWN);
    assert_int_equal(hwt_tslog_stream(f->log, "import_1", HWT_PROVENANCE_IMPORTED), IMPORT);
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return open_log(state, BLOCKS_KEPT);
}

static int setup_of_many_blocks(void **state)
{
    return open_log(state, BLOCKS_KEPT_MANY);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    rows_deinit(&f->rows);
    plan_deinit(&f->plan);
    desk_deinit(&f->desk);
    zone_free(f->utc);
    ramdev_free(f->dev);
    free(f->log);
    free(f);
    return 0;
}

static void append_of(struct fixture *f, int stream, const struct hwt_schema *of, int64_t end_ms,
                      uint32_t span_ms, const struct hwt_value *value)
{
    struct hwt_record r = {
        .unix_ms = end_ms,
        .span_ms = span_ms,
        .mono_us = end_ms == HWT_TIME_UNKNOWN ? 0 : end_ms * 1000,
        .boot = 1,
        .clock = end_ms == HWT_TIME_UNKNOWN ? HWT_CLOCK_UNKNOWN : HWT_CLOCK_SYNCED,
        .count = of->count,
        .value = value,
    };
    uint64_t sequence;

    assert_int_equal(hwt_tslog_append(f->log, stream, of, &r, &sequence), 0);
    if (sequence % 100 == 0) {
        assert_int_equal(hwt_tslog_commit(f->log), 0);
    }
}

/* Power `n`; the rest follows from it. */
static void append(struct fixture *f, int stream, int64_t end_ms, uint32_t span_ms, int64_t n)
{
    struct hwt_value value[3] = {{.v = n, .quality = HWT_QUALITY_GOOD},
                                 {.v = n * 3600000 / 7, .quality = HWT_QUALITY_GOOD},
                                 {.v = 2000 + n % 13 * n % 7, .quality = HWT_QUALITY_SUSPECT}};

    append_of(f, stream, &schema, end_ms, span_ms, value);
}

/* Records of `span_s` whose intervals fill [from_s, to_s) behind base_ms, powers counted from n. */
static void fill(struct fixture *f, int stream, int64_t from_s, int64_t to_s, uint32_t span_s,
                 int64_t n)
{
    for (int64_t s = from_s; s < to_s; s += span_s) {
        append(f, stream, base_ms + (s + span_s) * 1000, span_s * 1000, n++);
    }
}

static void begin(struct fixture *f, int64_t from_s, int64_t to_s, const char *more)
{
    static char text[400];
    struct plan_site site = {NULL, 0, f->utc, "UTC"};
    struct http_problem problem;
    struct http_query query;
    const char *why;

    rows_deinit(&f->rows);
    plan_deinit(&f->plan);
    snprintf(text, sizeof(text), "from=%lld&to=%lld&%s", (long long)(base_ms + from_s * 1000),
             (long long)(base_ms + to_s * 1000), more);
    assert_int_equal(http_query_parse(&query, text, &why), 0);
    if (plan_parse(&f->plan, &query, NULL, &site, &problem) != 0) {
        fail_msg("%s", problem.detail);
    }
    assert_int_equal(hwt_tslog_commit(f->log), 0);
    assert_int_equal(desk_refresh(&f->desk), 0);
    assert_int_equal(rows_init(&f->rows, &f->plan, &f->desk), 0);
}

/* All rows' powers; how many. `disturb`: another has the desk after each so many rows; 0: never. */
static size_t read_all(struct fixture *f, int64_t power_out[ROWS_MAX], unsigned disturb)
{
    struct row row;
    size_t n = 0;
    int64_t before = INT64_MIN;

    for (;;) {
        int r = rows_next(&f->rows, &row);

        if (r == 0) {
            return n;
        }
        if (r == HWT_ERR_AGAIN) {
            continue;
        }
        assert_int_equal(r, 1);
        assert_true(n < ROWS_MAX && row.time_ms - row.span_ms >= before);
        before = row.time_ms - row.span_ms;
        power_out[n++] = row.value[0];
        if (disturb > 0 && n % disturb == 0) {
            assert_int_equal(desk_refresh(&f->desk), 0);
            (void)desk_take(&f->desk, f);
        }
    }
}

static void imports_fill_what_the_own_stream_left_out(void **state)
{
    static int64_t power[ROWS_MAX], again[ROWS_MAX];
    struct fixture *f = *state;
    size_t n;

    fill(f, IMPORT, 0, 7200, 60, 100000);
    fill(f, OWN, 3600, 4990, 10, 0);    /* its last record over the start of an imported one */
    fill(f, OWN, 5600, 7200, 10, 1000); /* ten minutes without */
    begin(f, 0, 7200, "step=raw&series=hp_power");
    n = read_all(f, power, 0);
    /* 60 imported in the first hour; 139 own; the imported from 5040 to 5580; 160 own */
    assert_int_equal(n, 60 + 139 + 9 + 160);
    assert_int_equal(power[59], 100059);
    assert_int_equal(power[60], 0);
    assert_int_equal(power[198], 138);
    assert_int_equal(power[199], 100084);
    assert_int_equal(power[207], 100092);
    assert_int_equal(power[208], 1000);
    for (unsigned disturb = 1; disturb <= 7; disturb += 3) {
        begin(f, 0, 7200, "step=raw&series=hp_power");
        assert_int_equal(read_all(f, again, disturb), n);
        assert_memory_equal(again, power, n * sizeof(power[0]));
    }
    begin(f, 0, 7200, "step=raw&series=hp_power&stream=import_1");
    assert_int_equal(read_all(f, power, 0), 120);
    begin(f, 3600, 3700, "step=raw&series=hp_power");
    assert_int_equal(read_all(f, power, 0), 10);
}

static void records_without_the_series_or_a_time_are_passed_over(void **state)
{
    static int64_t power[ROWS_MAX];
    static const struct hwt_value cellar[1] = {{.v = 1, .quality = HWT_QUALITY_GOOD}};
    struct fixture *f = *state;

    fill(f, OWN, 0, 100, 10, 0);
    append_of(f, OWN, &other_schema, base_ms + 110000, 10000, cellar);
    append(f, OWN, HWT_TIME_UNKNOWN, 10000, 99);
    fill(f, OWN, 110, 200, 10, 10);
    begin(f, 0, 1000, "step=raw&series=hp_power");
    assert_int_equal(read_all(f, power, 0), 19);
    begin(f, 0, 1000, "step=raw&series=cellar_temperature");
    assert_int_equal(read_all(f, power, 0), 1);
}

static void a_clock_that_was_wrong_for_a_while_hides_no_record(void **state)
{
    static const struct {
        int64_t wrong_s; /* where the clock stood in between */
        int64_t n;       /* how many records */
        const char *why;
    } rows[] = {
        {300000000, 1, "ten years ahead, for one record"},
        {300000000, 50, "ten years ahead, for a while"},
        {300000000, 3000, "for many pages"},
        {-300000000, 50, "ten years back"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static int64_t power[ROWS_MAX];
        void *own = NULL;
        struct fixture *f;

        setup(&own);
        f = own;
        fill(f, OWN, 0, 1000, 10, 0);
        fill(f, OWN, rows[i].wrong_s, rows[i].wrong_s + rows[i].n * 10, 10, 5000);
        fill(f, OWN, 1000, 3000, 10, 100);
        begin(f, 0, 3000, "step=raw&series=hp_power");
        if (read_all(f, power, 0) != 300) {
            fail_msg("%s: records are missing", rows[i].why);
        }
        for (int64_t k = 0; k < 300; k++) {
            assert_int_equal(power[k], k);
        }
        teardown(&own);
    }
}

/* The second page of records: its header says so (docs/LOG_FORMAT.md). */
static uint8_t *page_of_records(uint8_t *bytes)
{
    for (unsigned found = 0;; bytes += HWT_TSLOG_PAGE) {
        found += memcmp(bytes, "HWTL", 4) == 0 && bytes[9] == 4;
        if (found == 2) {
            return bytes;
        }
    }
}

static void damaged_pages_are_gaps_that_are_counted(void **state)
{
    static int64_t power[ROWS_MAX];
    struct fixture *f = *state;
    size_t n, good = 15000;

    fill(f, OWN, 0, 150000, 10, 0);
    begin(f, 0, 150000, "step=raw&series=hp_power");
    assert_int_equal(read_all(f, power, 0), good);
    page_of_records(ramdev_bytes(f->dev))[HWT_TSLOG_PAGE / 2] ^= 1;
    begin(f, 0, 150000, "step=raw&series=hp_power");
    n = read_all(f, power, 0);
    assert_true(n < good);
    assert_int_equal(rows_damaged(&f->rows), good - n);
}

static void what_is_lost_is_judged_by_a_newer_snapshot_only(void **state)
{
    static int64_t power[ROWS_MAX];
    struct fixture *f = *state;
    struct row row;
    size_t n = 0;
    int r;

    f->desk.now_us = given_time;
    fill(f, OWN, 0, 150000, 10, 0);
    begin(f, 0, 150000, "step=raw&series=hp_power");
    page_of_records(ramdev_bytes(f->dev))[HWT_TSLOG_PAGE / 2] ^= 1;
    assert_int_equal(desk_take_buckets(&f->desk, f), 0);
    desk_hold(&f->desk);
    while ((r = rows_next(&f->rows, &row)) == 1) {
        n++;
    }
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(r, HWT_ERR_AGAIN);
        r = rows_next(&f->rows, &row);
    }
    assert_int_equal(rows_damaged(&f->rows), 0);
    desk_leave(&f->desk, f);
    n += read_all(f, power, 0);
    assert_true(n < 15000);
    assert_int_equal(rows_damaged(&f->rows), 15000 - n);
}

static void pruned_records_end_the_rows(void **state)
{
    struct fixture *f = *state;
    struct row row;
    int r = 1;

    for (int64_t block = 0; block < 4; block++) {
        fill(f, OWN, block * 20000, (block + 1) * 20000, 10, block * 2000);
    }
    begin(f, 0, 80000, "step=raw&series=hp_power");
    assert_int_equal(rows_next(&f->rows, &row), 1);
    for (int64_t n = 0; n < 200 && r == 1; n++) { /* the device is small: the oldest go */
        fill(f, OWN, 80000 + n * 20000, 100000 + n * 20000, 10, n * 977);
        assert_int_equal(hwt_tslog_commit(f->log), 0);
        assert_int_equal(desk_refresh(&f->desk), 0);
        do {
            r = rows_next(&f->rows, &row);
        } while (r == HWT_ERR_AGAIN);
    }
    assert_int_equal(r, HWT_ERR_LOST);
}

enum { TURNS_MAX = 1000, QUERIES = 3, HOURS = 40 };

/* Pages enough for several slices of a window: values that do not compress. */
static void fill_with_noise(struct fixture *f)
{
    uint64_t noise = 1;

    for (int64_t s = 0; s < HOURS * 3600; s += 5) {
        struct hwt_value value[3];

        for (size_t i = 0; i < 3; i++) {
            noise = noise * UINT64_C(6364136223846793005) + 1442695040888963407;
            value[i] = (struct hwt_value){.v = (int64_t)(noise >> 8), .quality = HWT_QUALITY_GOOD};
        }
        append_of(f, OWN, &schema, base_ms + (s + 5) * 1000, 5000, value);
    }
}

struct query {
    struct plan plan;
    struct rows rows;
    unsigned turns, got;
    int64_t first[HOURS];
};

static void begin_query(struct fixture *f, struct query *q)
{
    begin(f, 0, HOURS * 3600, "step=3600000&series=hp_power&fn=first");
    memset(q, 0, sizeof(*q));
    q->plan = f->plan;
    q->plan.own_zone = NULL;
    assert_int_equal(rows_init(&q->rows, &q->plan, &f->desk), 0);
}

/* One slice of a query. True: it is at its end. */
static bool turn(struct query *q)
{
    struct row row;
    int r;

    q->turns++;
    while ((r = rows_next(&q->rows, &row)) == 1) {
        assert_true(q->got < HOURS);
        q->first[q->got++] = row.value[0];
    }
    if (r == 0) {
        assert_int_equal(q->got, HOURS);
        return true;
    }
    assert_int_equal(r, HWT_ERR_AGAIN);
    return false;
}

/* How many turns a query needs that is alone. */
static unsigned turns_alone(struct fixture *f, struct query *q)
{
    begin_query(f, q);
    while (!turn(q)) {
        assert_true(q->turns < TURNS_MAX);
    }
    rows_deinit(&q->rows);
    return q->turns;
}

static void queries_in_turn_end_as_soon_as_one_after_the_other(void **state)
{
    static struct query alone, q[QUERIES];
    struct fixture *f = *state;
    unsigned turns, left = QUERIES, rounds = 0;
    bool ended[QUERIES] = {false};

    f->desk.now_us = given_time;
    fill_with_noise(f);
    turns = turns_alone(f, &alone);
    assert_true(turns >= 2 && alone.first[0] != PLAN_MISSING);
    for (unsigned i = 0; i < QUERIES; i++) {
        begin_query(f, &q[i]);
    }
    for (; left > 0; rounds++) {
        assert_true(rounds <= QUERIES * turns);
        for (unsigned i = 0; i < QUERIES; i++) {
            if (!ended[i] && turn(&q[i])) {
                ended[i] = true;
                left--;
                rows_deinit(&q[i].rows);
                assert_memory_equal(q[i].first, alone.first, sizeof(alone.first));
            }
        }
        assert_int_equal(desk_refresh(&f->desk), 0); /* as any other request does */
    }
}

static void a_window_that_nobody_goes_on_with_is_held_for_a_while_only(void **state)
{
    static struct query gone, next;
    struct fixture *f = *state;
    uint64_t last;

    f->desk.now_us = given_time;
    fill_with_noise(f);
    begin_query(f, &gone);
    begin_query(f, &next);
    assert_false(turn(&gone));
    now_us += DESK_HOLD_US - 1;
    last = f->desk.snapshot->stream[OWN].durable;
    append(f, OWN, base_ms + HOURS * 3600000 + 10000, 10000, 1);
    assert_int_equal(hwt_tslog_commit(f->log), 0);
    assert_int_equal(desk_refresh(&f->desk), 0);
    assert_int_equal(f->desk.snapshot->stream[OWN].durable, last);
    for (unsigned i = 0; i < TURNS_MAX; i++) {
        assert_false(turn(&next));
    }
    now_us++;
    assert_false(turn(&next));
    assert_int_equal(f->desk.snapshot->stream[OWN].durable, last + 1); /* asked for above */
    while (!turn(&next)) {
        assert_true(next.turns < 2 * TURNS_MAX);
    }
    while (!turn(&gone)) { /* it was slow only */
        assert_true(gone.turns < TURNS_MAX);
    }
    assert_memory_equal(gone.first, next.first, sizeof(gone.first));
    rows_deinit(&gone.rows);
    rows_deinit(&next.rows);
}

static void a_window_given_is_held_no_more_while_others_wait(void **state)
{
    static struct query held, other;
    struct fixture *f = *state;
    struct row row;

    f->desk.now_us = given_time;
    fill(f, OWN, 0, HOURS * 3600, 10, 0);
    begin(f, 0, HOURS * 3600, "step=20000&series=hp_power"); /* several windows */
    memset(&held, 0, sizeof(held));
    assert_int_equal(rows_init(&held.rows, &f->plan, &f->desk), 0);
    for (unsigned i = 0; i < HWT_TSLOG_WINDOW; i++) {
        assert_int_equal(rows_next(&held.rows, &row), 1);
        assert_int_equal(desk_take_buckets(&f->desk, &other), HWT_ERR_AGAIN);
    }
    assert_int_equal(rows_next(&held.rows, &row), HWT_ERR_AGAIN);
    assert_int_equal(desk_take_buckets(&f->desk, &other), 0);
    for (unsigned i = 0; i < HWT_TSLOG_WINDOW; i++) { /* the other holds nothing */
        assert_int_equal(rows_next(&held.rows, &row), 1);
        assert_int_equal(row.time_ms, base_ms + (HWT_TSLOG_WINDOW + i) * INT64_C(20000));
        assert_int_equal(desk_refresh(&f->desk), 0);
        assert_true(f->desk.waited);
    }
    assert_int_equal(rows_next(&held.rows, &row), HWT_ERR_AGAIN);
    assert_int_equal(rows_next(&held.rows, &row), 1);
    assert_false(f->desk.waited); /* of the newer snapshot */
    rows_deinit(&held.rows);
    assert_int_equal(desk_take_buckets(&f->desk, &other), 0); /* at once */
}

/* What the direct way and the log's down-sampled read make of a query. */
static void compare(struct fixture *f, const char *why, const char *query, bool wanted)
{
    static char direct_text[1 << 20], table_text[1 << 21];
    struct http_piece pieces[DIRECT_PIECES_MAX];
    struct direct direct;
    struct table table;
    struct row row;
    size_t n = 0, count;
    int r = HWT_ERR_UNSUPPORTED;

    begin(f, 0, 4000, query);
    if (direct_init(&direct, &f->rows)) {
        do {
            r = direct_read(&direct);
        } while (r == 1);
    }
    if ((r == 0) != wanted) {
        fail_msg("%s: %d", why, r);
    }
    count = r == 0 ? direct_pieces(&direct, pieces) : 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(direct_text + n, pieces[i].p, pieces[i].n);
        n += pieces[i].n;
    }
    direct_deinit(&direct);
    begin(f, 0, 4000, query);
    assert_int_equal(table_init(&table, &f->plan), 0);
    for (uint32_t i = 0; rows_next(&f->rows, &row) == 1; i++) {
        table_put(&table, i, row.value);
    }
    assert_true(table_room(&table) <= sizeof(table_text));
    count = table_json(&table, &f->rows, table_text, sizeof(table_text));
    table_deinit(&table);
    if (wanted && (n != count || memcmp(direct_text, table_text, n) != 0)) {
        fail_msg("%s:\n%.*s\nis not\n%.*s", why, (int)n, direct_text, (int)count, table_text);
    }
}

static void the_direct_way_gives_what_the_log_s_down_sampled_read_gives(void **state)
{
    static const char all[] =
        "series=hp_power,room_temperature&fn=mean,min,max,first,last,integral,measured&step=";
    static const char counter[] = "series=hp_energy,hp_power&step=";
    static const struct {
        const char *start, *step;
        bool direct;
    } rows[] = {
        {all, "10000", true},      {all, "7000", true},     {all, "1000", true},
        {counter, "10000", true},  {counter, "3000", true}, {all, "10001", false},
        {counter, "60000", false},
    };
    struct fixture *f = *state;

    fill(f, OWN, -100, 1000, 10, 7);
    fill(f, OWN, 1500, 2000, 10, 3); /* a gap, and a counter that begins anew */
    fill(f, OWN, 2003, 3003, 10, 900);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char query[200];

        snprintf(query, sizeof(query), "%s%s", rows[i].start, rows[i].step);
        compare(f, query, query, rows[i].direct);
    }
    append(f, OWN, base_ms + 3008000, 5000, 5); /* two records in a bucket */
    append(f, OWN, base_ms + 3009000, 1000, 6);
    compare(f, "two records in a bucket", "series=hp_power&step=10000", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(imports_fill_what_the_own_stream_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(records_without_the_series_or_a_time_are_passed_over, setup,
                                        teardown),
        cmocka_unit_test(a_clock_that_was_wrong_for_a_while_hides_no_record),
        cmocka_unit_test_setup_teardown(damaged_pages_are_gaps_that_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_lost_is_judged_by_a_newer_snapshot_only, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(pruned_records_end_the_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(queries_in_turn_end_as_soon_as_one_after_the_other,
                                        setup_of_many_blocks, teardown),
        cmocka_unit_test_setup_teardown(a_window_that_nobody_goes_on_with_is_held_for_a_while_only,
                                        setup_of_many_blocks, teardown),
        cmocka_unit_test_setup_teardown(a_window_given_is_held_no_more_while_others_wait,
                                        setup_of_many_blocks, teardown),
        cmocka_unit_test_setup_teardown(the_direct_way_gives_what_the_log_s_down_sampled_read_gives,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
