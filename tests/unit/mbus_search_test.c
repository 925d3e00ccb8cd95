/*
 * core/wire/mbus_search and mbus_master together, on a made-up bus: every meter hears every frame,
 * answers that overlap spoil each other as on the wire, where a space (0) wins. (Two answers that
 * overlap to the bit can add up to one of them, checksum and all: that no master can see.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/wire/mbus_search.h"

enum { BAUD = 2400, METERS_MAX = 40, TIMEOUT_US = 200000 };

struct meter {
    uint32_t id;
    uint8_t medium, address;
    bool chosen;
};

struct bus {
    struct hwt_mbus_master m;
    struct meter meter[METERS_MAX];
    unsigned meters;
    int64_t now_us, started_us;
    uint32_t requests; /* frames the master sent */
    unsigned jitter;   /* answers of meter k come k x jitter octets late */
};

static void identity(const struct meter *m, uint8_t out[8])
{
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(m->id >> (8 * i));
    }
    out[4] = 0x2D;
    out[5] = 0x2C;
    out[6] = 0x34;
    out[7] = m->medium;
}

static size_t telegram(const struct meter *m, uint8_t out[64])
{
    uint8_t data[15] = {[8] = 1, [12] = 0x01, [13] = 0x2B, [14] = m->address};

    identity(m, data);
    return (size_t)hwt_mbus_long_encode(0x08, m->address, 0x72, data, sizeof(data), out, 64);
}

/* What one meter says to a frame. */
static size_t answer(struct meter *m, const struct hwt_mbus_frame *f, uint8_t out[64])
{
    bool to_me = f->a == m->address || (f->a == 253 && m->chosen);
    uint8_t id[8];

    out[0] = 0xE5;
    if (f->shape == HWT_MBUS_LONG && f->ci == 0x52) {
        identity(m, id);
        m->chosen = hwt_mbus_select_fits(f->data, id);
        return m->chosen ? 1 : 0;
    }
    if (f->c == 0x40 && f->a == 253) {
        m->chosen = false;
        return to_me ? 1 : 0;
    }
    if (!to_me) {
        return 0;
    }
    return (f->c & 0xDF) == 0x5B ? telegram(m, out) : 1;
}

/* All meters hear the frame; returns what the wire carries back. */
static size_t wire(struct bus *b, const uint8_t *p, size_t n, uint8_t out[128])
{
    struct hwt_mbus_frame f;
    struct hwt_mbus_fault fault;
    size_t longest = 0, first = 128;

    memset(out, 0xFF, 128);
    assert_int_equal(hwt_mbus_frame_check(p, n, &f, &fault), 0);
    for (unsigned i = 0; i < b->meters; i++) {
        uint8_t said[64];
        size_t k = answer(&b->meter[i], &f, said), late = (i % 4) * b->jitter;

        for (size_t j = 0; j < k; j++) {
            out[late + j] &= said[j];
        }
        longest = k > 0 && late + k > longest ? late + k : longest;
        first = k > 0 && late < first ? late : first;
    }
    if (longest == 0) {
        return 0;
    }
    memmove(out, out + first, longest - first); /* a pause before the answer is not heard */
    return longest - first;
}

/* Plays the master's task to its end. */
static void play(struct bus *b)
{
    uint8_t back[128];

    for (int i = 0; i < 1000; i++) {
        struct hwt_mbus_action a = hwt_mbus_master_step(&b->m, b->now_us);

        if (a.step == HWT_MBUS_STEP_DONE) {
            return;
        }
        if (a.step == HWT_MBUS_STEP_WAIT) {
            b->now_us = a.wake_us;
            continue;
        }
        b->requests++;
        size_t n = wire(b, a.octets, a.n, back);

        if (n > 0) {
            b->now_us += (int64_t)(a.n + n) * 11 * 1000000 / BAUD + 20000;
            hwt_mbus_master_feed(&b->m, back, n, b->now_us);
        }
    }
    fail_msg("the master does not come to an end");
}

