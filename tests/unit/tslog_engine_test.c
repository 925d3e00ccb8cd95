/* core/tslog: the log beside its model: reopening, damage, full and failing devices, retention. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/tslog/internal.h"
#include "tests/log/model.h"

enum { BLOCK = 8 * HWT_TSLOG_PAGE, BLOCKS = 44, ROOMY = 500 };

enum { CONTROL = (HWT_TSLOG_CONTROL_PAGES + 7) / 8 * 8 }; /* pages in front of the blocks */

static uint64_t seed;

static int setup(void **state)
{
    *state = model_new(BLOCK, ROOMY, 0xFF);
    return model_open(*state);
}

static int setup_small(void **state)
{
    struct model *m = model_new(BLOCK, BLOCKS, 0x00);

    m->allow_pruned = true;
    *state = m;
    return model_open(m);
}

static int teardown(void **state)
{
    model_free(*state);
    return 0;
}

static void append_many(struct model *m, int stream, unsigned n)
{
    struct rng rng = {seed + n};

    while (n-- > 0) {
        assert_int_equal(model_append(m, stream, rng_next(&rng)), 0);
    }
}

static void any_work_is_there_after_any_reopening(void **state)
{
    struct model *m = *state;
    struct rng rng = {seed};

    m->allow_pruned = true;
    for (int life = 0; life < 6; life++) {
        for (int i = 0; i < 15; i++) {
            assert_int_equal(model_step(m, &rng), 0);
            assert_true(model_check(m));
        }
        assert_int_equal(model_commit(m), 0);
        assert_int_equal(model_open(m), 0);
        assert_true(model_check(m));
        assert_int_equal(m->recovery.pages_bad, 0);
    }
    assert_int_equal(ramdev_breaches(m->dev), 0);
}

static void what_was_not_committed_is_not_shown_and_not_kept(void **state)
{
    struct model *m = *state;

    append_many(m, 0, 30);
    assert_int_equal(model_commit(m), 0);
    append_many(m, 0, 3000); /* full pages are on the device, but not of the log */
    assert_int_equal(hwt_tslog_pending(m->log), 3000);
    assert_int_equal(hwt_tslog_durable(m->log, 0), 30);
    assert_true(model_check(m));
    assert_int_equal(model_open(m), 0);
    assert_true(model_check(m));
    assert_int_equal(hwt_tslog_pending(m->log), 0);
}

static void an_idle_commit_writes_nothing(void **state)
{
    struct model *m = *state;
    uint64_t ops;

    append_many(m, 0, 5);
    assert_int_equal(model_commit(m), 0);
    ops = ramdev_ops(m->dev);
    assert_int_equal(model_commit(m), 0);
    assert_int_equal(ramdev_ops(m->dev), ops);
    append_many(m, 0, 1);
    assert_int_equal(model_commit(m), 0);
    assert_int_equal(ramdev_ops(m->dev), ops + 2); /* one page, one sync */
}

static void opening_a_long_log_reads_little(void **state)
{
    struct model *m = *state;

    m->stream[0].schema = 3;
    append_many(m, 0, 40000);
    assert_int_equal(model_commit(m), 0);
    assert_true(m->log->segments > 100);
    assert_int_equal(model_open(m), 0);
    /* control area, indexes, a link or two of the chain */
    assert_true(m->recovery.pages_read < HWT_TSLOG_CONTROL_PAGES + 8);
}

/* --- retention --- */

static void a_full_device_gives_up_the_oldest_records(void **state)
{
    struct model *m = *state;
    struct hwt_stream_info info;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost = 0;

    m->stream[0].schema = 3;
    for (int i = 0; i < 400; i++) {
        append_many(m, 0, 40);
        assert_int_equal(model_commit(m), 0);
    }
    assert_true(model_check(m));
    assert_int_equal(hwt_tslog_stream_info(m->snapshot, 0, &info), 0);
    assert_true(info.first > 1);
    assert_int_equal(info.last, 16000);
    assert_int_not_equal(info.first_ms, HWT_TIME_UNKNOWN);
    assert_int_equal(hwt_tslog_cursor_open(m->cursor, m->snapshot, 0, 5), 0);
    assert_int_equal(hwt_tslog_cursor_next(m->cursor, &schema, &record, &lost), HWT_ERR_LOST);
    assert_int_equal(lost, info.first - 5);
    assert_int_equal(hwt_tslog_cursor_next(m->cursor, &schema, &record, &lost), 1);
    assert_int_equal(record->sequence, info.first);
    assert_int_equal(model_open(m), 0);
    assert_true(model_check(m));
    assert_int_equal(ramdev_breaches(m->dev), 0);
}

