/*
 * calibrate.h: how far a sensor is off, and how well that is known. Numbers in, numbers out.
 *
 *   reading    gain        from the mean over some windows and what an instrument showed
 *   resistive  phase       from P and Q1 of a load whose power factor is 1
 *   fit        gain, phase, offset, or one gain for each circuit: from energies of many blocks
 *
 * All uncertainties are half widths of 95 % confidence. docs/CALIBRATION.md derives them. No
 * allocation, no clock; double, at a user's rate, never per sample.
 */
#ifndef HWT_CORE_METER_CALIBRATE_H
#define HWT_CORE_METER_CALIBRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

enum {
    HWT_FIT_COLUMNS_MAX = 26,
    HWT_FIT_ROWS_MAX = 1024,
    HWT_FIT_ROWS_MIN = 8, /* beyond the columns */
    HWT_FIT_RUNS_MAX = 128
};

/* Sums of some quantity over windows; all zero: none yet. */
struct hwt_spread {
    double sum, square; /* of the values less the first */
    double first;
    uint32_t count;
};

void hwt_spread_add(struct hwt_spread *s, double value);
double hwt_spread_mean(const struct hwt_spread *s);
/* Standard deviation of one value; 0 below two of them. */
double hwt_spread_deviation(const struct hwt_spread *s);

/* What a correction is, and its uncertainty. */
struct hwt_found {
    double value; /* a factor of the ratio; or degrees to be added to the lead */
    double half;  /* the same unit */
};

/*
 * Gain of an input whose windows are in s while an instrument showed `shown`, which is right to
 * stated_pct of itself (95 %). An instrument shows one moment of what the mean is of: its doubt is
 * that of a single value. HWT_ERR_ARGUMENT: less than two windows, a mean or value not above 0, or
 * a gain outside 0.5..2.
 */
HWT_MUST_CHECK int hwt_calibrate_reading(const struct hwt_spread *s, double shown,
                                         double stated_pct, struct hwt_found *out);

/* A load taken for resistive: means over windows of W, var, VA. */
struct hwt_resistive {
    struct hwt_spread p, q, s;
    struct hwt_spread lag_deg; /* of each window: atan(Q1 / P) */
};

enum hwt_resistive_refusal {
    HWT_RESISTIVE_GOOD,
    HWT_RESISTIVE_FEW,       /* windows */
    HWT_RESISTIVE_SMALL,     /* less than 100 W */
    HWT_RESISTIVE_UNSTEADY,  /* P moves by more than 2 % */
    HWT_RESISTIVE_DISTORTED, /* more than 6 % of S is neither P nor Q1 */
    HWT_RESISTIVE_FAR        /* more than 10 degrees: not a resistor, or the clamp is open */
};

void hwt_resistive_add(struct hwt_resistive *r, double p_w, double q1_var, double s_va);
/*
 * Degrees to be added to the clamp's lead. stated_deg: how far from 0 the load's own angle may be
 * (95 %). Not GOOD: *out untouched.
 */
enum hwt_resistive_refusal hwt_calibrate_resistive(const struct hwt_resistive *r, double stated_deg,
                                                   struct hwt_found *out);

/*
 * Blocks of time: what `columns` quantities rose by in each, and what they shall add up to.
 *
 *   y = sum value_c x_c + error      in each row; rows follow each other in time within a run
 *
 * Two kinds of error are told apart by the data themselves: one of each block (noise, loads that
 * are not in the sum), and one of each instant between blocks, which the block before has with the
 * other sign: a register that counts in steps. Cumulative readings would have it once; so a meter
 * of coarse steps still gives a fine gain over hours.
 */
struct hwt_fit {
    double *row;   /* rows x (columns + 1), y last; is destroyed */
    double *work;  /* the same size, and 2 x rows more */
    uint16_t *run; /* rows of each run; room for RUNS_MAX; is changed */
    uint16_t rows; /* at most ROWS_MAX */
    uint16_t runs;
    uint8_t columns; /* 1..COLUMNS_MAX */
};

struct hwt_fit_result {
    double value[HWT_FIT_COLUMNS_MAX];
    double half[HWT_FIT_COLUMNS_MAX]; /* 95 % */
    double covariance[HWT_FIT_COLUMNS_MAX][HWT_FIT_COLUMNS_MAX];
    double student;    /* half = student x root of the variance */
    double sigma;      /* of a block's own error, in y's unit */
    double step;       /* of an instant's error, the same */
    uint16_t rows;     /* that were used */
    uint16_t left_out; /* that lie far off all others */
};

/* HWT_ERR_ARGUMENT: too few rows, too many runs, or columns that cannot be told apart; *out
 * untouched. Takes about rows^2 x columns multiplications. */
HWT_MUST_CHECK int hwt_fit_solve(struct hwt_fit *fit, struct hwt_fit_result *out);

/* Gain and lead of a clamp of a fit whose first column is its energy and whose second, if
 * with_phase, its reactive energy. HWT_ERR_ARGUMENT: a gain outside 0.5..2. */
HWT_MUST_CHECK int hwt_fit_clamp(const struct hwt_fit_result *r, bool with_phase,
                                 struct hwt_found *gain_out, struct hwt_found *phase_deg_out);

#endif
