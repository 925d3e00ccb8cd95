/* core/wire/samples.c: blocks of docs/SAMPLE_STREAM.md, whole, cut up and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/wire/samples.h"
#include "tests/unit/stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct hwt_samples reader;
static uint8_t stream[1 << 20];

static void feed(struct hwt_samples *s, const uint8_t *p, size_t n)
{
    size_t room;
    uint8_t *to = hwt_samples_room(s, &room);

    assert_true(room >= n);
    memcpy(to, p, n);
    hwt_samples_fed(s, n);
}

/* What a run over a stream gave: enough to tell two runs apart. */
struct outcome {
    struct hwt_samples_counters counters;
    uint32_t sequences[64];
    int64_t sum; /* of all codes, each times its place */
    unsigned blocks;
};

static struct outcome run(const uint8_t *p, size_t n, size_t piece)
{
    struct outcome o = {0};

    hwt_samples_init(&reader);
    for (size_t at = 0; at < n; at += piece) {
        struct hwt_block b;

        feed(&reader, p + at, piece < n - at ? piece : n - at);
        while (hwt_samples_next(&reader, &b)) {
            assert_true(o.blocks < COUNT(o.sequences));
            o.sequences[o.blocks++] = b.sequence;
            for (size_t k = 0; k < (size_t)b.scans * b.slots; k++) {
                o.sum += (int64_t)(k + 1) * b.codes[k];
            }
        }
    }
    o.counters = reader.counters;
    return o;
}

static struct stream_block plain(void)
{
    static const uint32_t codes[] = {0, 2047, 2048, 2049, 4095, 1};

    return (struct stream_block){.version = 1,
                                 .sequence = 77,
                                 .device_us = 0x0102030405060708u,
                                 .wall_us = 1700000000000000,
                                 .has_wall = true,
                                 .dropped = 3,
                                 .period_ps = 149940000,
                                 .scans = 2,
                                 .slots = 3,
                                 .bits = 12,
                                 .code_bytes = 2,
                                 .map = {{1, 0, 0}, {2, 5, 4369}, {9, 1, 65535}},
                                 .codes = codes};
}

static void a_block_is_read_field_by_field(void **state)
{
    struct stream_block in = plain();
    struct hwt_block b;

    (void)state;
    hwt_samples_init(&reader);
    feed(&reader, stream, stream_put(stream, &in));
    assert_true(hwt_samples_next(&reader, &b));
    assert_int_equal(b.sequence, 77);
    assert_true(b.device_us == 0x0102030405060708u);
    assert_true(b.wall_us == 1700000000000000);
    assert_int_equal(b.dropped, 3);
    assert_int_equal(b.scan_period_ps, 149940000);
    assert_int_equal(b.scans, 2);
    assert_int_equal(b.slots, 3);
    assert_int_equal(b.bits, 12);
    assert_int_equal(b.slot[0].kind, HWT_SLOT_VOLTAGE);
    assert_int_equal(b.slot[1].kind, HWT_SLOT_CURRENT);
    assert_int_equal(b.slot[1].input, 5);
    assert_int_equal(b.slot[1].time_q16, 4369);
    assert_int_equal(b.slot[2].kind, HWT_SLOT_UNUSED); /* a kind of later versions */
    assert_int_equal(b.slot[2].time_q16, 65535);
    assert_int_equal(b.codes[0], -2048);
    assert_int_equal(b.codes[1], -1);
    assert_int_equal(b.codes[2], 0);
    assert_int_equal(b.codes[4], 2047);
    assert_false(hwt_samples_next(&reader, &b));
    assert_int_equal(reader.counters.blocks, 1);
    assert_int_equal(reader.counters.skipped_bytes, 0);
}