static void a_reader_of_an_old_snapshot_learns_that_its_records_went(void **state)
{
    struct model *m = *state;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost = 0, told = 0, read = 0;
    int got;

    m->stream[0].schema = 3;
    append_many(m, 0, 2000);
    assert_int_equal(model_commit(m), 0);
    hwt_tslog_snapshot(m->log, m->snapshot);
    for (int i = 0; i < 400; i++) { /* the device is turned over once */
        append_many(m, 0, 40);
        assert_int_equal(model_commit(m), 0);
    }
    assert_int_equal(hwt_tslog_cursor_open(m->cursor, m->snapshot, 0, 1), 0);
    while ((got = hwt_tslog_cursor_next(m->cursor, &schema, &record, &lost)) != 0) {
        assert_true(got == 1 || got == HWT_ERR_LOST);
        told += got == HWT_ERR_LOST ? lost : 0;
        read += got == 1;
    }
    assert_int_equal(told + read, 2000);
    assert_true(told > 1900);
}

static void an_import_larger_than_the_device_must_commit_between(void **state)
{
    struct model *m = *state;
    static struct gen_schema schema;
    static struct gen_record r;
    uint64_t sequence;
    int err = 0;

    append_many(m, 0, 10);
    assert_int_equal(model_commit(m), 0);
    gen_schema(&schema, 3);
    for (int i = 0; err == 0 && i < 60000; i++) {
        gen_record(&r, &schema.schema, (uint64_t)i, (uint64_t)i); /* the same would take no room */
        err = hwt_tslog_append(m->log, 1, &schema.schema, &r.record, &sequence);
    }
    assert_int_equal(err, HWT_ERR_SPACE);
    assert_true(model_check(m)); /* what was committed is untouched */
    assert_int_equal(hwt_tslog_commit(m->log), 0);
    assert_int_equal(hwt_tslog_append(m->log, 1, &schema.schema, &r.record, &sequence), 0);
}

/* The wall time of most records of the model. */
static int64_t time_of(uint64_t sequence)
{
    return INT64_C(1790000000000) + (int64_t)sequence * 10000;
}

static void retention_by_age_gives_up_whole_old_blocks_of_every_stream(void **state)
{
    struct model *m = *state;
    struct hwt_stream_info info[2], after;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost = 0;
    int dropped = 0, got;

    m->allow_pruned = true;
    m->stream[0].schema = m->stream[1].schema = 3;
    append_many(m, 0, 3000);
    append_many(m, 1, 2000);
    assert_int_equal(model_commit(m), 0);
    assert_int_equal(hwt_tslog_drop_before(m->log, time_of(1) - 60000), 0);
    while ((got = hwt_tslog_drop_before(m->log, time_of(1500))) > 0) {
        assert_in_range(got, 1, HWT_TSLOG_DROP_MAX);
        dropped += got;
    }
    assert_int_equal(got, 0);
    assert_true(dropped > 2 * HWT_TSLOG_DROP_MAX);
    assert_int_equal(model_commit(m), 0);
    assert_true(model_check(m));
    for (int s = 0; s < 2; s++) {
        assert_int_equal(hwt_tslog_stream_info(m->snapshot, s, &info[s]), 0);
        assert_in_range(info[s].first, 1300, 1500); /* all younger ones are there */
        assert_int_equal(hwt_tslog_cursor_open(m->cursor, m->snapshot, s, 7), 0);
        assert_int_equal(hwt_tslog_cursor_next(m->cursor, &schema, &record, &lost), HWT_ERR_LOST);
        assert_int_equal(lost, info[s].first - 7);
    }
    assert_int_equal(model_open(m), 0);
    assert_true(model_check(m));
    for (int s = 0; s < 2; s++) {
        assert_int_equal(hwt_tslog_stream_info(m->snapshot, s, &after), 0);
        assert_int_equal(after.first, info[s].first);
    }
    while ((got = hwt_tslog_drop_before(m->log, INT64_MAX)) > 0) {
    }
    assert_int_equal(got, 0);
    assert_int_equal(m->log->segments, 2); /* those of the tails */
    append_many(m, 0, 100);
    assert_int_equal(model_commit(m), 0);
    assert_true(model_check(m));
}

static void an_uncommitted_import_is_not_given_up_for_its_age(void **state)
{
    struct model *m = *state;

    append_many(m, 0, 1);
    assert_int_equal(model_commit(m), 0);
    m->stream[1].schema = 3;
    append_many(m, 1, 1000);
    assert_int_equal(hwt_tslog_drop_before(m->log, INT64_MAX), 0);
    assert_int_equal(model_commit(m), 0);
    assert_true(model_check(m));
}

