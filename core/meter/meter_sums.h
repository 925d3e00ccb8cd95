/*
 * meter_sums.h: the exact integer sums of one slot over one window.
 *
 *          first edge          whole scans           last edge
 *   ──┬─────╎──┬──────┬──────┬── ... ──┬──────┬─────╎──┬──
 *     │     a  │      │      │         │      │     b  │        a, b: window bounds, Q16 scans
 *
 * A scan that holds a bound belongs to the window before with the weight w (1/65536) and to the
 * window after with 65536 - w, so the sums of all windows are the sums of all scans, to the bit.
 *
 * Worst-case bits: codes 24 bit, at most 2^16 scans a window. |x y| <= 2^46, whole <= 2^62;
 * an edge is |x y| w < 2^62 and a window has two: < 2^63. Demodulation: 2^23 x 2^15 x 2^16 = 2^54.
 */
#ifndef HWT_CORE_METER_METER_SUMS_H
#define HWT_CORE_METER_METER_SUMS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum hwt_meter_sum {
    HWT_SUM_X,                       /* x */
    HWT_SUM_SQUARE,                  /* x^2 */
    HWT_SUM_COS,                     /* x cos(frame), Q15 */
    HWT_SUM_SIN,                     /* x sin(frame), Q15 */
    HWT_SUM_LAG,                     /* x[n] v[n + k], four sums: k = -1, 0, 1, 2 */
    HWT_SUM_MINUS = HWT_SUM_LAG + 4, /* the same with another voltage */
    HWT_SUM_COUNT = HWT_SUM_MINUS + 4
};

struct hwt_meter_sums {
    int64_t whole[HWT_SUM_COUNT];
    int64_t edge_q16[HWT_SUM_COUNT];
    uint32_t reach; /* of all codes x >= 0: x + 1, of all x < 0: -x; or-ed, so that bit b - 1 tells
                     * whether the first or the last code of b bits was there */
};

void hwt_meter_sums_clear(struct hwt_meter_sums *s);

/* What hwt_meter_sums_add_edge reads of its scan. */
static inline void hwt_meter_sums_clear_scan(struct hwt_meter_sums *scan)
{
    memset(scan->whole, 0, sizeof(scan->whole));
    scan->reach = 0;
}

/* Adds n scans: x and the frame's cosines and sines. */
void hwt_meter_sums_add(struct hwt_meter_sums *s, const int32_t *x, const int32_t *cos,
                        const int32_t *sin, size_t n);

/* Adds the lag sums of n scans from the sum `at` on, HWT_SUM_LAG or HWT_SUM_MINUS; v[-1] .. v[n +
 * 1] are read. */
void hwt_meter_sums_add_lags(struct hwt_meter_sums *s, size_t at, const int32_t *x,
                             const int32_t *v, size_t n);

/* Adds the whole sums of `scan`, taken over one scan, with a weight of 0..65535. */
void hwt_meter_sums_add_edge(struct hwt_meter_sums *s, const struct hwt_meter_sums *scan,
                             uint32_t weight_q16);

/* Whole and edges together. */
double hwt_meter_sums_get(const struct hwt_meter_sums *s, size_t sum);

#endif
