/* core/tslog: what opening a long log and finding a page in it read; damaged links and indexes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/tslog/internal.h"
#include "tests/log/model.h"
#include "tests/log/sparsedev.h"

enum { SMALL = 8 * HWT_TSLOG_PAGE, ROOMY = 500, BIG = 256 * HWT_TSLOG_PAGE };

static uint64_t seed;

/* --- long logs, made of blocks that are left early: what is read to open them is the same --- */

struct big {
    struct sparsedev *dev;
    struct hwt_tslog *log;
    struct hwt_tslog_snapshot *snapshot;
    struct hwt_tslog_cursor *cursor;
    struct hwt_tslog_buckets *buckets;
    struct gen_schema schema;
    uint64_t count;
};

static int open_big(struct big *b, uint32_t blocks)
{
    struct hwt_tslog_config config = {.bd = sparsedev_bd(b->dev), .blocks_kept = blocks};
    struct hwt_tslog_recovery recovery;

    return hwt_tslog_open(b->log, &config, &recovery);
}

static void append_big(struct big *b)
{
    static struct gen_record r;
    uint64_t sequence;

    b->count++;
    gen_record(&r, &b->schema.schema, b->count, seed + b->count);
    if (r.record.unix_ms == HWT_TIME_UNKNOWN) {
        r.record.unix_ms = INT64_C(1790000000000) + (int64_t)b->count * 10000;
        r.record.clock = HWT_CLOCK_SYNCED;
    }
    assert_int_equal(hwt_tslog_append(b->log, 0, &b->schema.schema, &r.record, &sequence), 0);
    assert_int_equal(sequence, b->count);
}

/* 40 channels; the last block is full. */
static void make_big(struct big *b, uint32_t blocks)
{
    memset(b, 0, sizeof(*b));
    b->dev = sparsedev_new(BIG, HWT_TSLOG_SEGMENTS_MAX + 1);
    b->log = calloc(1, sizeof(*b->log));
    b->snapshot = calloc(1, sizeof(*b->snapshot));
    b->cursor = calloc(1, sizeof(*b->cursor));
    b->buckets = calloc(1, sizeof(*b->buckets));
    gen_schema(&b->schema, 3);
    assert_int_equal(open_big(b, blocks), 0);
    assert_int_equal(hwt_tslog_stream(b->log, HWT_TSLOG_OWN, HWT_PROVENANCE_MEASURED), 0);
    for (uint32_t n = 1; n <= blocks; n++) {
        while (b->log->segments < n || b->log->stream[0].dir.count == 0) {
            append_big(b);
        }
        assert_int_equal(hwt_tslog_commit(b->log), 0);
        if (n < blocks) {
            b->log->stream[0].next_page = 255; /* left */
        }
    }
    while (b->log->stream[0].next_page < 254) {
        append_big(b);
    }
    assert_int_equal(hwt_tslog_commit(b->log), 0);
}

static void free_big(struct big *b)
{
    sparsedev_free(b->dev);
    free(b->log);
    free(b->snapshot);
    free(b->cursor);
    free(b->buckets);
}