static void blocks_without_wall_times_are_as_old_as_the_next(void **state)
{
    struct model *m = *state;
    static struct gen_schema schema;
    static struct gen_record r;
    uint64_t sequence;
    uint32_t unknown;

    gen_schema(&schema, 3);
    for (uint64_t i = 1; m->log->segments < 12; i++) {
        gen_record(&r, &schema.schema, i, i);
        r.record.unix_ms = m->log->segments < 4 ? HWT_TIME_UNKNOWN : time_of(i);
        r.record.clock = HWT_CLOCK_UNSYNCED;
        assert_int_equal(hwt_tslog_append(m->log, 0, &schema.schema, &r.record, &sequence), 0);
    }
    assert_int_equal(hwt_tslog_commit(m->log), 0);
    for (unknown = 0; m->log->segment[unknown].min_ms > m->log->segment[unknown].max_ms;) {
        unknown++;
    }
    assert_in_range(unknown, 2, 4);
    assert_int_equal(hwt_tslog_drop_before(m->log, m->log->segment[unknown].max_ms), 0);
    assert_int_equal(hwt_tslog_drop_before(m->log, m->log->segment[unknown].max_ms + 1),
                     unknown + 1);
}

static void retention_goes_on_behind_the_newest_block_after_opening(void **state)
{
    struct model *m = *state;
    uint32_t newest;

    m->allow_pruned = true;
    m->stream[0].schema = 3;
    append_many(m, 0, 3000);
    assert_int_equal(model_commit(m), 0);
    assert_int_equal(hwt_tslog_drop_before(m->log, time_of(2900)), HWT_TSLOG_DROP_MAX);
    assert_int_equal(model_commit(m), 0);
    newest = m->log->stream[0].block;
    assert_int_equal(model_open(m), 0);
    append_many(m, 0, 400);
    /* the blocks that came free are not taken at once: a card's wear is spread */
    assert_int_equal(m->log->segment[hwt_tslog_segment_find(m->log, newest) + 1].block, newest + 1);
}

/* --- failing devices --- */

static void a_full_disk_at_any_write_loses_nothing(void **state)
{
    (void)state;
    for (uint64_t at = 0; at < 120; at += 7) {
        struct model *m = model_new(BLOCK, ROOMY, 0xFF);
        struct rng rng = {seed + at};
        int err = model_open(m);

        assert_int_equal(err, 0);
        ramdev_fail(m->dev, at, at % 2 == 0 ? HWT_ERR_SPACE : HWT_ERR_IO);
        for (int i = 0; i < 60; i++) {
            err = model_step(m, &rng);
            assert_true(err == 0 || err == HWT_ERR_SPACE || err == HWT_ERR_IO);
        }
        assert_true(model_check(m));
        ramdev_fail(m->dev, 0, 0);
        for (int i = 0; i < 10; i++) {
            assert_int_equal(model_step(m, &rng), 0);
        }
        assert_int_equal(model_commit(m), 0);
        assert_true(model_check(m));
        assert_int_equal(model_open(m), 0);
        assert_true(model_check(m));
        model_free(m);
    }
}

/* --- damage --- */

struct survey {
    bool wrong;
    uint64_t read, told;
};

/* Reads a stream; every record that is given must be the model's. */
static struct survey survey(struct model *m, int stream)
{
    static struct gen_schema want;
    static struct gen_record r;
    struct survey s = {.wrong = false};
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost;
    int got;

    hwt_tslog_snapshot(m->log, m->snapshot);
    assert_int_equal(hwt_tslog_cursor_open(m->cursor, m->snapshot, stream, 1), 0);
    while ((got = hwt_tslog_cursor_next(m->cursor, &schema, &record, &lost)) != 0) {
        if (got == HWT_ERR_LOST) {
            s.told += lost;
            continue;
        }
        assert_int_equal(got, 1);
        assert_true(record->sequence <= m->stream[stream].count);
        gen_schema(&want, m->stream[stream].entry[record->sequence - 1].schema);
        gen_record(&r, &want.schema, record->sequence,
                   m->stream[stream].entry[record->sequence - 1].seed);
        s.wrong = s.wrong || !gen_equal(record, &r.record);
        s.read++;
    }
    return s;
}

static void ignore_page(void *ctx, const struct hwt_tslog_page_report *page)
{
    (void)ctx;
    (void)page;
}

static int count_damaged(struct model *m)
{
    return hwt_tslog_verify(m->snapshot, m->cursor, ignore_page, NULL);
}

