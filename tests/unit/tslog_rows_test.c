/* core/tslog: pages, rows and schemas as bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/tslog/internal.h"
#include "core/tslog/rows.h"
#include "tests/log/gen.h"

static uint64_t seed;

/* One page's rows, put and got. */
struct coder {
    struct hwt_tslog_columns columns;
    struct hwt_tslog_rows put, get;
    struct hwt_tslog_trial put_trial[HWT_CHANNELS_MAX], get_trial[HWT_CHANNELS_MAX];
    uint8_t content[HWT_TSLOG_ROOM];
    struct hwt_value value[HWT_CHANNELS_MAX];
};

static struct coder coder;

static void coder_begin(struct coder *c, const struct hwt_schema *schema)
{
    memset(c, 0, sizeof(*c));
    assert_int_equal(hwt_tslog_columns_set(&c->columns, schema), 0);
    hwt_tslog_rows_begin(&c->put, c->put_trial, &c->columns);
}

static size_t used(const struct coder *c)
{
    return (c->put.at + 7) / 8;
}

static int put(struct coder *c, const struct hwt_record *record)
{
    return hwt_tslog_row_put(&c->put, c->put_trial, record, c->content);
}

static void get_begin(struct coder *c)
{
    memset(&c->get, 0, sizeof(c->get));
    hwt_tslog_rows_begin(&c->get, c->get_trial, &c->columns);
}

static int get(struct coder *c, struct hwt_record *record_out)
{
    return hwt_tslog_row_get(&c->get, c->get_trial, c->content, used(c), c->value, record_out);
}

/* The reader ends with the writer's state, so that it can write on. */
static void assert_same_state(struct coder *c)
{
    assert_int_equal(c->get.at, c->put.at);
    assert_true(hwt_tslog_rows_whole(&c->get));
    c->get.full = c->put.full;
    for (size_t i = 0; i < c->put.count; i++) { /* where a closed run was tells nothing */
        struct hwt_tslog_rice *a = &c->put.column[i].rice, *b = &c->get.column[i].rice;

        assert_int_equal(a->run_open, b->run_open);
        if (!a->run_open) {
            a->run_at = b->run_at = 0;
            a->run_n = b->run_n = 0;
        }
    }
    assert_memory_equal(&c->put, &c->get, sizeof(c->put));
    assert_memory_equal(c->put_trial, c->get_trial, sizeof(c->put_trial));
}

/* Pages full of a series; `make` draws row i. */
static void fill_pages(const struct hwt_schema *schema, unsigned pages, uint64_t draw,
                       void (*make)(struct gen_record *r, const struct hwt_schema *schema,
                                    uint64_t i, uint64_t draw))
{
    static struct gen_record r;
    static struct coder before; /* a row that does not fit may have changed a scale */
    uint64_t i = 1;

    coder_begin(&coder, schema);
    for (unsigned page = 0; page < pages; page++) {
        uint64_t first = i;

        before = coder;
        for (make(&r, schema, i, draw); put(&coder, &r.record) == 0;) {
            before = coder;
            make(&r, schema, ++i, draw);
        }
        assert_true(i > first);
        get_begin(&coder);
        for (uint64_t k = first; k < i; k++) {
            struct hwt_record back = {.sequence = k};

            make(&r, schema, k, draw);
            assert_int_equal(get(&coder, &back), 0);
            assert_int_equal(back.sequence, k);
            assert_true(gen_equal(&back, &r.record));
        }
        before.get = coder.get;
        memcpy(before.get_trial, coder.get_trial, sizeof(before.get_trial));
        assert_same_state(&before);
        hwt_tslog_rows_next(&coder.put, coder.put_trial);
        memset(coder.content, 0, sizeof(coder.content));
    }
}

static void make_any(struct gen_record *r, const struct hwt_schema *schema, uint64_t i,
                     uint64_t draw)
{
    struct rng rng = {draw + i * 77};

    gen_record(r, schema, i, rng_next(&rng));
}

static void any_row_survives_the_coder(void **state)
{
    static struct gen_schema schema;

    (void)state;
    for (unsigned which = 0; which < 6; which++) {
        gen_schema(&schema, which);
        fill_pages(&schema.schema, which == 4 ? 30 : 6, seed, make_any);
    }
}

