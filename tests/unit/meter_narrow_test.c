/* core/meter: sums by products of 16 bits, and the search for crossings that skips, beside the
 * plain way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/meter/meter_cross.h"
#include "core/meter/meter_narrow.h"
#include "core/meter/meter_nco.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { SCANS = HWT_METER_NARROW_SCANS, AROUND = 4, LINE = SCANS + 2 * AROUND };

static uint64_t state;

/* from .. to, both included */
static int32_t draw(int32_t from, int32_t to)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return from + (int32_t)((state >> 20) % (uint64_t)((int64_t)to - from + 1));
}

struct lines {
    int32_t x[LINE], v[LINE], cos[SCANS], sin[SCANS];
};

/* Of the reach the bits that tell of codes of 8 bits and more. */
static bool differ(const struct hwt_meter_sums *a, const struct hwt_meter_sums *b)
{
    return memcmp(a->whole, b->whole, sizeof(a->whole)) != 0 || a->reach >> 7 != b->reach >> 7;
}

/* Sums both ways, of n scans in the middle of the lines, must not differ in a bit. */
static void compare(const struct lines *l, size_t n, int shift, const char *why)
{
    static struct hwt_meter_narrow narrow;
    struct hwt_meter_sums plain, found;
    const int32_t *x = l->x + AROUND, *v = l->v + AROUND;

    hwt_meter_narrow_init(&narrow);
    hwt_meter_sums_clear(&plain);
    hwt_meter_sums_clear(&found);
    hwt_meter_sums_add(&plain, x, l->cos, l->sin, n);
    hwt_meter_narrow_frame(&narrow, l->cos, l->sin, n);
    hwt_meter_narrow_add(&narrow, &found, x, n);
    if (differ(&plain, &found)) {
        fail_msg("%s: %zu scans, without lags", why, n);
    }
    hwt_meter_sums_clear(&found);
    hwt_meter_sums_add_lags(&plain, HWT_SUM_LAG, x, v + shift, n);
    hwt_meter_narrow_voltage(&narrow, v, n);
    hwt_meter_narrow_add_lags(&narrow, &found, x, shift, n);
    if (differ(&plain, &found)) {
        fail_msg("%s: %zu scans, shift %d", why, n, shift);
    }
}

static void sums_of_narrow_codes_are_the_plain_ones_to_the_bit(void **unused)
{
    enum { TOP = (1 << (HWT_METER_NARROW_BITS - 1)) - 1, ONE = HWT_METER_NCO_ONE };
    static const struct {
        int32_t x_min, x_max, v_min, v_max, frame_min, frame_max;
        const char *why;
    } rows[] = {
        {-TOP - 1, TOP, -TOP - 1, TOP, -ONE, ONE, "all codes"},
        {-3, 3, -TOP - 1, TOP, -ONE, ONE, "a small current"},
        {-TOP - 1, -TOP - 1, -TOP - 1, -TOP - 1, -ONE, -ONE, "the largest sums there can be"},
        {-TOP - 1, -TOP - 1, TOP, TOP, ONE, ONE, "the smallest"},
        {TOP, TOP, -TOP - 1, -TOP - 1, -ONE, -ONE, "the smallest, the other way round"},
        {TOP, TOP, TOP, TOP, ONE, ONE, "the last code throughout"},
        {-1, 0, -1, 0, -65, -63, "just below zero, where digits are rounded down"},
        {0, 0, 0, 0, 0, 0, "nothing"},
    };
    static const size_t counts[] = {1, 2, 15, 63, 64, 65, 126, 127, 128};
    struct lines l;

    (void)unused;
    state = 88172645463325252u;
    for (size_t r = 0; r < COUNT(rows); r++) {
        for (size_t c = 0; c < COUNT(counts); c++) {
            for (int i = 0; i < LINE; i++) {
                l.x[i] = draw(rows[r].x_min, rows[r].x_max);
                l.v[i] = draw(rows[r].v_min, rows[r].v_max);
            }
            for (int i = 0; i < SCANS; i++) {
                l.cos[i] = draw(rows[r].frame_min, rows[r].frame_max);
                l.sin[i] = draw(rows[r].frame_min, rows[r].frame_max);
            }
            compare(&l, counts[c], 0, rows[r].why);
            compare(&l, counts[c], -1, rows[r].why);
        }
    }
}

static void the_last_and_the_first_code_show_in_the_reach(void **unused)
{
    static const struct {
        int32_t code;
        bool shows;
    } rows[] = {{2047, true}, {-2048, true}, {2046, false}, {-2047, false}, {0, false}};
    static struct hwt_meter_narrow narrow;

    (void)unused;
    hwt_meter_narrow_init(&narrow);
    for (size_t r = 0; r < COUNT(rows); r++) {
        for (size_t at = 0; at < SCANS; at += 21) {
            struct hwt_meter_sums s;
            int32_t x[SCANS] = {0};

            x[at] = rows[r].code;
            hwt_meter_sums_clear(&s);
            hwt_meter_narrow_add(&narrow, &s, x, SCANS);
            assert_int_equal(s.reach >> 11, rows[r].shows);
        }
    }
}

/* Scans fed one by one, and skipped where nothing rises. */
static void quiet_scans_skipped_give_the_same_crossings(void **unused)
{
    static const struct {
        int32_t top;
        int32_t arm;
        const char *why;
    } rows[] = {
        {2, 1, "rises everywhere"},
        {20, 15, "rises that are not armed"},
        {2000, 100, "most are armed"},
        {2000, 3000, "never armed"},
    };
    int32_t x[1000];

    (void)unused;
    state = 362436069;
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct hwt_meter_cross fed, skipped;
        size_t crossings = 0;

        for (size_t i = 0; i < COUNT(x); i++) {
            x[i] = draw(-rows[r].top, rows[r].top) +
                   (i % 100 < 50 ? rows[r].top / 2 : -rows[r].top / 2);
        }
        hwt_meter_cross_reset(&fed);
        hwt_meter_cross_reset(&skipped);
        for (size_t n = 1; n < COUNT(x); n++) {
            size_t quiet = hwt_meter_cross_find_rise(x + n, COUNT(x) - n);
            bool found;

            hwt_meter_cross_arm(&skipped, x + n, quiet, rows[r].arm);
            for (; quiet > 0; quiet--, n++) {
                assert_false(hwt_meter_cross_feed(&fed, n, x[n - 1], x[n], rows[r].arm, 3 << 16));
            }
            assert_int_equal(fed.armed, skipped.armed);
            if (n == COUNT(x)) {
                break;
            }
            found = hwt_meter_cross_feed(&fed, n, x[n - 1], x[n], rows[r].arm, 3 << 16);
            if (found != hwt_meter_cross_feed(&skipped, n, x[n - 1], x[n], rows[r].arm, 3 << 16) ||
                fed.last_q16 != skipped.last_q16) {
                fail_msg("%s: scan %zu", rows[r].why, n);
            }
            crossings += found;
        }
        assert_int_equal(crossings > 0, rows[r].arm < rows[r].top);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_narrow_codes_are_the_plain_ones_to_the_bit),
        cmocka_unit_test(the_last_and_the_first_code_show_in_the_reach),
        cmocka_unit_test(quiet_scans_skipped_give_the_same_crossings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