/* 40 columns and 5: some full blocks, a schema change, a tail. */
static void fill_for_damage(struct model *m)
{
    m->stream[0].schema = 3;
    append_many(m, 0, 600);
    assert_int_equal(model_commit(m), 0);
    m->stream[0].schema = 1;
    append_many(m, 0, 700);
    append_many(m, 1, 50);
    assert_int_equal(model_commit(m), 0);
    append_many(m, 0, 7);
    assert_int_equal(model_commit(m), 0);
}

static void a_flipped_bit_costs_its_page_and_no_more(void **state)
{
    struct model *m = *state;
    struct rng rng = {seed};
    uint8_t *bytes = ramdev_bytes(m->dev);
    uint32_t pages = 0;

    fill_for_damage(m);
    assert_int_equal(model_open(m), 0);
    assert_int_equal(model_commit(m), 0);
    while (!hwt_tslog_page_blank(bytes + ((size_t)CONTROL + pages) * HWT_TSLOG_PAGE)) {
        pages++; /* behind the control area of three blocks */
    }
    assert_true(pages > 30);
    for (uint32_t p = 0; p < CONTROL + pages; p++) {
        uint8_t *byte = bytes + (size_t)p * HWT_TSLOG_PAGE + rng_below(&rng, HWT_TSLOG_PAGE);
        uint8_t bit = (uint8_t)(1u << rng_below(&rng, 8));
        struct hwt_tslog_config config = {.bd = ramdev_bd(m->dev), .read_only = true};
        struct survey s, t;

        if (p >= HWT_TSLOG_CONTROL_PAGES && p < CONTROL) {
            continue; /* not used */
        }
        *byte ^= bit;
        assert_int_equal(hwt_tslog_open(m->log, &config, &m->recovery), 0);
        s = survey(m, 0);
        t = survey(m, 1);
        assert_false(s.wrong || t.wrong);
        /* the newest slot hides one commit, of both streams at the most; a page its records */
        assert_true(1307 - s.read < 300);
        assert_true(t.read == 50 || t.read == 0);
        assert_int_equal(count_damaged(m), 1);
        *byte ^= bit;
    }
}

static void records_of_a_damaged_page_are_told_as_lost(void **state)
{
    struct model *m = *state;
    uint8_t *page;
    struct hwt_tslog_head head;
    struct survey s;

    fill_for_damage(m);
    page = ramdev_bytes(m->dev) + (size_t)(CONTROL + 4) * HWT_TSLOG_PAGE;
    assert_int_equal(hwt_tslog_page_open(page, &head), 0);
    assert_int_equal(head.kind, HWT_TSLOG_DATA);
    page[2000] ^= 4;
    assert_int_equal(model_open(m), 0);
    s = survey(m, 0);
    assert_false(s.wrong);
    assert_int_equal(s.told, head.rows);
    assert_int_equal(s.read + s.told, 1307);
    page[HWT_TSLOG_HEAD - 1] ^= 4; /* its header too */
    s = survey(m, 0);
    assert_false(s.wrong);
    assert_int_equal(s.told, head.rows);
    assert_int_equal(s.read + s.told, 1307);
}

static void a_stream_that_lost_both_slots_goes_on_from_its_pages(void **state)
{
    struct model *m = *state;
    uint8_t *bytes = ramdev_bytes(m->dev);
    static struct gen_schema schema;
    static struct gen_record r;
    struct survey s;
    uint64_t sequence;

    fill_for_damage(m);
    bytes[2 * HWT_TSLOG_PAGE + 300] ^= 1;
    bytes[3 * HWT_TSLOG_PAGE + 300] ^= 1;
    assert_int_equal(model_open(m), 0);
    assert_int_equal(m->recovery.pages_bad, 2);
    s = survey(m, 0);
    assert_false(s.wrong);
    print_message("# SALV %d %d\n", (int)s.read, (int)s.told);
    assert_true(s.read >= 600);
    gen_schema(&schema, 3);
    gen_record(&r, &schema.schema, 1, 5);
    assert_int_equal(hwt_tslog_append(m->log, 0, &schema.schema, &r.record, &sequence), 0);
    assert_true(sequence > 1307); /* no sequence is given twice */
    assert_int_equal(hwt_tslog_commit(m->log), 0);
    assert_int_equal(model_open(m), 0);
    assert_int_equal(m->recovery.pages_bad, 0);
}

/* Right checksums, but a channel's name is not the one that the schema's id stands for. */
static void rename_channel(uint8_t *page)
{
    struct hwt_tslog_head head;

    assert_int_equal(hwt_tslog_page_open(page, &head), 0);
    assert_int_equal(head.kind, HWT_TSLOG_SCHEMA);
    page[HWT_TSLOG_HEAD + 4 + 3] ^= 1; /* c to b */
    hwt_tslog_page_seal(page, &head);
}