static void opening_a_long_log_reads_less_than_a_megabyte(void **state)
{
    static const struct {
        uint32_t blocks;
        const char *why;
    } rows[] = {
        {450, "ten years of 30 channels at 10 s"},
        {HWT_TSLOG_SEGMENTS_MAX, "as large as a log gets"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct big b;
        struct sparsedev_read read;
        clock_t start, took;

        make_big(&b, rows[i].blocks);
        (void)sparsedev_reads(b.dev);
        start = clock();
        assert_int_equal(open_big(&b, rows[i].blocks), 0);
        took = clock() - start;
        append_big(&b);
        read = sparsedev_reads(b.dev);
        print_message("# %s: %u pages touched by %u reads, opened in %u us of CPU\n", rows[i].why,
                      (unsigned)read.pages, (unsigned)read.calls,
                      (unsigned)(took * 1000000 / CLOCKS_PER_SEC));
        assert_int_equal(b.log->segments, rows[i].blocks);
        assert_int_equal(b.log->stream[0].dir.count, 252);
        assert_true(read.pages * HWT_TSLOG_PAGE <= 1000000);
        assert_true(took <= CLOCKS_PER_SEC / 20);
        free_big(&b);
    }
}

static void values_are_found_with_a_handful_of_reads(void **state)
{
    static const struct hwt_tslog_range none = {.step_ms = 60000};
    struct hwt_tslog_range day = none;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    struct hwt_stream_info info;
    struct hwt_bucket bucket[16];
    const char *ids[16];
    uint64_t lost, pages = 0;
    struct big b;

    (void)state;
    make_big(&b, 40);
    for (size_t i = 0; i < 16; i++) {
        ids[i] = b.schema.channel[i].id;
    }
    hwt_tslog_snapshot(b.log, b.snapshot);
    (void)sparsedev_reads(b.dev);

    assert_int_equal(hwt_tslog_stream_info(b.snapshot, 0, &info), 0);
    assert_int_equal(hwt_tslog_cursor_open(b.cursor, b.snapshot, 0, info.last), 0);
    assert_int_equal(hwt_tslog_cursor_next(b.cursor, &schema, &record, &lost), 1);
    assert_true(sparsedev_reads(b.dev).calls <= 2); /* the schema */

    assert_int_equal(hwt_tslog_cursor_open(b.cursor, b.snapshot, 0, info.last - 1000), 0);
    assert_int_equal(hwt_tslog_cursor_next(b.cursor, &schema, &record, &lost), 1);
    assert_true(sparsedev_reads(b.dev).calls <= 3); /* and the page */

    assert_int_equal(hwt_tslog_cursor_open(b.cursor, b.snapshot, 0, 20), 0);
    assert_int_equal(hwt_tslog_cursor_next(b.cursor, &schema, &record, &lost), 1);
    assert_true(sparsedev_reads(b.dev).calls <= 4); /* and the index */

    day.to_ms = info.last_ms;
    day.from_ms = info.last_ms - 12 * 3600000;
    for (size_t i = 0; i < b.snapshot->dir[0].count; i++) {
        pages += b.snapshot->dir[0].entry[i].max_ms >= day.from_ms;
    }
    assert_true(pages > 100 && pages < 252);
    assert_int_equal(hwt_tslog_buckets_open(b.buckets, b.snapshot, ids, 16, &day), 0);
    while (hwt_tslog_buckets_next(b.buckets, bucket) == 1) {
    }
    /* each of 12 windows reads its pages, of which it shares some with the next */
    assert_true(sparsedev_reads(b.dev).calls <= pages + 2 * 12 + 4);
    free_big(&b);
}

/* --- damage --- */

static struct model *make_chained(void)
{
    struct model *m = model_new(SMALL, ROOMY, 0xFF);
    struct rng rng = {seed};

    assert_int_equal(model_open(m), 0);
    m->stream[0].schema = 3;
    for (int i = 0; i < 40000; i++) {
        assert_int_equal(model_append(m, 0, rng_next(&rng)), 0);
    }
    assert_int_equal(model_commit(m), 0);
    assert_true(m->log->segments > 200); /* more than a page tells */
    return m;
}

static uint8_t *page_of(struct model *m, uint32_t block, uint32_t page)
{
    return ramdev_bytes(m->dev) + ((size_t)block * 8 + page) * HWT_TSLOG_PAGE;
}

/* Everything is read, or told as lost. */
static uint64_t count_lost(struct model *m, uint64_t *read_out)
{
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost, told = 0;
    int got;

    *read_out = 0;
    hwt_tslog_snapshot(m->log, m->snapshot);
    assert_int_equal(hwt_tslog_cursor_open(m->cursor, m->snapshot, 0, 1), 0);
    while ((got = hwt_tslog_cursor_next(m->cursor, &schema, &record, &lost)) != 0) {
        assert_true(got == 1 || got == HWT_ERR_LOST);
        told += got == HWT_ERR_LOST ? lost : 0;
        *read_out += got == 1;
    }
    return told;
}

static void a_damaged_link_is_gone_round(void **state)
{
    struct model *m = make_chained();
    uint32_t segments = m->log->segments, from;

    (void)state;
    /* the block where the newest one's page ends, and some that could stand in for it */
    from = segments - 1 - 85;
    for (uint32_t i = from - 12; i < from + 12; i++) {
        page_of(m, m->log->segment[i].block, 0)[500] ^= 1;
        page_of(m, m->log->segment[i].block, 1)[500] ^= 1;
    }
    assert_int_equal(model_open(m), 0);
    assert_int_equal(m->log->segments, segments);
    assert_true(m->log->whole);
    assert_true(m->recovery.pages_read < 150);
    model_free(m);
}

static void a_broken_chain_costs_a_look_at_all_blocks_and_no_records(void **state)
{
    struct model *m = make_chained();
    uint32_t segments = m->log->segments;
    uint64_t read;

    (void)state;
    for (uint32_t i = segments - 130; i < segments; i++) { /* the first page: a copy is left */
        page_of(m, m->log->segment[i].block, 0)[500] ^= 1;
    }
    assert_int_equal(model_open(m), 0);
    assert_true(model_check(m));
    for (uint32_t i = segments - 130; i < segments; i++) {
        page_of(m, m->log->segment[i].block, 1)[500] ^= 1; /* what the channels are is lost */
    }
    assert_int_equal(model_open(m), 0);
    assert_false(m->log->whole);
    assert_int_equal(m->log->segments, segments);
    assert_int_equal(count_lost(m, &read) + read, 40000);
    assert_int_equal(m->log->segment[0].first, 1);
    assert_true(read > 15000);
    model_free(m);
}

static void a_tail_whose_block_is_unreadable_keeps_the_blocks_before(void **state)
{
    struct model *m = make_chained();
    uint32_t segments = m->log->segments;
    uint64_t read, lost, again;

    (void)state;
    memset(page_of(m, m->log->segment[segments - 1].block, 0), 7, SMALL);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(model_open(m), 0);
        assert_int_equal(m->log->segments, segments - 1);
        lost = count_lost(m, &read);
        assert_int_equal(lost + read, 40000);
        assert_true(lost < 1000);
        m->log->stream[0].dirty = true; /* the slot is written anew, without new records */
        assert_int_equal(hwt_tslog_commit(m->log), 0);
    }
    assert_int_equal(model_append(m, 0, 5), 0); /* what was lost stays lost */
    assert_int_equal(model_commit(m), 0);
    assert_int_equal(model_open(m), 0);
    assert_int_equal(count_lost(m, &again) + again, 40001);
    assert_int_equal(again, read + 1);
    model_free(m);
}

