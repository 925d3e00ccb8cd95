/* core/tslog: repair: any page of a log is damaged in turn, and mended unless it holds records. */
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

enum { BLOCK = 8 * HWT_TSLOG_PAGE, BLOCKS = 60 };

static uint64_t seed;

struct tally {
    unsigned mended, damaged;
    uint64_t rows;
    uint32_t block, page; /* of the last one reported */
};

static void count(void *ctx, const struct hwt_tslog_page_report *p)
{
    struct tally *t = ctx;

    if (p->state != HWT_TSLOG_PAGE_MENDED && p->state != HWT_TSLOG_PAGE_DAMAGED) {
        return; /* verify tells of all */
    }
    t->mended += p->state == HWT_TSLOG_PAGE_MENDED;
    t->damaged += p->state == HWT_TSLOG_PAGE_DAMAGED;
    t->rows += p->rows;
    t->block = p->block;
    t->page = p->page;
}

static void append_many(struct model *m, int stream, unsigned schema, unsigned n)
{
    struct rng rng = {seed + n};

    m->stream[stream].schema = schema;
    while (n-- > 0) {
        assert_int_equal(model_append(m, stream, rng_next(&rng)), 0);
    }
}

/* Blocks of all kinds: schemas of one page and of three, one that changes within a block; a few
 * corrections; a tail. */
static struct model *make_log(void)
{
    struct model *m = model_new(BLOCK, BLOCKS, 0xFF);

    assert_int_equal(model_open(m), 0);
    append_many(m, 0, 3, 300);
    append_many(m, 0, 4, 20);
    append_many(m, 0, 3, 200);
    append_many(m, 0, 1, 50);
    append_many(m, 0, 2, 900);
    append_many(m, 1, 3, 100);
    for (size_t i = 0; i < 40; i++) {
        struct hwt_correction c = model_fix(m->fixes);

        assert_int_equal(hwt_tslog_correct(m->log, (int)(m->fixes % 2), &c), 0);
        m->fixes++;
    }
    assert_int_equal(model_commit(m), 0);
    append_many(m, 0, 2, 3);
    append_many(m, 1, 3, 3);
    assert_int_equal(model_commit(m), 0);
    assert_int_equal(hwt_tslog_commit(m->log), 0);
    return m;
}

/* Records of all streams that are lost; the others are the model's. */
static uint64_t lost_records(struct model *m)
{
    uint64_t told = 0;

    hwt_tslog_snapshot(m->log, m->snapshot);
    for (int s = 0; s < 2; s++) {
        const struct hwt_schema *schema;
        const struct hwt_record *record;
        uint64_t lost, read = 0, here = 0;
        int got;

        assert_int_equal(hwt_tslog_cursor_open(m->cursor, m->snapshot, s, 1), 0);
        while ((got = hwt_tslog_cursor_next(m->cursor, &schema, &record, &lost)) != 0) {
            assert_true(got == 1 || got == HWT_ERR_LOST);
            here += got == HWT_ERR_LOST ? lost : 0;
            read += got == 1;
            assert_true(got != 1 || model_record_right(m, s, schema, record));
        }
        assert_int_equal(read + here, m->stream[s].acked);
        told += here;
    }
    return told;
}

static void open_for_writing(struct model *m)
{
    struct hwt_tslog_config config = {.bd = ramdev_bd(m->dev)};

    assert_int_equal(hwt_tslog_open(m->log, &config, &m->recovery), 0);
}

enum { CONTENT, HEADER, ALL, WAYS };

static void damage(uint8_t *page, int way)
{
    switch (way) {
    case CONTENT:
        page[100] ^= 1;
        break;
    case HEADER:
        page[9] ^= 0x10;
        break;
    default:
        memset(page, 0x5A, HWT_TSLOG_PAGE - 1);
    }
}

