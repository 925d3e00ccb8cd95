/*
 * meter_cross.h: rising crossings of a voltage, which set the bounds of the windows.
 *
 *           __                 __
 *          /  \               /  \
 *   ......o....\.............o....\.....  mid-scale: crossing, interpolated between two scans
 *        /      \           /      \
 *   ----/--------\---------/--------\---  -arm: must have been below since the last crossing
 *      /          \__     /          \__
 *
 * A constant offset moves all crossings alike and so changes no window's length.
 */
#ifndef HWT_CORE_METER_METER_CROSS_H
#define HWT_CORE_METER_METER_CROSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hwt_meter_cross {
    bool armed;
    bool known;        /* there was a crossing */
    uint64_t last_q16; /* scans, where */
};

/* Knows no crossing; the next one counts whenever it comes. */
void hwt_meter_cross_reset(struct hwt_meter_cross *c);

/*
 * The first of n codes at which the voltage rises through mid-scale, whether that counts or not; n:
 * none. x[-1] is read. Those before it need hwt_meter_cross_arm only.
 */
size_t hwt_meter_cross_find_rise(const int32_t *x, size_t n);

/* Looks at n codes among which there is no rise. */
void hwt_meter_cross_arm(struct hwt_meter_cross *c, const int32_t *x, size_t n, int32_t arm);

/*
 * Looks at scan n >= 1, `now`, which follows `before`; both in codes. arm: codes, > 0.
 * A crossing within guard_q16 scans of the last is ignored. True: c->last_q16 is a new crossing in
 * [n - 1, n).
 */
bool hwt_meter_cross_feed(struct hwt_meter_cross *c, uint64_t n, int32_t before, int32_t now,
                          int32_t arm, uint64_t guard_q16);

#endif