static void a_schema_that_is_not_what_its_id_says_is_not_used(void **state)
{
    struct model *m = *state;
    uint8_t *page = ramdev_bytes(m->dev) + (size_t)CONTROL * HWT_TSLOG_PAGE;
    struct survey s;

    m->stream[0].schema = 3;
    append_many(m, 0, 60);
    assert_int_equal(model_commit(m), 0);
    rename_channel(page);
    assert_int_equal(model_open(m), 0);
    assert_true(model_check(m)); /* the other copy is */
    rename_channel(page + HWT_TSLOG_PAGE);
    s = survey(m, 0);
    assert_false(s.wrong);
    assert_int_equal(s.read, 0);
    assert_int_equal(s.told, 60);
}

static void a_page_that_is_not_the_one_listed_is_told_as_lost(void **state)
{
    struct model *m = *state;
    uint8_t *page = ramdev_bytes(m->dev) + (size_t)(CONTROL + 3) * HWT_TSLOG_PAGE;
    struct hwt_tslog_head head;
    struct survey s;

    fill_for_damage(m);
    assert_int_equal(hwt_tslog_page_open(page, &head), 0);
    assert_int_equal(head.kind, HWT_TSLOG_DATA);
    head.first++; /* as of another life of the block */
    hwt_tslog_page_seal(page, &head);
    s = survey(m, 0);
    assert_false(s.wrong);
    assert_int_equal(s.told, head.rows);
    assert_int_equal(s.read + s.told, 1307);
}

