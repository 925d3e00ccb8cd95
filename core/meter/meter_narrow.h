/*
 * meter_narrow.h: the sums of meter_sums.h for codes of at most 13 bits, made of products of 16 by
 * 16 bits. Loops of a fixed length over such products are what compilers turn into vector
 * instructions by themselves (x86 multiplies and adds eight at once). The result is the same to the
 * bit.
 *
 *   line (32 bit) ──take──▶ x, v (16 bit) ──add──▶ sums of a run of 64 (32 bit) ──▶ sums (64 bit)
 *
 * Cosine and sine reach +32768, which 16 bits do not hold, so they come as two digits:
 * c = 64 high + low, high in -512..512, low in 0..63.
 *
 * Worst-case bits of a run: |x y| <= 2^24, 64 of them 2^30; |x high| <= 2^21, 2^27; |x low| < 2^18,
 * 2^24. Scans that a run lacks are codes of 0: their products add nothing, and of the reach only
 * bit 0, which tells nothing of codes of 8 bits and more.
 */
#ifndef HWT_CORE_METER_METER_NARROW_H
#define HWT_CORE_METER_METER_NARROW_H

#include "core/meter/meter_sums.h"

enum {
    HWT_METER_NARROW_BITS = 13,
    HWT_METER_NARROW_RUN = 64,
    HWT_METER_NARROW_SCANS = 128, /* at once: whole runs */
    HWT_METER_NARROW_ROWS = 5
};

/* Buffers of some scans. */
struct hwt_meter_narrow {
    int16_t one[HWT_METER_NARROW_RUN]; /* so that the sum of codes is one of products, as all are */
    int16_t cos_high[HWT_METER_NARROW_SCANS], cos_low[HWT_METER_NARROW_SCANS];
    int16_t sin_high[HWT_METER_NARROW_SCANS], sin_low[HWT_METER_NARROW_SCANS];
    int16_t v[HWT_METER_NARROW_ROWS][HWT_METER_NARROW_SCANS]; /* [k][n]: at the scan n + k - 2; rows
                                                               * of their own, or clang 14 sees one
                                                               * row and makes no vectors */
    int16_t x[HWT_METER_NARROW_SCANS];
};

/* Once, before all else: zeros, so that no number is ever read that was not written. */
void hwt_meter_narrow_init(struct hwt_meter_narrow *b);

/* The frame of n <= HWT_METER_NARROW_SCANS scans; whole runs of cos and sin are read. */
void hwt_meter_narrow_frame(struct hwt_meter_narrow *b, const int32_t *cos, const int32_t *sin,
                            size_t n);

/* The voltage of the next sums: v[-2] .. v[n + 1] are read. */
void hwt_meter_narrow_voltage(struct hwt_meter_narrow *b, const int32_t *v, size_t n);

/* hwt_meter_sums_add of n scans with the frame. */
void hwt_meter_narrow_add(struct hwt_meter_narrow *b, struct hwt_meter_sums *s, const int32_t *x,
                          size_t n);

/* hwt_meter_narrow_add, and hwt_meter_sums_add_lags of HWT_SUM_LAG with the voltage, moved by
 * shift: -1 or 0. */
void hwt_meter_narrow_add_lags(struct hwt_meter_narrow *b, struct hwt_meter_sums *s,
                               const int32_t *x, int shift, size_t n);

#endif
