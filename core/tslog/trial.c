/*
 * trial.c: while a page fills, every predictor is tried on every column; the next page uses the
 * best, and the scale that all values of this one had in common.
 *
 * A counter of 3 600 000 counts a Wh that its meter moves in whole Wh is coded in Wh. A value off
 * the scale is no error: the row that has it changes the scale (rows_put.c).
 */
#include "core/tslog/bits.h"
#include "core/tslog/predict.h"
#include "core/tslog/rice.h"

enum { STEPS_MIN = 16 }; /* fewer could have a common divisor by chance */

uint64_t hwt_tslog_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* About 16 x log2(1 + |miss|): whole bits, then four bits of fraction, linear in between. */
static uint32_t cost_of(int64_t miss)
{
    uint64_t u = hwt_zigzag(miss) | 1;
    unsigned zeros = (unsigned)__builtin_clzll(u);
    unsigned fraction = (unsigned)(u << zeros >> 59) & 15;

    return (63 - zeros) * 16 + fraction;
}

static void judge_all(struct hwt_tslog_trial *t, int64_t number, int64_t step)
{
    t->cost[HWT_TSLOG_PREDICT_LAST] += cost_of(step);
    t->cost[HWT_TSLOG_PREDICT_STEP] += cost_of(hwt_wrap_sub(step, t->step));
    for (unsigned i = 0; i < 3; i++) {
        t->cost[HWT_TSLOG_PREDICT_MEAN + i] +=
            cost_of(hwt_wrap_sub(number, hwt_tslog_rounded(t->average[i])));
        t->cost[HWT_TSLOG_PREDICT_TREND + i] +=
            cost_of(hwt_wrap_sub(step, hwt_tslog_rounded(t->average[3 + i])));
    }
}

static void add_step(struct hwt_tslog_trial *t, int64_t step)
{
    uint64_t size = step < 0 ? 0 - (uint64_t)step : (uint64_t)step;

    if (size == 0) {
        return;
    }
    t->steps = (uint16_t)(t->steps < UINT16_MAX ? t->steps + 1 : UINT16_MAX);
    if (t->divisor != 1) {
        t->divisor = hwt_tslog_divisor(size, t->divisor);
    }
}

void hwt_tslog_trial_add(struct hwt_tslog_trial *trial, const struct hwt_tslog_column *c,
                         int64_t number, bool judge)
{
    struct hwt_tslog_trial *t = trial;
    int64_t step = hwt_wrap_sub(number, c->last);

    if (c->seen == 0) {
        for (unsigned i = 0; i < 3; i++) {
            t->average[i] = hwt_tslog_scale_up(number, HWT_TSLOG_POINT);
        }
        return;
    }
    if (judge && c->seen >= 2) {
        judge_all(t, number, step);
    }
    for (unsigned i = 0; i < 3; i++) {
        t->average[i] = hwt_tslog_averaged(t->average[i], number, i + 1);
        t->average[3 + i] = c->seen >= 2 ? hwt_tslog_averaged(t->average[3 + i], step, i + 2)
                                         : hwt_tslog_scale_up(step, HWT_TSLOG_POINT);
    }
    t->step = step;
    add_step(t, step);
}

void hwt_tslog_column_rescale(struct hwt_tslog_column *c, struct hwt_tslog_trial *trial,
                              uint32_t scale)
{
    const uint64_t mean_max = HWT_TSLOG_RICE_NUMBER_MAX * HWT_TSLOG_RICE_ONE;
    uint32_t by = c->scale / scale;

    c->scale = scale;
    c->last = hwt_tslog_scale_up(c->last, by);
    c->average = hwt_tslog_scale_up(c->average, by);
    if (!c->rice.run_open && c->rice.run_left == 0) { /* in a run the mean stays small */
        c->rice.mean = c->rice.mean < mean_max / by ? c->rice.mean * by : mean_max;
    }
    if (trial != NULL) {
        for (unsigned i = 0; i < HWT_TSLOG_AVERAGES; i++) {
            trial->average[i] = hwt_tslog_scale_up(trial->average[i], by);
        }
        trial->step = hwt_tslog_scale_up(trial->step, by);
        trial->divisor *= by;
    }
}

static void next_scale(struct hwt_tslog_column *c, const struct hwt_tslog_trial *trial)
{
    int64_t value = hwt_wrap_add(c->offset, hwt_tslog_scale_up(c->last, c->scale));
    int64_t offset;

    if (trial->steps >= STEPS_MIN && trial->divisor <= UINT32_MAX / c->scale) {
        c->scale *= (uint32_t)trial->divisor;
        c->rice.mean /= trial->divisor;
    }
    offset = value % c->scale;
    c->offset = (uint32_t)(offset < 0 ? offset + c->scale : offset);
}

void hwt_tslog_column_next(struct hwt_tslog_column *c, struct hwt_tslog_trial *trial,
                           bool may_scale)
{
    unsigned best = c->predictor;

    for (unsigned i = 0; i < HWT_TSLOG_PREDICTORS; i++) {
        best = trial->cost[i] < trial->cost[best] ? i : best;
    }
    if (!may_scale) {
        c->scale = 1;
        c->offset = 0;
    } else if (c->seen > 0) {
        next_scale(c, trial);
    }
    c->predictor = (uint8_t)best;
    c->level = (uint8_t)hwt_tslog_rice_level(&c->rice);
    memset(trial, 0, sizeof(*trial));
}