/* A column of each kind that is hard on a coder; the row is a function of i and the draw. */
static int64_t hard_value(unsigned kind, uint64_t i, struct rng *rng)
{
    static const int64_t edge[] = {INT64_MIN, INT64_MAX, 0, -1, INT64_MIN + 1, 1};

    switch (kind) {
    case 0: /* constant */
        return 42;
    case 1: /* far ends in turn */
        return i % 2 == 0 ? INT64_MIN : INT64_MAX;
    case 2:
        return edge[rng_below(rng, 6)];
    case 3: /* noise of all bits */
        return (int64_t)rng_next(rng);
    case 4: /* zeros, a spike now and then */
        return rng_below(rng, 30) == 0 ? (int64_t)rng_below(rng, 100000) : 0;
    case 5: /* a scale of 3600000, and in the second half off it now and then */
        return (int64_t)i * 7200000 + 17 + (i > 1500 && rng_below(rng, 40) == 0);
    case 6: /* a scale below 0 */
        return -5 - 1000 * (int64_t)(i % 90);
    case 7: /* steady rise */
        return (int64_t)i * 28800000 + rng_below(rng, 1000);
    case 8: /* a scale that grows and shrinks */
        return (int64_t)((i / 100 % 3 == 0   ? 6
                          : i / 100 % 3 == 1 ? 600
                                             : 1) *
                         (uint64_t)rng_below(rng, 50));
    default: /* noise of a width that changes */
        return (int64_t)(rng_next(rng) >> (1 + i / 50 % 63));
    }
}

static void make_hard(struct gen_record *r, const struct hwt_schema *schema, uint64_t i,
                      uint64_t draw)
{
    struct rng rng = {draw + i * 1000003};

    memset(r, 0, sizeof(*r));
    r->record.value = r->value;
    r->record.count = schema->count;
    r->record.boot = (uint32_t)(draw == 3 ? rng_next(&rng) : 1);
    r->record.span_ms = draw == 3 ? UINT32_MAX - (uint32_t)i % 2 : 10000;
    r->record.clock = draw == 3 ? (uint8_t)rng_below(&rng, HWT_CLOCK_COUNT) : HWT_CLOCK_SYNCED;
    r->record.mono_us = draw == 3 ? (int64_t)rng_next(&rng) : (int64_t)i * 10000000;
    r->record.unix_ms = draw == 3 ? (int64_t)rng_next(&rng) : (int64_t)i * 10000;
    for (unsigned k = 0; k < schema->count; k++) {
        r->value[k].v = hard_value((k + (unsigned)(i / 700 * (draw % 2))) % 10, i, &rng);
        r->value[k].quality = HWT_QUALITY_GOOD;
        if (draw >= 2) { /* 2, 3: changes in every row; from 4: whole columns come and go */
            r->value[k].quality =
                draw < 4 ? (uint8_t)rng_below(&rng, HWT_QUALITY_COUNT) : (i / 40 + k) % 5 != 0;
        }
    }
}

static void hard_columns_survive_the_coder(void **state)
{
    static struct gen_schema schema;

    (void)state;
    for (uint64_t draw = 0; draw < 6; draw++) {
        gen_schema(&schema, 3);
        fill_pages(&schema.schema, 24, draw, make_hard);
        gen_schema(&schema, 4);
        fill_pages(&schema.schema, 12, draw, make_hard);
    }
}

static void a_first_row_of_the_largest_kind_fits(void **state)
{
    static struct gen_schema schema;
    static struct gen_record r;

    (void)state;
    gen_schema(&schema, 4);
    coder_begin(&coder, &schema.schema);
    for (int page = 0; page < 4; page++) {
        for (uint64_t i = 1; i < 40; i++) { /* scales of 31 bits in all columns, first; ages */
            make_hard(&r, &schema.schema, i, 3);
            for (unsigned k = 0; k < schema.schema.count; k++) {
                r.value[k].quality = page % 2 == 0 ? HWT_QUALITY_GOOD : HWT_QUALITY_SUSPECT;
                r.value[k].v = page == 3 ? INT64_MIN + (int64_t)(k * i)
                                         : (int64_t)(rng_next(&(struct rng){i + k}) >> 33) *
                                               INT64_C(2147483647);
                r.value[k].age_ms = page > 0 ? UINT32_MAX - k * (uint32_t)i : 0;
            }
            if (put(&coder, &r.record) != 0) {
                assert_true(i > 1);
                break;
            }
        }
        hwt_tslog_rows_next(&coder.put, coder.put_trial);
    }
}

