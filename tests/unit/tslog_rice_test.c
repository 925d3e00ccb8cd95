/* core/tslog: bits, Rice codes, runs of zeros, predictors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/tslog/predict.h"
#include "core/tslog/rice.h"
#include "tests/log/gen.h"

enum { BYTES = 4096, NUMBERS = 4000 };

static uint64_t seed;

static uint64_t any_number(struct rng *rng)
{
    return rng_next(rng) >> rng_below(rng, 64);
}

static void bits_of_any_width_come_back(void **state)
{
    static uint8_t buf[BYTES], guard[8];
    static unsigned width[900];
    static uint64_t v[900];
    struct rng rng = {seed};
    struct hwt_tslog_bits_out out;
    struct hwt_tslog_bits_in in;
    uint32_t at = 0;

    (void)state;
    memset(buf, 0xFF, sizeof(buf)); /* what was there before is overwritten */
    memset(guard, 0xFF, sizeof(guard));
    hwt_tslog_bits_out_init(&out, buf, sizeof(buf), 0);
    for (size_t i = 0; i < 900; i++) {
        width[i] = rng_below(&rng, 65);
        v[i] = hwt_tslog_low_bits(rng_next(&rng), width[i]);
        hwt_tslog_bits_put(&out, v[i], width[i]);
        at += width[i];
        assert_int_equal(hwt_tslog_bits_at(&out), at);
        if (i % 7 == 0) { /* a row ends, another begins within its last byte */
            hwt_tslog_bits_end(&out);
            hwt_tslog_bits_out_init(&out, buf, sizeof(buf), at);
        }
    }
    hwt_tslog_bits_end(&out);
    assert_true(out.ok);
    assert_memory_equal(buf + (at + 7) / 8, guard, sizeof(guard));
    in = (struct hwt_tslog_bits_in){buf, (at + 7) / 8, 0};
    for (size_t i = 0; i < 900; i++) {
        assert_int_equal(hwt_tslog_bits_get(&in, width[i]), v[i]);
    }
    assert_false(hwt_tslog_bits_over(&in));
}

static void bits_beyond_the_end_are_zeros_and_told(void **state)
{
    uint8_t *buf = test_malloc(5); /* its end is guarded */
    struct hwt_tslog_bits_in in = {buf, 5, 33};

    (void)state;
    memset(buf, 0xFF, 5);
    assert_int_equal(hwt_tslog_bits_get(&in, 7), 0x7F);
    assert_false(hwt_tslog_bits_over(&in));
    assert_int_equal(hwt_tslog_bits_get(&in, 64), 0);
    assert_true(hwt_tslog_bits_over(&in));
    assert_int_equal(hwt_tslog_golomb_get(&in, 50), 0);
    test_free(buf);
}

static void without_room_nothing_is_written(void **state)
{
    uint8_t buf[8] = {0}, zeros[8] = {0};
    struct hwt_tslog_bits_out out;

    (void)state;
    hwt_tslog_bits_out_init(&out, buf, 3, 0);
    hwt_tslog_bits_put(&out, UINT64_MAX, 32);
    assert_false(out.ok);
    assert_memory_equal(buf, zeros, sizeof(buf));
}

static void going_on_within_a_byte_drops_what_was_behind(void **state)
{
    uint8_t buf[1] = {0xFF};
    struct hwt_tslog_bits_out out;

    (void)state;
    hwt_tslog_bits_out_init(&out, buf, sizeof(buf), 3);
    hwt_tslog_bits_put(&out, 0, 1);
    hwt_tslog_bits_end(&out);
    assert_int_equal(buf[0], 0x07);
}

static void a_patch_changes_its_bits_and_no_other(void **state)
{
    uint8_t buf[6], want[6];

    (void)state;
    for (uint32_t at = 0; at < 32; at++) {
        for (unsigned n = 1; n <= 12; n++) {
            struct hwt_tslog_bits_in in = {want, sizeof(want), 0};
            uint64_t was, mask = ((UINT64_C(1) << n) - 1) << at;

            memset(buf, 0xA5, sizeof(buf));
            memcpy(want, buf, sizeof(buf));
            was = hwt_tslog_bits_get(&in, 48);
            hwt_tslog_bits_patch(buf, at, 0x35A, n);
            in = (struct hwt_tslog_bits_in){buf, sizeof(buf), 0};
            assert_int_equal(hwt_tslog_bits_get(&in, 48),
                             (was & ~mask) | (UINT64_C(0x35A) << at & mask));
        }
    }
}

