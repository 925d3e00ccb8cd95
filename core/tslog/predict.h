/*
 * predict.h: what the next value of a column is taken to be, from those before it in the page.
 *
 *   0      the last value
 *   1      the last value + the last step
 *   2..4   the average of values, weight 1/2, 1/4, 1/8
 *   5..7   the last value + the average of steps, weight 1/4, 1/8, 1/16
 *
 * Gauges are mostly 0 or 2..4, counters 5..7. Numbers are in units of the column's scale: value =
 * offset + scale x number. Averages have 8 bits after the point. Arithmetic is modulo 2^64, so any
 * int64 survives, if not cheaply.
 */
#ifndef HWT_CORE_TSLOG_PREDICT_H
#define HWT_CORE_TSLOG_PREDICT_H

#include "core/tslog/internal.h"

enum {
    HWT_TSLOG_PREDICT_LAST = 0,
    HWT_TSLOG_PREDICT_STEP = 1,
    HWT_TSLOG_PREDICT_MEAN = 2,
    HWT_TSLOG_PREDICT_TREND = 5,
    HWT_TSLOG_PREDICTORS = 8,
    HWT_TSLOG_AVERAGES = HWT_TSLOG_PREDICTORS - HWT_TSLOG_PREDICT_MEAN,
    HWT_TSLOG_POINT = 256,       /* 1 in an average */
    HWT_TSLOG_LEVEL_UNKNOWN = 12 /* a mean of 24, where no page was before */
};

_Static_assert(sizeof(((struct hwt_tslog_trial *)0)->cost) / sizeof(uint32_t) ==
                       HWT_TSLOG_PREDICTORS &&
                   sizeof(((struct hwt_tslog_trial *)0)->average) / sizeof(int64_t) ==
                       HWT_TSLOG_AVERAGES,
               "a trial has a place for each predictor");

/* v / 2^n rounded down, also below 0. */
static inline int64_t hwt_tslog_shift(int64_t v, unsigned n)
{
    return v < 0 ? ~(~v >> n) : v >> n;
}

static inline int64_t hwt_tslog_scale_up(int64_t v, uint32_t by)
{
    return (int64_t)((uint64_t)v * by);
}

static inline int64_t hwt_tslog_rounded(int64_t average)
{
    return hwt_tslog_shift(hwt_wrap_add(average, HWT_TSLOG_POINT / 2), 8);
}

/* The average after x, of a weight of 1/2^weight. */
static inline int64_t hwt_tslog_averaged(int64_t average, int64_t x, unsigned weight)
{
    int64_t difference = hwt_wrap_sub(hwt_tslog_scale_up(x, HWT_TSLOG_POINT), average);

    return hwt_wrap_add(average, hwt_tslog_shift(difference, weight));
}

static inline unsigned hwt_tslog_weight(unsigned predictor)
{
    return predictor >= HWT_TSLOG_PREDICT_TREND  ? predictor - HWT_TSLOG_PREDICT_TREND + 2
           : predictor >= HWT_TSLOG_PREDICT_MEAN ? predictor - HWT_TSLOG_PREDICT_MEAN + 1
                                                 : 0;
}

/* All predictors are one sum, so that reading need not ask which: (last & keep) + average. */
static inline void hwt_tslog_column_begin(struct hwt_tslog_column *c)
{
    bool mean = c->predictor >= HWT_TSLOG_PREDICT_MEAN && c->predictor < HWT_TSLOG_PREDICT_TREND;

    c->keep = mean ? 0 : -1;
    c->gain = c->predictor == HWT_TSLOG_PREDICT_LAST ? 0 : HWT_TSLOG_POINT;
    c->weight = (uint8_t)hwt_tslog_weight(c->predictor);
    c->last = c->average = 0;
    c->seen = 0;
}

static inline int64_t hwt_tslog_expected(const struct hwt_tslog_column *c)
{
    return hwt_wrap_add(c->last & c->keep, hwt_tslog_rounded(c->average));
}

/* The number becomes the one before the next; for the third and later ones. */
static inline void hwt_tslog_column_advance(struct hwt_tslog_column *c, int64_t number)
{
    int64_t x = hwt_wrap_sub(number, c->last & c->keep);
    int64_t difference = hwt_wrap_sub(hwt_tslog_scale_up(x, c->gain), c->average);

    c->average = hwt_wrap_add(c->average, hwt_tslog_shift(difference, c->weight));
    c->last = number;
}

/* The same for the first two: an average starts with the first value or step there is. */
static inline void hwt_tslog_column_start(struct hwt_tslog_column *c, int64_t number)
{
    if ((c->seen == 0) == (c->keep == 0)) {
        c->average = hwt_tslog_scale_up(hwt_wrap_sub(number, c->last), c->gain);
        c->last = number;
    } else if (c->seen == 0) {
        c->last = number;
    } else {
        hwt_tslog_column_advance(c, number);
    }
    c->seen++;
}

/* --- trial.c --- */

/* The page before is done: predictors, scales and levels for the next. */
void hwt_tslog_column_next(struct hwt_tslog_column *c, struct hwt_tslog_trial *trial,
                           bool may_scale);
/* What each predictor would have cost; before the column advances. `judge`: also count the cost,
 * which need not be done for each row. */
void hwt_tslog_trial_add(struct hwt_tslog_trial *trial, const struct hwt_tslog_column *c,
                         int64_t number, bool judge);
/* The column goes over to a scale that divides its own. */
void hwt_tslog_column_rescale(struct hwt_tslog_column *c, struct hwt_tslog_trial *trial,
                              uint32_t scale);
uint64_t hwt_tslog_divisor(uint64_t a, uint64_t b);

#endif