static void a_damaged_newest_slot_gives_no_sequence_twice(void **state)
{
    static const struct {
        unsigned at;  /* byte of the slot */
        uint64_t gap; /* sequences left out beyond those that were lost */
        const char *why;
    } rows[] = {
        {300, 0, "its content: the header tells how many records it had"},
        {20, HWT_TSLOG_SEQUENCE_GAP, "its header: as many as it could have had"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct model *m = model_new(BLOCK, ROOMY, 0xFF);
        static struct gen_schema schema;
        static struct gen_record r;
        uint64_t sequence, told;
        uint8_t *slot;
        struct survey s;

        print_message("# %s\n", rows[i].why);
        assert_int_equal(model_open(m), 0);
        for (int k = 0; k < 4; k++) { /* 10 records in each slot's commit */
            append_many(m, 0, 10);
            assert_int_equal(model_commit(m), 0);
        }
        slot = ramdev_bytes(m->dev) +
               (size_t)hwt_tslog_slot_page(0, m->log->stream[0].slot) * HWT_TSLOG_PAGE;
        slot[rows[i].at] ^= 1;
        assert_int_equal(model_open(m), 0);
        assert_int_equal(model_open(m), 0); /* what was left out is not forgotten */
        s = survey(m, 0);
        assert_false(s.wrong);
        assert_int_equal(s.read, 30);
        told = s.told;
        gen_schema(&schema, 0);
        gen_record(&r, &schema.schema, 1, 5);
        assert_int_equal(hwt_tslog_append(m->log, 0, &schema.schema, &r.record, &sequence), 0);
        assert_int_equal(sequence, 31 + told);
        assert_true(rows[i].gap == 0 ? sequence == 41 : sequence == 31 + rows[i].gap);
        model_free(m);
    }
}

static void a_cut_without_a_torn_slot_leaves_no_gap(void **state)
{
    struct model *m = *state;
    uint64_t before;

    append_many(m, 0, 10);
    append_many(m, 1, 10);
    assert_int_equal(model_commit(m), 0);
    append_many(m, 0, 10);
    append_many(m, 1, 10);
    before = m->log->generation;
    ramdev_fail(m->dev, 1, HWT_ERR_IO); /* the slot of stream 0 is written, that of 1 is not */
    assert_int_equal(hwt_tslog_commit(m->log), HWT_ERR_IO);
    assert_int_equal(m->log->generation, before + 1);
    ramdev_fail(m->dev, 0, 0);
    for (int s = 0; s < 2; s++) {
        m->stream[s].count = m->stream[s].tried = m->stream[s].acked;
    }
    assert_int_equal(model_open(m), 0);
    assert_true(model_check(m));
    append_many(m, 0, 1);
    assert_int_equal(m->stream[0].count, 11);
}

static void a_tail_that_hides_records_is_not_written_on(void **state)
{
    struct model *m = *state;
    static struct gen_schema schema;
    static struct gen_record r;
    uint64_t sequence;

    gen_schema(&schema, 1);
    gen_record(&r, &schema.schema, 1, 5);
    for (int i = 0; i < 60; i++) { /* one row as the other: a run */
        r.record.mono_us += 10000000;
        r.record.unix_ms += 10000;
        assert_int_equal(hwt_tslog_append(m->log, 0, &schema.schema, &r.record, &sequence), 0);
    }
    assert_int_equal(hwt_tslog_commit(m->log), 0);
    for (unsigned slot = 0; slot < 2; slot++) { /* checksums right, a row less than the run says */
        uint8_t *page =
            ramdev_bytes(m->dev) + (size_t)hwt_tslog_slot_page(0, slot) * HWT_TSLOG_PAGE;
        struct hwt_tslog_head head;

        if (hwt_tslog_page_open(page, &head) == 0) {
            head.rows--;
            hwt_tslog_page_seal(page, &head);
        }
    }
    assert_int_equal(model_open(m), 0);
    assert_int_equal(m->recovery.pages_bad, 0);
    assert_int_equal(hwt_tslog_append(m->log, 0, &schema.schema, &r.record, &sequence), 0);
    assert_int_equal(sequence, 60);
    assert_int_equal(m->log->stream[0].tail.first, 60); /* in a page of its own */
}

static void one_superblock_is_enough_and_is_mended(void **state)
{
    struct model *m = *state;
    uint8_t *bytes = ramdev_bytes(m->dev);

    append_many(m, 0, 20);
    assert_int_equal(model_commit(m), 0);
    for (unsigned copy = 0; copy < 2; copy++) { /* of a later version: a compatible bit */
        uint8_t *page = bytes + (size_t)copy * HWT_TSLOG_PAGE;
        struct hwt_tslog_head head;

        assert_int_equal(hwt_tslog_page_open(page, &head), 0);
        page[HWT_TSLOG_HEAD + 24] = 0x40;
        hwt_tslog_page_seal(page, &head);
    }
    bytes[100] ^= 1;
    assert_int_equal(model_open(m), 0);
    assert_int_equal(m->recovery.pages_bad, 1);
    assert_int_equal(model_commit(m), 0);
    assert_memory_equal(bytes, bytes + HWT_TSLOG_PAGE, HWT_TSLOG_PAGE);
    bytes[HWT_TSLOG_PAGE + 100] ^= 1; /* the other */
    assert_int_equal(model_open(m), 0);
    assert_true(model_check(m));
}

static void a_foreign_or_unreadable_device_is_refused_untouched(void **state)
{
    struct model *m = *state;
    uint8_t *bytes = ramdev_bytes(m->dev);
    struct hwt_tslog_head head;
    uint64_t ops;

    append_many(m, 0, 20);
    assert_int_equal(model_commit(m), 0);
    ops = ramdev_ops(m->dev);
    bytes[100] ^= 1;
    bytes[HWT_TSLOG_PAGE + 100] ^= 1;
    assert_int_equal(model_open(m), HWT_ERR_CORRUPT);
    bytes[100] ^= 1;
    bytes[HWT_TSLOG_PAGE + 100] ^= 1;
    assert_int_equal(hwt_tslog_page_open(bytes, &head), 0);
    bytes[HWT_TSLOG_HEAD + 16 + 4 + 4 + 8] = 1; /* an incompatible feature */
    hwt_tslog_page_seal(bytes, &head);
    memcpy(bytes + HWT_TSLOG_PAGE, bytes, HWT_TSLOG_PAGE);
    assert_int_equal(model_open(m), HWT_ERR_UNSUPPORTED);
    bytes[HWT_TSLOG_HEAD + 16 + 4 + 4 + 8] = 0;
    head.version++;
    hwt_tslog_page_seal(bytes, &head);
    memcpy(bytes + HWT_TSLOG_PAGE, bytes, HWT_TSLOG_PAGE);
    assert_int_equal(model_open(m), HWT_ERR_UNSUPPORTED);
    assert_int_equal(ramdev_ops(m->dev), ops);
}

/* --- arguments --- */

static void nonsense_is_refused_and_appends_nothing(void **state)
{
    struct model *m = *state;
    struct hwt_channel channel[2] = {{"a_power", HWT_Q_POWER}, {"b_power", HWT_Q_POWER}};
    struct hwt_channel twice[2] = {{"a_power", HWT_Q_POWER}, {"a_power", HWT_Q_POWER}};
    struct hwt_value value[2] = {{.v = 1, .quality = HWT_QUALITY_GOOD},
                                 {.v = 2, .quality = HWT_QUALITY_GOOD}};
    struct hwt_value bad[2] = {{.v = 1, .quality = HWT_QUALITY_GOOD},
                               {.v = 2, .quality = HWT_QUALITY_COUNT}};
    struct hwt_schema schema = {channel, 2}, repeated = {twice, 2};
    struct hwt_record good = {.span_ms = 1000, .count = 2, .value = value};
    struct hwt_record count = good, span = good, quality = good, clock = good;
    const struct {
        int stream;
        const struct hwt_schema *schema;
        const struct hwt_record *record;
        const char *why;
    } rows[] = {
        {7, &schema, &good, "no such stream"},  {-1, &schema, &good, "negative stream"},
        {0, &schema, &count, "counts differ"},  {0, &schema, &span, "span 0"},
        {0, &schema, &quality, "quality"},      {0, &schema, &clock, "clock quality"},
        {0, &repeated, &good, "channel twice"},
    };
    uint64_t sequence = 99;

    count.count = 1;
    span.span_ms = 0;
    quality.value = bad;
    clock.clock = HWT_CLOCK_COUNT;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("# %s\n", rows[i].why);
        assert_int_equal(
            hwt_tslog_append(m->log, rows[i].stream, rows[i].schema, rows[i].record, &sequence),
            HWT_ERR_ARGUMENT);
    }
    assert_int_equal(sequence, 99);
    assert_int_equal(hwt_tslog_pending(m->log), 0);
    assert_int_equal(hwt_tslog_append(m->log, 0, &schema, &good, &sequence), 0);
    assert_int_equal(sequence, 1);
}