static void a_number_takes_the_bits_it_was_measured_at_with_any_k(void **state)
{
    struct rng rng = {seed};

    (void)state;
    for (unsigned k = 0; k <= 54; k++) {
        for (unsigned i = 0; i < 400; i++) {
            uint64_t u = i == 0 ? UINT64_MAX : i == 1 ? 0 : any_number(&rng);
            uint32_t from = i % 8, to;
            uint8_t buf[32] = {0};
            struct hwt_tslog_bits_out out;
            struct hwt_tslog_bits_in in = {buf, sizeof(buf), from};

            hwt_tslog_bits_out_init(&out, buf, sizeof(buf), from);
            hwt_tslog_golomb_put(&out, u, k);
            to = hwt_tslog_bits_at(&out);
            hwt_tslog_bits_end(&out);
            assert_int_equal(to - from, hwt_tslog_golomb_size(u, k));
            assert_in_range(to - from, 1, HWT_TSLOG_RICE_ZEROS + HWT_TSLOG_RICE_WIDE_MAX);
            assert_true(hwt_tslog_golomb_get(&in, k) == u);
            assert_int_equal(in.at, to);
        }
    }
}

/* Numbers as a column has them: noise of a size that changes, rare spikes, runs. */
static uint64_t column_number(struct rng *rng, unsigned kind, unsigned i)
{
    switch (kind) {
    case 0:
        return 0;
    case 1:
        return rng_below(rng, 2);
    case 2:
        return rng_below(rng, 200) == 0 ? any_number(rng) : 0;
    case 3:
        return rng_next(rng) >> (i / 60 % 64);
    default:
        return i / 300 % 2 == 0 ? 0 : rng_below(rng, 90);
    }
}

static void sequences_come_back_and_leave_the_same_state(void **state)
{
    static uint8_t buf[NUMBERS * 12];
    static uint64_t u[NUMBERS];
    struct rng rng = {seed};

    (void)state;
    for (unsigned kind = 0; kind < 5; kind++) {
        for (unsigned level = 0; level < HWT_TSLOG_RICE_LEVELS; level += 3) {
            struct hwt_tslog_rice put, get;
            struct hwt_tslog_bits_in in;
            uint32_t at = 0;

            memset(&put, 0, sizeof(put));
            memset(&get, 0, sizeof(get));
            hwt_tslog_rice_init(&put, level);
            hwt_tslog_rice_init(&get, level);
            for (unsigned i = 0; i < NUMBERS; i++) {
                unsigned bits;
                struct hwt_tslog_bits_out out;

                u[i] = column_number(&rng, kind, i);
                bits = hwt_tslog_rice_size(&put, u[i]);
                hwt_tslog_bits_out_init(&out, buf, sizeof(buf), at);
                if (put.run_open && u[i] == 0) {
                    hwt_tslog_rice_put_in_run(&put, buf);
                } else {
                    hwt_tslog_rice_put(&put, &out, u[i]);
                    at += bits;
                    assert_int_equal(hwt_tslog_bits_at(&out), at);
                    hwt_tslog_bits_end(&out);
                }
            }
            in = (struct hwt_tslog_bits_in){buf, sizeof(buf), 0};
            for (unsigned i = 0; i < NUMBERS; i++) {
                assert_true(hwt_tslog_rice_get(&get, &in) == u[i]);
            }
            assert_int_equal(in.at, at);
            assert_true(get.mean == put.mean && get.run_bits == put.run_bits &&
                        get.run_open == put.run_open && get.run_left == 0);
        }
    }
}

static void numbers_cost_about_what_they_tell(void **state)
{
    static const struct {
        unsigned one_in, below; /* a number below `below` once in so many, else 0 */
        double bits;            /* of entropy */
        const char *why;
    } rows[] = {
        {1, 1, 0.0, "nothing"},
        {2, 2, 0.811, "a one in 4"},
        {8, 2, 0.337, "a one in 16"},
        {64, 2, 0.0659, "a one in 128"},
        {1, 1024, 10.0, "uniform of 1024"},
        {1, 16, 4.0, "uniform of 16"},
    };

    (void)state;
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct rng rng = {seed};
        struct hwt_tslog_rice c;
        double bits = 0, limit = NUMBERS * (rows[r].bits * 1.5 + 0.08);
        uint8_t buf[64 * 1024];
        uint32_t at = 0;

        hwt_tslog_rice_init(&c, 5);
        for (unsigned i = 0; i < NUMBERS; i++) {
            uint64_t u = rng_below(&rng, rows[r].one_in) == 0 ? rng_below(&rng, rows[r].below) : 0;
            struct hwt_tslog_bits_out out;

            bits += hwt_tslog_rice_size(&c, u);
            if (c.run_open && u == 0) {
                hwt_tslog_rice_put_in_run(&c, buf);
                continue;
            }
            hwt_tslog_bits_out_init(&out, buf, sizeof(buf), at);
            hwt_tslog_rice_put(&c, &out, u);
            at = hwt_tslog_bits_at(&out);
            hwt_tslog_bits_end(&out);
        }
        print_message("# %s: %.3f bits each\n", rows[r].why, bits / NUMBERS);
        assert_true(bits < limit);
    }
}

/* --- predictors --- */