static void a_row_that_does_not_fit_changes_no_byte(void **state)
{
    static struct gen_schema schema;
    static struct gen_record r;
    static uint8_t before[HWT_TSLOG_ROOM];
    uint32_t at = 0;
    int err = 0;

    (void)state;
    gen_schema(&schema, 3);
    coder_begin(&coder, &schema.schema);
    for (uint64_t i = 1; err == 0; i++) {
        memcpy(before, coder.content, sizeof(before));
        at = coder.put.at;
        make_hard(&r, &schema.schema, i, 1);
        err = put(&coder, &r.record);
    }
    assert_int_equal(err, HWT_ERR_SPACE);
    assert_int_equal(coder.put.at, at);
    assert_memory_equal(coder.content, before, sizeof(before));
    for (unsigned k = 0; k < r.record.count; k++) {
        r.value[k].quality = HWT_QUALITY_MISSING; /* would fit, but the page is done */
    }
    assert_int_equal(put(&coder, &r.record), HWT_ERR_SPACE);
}

static void a_page_cut_off_behind_any_row_can_be_written_on(void **state)
{
    static struct gen_schema schema;
    static struct gen_record r;
    static struct coder whole;
    uint64_t rows = 0;

    (void)state;
    gen_schema(&schema, 2);
    coder_begin(&whole, &schema.schema);
    make_hard(&r, &schema.schema, 1, 4);
    while (put(&whole, &r.record) == 0) {
        make_hard(&r, &schema.schema, ++rows + 1, 4);
    }
    coder_begin(&coder, &schema.schema);
    for (uint64_t i = 1; i <= rows; i++) { /* the reader of i - 1 rows puts row i */
        struct hwt_record back = {.sequence = 1};

        get_begin(&coder);
        for (uint64_t k = 1; k < i; k++) {
            assert_int_equal(get(&coder, &back), 0);
        }
        if (i > 1) {
            assert_true(hwt_tslog_rows_whole(&coder.get));
            coder.put = coder.get;
            memcpy(coder.put_trial, coder.get_trial, sizeof(coder.put_trial));
        }
        make_hard(&r, &schema.schema, i, 4);
        assert_int_equal(put(&coder, &r.record), 0);
    }
    assert_int_equal(coder.put.at, whole.put.at);
    assert_memory_equal(coder.content, whole.content, sizeof(whole.content));
}

static void a_cut_row_is_refused_at_every_length(void **state)
{
    static struct gen_schema schema;
    static struct gen_record r;

    (void)state;
    gen_schema(&schema, 2);
    coder_begin(&coder, &schema.schema);
    make_hard(&r, &schema.schema, 1, 3);
    assert_int_equal(put(&coder, &r.record), 0);
    for (size_t n = 0; n < used(&coder); n++) {
        struct hwt_record back = {.sequence = 1};

        get_begin(&coder);
        assert_int_equal(hwt_tslog_row_get(&coder.get, NULL, coder.content, n, coder.value, &back),
                         HWT_ERR_CORRUPT);
    }
}

/* Under the sanitizers this shows that nothing outside is touched, whatever the bits say. */
static void rows_of_damaged_bits_end_and_stay_inside(void **state)
{
    static struct gen_schema schema;
    static struct gen_record r;
    struct rng rng = {seed};
    unsigned refused = 0;

    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        struct hwt_record back = {.sequence = 1};
        size_t n = 1 + rng_below(&rng, HWT_TSLOG_ROOM);
        uint8_t *page = test_malloc(n); /* its end is guarded */
        int err = 0;

        gen_schema(&schema, round % 6);
        coder_begin(&coder, &schema.schema);
        for (uint64_t i = 1; i < 200; i++) {
            make_hard(&r, &schema.schema, i, round % 5);
            if (put(&coder, &r.record) != 0) {
                break;
            }
        }
        memcpy(page, coder.content, n);
        for (unsigned k = rng_below(&rng, 12) + 1; k > 0; k--) {
            page[rng_below(&rng, (uint32_t)n)] = (uint8_t)rng_next(&rng);
        }
        get_begin(&coder);
        for (unsigned k = 0; err == 0 && k < HWT_TSLOG_ROWS_MAX; k++) {
            err = hwt_tslog_row_get(&coder.get, coder.get_trial, page, n, coder.value, &back);
        }
        refused += err == HWT_ERR_CORRUPT;
        assert_true(err == 0 || err == HWT_ERR_CORRUPT);
        test_free(page);
    }
    assert_true(refused > 100);
}

