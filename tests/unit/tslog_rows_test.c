/* core/tslog: pages, rows and schemas as bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/tslog/internal.h"
#include "tests/log/gen.h"

static uint64_t seed;

static void any_row_survives_the_coder(void **state)
{
    static struct hwt_tslog_columns columns;
    static struct hwt_tslog_rows put, get;
    static struct gen_schema schema;
    static struct gen_record r;
    static struct hwt_value value[HWT_CHANNELS_MAX];
    uint8_t buf[HWT_TSLOG_ROW_MAX];
    struct rng rng = {seed};

    (void)state;
    for (unsigned which = 0; which < 6; which++) {
        gen_schema(&schema, which);
        assert_int_equal(hwt_tslog_columns_set(&columns, &schema.schema), 0);
        hwt_tslog_rows_reset(&put);
        hwt_tslog_rows_reset(&get);
        for (uint64_t i = 1; i < 400; i++) {
            struct hwt_record back = {.sequence = i};
            struct hwt_writer w;
            struct hwt_reader rd;

            gen_record(&r, &schema.schema, i, rng_next(&rng));
            hwt_writer_init(&w, buf, sizeof(buf));
            hwt_tslog_row_put(&put, &columns, &r.record, &w);
            assert_true(w.ok);
            hwt_tslog_rows_advance(&put, &r.record);
            hwt_reader_init(&rd, buf, w.at);
            assert_int_equal(hwt_tslog_row_get(&get, &columns, &rd, value, &back), 0);
            assert_int_equal(rd.at, w.at);
            assert_int_equal(back.sequence, i);
            assert_true(gen_equal(&back, &r.record));
            assert_memory_equal(&put, &get, sizeof(put));
        }
    }
}

static void a_cut_row_is_refused_at_every_length(void **state)
{
    static struct hwt_tslog_columns columns;
    static struct gen_schema schema;
    static struct gen_record r;
    static struct hwt_value value[HWT_CHANNELS_MAX];
    uint8_t buf[HWT_TSLOG_ROW_MAX];
    struct hwt_tslog_rows zero = {.boot = 0};
    struct hwt_writer w;

    (void)state;
    gen_schema(&schema, 2);
    assert_int_equal(hwt_tslog_columns_set(&columns, &schema.schema), 0);
    gen_record(&r, &schema.schema, 1, seed);
    hwt_writer_init(&w, buf, sizeof(buf));
    hwt_tslog_row_put(&zero, &columns, &r.record, &w);
    for (size_t n = 0; n < w.at; n++) {
        struct hwt_tslog_rows rows = {.boot = 0};
        struct hwt_record back = {.sequence = 1};
        struct hwt_reader rd;

        hwt_reader_init(&rd, buf, n);
        assert_int_equal(hwt_tslog_row_get(&rows, &columns, &rd, value, &back), HWT_ERR_CORRUPT);
    }
}

/* docs/LOG_FORMAT.md, Example */
static void the_documented_bytes_are_the_bytes_written(void **state)
{
    static const char schema_bytes[] = "\0\0\2\0\3\0\10hp_power\n\1\thp_energy";
    static const uint8_t want[] = {0x5f, 0x01, 0x02, 0x90, 0x4e, 0x80, 0xda, 0xc4, 0x09, 0xc0, 0xcc,
                                   0xa5, 0x80, 0xbf, 0x68, 0x05, 0xf8, 0x7e, 0x80, 0xc4, 0xaa, 0x22,
                                   0x00, 0x07, 0x80, 0xd0, 0xbb, 0x1b, 0x40, 0x04, 0x00};
    struct hwt_channel channel[2] = {{"hp_power", HWT_Q_POWER}, {"hp_energy", HWT_Q_ENERGY}};
    struct hwt_schema schema = {channel, 2};
    static struct hwt_tslog_columns columns;
    static struct hwt_tslog_rows rows;
    static uint8_t page[HWT_TSLOG_PAGE];
    struct hwt_tslog_head head = hwt_tslog_head_new(1, HWT_TSLOG_SCHEMA, 0);
    struct hwt_value value[2] = {{8124, HWT_QUALITY_GOOD}, {36000000, HWT_QUALITY_GOOD}};
    struct hwt_record r = {.mono_us = 10000000,
                           .unix_ms = 1795162430000,
                           .boot = 1,
                           .span_ms = 10000,
                           .clock = HWT_CLOCK_SYNCED,
                           .count = 2,
                           .value = value};
    struct hwt_writer w;

    (void)state;
    assert_int_equal(hwt_tslog_columns_set(&columns, &schema), 0);
    assert_int_equal(columns.id, 0x92cd914c);
    hwt_tslog_columns_put(&columns, 0, page, &head);
    assert_int_equal(head.used, sizeof(schema_bytes) - 1);
    assert_memory_equal(page + HWT_TSLOG_HEAD, schema_bytes, head.used);
    hwt_tslog_rows_reset(&rows);
    hwt_writer_init(&w, page, sizeof(page));
    for (int i = 0; i < 3; i++) {
        value[0].quality = i == 2 ? HWT_QUALITY_MISSING : HWT_QUALITY_GOOD;
        hwt_tslog_row_put(&rows, &columns, &r, &w);
        hwt_tslog_rows_advance(&rows, &r);
        r.mono_us += 10000000;
        r.unix_ms += 10000;
        value[0].v -= 4;
        value[1].v += 28800000;
    }
    assert_int_equal(w.at, sizeof(want));
    assert_memory_equal(page, want, sizeof(want));
}