static void later_versions_wide_codes_and_no_wall_are_read(void **state)
{
    static const uint32_t wide[] = {0, 0x800000, 0xFFFFFF, 1, 2, 3};
    struct stream_block in = plain();
    struct hwt_block b;

    (void)state;
    in.version = 9;
    in.flags = 0xF0;
    in.has_wall = false;
    in.tail = 100;
    in.bits = 24;
    in.code_bytes = 4;
    in.codes = wide;
    hwt_samples_init(&reader);
    feed(&reader, stream, stream_put(stream, &in));
    assert_true(hwt_samples_next(&reader, &b));
    assert_true(b.wall_us == HWT_TIME_UNKNOWN);
    assert_int_equal(b.codes[0], -0x800000);
    assert_int_equal(b.codes[1], 0);
    assert_int_equal(b.codes[2], 0x7FFFFF);
}

/* The largest block the format allows: 65536 octets of codes, header of 1024. */
static void the_largest_block_is_read(void **state)
{
    static uint32_t codes[32768];
    struct stream_block in = plain();
    struct outcome o;
    size_t n;

    (void)state;
    in.slots = 16;
    in.scans = 2048;
    in.tail = 1024 - 48 - 64;
    in.codes = codes;
    n = stream_put(stream, &in);
    assert_int_equal(n, HWT_SAMPLES_BLOCK_MAX);
    o = run(stream, n, n);
    assert_int_equal(o.blocks, 1);
    assert_true(o.sum == -2048 * (int64_t)32768 * 32769 / 2);
}

static void damaged_blocks_are_counted_and_the_next_is_not_lost(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        int reason; /* 0: the magic itself is gone */
        const char *why;
    } rows[] = {
        {0, 'X', 0, "magic"},
        {6, 56, -HWT_ERR_LENGTH, "header too short for three slots"},
        {6, 61, -HWT_ERR_LENGTH, "header length not a multiple of 4"},
        {7, 5, -HWT_ERR_LENGTH, "header longer than 1024"},
        {8, 13, -HWT_ERR_LENGTH, "payload is not scans x slots x bytes"},
        {11, 0x40, -HWT_ERR_LENGTH, "payload of a gigabyte"},
        {40, 0, -HWT_ERR_LENGTH, "no scans"},
        {42, 0, -HWT_ERR_LENGTH, "no slots"},
        {42, 25, -HWT_ERR_LENGTH, "more slots than there may be"},
        {43, 7, -HWT_ERR_LENGTH, "too few bits"},
        {43, 25, -HWT_ERR_LENGTH, "too many bits"},
        {43, 17, -HWT_ERR_LENGTH, "17 bits in two octets"},
        {44, 3, -HWT_ERR_LENGTH, "codes of three octets"},
        {12, 1, -HWT_ERR_CHECKSUM, "another sequence"},
        {60, 1, -HWT_ERR_CHECKSUM, "another code"},
        {75, 1, -HWT_ERR_CHECKSUM, "another checksum"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct stream_block in = plain();
        size_t n = stream_put(stream, &in);
        struct outcome o;

        assert_int_equal(n, 76);
        in.sequence = 78;
        n += stream_put(stream + n, &in);
        if (stream[rows[i].at] == rows[i].value) {
            fail_msg("%s: the row changes nothing", rows[i].why);
        }
        stream[rows[i].at] = rows[i].value;
        o = run(stream, n, n);
        if (o.blocks != 1 || o.sequences[0] != 78 || o.counters.skipped_bytes != 76) {
            fail_msg("%s: %u blocks, skipped %d", rows[i].why, o.blocks,
                     (int)o.counters.skipped_bytes);
        }
        for (int k = 0; k < HWT_ERR_KINDS; k++) {
            if (o.counters.refused[k] != (k > 0 && k == rows[i].reason)) {
                fail_msg("%s: reason %d counted %d times", rows[i].why, k,
                         (int)o.counters.refused[k]);
            }
        }
    }
}

static void impossible_content_with_a_good_checksum_is_insane(void **state)
{
    static const uint32_t high[] = {0, 0, 0, 4096, 0, 0};
    struct outcome o;

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct stream_block in = plain();
        size_t n;

        if (i == 0) {
            in.codes = high; /* bit 12 of a 12-bit code */
        } else {
            in.period_ps = 0;
        }
        n = stream_put(stream, &in);
        in = plain();
        in.sequence = 78;
        n += stream_put(stream + n, &in);
        o = run(stream, n, n);
        assert_int_equal(o.blocks, 1);
        assert_int_equal(o.sequences[0], 78);
        assert_int_equal(o.counters.refused[-HWT_ERR_SANITY], 1);
    }
}