/* docs/LOG_FORMAT.md, Example */
static void the_documented_bytes_are_the_bytes_written(void **state)
{
    static const char schema_bytes[] = "\0\0\2\0\3\2\10hp_power\n\2\thp_energy";
    static const uint8_t want[] = {0xc0, 0xca, 0x2e, 0x04, 0x00, 0x00, 0x00, 0x48, 0x03, 0x71,
                                   0x02, 0x40, 0x0a, 0x64, 0x96, 0x00, 0x3f, 0x74, 0x83, 0xf7,
                                   0x6b, 0x00, 0xa2, 0x4a, 0x0c, 0x1e, 0x00, 0x64, 0x00, 0xe8,
                                   0x6e, 0x0b, 0x24, 0x05, 0x00, 0x00, 0x00};
    static const uint32_t bits[] = {195, 250, 289}; /* so far, after each row */
    struct hwt_channel channel[2] = {{"hp_power", HWT_Q_POWER}, {"hp_energy", HWT_Q_ENERGY}};
    struct hwt_schema schema = {channel, 2};
    static uint8_t page[HWT_TSLOG_PAGE];
    struct hwt_tslog_head head = hwt_tslog_head_new(1, HWT_TSLOG_SCHEMA, 0);
    struct hwt_value value[2] = {{.v = 8124, .quality = HWT_QUALITY_GOOD},
                                 {.v = 36000000, .quality = HWT_QUALITY_GOOD}};
    struct hwt_record r = {.mono_us = 10000000,
                           .unix_ms = 1795162430000,
                           .boot = 1,
                           .span_ms = 10000,
                           .clock = HWT_CLOCK_SYNCED,
                           .count = 2,
                           .value = value};

    (void)state;
    coder_begin(&coder, &schema);
    assert_int_equal(coder.columns.id, 0x96982296);
    hwt_tslog_columns_put(&coder.columns, 0, page, &head);
    assert_int_equal(head.used, sizeof(schema_bytes) - 1);
    assert_memory_equal(page + HWT_TSLOG_HEAD, schema_bytes, head.used);
    for (int i = 0; i < 3; i++) {
        value[0].quality = i == 2 ? HWT_QUALITY_MISSING : HWT_QUALITY_GOOD;
        assert_int_equal(put(&coder, &r), 0);
        assert_int_equal(coder.put.at, bits[i]);
        r.mono_us += 10000000;
        r.unix_ms += 10000;
        value[0].v -= 4;
        value[1].v += 28800000;
    }
    assert_int_equal(used(&coder), sizeof(want));
    assert_memory_equal(coder.content, want, sizeof(want));
}

static void what_is_regular_costs_nothing(void **state)
{
    struct hwt_channel channel[2] = {{"hp_power", HWT_Q_POWER}, {"hp_energy", HWT_Q_ENERGY}};
    struct hwt_schema schema = {channel, 2};
    struct hwt_value value[2] = {{.quality = HWT_QUALITY_GOOD}, {.quality = HWT_QUALITY_GOOD}};
    struct hwt_record r = {.count = 2, .value = value, .span_ms = 10000, .boot = 1};
    uint32_t early = 0;

    (void)state;
    coder_begin(&coder, &schema);
    for (int i = 0; i < HWT_TSLOG_ROWS_MAX; i++) {
        r.mono_us += 10000000;
        r.unix_ms = INT64_C(1790000000000) + r.mono_us / 1000;
        value[0].v = 8000;
        value[1].v += 28800000; /* 2880 W */
        assert_int_equal(put(&coder, &r), 0);
        early = i == 100 ? coder.put.at : early;
    }
    assert_true(coder.put.at - early < 250); /* fields of three runs, longer each time */
    assert_int_equal(put(&coder, &r), HWT_ERR_SPACE);
}