static void an_index_is_a_cache(void **state)
{
    struct model *m = make_chained();
    uint64_t read, calls;

    (void)state;
    calls = ramdev_reads(m->dev);
    assert_true(model_check(m));
    calls = ramdev_reads(m->dev) - calls;
    for (uint32_t i = 0; i < m->log->segments; i += 2) {
        page_of(m, m->log->segment[i].block, 7)[1000] ^= 1;
    }
    for (uint32_t k = 0; k < 2; k++) { /* of the open block */
        ramdev_bytes(m->dev)[hwt_tslog_index_page(0, k) * HWT_TSLOG_PAGE + 500] ^= 1;
    }
    assert_int_equal(model_open(m), 0);
    assert_true(model_check(m));
    assert_int_equal(count_lost(m, &read), 0);
    model_free(m);
}

/* An index page that is right by itself, but of another life of the block. */
static void an_index_that_nobody_vouches_for_is_not_believed(void **state)
{
    struct model *m = make_chained();
    struct hwt_tslog_segment *s = &m->log->segment[3];
    uint8_t *page = page_of(m, s->block, 7);
    struct hwt_tslog_place place = {.log = m->log->log,
                                    .block = s->block,
                                    .pages = 8,
                                    .ordinal = s->ordinal,
                                    .index = s->index,
                                    .limit = UINT64_MAX};
    struct hwt_tslog_dir dir;

    (void)state;
    assert_int_equal(hwt_tslog_index_get(&dir, &place, page), 0);
    assert_true(dir.count >= 3);
    dir.count--;
    assert_int_not_equal(hwt_tslog_index_put(&dir, m->log->log, s, page), s->index);
    assert_true(model_check(m));
    model_free(m);
}