static void streams_keep_number_and_provenance(void **state)
{
    struct model *m = *state;
    struct hwt_stream_info info;

    assert_int_equal(hwt_tslog_stream(m->log, "own", HWT_PROVENANCE_MEASURED), 0);
    assert_int_equal(hwt_tslog_stream(m->log, "import_2", HWT_PROVENANCE_IMPORTED), 2);
    assert_int_equal(hwt_tslog_stream(m->log, "", HWT_PROVENANCE_IMPORTED), HWT_ERR_ARGUMENT);
    assert_int_equal(hwt_tslog_stream(m->log, "A", HWT_PROVENANCE_IMPORTED), HWT_ERR_ARGUMENT);
    assert_int_equal(hwt_tslog_stream(m->log, "own", HWT_PROVENANCE_SIMULATED), 0); /* empty yet */
    append_many(m, 0, 1);
    assert_int_equal(hwt_tslog_stream(m->log, "own", HWT_PROVENANCE_MEASURED), HWT_ERR_ARGUMENT);
    for (int s = 3; s < HWT_TSLOG_STREAMS_MAX; s++) {
        char name[8] = {'x', (char)('0' + s)};

        assert_int_equal(hwt_tslog_stream(m->log, name, HWT_PROVENANCE_IMPORTED), s);
    }
    assert_int_equal(hwt_tslog_stream(m->log, "more", HWT_PROVENANCE_IMPORTED), HWT_ERR_SPACE);
    assert_int_equal(model_commit(m), 0);
    hwt_tslog_snapshot(m->log, m->snapshot);
    assert_int_equal(hwt_tslog_streams(m->snapshot), HWT_TSLOG_STREAMS_MAX);
    assert_int_equal(hwt_tslog_stream_info(m->snapshot, 0, &info), 0);
    assert_string_equal(info.name, "own");
    assert_int_equal(info.provenance, HWT_PROVENANCE_SIMULATED);
    assert_int_equal(hwt_tslog_stream_info(m->snapshot, 8, &info), HWT_ERR_ARGUMENT);
}

static void an_import_made_first_leaves_number_0_to_the_own_device(void **state)
{
    struct model *m = model_new(BLOCK, BLOCKS, 0xFF);
    struct hwt_tslog_config config = {.bd = ramdev_bd(m->dev)};
    struct hwt_stream_info info;

    (void)state;
    assert_int_equal(hwt_tslog_open(m->log, &config, &m->recovery), 0);
    assert_int_equal(hwt_tslog_stream(m->log, "history", HWT_PROVENANCE_SIMULATED), 1);
    assert_int_equal(hwt_tslog_commit(m->log), 0);
    hwt_tslog_snapshot(m->log, m->snapshot);
    assert_int_equal(hwt_tslog_streams(m->snapshot), 2);
    assert_int_equal(hwt_tslog_stream_info(m->snapshot, 0, &info), 0);
    assert_true(info.first > info.last);
    assert_int_equal(hwt_tslog_cursor_open(m->cursor, m->snapshot, 0, 1), 0);
    assert_int_equal(hwt_tslog_cursor_open(m->cursor, m->snapshot, 0, 2), HWT_ERR_ARGUMENT);
    assert_int_equal(hwt_tslog_stream(m->log, "own", HWT_PROVENANCE_MEASURED), 0);
    model_free(m);
}

