/*
 * meter_curve.h: how a sensor's ratio and phase change with its level.
 *
 *   lead
 *     |o                      between points: linear, against the logarithm of the level (clamps)
 *     |  \__                  or the level itself (voltages); beyond the first and the last: theirs
 *     |     o--o___
 *     |            o---
 *     +------------------ level, A or V
 */
#ifndef HWT_CORE_METER_METER_CURVE_H
#define HWT_CORE_METER_METER_CURVE_H

#include <stdbool.h>
#include <stdint.h>

enum { HWT_METER_CURVE_POINTS_MAX = 12 };

struct hwt_meter_curve_point {
    double level;     /* A or V, RMS, of the fundamental; > 0, rising from point to point */
    double factor;    /* multiplies the ratio; 0.5..2 */
    double phase_deg; /* added to the lead at 50 Hz; within +-45 */
};

struct hwt_meter_curve {
    const struct hwt_meter_curve_point *point; /* borrowed */
    uint8_t points;                            /* 1..HWT_METER_CURVE_POINTS_MAX */
};

/* The points are as described. */
bool hwt_meter_curve_valid(const struct hwt_meter_curve *c);

/* The sensor at a level >= 0; logarithmic: between points by log(level). Its `level` is the
 * argument. */
struct hwt_meter_curve_point hwt_meter_curve_at(const struct hwt_meter_curve *c, double level,
                                                bool logarithmic);

#endif
