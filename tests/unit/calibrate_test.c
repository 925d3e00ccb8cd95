/* core/meter/calibrate: made data with known hidden errors; what is found is within its stated
 * uncertainty in at least 95 of 100 seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "core/meter/calibrate.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DEGREE   (3.14159265358979323846 / 180)

enum { SEEDS = 200, BLOCKS_MAX = 480 };

/* splitmix64 */
static uint64_t next_u64(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static double between(uint64_t *seed, double from, double to)
{
    return from + (to - from) * (double)(next_u64(seed) >> 11) * 0x1p-53;
}

static double gauss(uint64_t *seed)
{
    double sum = -6;

    for (int i = 0; i < 12; i++) {
        sum += between(seed, 0, 1);
    }
    return sum;
}

/* --- one reading --- */

static void a_reading_gives_the_gain_within_its_uncertainty(void **state)
{
    unsigned within = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t s = seed;
        double gain = between(&s, 0.95, 1.05), wander = between(&s, 0, 0.01);
        double instrument = between(&s, 0.995, 1.005); /* 0.5 % stated */
        struct hwt_spread spread = {0};
        struct hwt_found found;

        for (int i = 0; i < 50; i++) {
            hwt_spread_add(&spread, 230 * (1 + wander * gauss(&s)) / gain);
        }
        assert_int_equal(hwt_calibrate_reading(&spread, 230 * (1 + wander * gauss(&s)) * instrument,
                                               0.5, &found),
                         0);
        within += fabs(found.value - gain) <= found.half;
        assert_true(found.half < 0.03);
    }
    print_message("reading: %u of %d\n", within, SEEDS);
    assert_true(within * 100 >= SEEDS * 95);
}

static void a_reading_that_makes_no_sense_is_refused(void **state)
{
    static const struct {
        unsigned windows;
        double mean, shown, stated;
        const char *why;
    } rows[] = {
        {1, 230, 230, 1, "one window"},
        {2, 0, 230, 1, "nothing on the input"},
        {2, -5, 230, 1, "a mean below 0"},
        {2, 230, 0, 1, "nothing on the instrument"},
        {2, 230, (double)NAN, 1, "no number"},
        {2, 230, 230, -1, "better than right"},
        {2, 230, 23, 1, "a tenth: another unit?"},
        {2, 230, 461, 1, "more than twice"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct hwt_spread s = {0};
        struct hwt_found found = {7, 7};

        for (unsigned k = 0; k < rows[i].windows; k++) {
            hwt_spread_add(&s, rows[i].mean);
        }
        if (hwt_calibrate_reading(&s, rows[i].shown, rows[i].stated, &found) != HWT_ERR_ARGUMENT ||
            found.value < 7) {
            fail_msg("%s", rows[i].why);
        }
    }
}

/* --- a resistive load --- */

static void a_resistive_load_gives_the_phase_within_its_uncertainty(void **state)
{
    unsigned within = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t s = seed;
        double lead = between(&s, -3, 3), load = between(&s, -0.1, 0.1);
        struct hwt_resistive r = {0};
        struct hwt_found found;

        for (int i = 0; i < 50; i++) {
            double va = 2000 * (1 + 0.003 * gauss(&s));
            double angle = (load - lead + 0.05 * gauss(&s)) * DEGREE;

            hwt_resistive_add(&r, va * cos(angle), va * sin(angle), va);
        }
        assert_int_equal(hwt_calibrate_resistive(&r, 0.1, &found), HWT_RESISTIVE_GOOD);
        within += fabs(found.value - lead) <= found.half;
    }
    print_message("resistive: %u of %d\n", within, SEEDS);
    assert_true(within * 100 >= SEEDS * 95);
}