static void a_cursor_seeks_by_time(void **state)
{
    struct model *m = *state;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost;

    append_many(m, 0, 5000);
    assert_int_equal(model_commit(m), 0);
    hwt_tslog_snapshot(m->log, m->snapshot);
    for (int64_t want = 1; want < 5000; want += 371) {
        int64_t from = INT64_C(1790000000000) + want * 10000 - 10000;
        int64_t start;

        assert_int_equal(hwt_tslog_cursor_seek(m->cursor, m->snapshot, 0, from), 0);
        assert_int_equal(hwt_tslog_cursor_next(m->cursor, &schema, &record, &lost), 1);
        start = record->unix_ms - record->span_ms;
        assert_true(start >= from);
        assert_true(record->sequence <= (uint64_t)want + 4); /* some have odd times */
    }
    assert_int_equal(hwt_tslog_cursor_seek(m->cursor, m->snapshot, 0, INT64_MAX), 0);
    assert_int_equal(hwt_tslog_cursor_next(m->cursor, &schema, &record, &lost), 0);
}

static void a_read_only_log_is_never_written(void **state)
{
    struct model *m = *state;
    struct hwt_tslog_config config = {.bd = ramdev_bd(m->dev), .read_only = true};
    uint64_t ops, sequence;
    static struct gen_schema schema;
    static struct gen_record r;
    struct model *empty = model_new(BLOCK, BLOCKS, 0xFF);

    append_many(m, 0, 100);
    assert_int_equal(model_commit(m), 0);
    ramdev_bytes(m->dev)[2 * HWT_TSLOG_PAGE + 7] ^= 1; /* something to mend */
    ramdev_bytes(m->dev)[7] ^= 1;
    ops = ramdev_ops(m->dev);
    assert_int_equal(hwt_tslog_open(m->log, &config, &m->recovery), 0);
    gen_schema(&schema, 1);
    gen_record(&r, &schema.schema, 1, 5);
    assert_int_equal(hwt_tslog_append(m->log, 0, &schema.schema, &r.record, &sequence),
                     HWT_ERR_ARGUMENT);
    assert_int_equal(ramdev_ops(m->dev), ops);
    config.bd = ramdev_bd(empty->dev);
    assert_int_equal(hwt_tslog_open(m->log, &config, &m->recovery), HWT_ERR_NOT_FOUND);
    assert_int_equal(ramdev_ops(empty->dev), 0);
    model_free(empty);
}

int main(int argc, char **argv)
{
#define ENGINE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define SMALL_TEST(f)  cmocka_unit_test_setup_teardown(f, setup_small, teardown)
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(any_work_is_there_after_any_reopening),
        ENGINE_TEST(what_was_not_committed_is_not_shown_and_not_kept),
        ENGINE_TEST(an_idle_commit_writes_nothing),
        ENGINE_TEST(opening_a_long_log_reads_little),
        SMALL_TEST(a_full_device_gives_up_the_oldest_records),
        SMALL_TEST(a_reader_of_an_old_snapshot_learns_that_its_records_went),
        SMALL_TEST(an_import_larger_than_the_device_must_commit_between),
        ENGINE_TEST(retention_by_age_gives_up_whole_old_blocks_of_every_stream),
        ENGINE_TEST(an_uncommitted_import_is_not_given_up_for_its_age),
        ENGINE_TEST(blocks_without_wall_times_are_as_old_as_the_next),
        ENGINE_TEST(retention_goes_on_behind_the_newest_block_after_opening),
        cmocka_unit_test(a_full_disk_at_any_write_loses_nothing),
        ENGINE_TEST(a_flipped_bit_costs_its_page_and_no_more),
        ENGINE_TEST(records_of_a_damaged_page_are_told_as_lost),
        ENGINE_TEST(a_stream_that_lost_both_slots_goes_on_from_its_pages),
        ENGINE_TEST(a_schema_that_is_not_what_its_id_says_is_not_used),
        ENGINE_TEST(a_page_that_is_not_the_one_listed_is_told_as_lost),
        cmocka_unit_test(a_damaged_newest_slot_gives_no_sequence_twice),
        ENGINE_TEST(a_cut_without_a_torn_slot_leaves_no_gap),
        ENGINE_TEST(a_tail_that_hides_records_is_not_written_on),
        ENGINE_TEST(one_superblock_is_enough_and_is_mended),
        ENGINE_TEST(a_foreign_or_unreadable_device_is_refused_untouched),
        ENGINE_TEST(nonsense_is_refused_and_appends_nothing),
        ENGINE_TEST(streams_keep_number_and_provenance),
        cmocka_unit_test(an_import_made_first_leaves_number_0_to_the_own_device),
        ENGINE_TEST(a_cursor_seeks_by_time),
        ENGINE_TEST(a_read_only_log_is_never_written),
    };

    seed = gen_seed(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