/* --- what is free --- */

static void pages_wait_for_a_sync_in_small_numbers(void **state)
{
    struct model *m = model_new(64 * HWT_TSLOG_PAGE, 60, 0xFF);
    struct rng rng = {seed};

    (void)state;
    assert_int_equal(model_open(m), 0);
    m->stream[0].schema = 3;
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(model_append(m, 0, rng_next(&rng)), 0);
    }
    assert_true(m->log->segments >= 3); /* many pages, and none committed */
    assert_in_range(ramdev_fresh_max(m->dev), 10, HWT_TSLOG_FRESH_MAX);
    model_free(m);
}

static void what_another_stream_took_is_known_after_opening(void **state)
{
    struct model *m = model_new(SMALL, 44, 0xFF);
    struct rng rng = {seed};
    struct hwt_stream_info before, after;

    (void)state;
    m->allow_pruned = true;
    assert_int_equal(model_open(m), 0);
    m->stream[0].schema = m->stream[1].schema = 3;
    for (int s = 0; s < 2; s++) {
        for (int i = 0; i < 4000; i++) {
            assert_int_equal(model_append(m, s, rng_next(&rng)), 0);
            if (s == 1 && i == 100) { /* from here on only stream 1 has something to commit */
                assert_int_equal(model_commit(m), 0);
            }
        }
        assert_int_equal(model_commit(m), 0);
    }
    hwt_tslog_snapshot(m->log, m->snapshot);
    assert_int_equal(hwt_tslog_stream_info(m->snapshot, 0, &before), 0);
    assert_true(before.first > 1);
    assert_int_equal(model_open(m), 0);
    hwt_tslog_snapshot(m->log, m->snapshot);
    assert_int_equal(hwt_tslog_stream_info(m->snapshot, 0, &after), 0);
    assert_int_equal(after.first, before.first);
    assert_int_equal(after.first_ms, before.first_ms);
    assert_true(model_check(m));
    model_free(m);
}

static void pages_of_another_life_of_the_block_are_dead(void **state)
{
    struct model *m = make_chained();
    struct hwt_tslog_segment *s = &m->log->segment[3];
    struct hwt_tslog_place place = {.log = m->log->log,
                                    .block = s->block,
                                    .pages = 8,
                                    .ordinal = s->ordinal,
                                    .limit = UINT64_MAX};
    struct hwt_bd bd = ramdev_bd(m->dev);
    uint8_t scratch[HWT_TSLOG_PAGE];
    struct hwt_tslog_dir dir;

    (void)state;
    assert_int_equal(hwt_tslog_dir_load(&dir, &bd, &place, scratch), 0);
    assert_true(dir.count >= 3);
    place.ordinal++;
    assert_int_equal(hwt_tslog_dir_load(&dir, &bd, &place, scratch), 0);
    assert_int_equal(dir.count, 0);
    model_free(m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_a_long_log_reads_less_than_a_megabyte),
        cmocka_unit_test(values_are_found_with_a_handful_of_reads),
        cmocka_unit_test(a_damaged_link_is_gone_round),
        cmocka_unit_test(a_broken_chain_costs_a_look_at_all_blocks_and_no_records),
        cmocka_unit_test(a_tail_whose_block_is_unreadable_keeps_the_blocks_before),
        cmocka_unit_test(an_index_is_a_cache),
        cmocka_unit_test(an_index_that_nobody_vouches_for_is_not_believed),
        cmocka_unit_test(pages_wait_for_a_sync_in_small_numbers),
        cmocka_unit_test(what_another_stream_took_is_known_after_opening),
        cmocka_unit_test(pages_of_another_life_of_the_block_are_dead),
    };

    seed = gen_seed(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