static void each_predictor_expects_what_it_says(void **state)
{
    /* numbers 100, 108, 124; values by hand, in 1/256 where they are averages */
    static const struct {
        unsigned predictor;
        int64_t expected[3]; /* behind one, two, three numbers */
        const char *why;
    } rows[] = {
        {0, {100, 108, 124}, "last"},
        {1, {100, 116, 140}, "last + step: 8, 16"},
        {2, {100, 104, 114}, "average 1/2: 104, 114"},
        {3, {100, 102, 108}, "average 1/4: 102, 107.5 rounded up"},
        {4, {100, 101, 104}, "average 1/8: 101, 103.875"},
        {5, {100, 116, 134}, "steps 1/4: 8, 10"},
        {6, {100, 116, 133}, "steps 1/8: 8, 9"},
        {7, {100, 116, 133}, "steps 1/16: 8, 8.5 rounded up"},
    };
    static const int64_t number[] = {100, 108, 124};

    (void)state;
    assert_int_equal(sizeof(rows) / sizeof(rows[0]), HWT_TSLOG_PREDICTORS);
    for (size_t r = 0; r < HWT_TSLOG_PREDICTORS; r++) {
        struct hwt_tslog_column c = {.predictor = (uint8_t)rows[r].predictor};

        print_message("# %s\n", rows[r].why);
        hwt_tslog_column_begin(&c);
        for (size_t i = 0; i < 3; i++) {
            if (c.seen < 2) {
                hwt_tslog_column_start(&c, number[i]);
            } else {
                hwt_tslog_column_advance(&c, number[i]);
            }
            assert_int_equal(hwt_tslog_expected(&c), rows[r].expected[i]);
        }
    }
}

static int64_t ramp(unsigned i, struct rng *rng)
{
    (void)rng;
    return (int64_t)i * i; /* the step grows by 2 each time */
}

static int64_t flat_noise(unsigned i, struct rng *rng)
{
    (void)i;
    return (int64_t)(rng_below(rng, 1000) + rng_below(rng, 1000));
}

static int64_t rising_noise(unsigned i, struct rng *rng)
{
    return (int64_t)i * 5000 + rng_below(rng, 300);
}

static int64_t jumps(unsigned i, struct rng *rng)
{
    static int64_t at;

    at = i == 0 || rng_below(rng, 20) == 0 ? (int64_t)rng_below(rng, 90000) : at;
    return at;
}

static void the_next_page_takes_the_predictor_that_fits(void **state)
{
    static const struct {
        int64_t (*make)(unsigned i, struct rng *rng);
        unsigned from, to; /* any of these is right */
        const char *why;
    } rows[] = {
        {ramp, 1, 1, "a growing step: the last step"},
        {flat_noise, 4, 4, "noise about a level: the longest average"},
        {rising_noise, 5, 7, "noise about a rise: an average of steps"},
        {jumps, 0, 0, "levels with jumps: the last value"},
    };

    (void)state;
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct hwt_tslog_column c = {.scale = 1};
        struct hwt_tslog_trial trial = {.steps = 0};
        struct rng rng = {seed};

        print_message("# %s\n", rows[r].why);
        hwt_tslog_rice_init(&c.rice, 12);
        hwt_tslog_column_begin(&c);
        for (unsigned i = 0; i < HWT_TSLOG_ROWS_MAX; i++) {
            int64_t number = rows[r].make(i, &rng);

            hwt_tslog_trial_add(&trial, &c, number, true);
            if (c.seen < 2) {
                hwt_tslog_column_start(&c, number);
            } else {
                hwt_tslog_column_advance(&c, number);
            }
        }
        hwt_tslog_column_next(&c, &trial, true);
        assert_in_range(c.predictor, rows[r].from, rows[r].to);
        assert_int_equal(c.scale, 1);
    }
}

static void the_greatest_common_divisor_is_right_at_the_ends(void **state)
{
    static const struct {
        uint64_t a, b, want;
    } rows[] = {{0, 0, 0}, {7, 0, 7}, {0, 7, 7}, {12, 18, 6}, {UINT64_MAX, 5, 5}, {1, 99, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(hwt_tslog_divisor(rows[i].a, rows[i].b), rows[i].want);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_of_any_width_come_back),
        cmocka_unit_test(bits_beyond_the_end_are_zeros_and_told),
        cmocka_unit_test(without_room_nothing_is_written),
        cmocka_unit_test(going_on_within_a_byte_drops_what_was_behind),
        cmocka_unit_test(a_patch_changes_its_bits_and_no_other),
        cmocka_unit_test(a_number_takes_the_bits_it_was_measured_at_with_any_k),
        cmocka_unit_test(sequences_come_back_and_leave_the_same_state),
        cmocka_unit_test(numbers_cost_about_what_they_tell),
        cmocka_unit_test(each_predictor_expects_what_it_says),
        cmocka_unit_test(the_next_page_takes_the_predictor_that_fits),
        cmocka_unit_test(the_greatest_common_divisor_is_right_at_the_ends),
    };

    seed = gen_seed(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