static void loads_that_are_no_good_resistors_are_refused(void **state)
{
    static const struct {
        unsigned windows;
        double va, swing, degrees, distortion;
        enum hwt_resistive_refusal refusal;
        const char *why;
    } rows[] = {
        {50, 2000, 0, 2, 0, HWT_RESISTIVE_GOOD, "a kettle"},
        {50, -2000, 0, 2, 0, HWT_RESISTIVE_GOOD, "a kettle, its clamp turned round"},
        {9, 2000, 0, 2, 0, HWT_RESISTIVE_FEW, "two seconds"},
        {50, 99, 0, 0, 0, HWT_RESISTIVE_SMALL, "a lamp"},
        {50, 2000, 0.05, 0, 0, HWT_RESISTIVE_UNSTEADY, "something else is switched"},
        {50, 2000, 0, 0, 0.1, HWT_RESISTIVE_DISTORTED, "a dimmer"},
        {50, 2000, 0, 30, 0, HWT_RESISTIVE_FAR, "a motor, or a clamp that gapes"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct hwt_resistive r = {0};
        struct hwt_found found;

        for (unsigned k = 0; k < rows[i].windows; k++) {
            double va = rows[i].va * (1 + (k % 2 == 0 ? -1 : 1) * rows[i].swing);
            double turn = rows[i].degrees * DEGREE;

            hwt_resistive_add(&r, va * cos(turn), va * sin(turn),
                              fabs(va) * (1 + rows[i].distortion * rows[i].distortion));
        }
        if (hwt_calibrate_resistive(&r, 0.1, &found) != rows[i].refusal) {
            fail_msg("%s", rows[i].why);
        }
        if (rows[i].refusal == HWT_RESISTIVE_GOOD && fabs(found.value + 2) > 1e-6) {
            fail_msg("%s: %g", rows[i].why, found.value);
        }
    }
}

/* --- against a meter --- */

struct scene {
    const char *why;
    unsigned blocks, runs;
    double block_s;
    double step_wh;    /* of the meter's register */
    double noise_wh;   /* of each block: loads between the two, samples of a power */
    double offset_w;   /* NAN: none, and none is looked for */
    bool reactive;     /* Q moves apart from P */
    bool outlier;      /* another meter for a moment */
    double gain_most;  /* the uncertainty is no larger than this, relative */
    double phase_most; /* degrees; 0: not asked */
};

static const struct scene scenes[] = {
    {"1 Wh steps, an hour", 60, 1, 60, 1, 0.05, 0, true, false, 0.009, 0.9},
    {"10 Wh steps, four hours", 240, 1, 60, 10, 0.1, 2, true, false, 0.025, 3},
    {"100 Wh steps, two days", 480, 2, 360, 100, 0.5, 5, true, false, 0.03, 3},
    {"no steps, noise of the blocks", 120, 3, 60, 0, 0.5, 0, true, false, 0.01, 1},
    {"a constant power factor: gain only", 240, 1, 60, 10, 0.1, 0, false, false, 0.025, 0},
    {"steps of 1 kWh over a week", 336, 4, 1800, 1000, 3, 0, false, false, 0.06, 0},
    {"the same without an offset", 336, 4, 1800, 1000, 3, (double)NAN, false, false, 0.015, 0},
    {"10 Wh steps, no offset", 240, 1, 60, 10, 0.1, (double)NAN, true, false, 0.012, 3},
    {"a register that jumped once", 240, 1, 60, 10, 0.1, 0, false, true, 0.025, 0},
};

/* What a heat pump does: on and off, moving, its power factor with it. */
static void step_load(uint64_t *s, const struct scene *scene, double *p, double *q)
{
    bool on = between(s, 0, 1) < 0.7;
    double angle = scene->reactive ? between(s, -20, 40) : 15;

    *p = on ? between(s, 500, 3000) : 30;
    *q = *p * tan(angle * DEGREE);
}

struct data {
    double row[BLOCKS_MAX * 4], work[BLOCKS_MAX * 6];
    uint16_t run[HWT_FIT_RUNS_MAX];
};

static double stepped(double wh, double step)
{
    return step > 0 ? floor(wh / step) * step : wh;
}

/* The clamp sees I with 1/gain and leads by `lead`: P' = (P cos + Q sin) / gain. */
static struct hwt_fit make(const struct scene *scene, uint64_t seed, double gain, double lead,
                           struct data *d)
{
    bool offset = !isnan(scene->offset_w);
    unsigned columns = 1 + (scene->reactive ? 1U : 0U) + (offset ? 1U : 0U), at = 0;
    double offset_w = offset ? scene->offset_w : 0;
    uint64_t s = seed;

    for (unsigned r = 0; r < scene->runs; r++) {
        double register_wh = between(&s, 1e5, 2e5), before = stepped(register_wh, scene->step_wh);

        d->run[r] = (uint16_t)(scene->blocks / scene->runs);
        for (unsigned k = 0; k < d->run[r]; k++) {
            double p, q, hours = scene->block_s / 3600, *row = &d->row[(columns + 1) * at], now;

            step_load(&s, scene, &p, &q);
            register_wh += (p + offset_w) * hours + scene->noise_wh * gauss(&s);
            if (scene->outlier && at == 100) {
                register_wh += 5000;
            }
            now = stepped(register_wh, scene->step_wh);
            row[0] = (p * cos(lead * DEGREE) + q * sin(lead * DEGREE)) / gain * hours;
            if (scene->reactive) {
                row[1] = (q * cos(lead * DEGREE) - p * sin(lead * DEGREE)) / gain * hours;
            }
            if (offset) {
                row[columns - 1] = hours;
            }
            row[columns] = now - before;
            before = now;
            at++;
        }
    }
    return (struct hwt_fit){.row = d->row,
                            .work = d->work,
                            .run = d->run,
                            .rows = (uint16_t)at,
                            .runs = (uint16_t)scene->runs,
                            .columns = (uint8_t)columns};
}

static void a_meter_gives_gain_and_phase_within_their_uncertainty(void **state)
{
    static struct data d;

    (void)state;
    for (size_t i = 0; i < COUNT(scenes); i++) {
        const struct scene *scene = &scenes[i];
        unsigned gains = 0, phases = 0, offsets = 0;
        double worst = 0, worst_deg = 0;

        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            uint64_t s = seed * 1000 + i;
            double gain = between(&s, 0.95, 1.05), lead = between(&s, -2, 2);
            struct hwt_fit fit = make(scene, s, gain, scene->reactive ? lead : 0, &d);
            struct hwt_fit_result result;
            struct hwt_found g, e;

            if (hwt_fit_solve(&fit, &result) != 0 ||
                hwt_fit_clamp(&result, scene->reactive, &g, &e) != 0) {
                fail_msg("%s, seed %u: refused", scene->why, (unsigned)seed);
            }
            gains += fabs(g.value - gain) <= g.half;
            phases += fabs(e.value - lead) <= e.half;
            offsets +=
                isnan(scene->offset_w) || fabs(result.value[fit.columns - 1] - scene->offset_w) <=
                                              result.half[fit.columns - 1];
            worst = fmax(worst, g.half / g.value);
            worst_deg = fmax(worst_deg, e.half);
            assert_int_equal(result.left_out > 0, scene->outlier);
        }
        print_message("%s: gain %u, phase %u, offset %u of %d; at most %.4f, %.2f degrees\n",
                      scene->why, gains, phases, offsets, SEEDS, worst, worst_deg);
        if (gains * 100 < SEEDS * 95 || (scene->reactive && phases * 100 < SEEDS * 95) ||
            offsets * 100 < SEEDS * 95 || worst > scene->gain_most ||
            (scene->phase_most > 0 && worst_deg > scene->phase_most)) {
            fail_msg("%s", scene->why);
        }
    }
}