static void a_regular_row_costs_its_flags_and_values(void **state)
{
    struct hwt_channel channel[2] = {{"hp_power", HWT_Q_POWER}, {"hp_energy", HWT_Q_ENERGY}};
    struct hwt_schema schema = {channel, 2};
    static struct hwt_tslog_columns columns;
    static struct hwt_tslog_rows rows;
    struct hwt_value value[2] = {{.quality = HWT_QUALITY_GOOD}, {.quality = HWT_QUALITY_GOOD}};
    struct hwt_record r = {.count = 2, .value = value, .span_ms = 10000, .boot = 1};
    uint8_t buf[128];
    struct hwt_writer w;

    (void)state;
    assert_int_equal(hwt_tslog_columns_set(&columns, &schema), 0);
    hwt_tslog_rows_reset(&rows);
    for (int i = 0; i < 5; i++) {
        r.mono_us += 10000000;
        r.unix_ms = INT64_C(1790000000000) + r.mono_us / 1000;
        value[0].v = 8000 + i;
        value[1].v += 28800000; /* 2880 W */
        hwt_writer_init(&w, buf, sizeof(buf));
        hwt_tslog_row_put(&rows, &columns, &r, &w);
        hwt_tslog_rows_advance(&rows, &r);
    }
    assert_int_equal(w.at, 3);
}

static void a_sealed_page_opens_and_any_flipped_bit_is_found(void **state)
{
    static uint8_t page[HWT_TSLOG_PAGE];
    struct hwt_tslog_head head = hwt_tslog_head_new(77, HWT_TSLOG_DATA, 3), back;

    (void)state;
    head.first = 1234567890123;
    head.generation = 9;
    head.min_ms = -5;
    head.max_ms = 6;
    head.first_ms = -7;
    head.last_ms = 8;
    head.schema = 0xDEADBEEF;
    head.place_block = 12;
    head.place_page = 13;
    head.members = 0x101;
    head.settled = 8;
    head.rows = 14;
    head.used = 100;
    head.flags = HWT_TSLOG_UNKNOWN_TIME;
    memset(page, 0x5A, sizeof(page));
    hwt_tslog_page_seal(page, &head);
    assert_int_equal(hwt_tslog_page_open(page, &back), 0);
    assert_int_equal(back.first, head.first);
    assert_int_equal(back.generation, head.generation);
    assert_int_equal(back.min_ms, head.min_ms);
    assert_int_equal(back.max_ms, head.max_ms);
    assert_int_equal(back.first_ms, head.first_ms);
    assert_int_equal(back.last_ms, head.last_ms);
    assert_int_equal(back.log, head.log);
    assert_int_equal(back.schema, head.schema);
    assert_int_equal(back.place_block, head.place_block);
    assert_int_equal(back.place_page, head.place_page);
    assert_int_equal(back.members, head.members);
    assert_int_equal(back.settled, head.settled);
    assert_int_equal(back.rows, head.rows);
    assert_int_equal(back.used, head.used);
    assert_int_equal(back.kind, head.kind);
    assert_int_equal(back.stream, head.stream);
    assert_int_equal(back.flags, head.flags);
    for (size_t i = 0; i < sizeof(page); i++) {
        page[i] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(hwt_tslog_page_open(page, &back), 0);
        page[i] ^= (uint8_t)(1u << i % 8);
    }
}

static void a_page_of_a_newer_version_is_unsupported_not_damaged(void **state)
{
    static uint8_t page[HWT_TSLOG_PAGE];
    struct hwt_tslog_head head = hwt_tslog_head_new(1, HWT_TSLOG_DATA, 0), back;

    (void)state;
    head.version = HWT_TSLOG_VERSION + 1;
    hwt_tslog_page_seal(page, &head);
    assert_int_equal(hwt_tslog_page_open(page, &back), HWT_ERR_UNSUPPORTED);
}

static void schemas_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        struct hwt_channel channel[2];
        uint16_t count;
        const char *why;
    } rows[] = {
        {{{"a_power", HWT_Q_POWER}}, 0, "no channel"},
        {{{"", HWT_Q_POWER}}, 1, "empty id"},
        {{{"A_power", HWT_Q_POWER}}, 1, "capital letter"},
        {{{"a-power", HWT_Q_POWER}}, 1, "dash"},
        {{{"a_power", HWT_Q_NONE}}, 1, "no quantity"},
        {{{"a_power", HWT_Q_COUNT}}, 1, "unknown quantity"},
        {{{"a_power", HWT_Q_POWER}, {"a_power", HWT_Q_POWER}}, 2, "channel repeated"},
    };
    static struct hwt_tslog_columns columns;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_schema schema = {rows[i].channel, rows[i].count};

        print_message("# %s\n", rows[i].why);
        assert_int_equal(hwt_tslog_columns_set(&columns, &schema), HWT_ERR_ARGUMENT);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_row_survives_the_coder),
        cmocka_unit_test(a_cut_row_is_refused_at_every_length),
        cmocka_unit_test(the_documented_bytes_are_the_bytes_written),
        cmocka_unit_test(a_regular_row_costs_its_flags_and_values),
        cmocka_unit_test(a_sealed_page_opens_and_any_flipped_bit_is_found),
        cmocka_unit_test(a_page_of_a_newer_version_is_unsupported_not_damaged),
        cmocka_unit_test(schemas_that_make_no_sense_are_refused),
    };

    seed = gen_seed(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