static void what_is_stored_twice_is_mended_and_the_rest_is_told(void **state)
{
    static uint8_t before[BLOCK * BLOCKS];
    struct model *m = make_log();
    uint8_t *bytes = ramdev_bytes(m->dev);
    unsigned data = 0, mended = 0;

    (void)state;
    open_for_writing(m);
    assert_int_equal(lost_records(m), 0);
    memcpy(before, bytes, sizeof(before));
    for (uint32_t n = 0; n < BLOCKS * 8; n++) {
        uint8_t *page = bytes + (size_t)n * HWT_TSLOG_PAGE;
        struct hwt_tslog_head head = {.kind = 0};
        bool blank = hwt_tslog_page_blank(page);

        if (!blank) {
            assert_int_equal(hwt_tslog_page_open(page, &head), 0);
        }
        for (int way = 0; !blank && way < WAYS; way++) {
            struct tally t = {0}, again = {0};
            bool records = head.kind == HWT_TSLOG_DATA;
            bool slot = n < HWT_TSLOG_CONTROL_PAGES;
            uint64_t lost;

            damage(page, way);
            open_for_writing(m);
            assert_int_equal(hwt_tslog_repair(m->log, m->cursor, count, &t), records);
            open_for_writing(m);
            assert_int_equal(m->recovery.pages_bad, 0);
            if (t.mended != !records || t.damaged != records) {
                print_message("# page %u kind %u way %d: mended %u, damaged %u\n", n, head.kind,
                              way, t.mended, t.damaged);
            }
            assert_int_equal(t.mended, !records);
            assert_int_equal(t.damaged, records);
            assert_int_equal(t.block * 8 + t.page, n);
            if (slot && head.kind != HWT_TSLOG_INDEX) { /* there are two again */
                assert_int_equal(hwt_tslog_page_open(page, &head), 0);
            }
            assert_false(m->log->stream[0].index_dirty || m->log->stream[1].index_dirty);
            hwt_tslog_snapshot(m->log, m->snapshot);
            assert_int_equal(hwt_tslog_verify(m->snapshot, m->cursor, count, &again), records);
            if (!slot || head.kind != HWT_TSLOG_TAIL) { /* a newest slot may take a commit along */
                lost = lost_records(m);
                assert_int_equal(lost, records ? head.rows : 0);
                assert_int_equal(t.rows, records ? head.rows : 0);
            }
            data += records;
            mended += !records;
            memcpy(bytes, before, sizeof(before));
        }
    }
    assert_true(data > 100 && mended > 100);
    model_free(m);
}

static void a_block_without_its_schema_gets_it_from_another(void **state)
{
    struct model *m = make_log();
    uint8_t *bytes = ramdev_bytes(m->dev);
    struct tally t = {0};

    (void)state;
    for (uint32_t p = 0; p < 2; p++) {
        damage(bytes + ((size_t)m->log->segment[0].block * 8 + p) * HWT_TSLOG_PAGE, ALL);
    }
    open_for_writing(m);
    assert_true(lost_records(m) > 50);
    assert_int_equal(hwt_tslog_repair(m->log, m->cursor, count, &t), 0);
    assert_int_equal(t.mended, 2);
    open_for_writing(m);
    assert_int_equal(lost_records(m), 0);
    model_free(m);
}

static void a_log_that_is_well_is_left_as_it_is(void **state)
{
    struct model *m = make_log();
    struct tally t = {0};
    uint64_t ops;

    (void)state;
    open_for_writing(m);
    assert_int_equal(hwt_tslog_repair(m->log, m->cursor, count, &t), 0);
    open_for_writing(m);
    ops = ramdev_ops(m->dev);
    assert_int_equal(hwt_tslog_repair(m->log, m->cursor, count, &t), 0);
    assert_int_equal(t.mended + t.damaged, 0);
    assert_int_equal(ramdev_ops(m->dev), ops);
    model_free(m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stored_twice_is_mended_and_the_rest_is_told),
        cmocka_unit_test(a_block_without_its_schema_gets_it_from_another),
        cmocka_unit_test(a_log_that_is_well_is_left_as_it_is),
    };

    seed = gen_seed(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