/* --- main = sum of circuits --- */

static void each_circuits_gain_is_found_from_the_main(void **state)
{
    enum { CIRCUITS = 8, BLOCKS = 400, COLUMNS = CIRCUITS + 1 };
    static double row[BLOCKS * (COLUMNS + 1)], work[BLOCKS * (COLUMNS + 3)];
    unsigned within = 0, asked = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS / 4; seed++) {
        uint64_t s = seed;
        double gain[CIRCUITS];
        uint16_t run[HWT_FIT_RUNS_MAX] = {BLOCKS};
        struct hwt_fit fit = {row, work, run, BLOCKS, 1, COLUMNS};
        struct hwt_fit_result result;

        for (unsigned c = 0; c < CIRCUITS; c++) {
            gain[c] = between(&s, 0.97, 1.03);
        }
        for (unsigned k = 0; k < BLOCKS; k++) {
            double *x = &row[k * (COLUMNS + 1)], main_wh = 0.3 + 0.01 * gauss(&s); /* unmetered */

            for (unsigned c = 0; c < CIRCUITS; c++) {
                double wh = between(&s, 0, 1) < 0.3 ? between(&s, 5, 50) : 0.2;

                main_wh += wh;
                x[c] = wh / gain[c];
            }
            x[CIRCUITS] = 1;
            x[COLUMNS] = main_wh;
        }
        assert_int_equal(hwt_fit_solve(&fit, &result), 0);
        for (unsigned c = 0; c < CIRCUITS; c++) {
            asked++;
            within += fabs(result.value[c] - gain[c]) <= result.half[c];
            assert_true(result.half[c] < 0.001);
        }
    }
    print_message("circuits: %u of %u\n", within, asked);
    assert_true(within * 100 >= asked * 95);
}