/* A meter read each minute, recorded each 10 s. */
static void ages_of_a_slow_meter_cost_a_few_bits(void **state)
{
    struct hwt_channel channel[2] = {{"hp_power", HWT_Q_POWER}, {"hp_energy", HWT_Q_ENERGY}};
    struct hwt_schema schema = {channel, 2};
    struct hwt_value value[2] = {{.quality = HWT_QUALITY_GOOD}, {.quality = HWT_QUALITY_GOOD}};
    struct hwt_record r = {.count = 2, .value = value, .span_ms = 10000, .boot = 1};
    struct hwt_record back = {.sequence = 1};
    uint32_t early = 0;

    (void)state;
    coder_begin(&coder, &schema);
    for (uint32_t i = 0; i < 600; i++) {
        r.mono_us += 10000000;
        r.unix_ms = r.mono_us / 1000;
        value[1].age_ms = i % 6 == 0 ? 0 : i % 6 * 10000 - 3000;
        assert_int_equal(put(&coder, &r), 0);
        early = i == 59 ? coder.put.at : early;
    }
    assert_true(coder.put.at - early < 540 * 4);
    get_begin(&coder);
    for (uint32_t i = 0; i < 600; i++) {
        assert_int_equal(get(&coder, &back), 0);
        assert_int_equal(coder.value[0].age_ms, 0);
        assert_int_equal(coder.value[1].age_ms, i % 6 == 0 ? 0 : i % 6 * 10000 - 3000);
    }
    assert_same_state(&coder);
}

static void counters_in_coarse_units_cost_their_units(void **state)
{
    struct hwt_channel channel[1] = {{"hp_energy", HWT_Q_ENERGY}};
    struct hwt_schema schema = {channel, 1};
    struct hwt_value value[1] = {{.quality = HWT_QUALITY_GOOD}};
    struct hwt_record r = {.count = 1, .value = value, .span_ms = 10000, .boot = 1};
    unsigned rows[2] = {0, 0};

    (void)state;
    for (unsigned coarse = 0; coarse < 2; coarse++) { /* steps of 0 to 3 units */
        struct rng rng = {seed};

        coder_begin(&coder, &schema);
        value[0].v = 123;
        r.mono_us = r.unix_ms = 0;
        for (int page = 0; page < 2; page++) {
            do {
                r.mono_us += 10000000;
                r.unix_ms += 10000;
                value[0].v += (int64_t)rng_below(&rng, 4) * (coarse == 1 ? 3600000 : 1);
                rows[coarse] += page == 1;
            } while (put(&coder, &r) == 0);
            hwt_tslog_rows_next(&coder.put, coder.put_trial);
        }
    }
    assert_in_range(rows[1], rows[0] * 9 / 10, rows[0] * 11 / 10);
}

/* One column, records 10 s apart, from second `s`. */
static int put_value(struct coder *c, int64_t s, int64_t v)
{
    struct hwt_value value = {.v = v, .quality = HWT_QUALITY_GOOD};
    struct hwt_record r = {.mono_us = s * 10000000,
                           .unix_ms = s * 10000,
                           .boot = 1,
                           .span_ms = 10000,
                           .count = 1,
                           .value = &value};

    return put(c, &r);
}

static struct hwt_channel one_channel[1] = {{"hp_energy", HWT_Q_ENERGY}};
static const struct hwt_schema one_column = {one_channel, 1};

static void a_scale_may_end_with_a_page_or_within_it(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 6; n++) { /* the row that is off the scale, and by how much */
        int64_t off = n % 3, by = n < 3 ? 20 : 7;
        int64_t scale = n < 3 ? 20 : 1; /* that is left */
        struct hwt_record back = {.sequence = 1};

        coder_begin(&coder, &one_column);
        for (int64_t i = 0; i < 100; i++) {
            assert_int_equal(put_value(&coder, i, i * i * 6000 + 5), 0);
        }
        hwt_tslog_rows_next(&coder.put, coder.put_trial);
        memset(coder.content, 0, sizeof(coder.content));
        assert_int_equal(coder.put.column[0].scale, 6000);
        for (int64_t i = 0; i < 9; i++) {
            assert_int_equal(put_value(&coder, i, i * i * 6000 + 5 + (i >= off ? by : 0)), 0);
            assert_int_equal(coder.put.column[0].scale, i >= off ? scale : 6000);
        }
        get_begin(&coder);
        for (int64_t i = 0; i < 9; i++) {
            assert_int_equal(get(&coder, &back), 0);
            assert_int_equal(coder.value[0].v, i * i * 6000 + 5 + (i >= off ? by : 0));
        }
        assert_same_state(&coder);
    }
}