static unsigned search(struct bus *b, uint32_t found[METERS_MAX], struct hwt_mbus_search *s)
{
    static const uint8_t all[8] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    struct hwt_mbus_slave slave = {.address = 253, .select_size = 8};
    unsigned n = 0;

    hwt_mbus_master_init(&b->m, BAUD);
    b->now_us = b->started_us = 1000000;
    b->requests = 0;
    hwt_mbus_search_init(s, all);
    while (hwt_mbus_search_next(s, slave.select)) {
        enum hwt_mbus_outcome o;

        slave.linked = false;
        hwt_mbus_master_start(&b->m, &slave, TIMEOUT_US, 0, b->now_us);
        play(b);
        o = hwt_mbus_search_outcome(&b->m);
        if (o == HWT_MBUS_ONE) {
            const uint8_t *d = b->m.reply.data;

            assert_true(n < METERS_MAX);
            found[n++] = (uint32_t)(d[0] | d[1] << 8 | d[2] << 16) | (uint32_t)d[3] << 24;
        }
        hwt_mbus_search_tell(s, o);
    }
    return n;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void check_found(struct bus *b, const char *why)
{
    uint32_t found[METERS_MAX], there[METERS_MAX];
    struct hwt_mbus_search s;
    unsigned n = search(b, found, &s);

    for (unsigned i = 0; i < b->meters; i++) {
        there[i] = b->meter[i].id;
    }
    qsort(found, n, sizeof(found[0]), ascending);
    qsort(there, b->meters, sizeof(there[0]), ascending);
    if (n != b->meters || memcmp(found, there, n * sizeof(found[0])) != 0) {
        fail_msg("%s: %u of %u found", why, n, b->meters);
    }
    assert_int_equal(s.given_up, 0);
}

static void an_empty_bus_takes_one_selection(void **state)
{
    struct bus b = {0};
    uint32_t found[METERS_MAX];
    struct hwt_mbus_search s;

    (void)state;
    assert_int_equal(search(&b, found, &s), 0);
    assert_int_equal(s.tried, 1);
    assert_int_equal(b.requests, 1);
}

static void one_meter_is_found_by_the_widest_mask(void **state)
{
    struct bus b = {.meter = {{0x72337193, 4, 5, false}}, .meters = 1};
    uint32_t found[METERS_MAX];
    struct hwt_mbus_search s;

    (void)state;
    assert_int_equal(search(&b, found, &s), 1);
    assert_int_equal(found[0], 0x72337193);
    assert_int_equal(s.tried, 1);
    assert_int_equal(b.requests, 2);
}

static void meters_are_found_however_their_numbers_lie(void **state)
{
    static const struct {
        uint32_t id[4];
        unsigned n;
        const char *why;
    } rows[] = {
        {{0x00000000, 0x99999999}, 2, "the ends"},
        {{0x12345671, 0x12345676}, 2, "apart in the last digit"},
        {{0x12345671, 0x12345676, 0x12345603}, 3, "a tree of one branch"},
        {{0x00000009, 0x90000000, 0x09000000, 0x00900000}, 4, "nines"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (unsigned jitter = 0; jitter < 3; jitter++) {
            struct bus b = {.meters = rows[i].n, .jitter = jitter};

            for (unsigned k = 0; k < rows[i].n; k++) {
                b.meter[k] = (struct meter){rows[i].id[k], 4, 0, false};
            }
            check_found(&b, rows[i].why);
        }
    }
}

static uint32_t random_id(uint64_t *seed)
{
    uint32_t id = 0;

    for (unsigned i = 0; i < 8; i++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        id = id << 4 | (uint32_t)((*seed >> 33) % 10);
    }
    return id;
}

/* All with primary address 0, as they leave the factory: only a search can tell them apart. */
static void random_buses_are_found_whole(void **state)
{
    uint64_t seed = 20260101;

    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        struct bus b = {.meters = 1 + round * 2 % METERS_MAX, .jitter = round % 3};
        char why[40];

        snprintf(why, sizeof(why), "round %u", round);
        for (unsigned i = 0; i < b.meters; i++) {
            b.meter[i] = (struct meter){random_id(&seed), 4, 0, false};
        }
        check_found(&b, why);
    }
}

static void twins_are_told_apart_by_what_they_measure_or_given_up(void **state)
{
    struct bus b = {.meter = {{0x11111111, 0x04, 1, false}, {0x11111111, 0x0A, 2, false}},
                    .meters = 2};
    uint32_t found[METERS_MAX];
    struct hwt_mbus_search s;

    (void)state;
    check_found(&b, "heat and cooling meter");
    b.meter[1].medium = 0x04; /* nothing is different now */
    assert_int_equal(search(&b, found, &s), 0);
    assert_int_equal(s.given_up, 1);
    b.meter[0].medium = b.meter[1].medium = 0x77; /* no device type */
    assert_int_equal(search(&b, found, &s), 0);
    assert_int_equal(s.given_up, 1);
}

static void a_search_keeps_to_the_digits_it_is_given(void **state)
{
    static const uint8_t mask[8] = {0xFF, 0xFF, 0xFF, 0x12, 0xFF, 0xFF, 0xFF, 0x04};
    struct hwt_mbus_search s;
    uint8_t m[8];

    (void)state;
    hwt_mbus_search_init(&s, mask);
    assert_true(hwt_mbus_search_next(&s, m));
    assert_memory_equal(m, mask, 8);
    hwt_mbus_search_tell(&s, HWT_MBUS_SEVERAL);
    for (unsigned digit = 0; digit < 10; digit++) {
        assert_true(hwt_mbus_search_next(&s, m));
        assert_int_equal(m[3], 0x12);
        assert_int_equal(m[2], digit << 4 | 0x0F);
        assert_int_equal(m[7], 0x04);
        hwt_mbus_search_tell(&s, HWT_MBUS_NOBODY);
    }
    assert_false(hwt_mbus_search_next(&s, m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_bus_takes_one_selection),
        cmocka_unit_test(one_meter_is_found_by_the_widest_mask),
        cmocka_unit_test(meters_are_found_however_their_numbers_lie),
        cmocka_unit_test(random_buses_are_found_whole),
        cmocka_unit_test(twins_are_told_apart_by_what_they_measure_or_given_up),
        cmocka_unit_test(a_search_keeps_to_the_digits_it_is_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