static void what_cannot_be_told_apart_is_refused(void **state)
{
    static double row[60 * 3], work[60 * 5];
    uint16_t run[HWT_FIT_RUNS_MAX] = {60};
    struct hwt_fit_result result;

    (void)state;
    for (unsigned k = 0; k < 60; k++) {
        row[3 * k] = 10;
        row[3 * k + 1] = 20; /* a load that never moves looks like an offset */
        row[3 * k + 2] = 10;
    }
    assert_int_equal(hwt_fit_solve(&(struct hwt_fit){row, work, run, 60, 1, 2}, &result),
                     HWT_ERR_ARGUMENT);
    run[0] = 9;
    assert_int_equal(hwt_fit_solve(&(struct hwt_fit){row, work, run, 9, 1, 2}, &result),
                     HWT_ERR_ARGUMENT); /* too few */
    run[0] = 59;
    assert_int_equal(hwt_fit_solve(&(struct hwt_fit){row, work, run, 60, 1, 1}, &result),
                     HWT_ERR_ARGUMENT); /* runs that do not add up */
    run[0] = 60;
    for (unsigned k = 0; k < 60; k++) {
        row[3 * k] = 10;
    }
    assert_int_equal(hwt_fit_solve(&(struct hwt_fit){row, work, run, 60, 1, 0}, &result),
                     HWT_ERR_ARGUMENT); /* nothing to find */
}

static void a_gain_out_of_reason_is_refused(void **state)
{
    struct hwt_fit_result r = {.value = {2.5, 0.1}};
    struct hwt_found gain, phase;

    (void)state;
    assert_int_equal(hwt_fit_clamp(&r, true, &gain, &phase), HWT_ERR_ARGUMENT);
    r.value[0] = -1; /* turned round */
    assert_int_equal(hwt_fit_clamp(&r, true, &gain, &phase), HWT_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reading_gives_the_gain_within_its_uncertainty),
        cmocka_unit_test(a_reading_that_makes_no_sense_is_refused),
        cmocka_unit_test(a_resistive_load_gives_the_phase_within_its_uncertainty),
        cmocka_unit_test(loads_that_are_no_good_resistors_are_refused),
        cmocka_unit_test(a_meter_gives_gain_and_phase_within_their_uncertainty),
        cmocka_unit_test(each_circuits_gain_is_found_from_the_main),
        cmocka_unit_test(what_cannot_be_told_apart_is_refused),
        cmocka_unit_test(a_gain_out_of_reason_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