/* A block whose codes hold a whole other block: only the outer one counts; with the outer one
 * damaged the inner one is found. */
static void a_block_inside_a_block_is_not_read_twice(void **state)
{
    static uint32_t codes[60];
    uint8_t inner[128];
    struct stream_block in = plain();
    size_t n = stream_put(inner, &in);
    struct outcome o;

    (void)state;
    for (size_t k = 0; k < n / 2; k++) {
        codes[k] = (uint32_t)inner[2 * k] | (uint32_t)inner[2 * k + 1] << 8;
    }
    in = plain();
    in.sequence = 5;
    in.bits = 16;
    in.scans = 20;
    in.codes = codes;
    n = stream_put(stream, &in);
    o = run(stream, n, n);
    assert_int_equal(o.blocks, 1);
    assert_int_equal(o.sequences[0], 5);
    stream[n - 1] ^= 1;
    o = run(stream, n, n);
    assert_int_equal(o.blocks, 1);
    assert_int_equal(o.sequences[0], 77);
}

static void a_cut_block_is_waited_for_and_never_delivered(void **state)
{
    struct stream_block in = plain();
    size_t n = stream_put(stream, &in);

    (void)state;
    for (size_t k = 0; k < n; k++) {
        struct outcome o = run(stream, k, n);

        assert_int_equal(o.blocks, 0);
    }
}

static void feeding_in_pieces_gives_the_same_as_feeding_at_once(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 5, 47, 48, 49, 76, 1000};
    uint32_t random = 12345;
    struct outcome whole;
    size_t n = 0;

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        struct stream_block in = plain();

        in.sequence = i;
        in.tail = i % 3 * 4;
        n += stream_put(stream + n, &in);
        if (i % 5 == 0) {
            memcpy(stream + n, "HWHWTHWTS", 9); /* litter that looks like a beginning */
            n += 9;
        }
    }
    for (unsigned i = 0; i < 12; i++) { /* bit errors */
        random = random * 1664525u + 1013904223u;
        stream[(random >> 8) % n] ^= (uint8_t)(1u << (random >> 29));
    }
    whole = run(stream, n, n);
    assert_true(whole.blocks >= 25 && whole.blocks < 40);
    for (size_t i = 0; i < COUNT(pieces); i++) {
        struct outcome o = run(stream, n, pieces[i]);

        assert_memory_equal(&o, &whole, sizeof(o));
    }
}

static void a_new_connection_forgets_the_half_block_and_keeps_the_counters(void **state)
{
    struct stream_block in = plain();
    size_t n = stream_put(stream, &in);
    struct hwt_block b;

    (void)state;
    hwt_samples_init(&reader);
    feed(&reader, stream, n);
    assert_true(hwt_samples_next(&reader, &b));
    feed(&reader, stream, 60);
    assert_false(hwt_samples_next(&reader, &b));
    hwt_samples_restart(&reader);
    feed(&reader, stream, n);
    assert_true(hwt_samples_next(&reader, &b));
    assert_int_equal(reader.counters.blocks, 2);
    assert_int_equal(reader.counters.skipped_bytes, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_read_field_by_field),
        cmocka_unit_test(later_versions_wide_codes_and_no_wall_are_read),
        cmocka_unit_test(the_largest_block_is_read),
        cmocka_unit_test(damaged_blocks_are_counted_and_the_next_is_not_lost),
        cmocka_unit_test(impossible_content_with_a_good_checksum_is_insane),
        cmocka_unit_test(a_block_inside_a_block_is_not_read_twice),
        cmocka_unit_test(a_cut_block_is_waited_for_and_never_delivered),
        cmocka_unit_test(feeding_in_pieces_gives_the_same_as_feeding_at_once),
        cmocka_unit_test(a_new_connection_forgets_the_half_block_and_keeps_the_counters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