static void a_reader_within_a_run_is_no_writer(void **state)
{
    struct hwt_record back = {.sequence = 1};

    (void)state;
    coder_begin(&coder, &one_column);
    for (int64_t i = 0; i < 300; i++) {
        assert_int_equal(put_value(&coder, i, 7), 0);
    }
    get_begin(&coder);
    for (int64_t i = 0; i < 299; i++) {
        assert_int_equal(get(&coder, &back), 0);
    }
    assert_false(hwt_tslog_rows_whole(&coder.get));
    assert_int_equal(get(&coder, &back), 0);
    assert_true(hwt_tslog_rows_whole(&coder.get));
}

enum {
    CLOCK = HWT_TSLOG_HAS_CLOCK,
    SPAN = HWT_TSLOG_HAS_SPAN,
    WALL = HWT_TSLOG_HAS_WALL,
    NO_WALL = HWT_TSLOG_NO_WALL,
    QUALITY = HWT_TSLOG_HAS_QUALITY,
    SCALE = HWT_TSLOG_HAS_SCALE,
    AGE = HWT_TSLOG_HAS_AGE
};

static void bits_that_no_writer_writes_are_refused(void **state)
{
    /* one column; bits in order, each {value, width}; span_ms 1 is width - 1 = 0, then a one */
    static const struct {
        struct {
            uint64_t v;
            unsigned n;
        } bits[12];
        int err;
        const char *why;
    } rows[] = {
        {{{0, 1}, {0, 8}, {SPAN, 9}, {0, 6}, {1, 1}, {0, 6}, {1, 1}}, 0, "right: value -1"},
        {{{0, 1}, {0, 8}, {SPAN, 9}, {0, 6}, {0, 1}, {0, 6}, {1, 1}}, HWT_ERR_CORRUPT, "span 0"},
        {{{0, 1}, {0, 8}, {SPAN, 9}, {32, 6}, {UINT64_C(1) << 32, 33}, {0, 6}, {1, 1}},
         HWT_ERR_CORRUPT,
         "span of 33 bits"},
        {{{0, 1}, {0, 8}, {SPAN | CLOCK, 9}, {4, 4}, {0, 6}, {1, 1}, {0, 6}, {1, 1}},
         HWT_ERR_CORRUPT,
         "clock quality 4"},
        {{{0, 1}, {0, 8}, {SPAN | WALL | NO_WALL, 9}, {0, 6}, {1, 1}, {1, 1}, {0, 6}, {1, 1}},
         HWT_ERR_CORRUPT,
         "a wall time that is unknown"},
        {{{0, 1},
          {0, 8},
          {SPAN | QUALITY, 9},
          {0, 6},
          {1, 1},
          {1, 1},
          {1, 1},
          {1, 1},
          {0, 6},
          {1, 1}},
         0,
         "right: column 0 suspect, the end"},
        {{{0, 1}, {0, 8}, {SPAN | QUALITY, 9}, {0, 6}, {1, 1}, {6, 3}, {0, 6}, {1, 1}},
         HWT_ERR_CORRUPT,
         "a list that goes on behind the last column"},
        {{{1, 1},
          {0, 8},
          {1, 1},
          {1, 5},
          {3, 2},
          {1, 2},
          {SPAN, 9},
          {0, 6},
          {1, 1},
          {0, 6},
          {1, 1}},
         0,
         "right: scale 3, offset 1"},
        {{{1, 1},
          {0, 8},
          {1, 1},
          {1, 5},
          {0, 2},
          {1, 2},
          {SPAN, 9},
          {0, 6},
          {1, 1},
          {0, 6},
          {1, 1}},
         HWT_ERR_CORRUPT,
         "scale 0"},
        {{{1, 1},
          {0, 8},
          {1, 1},
          {1, 5},
          {3, 2},
          {1, 2},
          {SPAN | SCALE, 9},
          {0, 6},
          {1, 1},
          {1, 1},
          {1, 5},
          {2, 2}},
         HWT_ERR_CORRUPT,
         "a scale that does not divide the last"},
        {{{1, 1},
          {0, 8},
          {1, 1},
          {1, 5},
          {3, 2},
          {1, 2},
          {SPAN | SCALE, 9},
          {0, 6},
          {1, 1},
          {1, 1},
          {0, 5},
          {0, 1}},
         HWT_ERR_CORRUPT,
         "a new scale of 0"},
        {{{0, 1},
          {0, 8},
          {SPAN | AGE, 9},
          {0, 6},
          {1, 1},
          {1, 1},
          {3, 2},
          {1, 6},
          {2, 2},
          {1, 1},
          {0, 6},
          {1, 1}},
         0,
         "right: an age of 2 ms"},
        {{{0, 1}, {0, 8}, {SPAN | AGE, 9}, {0, 6}, {1, 1}, {1, 1}, {3, 2}, {0, 6}, {0, 1}},
         HWT_ERR_CORRUPT,
         "an age of 0"},
        {{{0, 1}, {0, 8}, {SPAN | AGE, 9}, {0, 6}, {1, 1}, {1, 1}, {1, 2}, {1, 1}},
         HWT_ERR_CORRUPT,
         "an age as the last one, of which there is none"},
        {{{0, 1},
          {0, 8},
          {SPAN | AGE, 9},
          {0, 6},
          {1, 1},
          {1, 1},
          {3, 2},
          {32, 6},
          {UINT64_C(1) << 32, 33},
          {1, 1}},
         HWT_ERR_CORRUPT,
         "an age of 33 bits"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_record back = {.sequence = 1};
        struct hwt_tslog_bits_out out;

        print_message("# %s\n", rows[i].why);
        coder_begin(&coder, &one_column);
        hwt_tslog_bits_out_init(&out, coder.content, sizeof(coder.content), 0);
        for (size_t k = 0; k < 12; k++) {
            hwt_tslog_bits_put(&out, rows[i].bits[k].v, rows[i].bits[k].n);
        }
        hwt_tslog_bits_end(&out);
        get_begin(&coder);
        assert_int_equal(hwt_tslog_row_get(&coder.get, NULL, coder.content, sizeof(coder.content),
                                           coder.value, &back),
                         rows[i].err);
    }
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

static void a_page_of_another_version_is_unsupported_not_damaged(void **state)
{
    static uint8_t page[HWT_TSLOG_PAGE];
    struct hwt_tslog_head head = hwt_tslog_head_new(1, HWT_TSLOG_DATA, 0), back;

    (void)state;
    for (int by = -1; by <= 1; by += 2) {
        head.version = (uint8_t)(HWT_TSLOG_VERSION + by);
        hwt_tslog_page_seal(page, &head);
        assert_int_equal(hwt_tslog_page_open(page, &back), HWT_ERR_UNSUPPORTED);
    }
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
        cmocka_unit_test(hard_columns_survive_the_coder),
        cmocka_unit_test(a_first_row_of_the_largest_kind_fits),
        cmocka_unit_test(a_row_that_does_not_fit_changes_no_byte),
        cmocka_unit_test(a_page_cut_off_behind_any_row_can_be_written_on),
        cmocka_unit_test(a_cut_row_is_refused_at_every_length),
        cmocka_unit_test(rows_of_damaged_bits_end_and_stay_inside),
        cmocka_unit_test(the_documented_bytes_are_the_bytes_written),
        cmocka_unit_test(what_is_regular_costs_nothing),
        cmocka_unit_test(ages_of_a_slow_meter_cost_a_few_bits),
        cmocka_unit_test(counters_in_coarse_units_cost_their_units),
        cmocka_unit_test(a_scale_may_end_with_a_page_or_within_it),
        cmocka_unit_test(a_reader_within_a_run_is_no_writer),
        cmocka_unit_test(bits_that_no_writer_writes_are_refused),
        cmocka_unit_test(a_sealed_page_opens_and_any_flipped_bit_is_found),
        cmocka_unit_test(a_page_of_another_version_is_unsupported_not_damaged),
        cmocka_unit_test(schemas_that_make_no_sense_are_refused),
    };

    seed = gen_seed(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
