/*
 * meter_noise.h: the noise power of a converter's input, learned while a load is smooth or absent.
 *
 * The fourth difference x[n-2] - 4 x[n-1] + 6 x[n] - 4 x[n+1] + x[n+2] of white noise has 70 times
 * its power; of a sine with 133 scans a cycle, 2.5e-11 times. Over a stretch of each window it
 * gives an estimate with 20 % of deviation, and their mean over minutes one with 1 % and less.
 * Windows whose distortion is more than the noise itself are not believed: a sharp edge is not
 * noise.
 */
#ifndef HWT_CORE_METER_METER_NOISE_H
#define HWT_CORE_METER_METER_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HWT_METER_NOISE_MAX = 128, /* scans of a window that are looked at: sums stay below 2^62 */
    HWT_METER_NOISE_KNOWN = 50 /* windows: 3 %, enough to be used */
};

struct hwt_meter_noise {
    int64_t sum;      /* of squared fourth differences in this window */
    uint16_t count;   /* scans in it */
    uint32_t windows; /* learned from */
    double square;    /* codes^2: noise and rounding, the mean so far */
};

/* Begins with what was learned before: codes, RMS, as hwt_meter_noise_codes gave it. */
void hwt_meter_noise_start(struct hwt_meter_noise *s, double codes);

/* Adds scans of the window until HWT_METER_NOISE_MAX are in; x[-2] .. x[n + 1] are read. */
void hwt_meter_noise_add(struct hwt_meter_noise *s, const int32_t *x, size_t n);

/*
 * The window is over. residue: codes^2, its mean square without mean and fundamental; usable: it
 * was whole and not clipped. The next window begins.
 */
void hwt_meter_noise_learn(struct hwt_meter_noise *s, double residue, bool usable);

/* codes^2 to take out of a mean square; 0 while it is not known. */
double hwt_meter_noise_square(const struct hwt_meter_noise *s);

/* codes, RMS, without what rounding to whole codes adds (1/12); < 0: not known. */
double hwt_meter_noise_codes(const struct hwt_meter_noise *s);

#endif
