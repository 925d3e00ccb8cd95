/*
 * meter_harmonics.h: the sums that give the harmonics of one slot and its reference: x times cosine
 * and sine of 1, 2 .. 40 times the frame's angle, exact integers over one window (codes 2^23 x Q15
 * x 2^16 scans = 2^54; the edges' weights are Q16: 2^55).
 */
#ifndef HWT_CORE_METER_METER_HARMONICS_H
#define HWT_CORE_METER_METER_HARMONICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hwt_meter_tone {
    int64_t cos, sin; /* whole scans, Q15 */
    int64_t cos_edge_q16, sin_edge_q16;
    double raw_re, raw_im; /* of the newest whole window: codes, RMS, angle at the scan's begin */
    double re, im;         /* V or A, RMS, sensor undone, against the steering voltage's angle */
};

struct hwt_meter_harmonics {
    struct hwt_meter_tone tone[2][40]; /* of the slot, and of its reference */
    uint64_t device_us;                /* us, start of the newest whole window */
    int8_t slot;                       /* analysed; -1: none */
    int8_t reference;                  /* analysed with it; -1: none */
    int8_t wanted, wanted_reference;   /* from the next window on */
    bool known;                        /* re, im are of `slot` and `reference` */
};

/* A new window begins: sums to zero, the wanted slots. */
void hwt_meter_harmonics_begin(struct hwt_meter_harmonics *h);

/*
 * Adds n scans of the slot and, unless NULL, of its reference; the first is the scan `from`
 * of a frame whose phase starts at `phase` and grows by `step`.
 */
void hwt_meter_harmonics_add(struct hwt_meter_harmonics *h, const int32_t *x, const int32_t *v,
                             uint32_t phase, uint32_t step, uint32_t from, size_t n);

/* Adds one scan of slot k (0; 1: the reference) with a weight of 0..65535. */
void hwt_meter_harmonics_add_edge(struct hwt_meter_harmonics *h, unsigned k, int32_t x,
                                  uint32_t phase, uint32_t weight_q16);

#endif
