#include "core/meter/meter_nco.h"

/*
 * sin(pi/2 x) on -1..1 as the odd polynomial of degree 7 whose largest error is least (5.9e-7, by
 * the exchange algorithm); coefficients in Q30. Each STRIDE-th pair of a run is reckoned so, those
 * behind it by turning it on by a multiple of the step: four products of 32 bits instead of ten of
 * 64. Where a call begins does not matter: the STRIDE-th are counted from the run's start. The
 * rounding to Q15, 1.5e-5, dominates.
 */
enum { QUARTER = 0x40000000, FRACTION = 30, STRIDE = 8, DOWN = 2 * FRACTION - 15 };

static const int64_t half = INT64_C(1) << (DOWN - 1);

struct pair {
    int32_t cos, sin; /* Q30 */
};

static const int64_t coefficient[] = {1686624005, -693522166, 85291978, -4652626};

static inline int32_t sine(uint32_t phase)
{
    /* The turn folded onto -90..90 degrees, x in Q30, -2^30..2^30: sin a = sin(90 - |a - 90|), a -
     * 90 within +-180. */
    int64_t from_top = (int32_t)(phase - QUARTER);
    int64_t x = QUARTER - (from_top < 0 ? -from_top : from_top);
    int64_t square = (x * x) >> FRACTION, y; /* all products are < 2^62 */

    y = coefficient[3];
    y = coefficient[2] + (y * square >> FRACTION);
    y = coefficient[1] + (y * square >> FRACTION);
    y = coefficient[0] + (y * square >> FRACTION);
    return (int32_t)(y * x >> FRACTION);
}

static inline struct pair pair_at(uint32_t phase)
{
    return (struct pair){.cos = sine(phase + QUARTER), .sin = sine(phase)};
}

/* Pairs of n <= STRIDE, Q15: first turned on by each; sums of products < 2^61.1. */
static inline void turn_on(struct pair first, const struct pair *by, size_t n, int32_t *cos_out,
                           int32_t *sin_out)
{
    for (size_t k = 0; k < n; k++) {
        int64_t re = (int64_t)first.cos * by[k].cos - (int64_t)first.sin * by[k].sin;
        int64_t im = (int64_t)first.sin * by[k].cos + (int64_t)first.cos * by[k].sin;

        cos_out[k] = (int32_t)((re + half) >> DOWN);
        sin_out[k] = (int32_t)((im + half) >> DOWN);
    }
}

void hwt_meter_nco(uint32_t phase, uint32_t step, uint32_t from, size_t n, int32_t *cos_out,
                   int32_t *sin_out)
{
    size_t k = from % STRIDE, at = 0;
    struct pair turn[STRIDE];

    for (size_t i = 0; i < STRIDE && i < n; i++) {
        size_t next = (k + i) % STRIDE;

        turn[next] = pair_at(step * (uint32_t)next);
    }
    for (phase += step * (from - (uint32_t)k); at < n; phase += step * STRIDE) {
        const struct pair first = pair_at(phase);

        if (k == 0 && n - at >= STRIDE) { /* most: a loop of known length */
            turn_on(first, turn, STRIDE, cos_out + at, sin_out + at);
            at += STRIDE;
        } else {
            size_t some = n - at < STRIDE - k ? n - at : STRIDE - k;

            turn_on(first, turn + k, some, cos_out + at, sin_out + at);
            at += some;
            k = 0;
        }
    }
}
