#include "core/meter/meter_narrow.h"

#include <stdbool.h>
#include <string.h>

enum { RUN = HWT_METER_NARROW_RUN, TOGETHER = 16, DIGIT_BITS = 6, DIGIT = 1 << DIGIT_BITS };

/* The digits of one run. */
static void split_run(int16_t *high, int16_t *low, const int32_t *x)
{
    for (size_t i = 0; i < RUN; i++) {
        high[i] = (int16_t)(x[i] >> DIGIT_BITS);
        low[i] = (int16_t)(x[i] & (DIGIT - 1));
    }
}

void hwt_meter_narrow_init(struct hwt_meter_narrow *b)
{
    memset(b, 0, sizeof(*b));
    for (size_t i = 0; i < RUN; i++) {
        b->one[i] = 1;
    }
}

void hwt_meter_narrow_frame(struct hwt_meter_narrow *b, const int32_t *cos, const int32_t *sin,
                            size_t n)
{
    for (size_t at = 0; at < n; at += RUN) {
        split_run(b->cos_high + at, b->cos_low + at, cos + at);
        split_run(b->sin_high + at, b->sin_low + at, sin + at);
    }
}

/* n codes, and zeros up to whole runs. */
static void take_codes(int16_t *out, const int32_t *code, size_t n)
{
    size_t at = 0;

    if (n % RUN != 0) {
        memset(out + (n - n % RUN), 0, RUN * sizeof(*out));
    }
    for (; at + TOGETHER <= n; at += TOGETHER) {
        for (size_t i = 0; i < TOGETHER; i++) {
            out[at + i] = (int16_t)code[at + i];
        }
    }
    for (; at < n; at++) {
        out[at] = (int16_t)code[at];
    }
}

void hwt_meter_narrow_voltage(struct hwt_meter_narrow *b, const int32_t *v, size_t n)
{
    int16_t code[HWT_METER_NARROW_SCANS + RUN];
    size_t whole = (n + RUN - 1) / RUN * RUN;

    take_codes(code, v - 2, n + HWT_METER_NARROW_ROWS - 1);
    for (size_t row = 0; row < HWT_METER_NARROW_ROWS; row++) {
        memcpy(b->v[row], code + row, whole * sizeof(*code));
    }
}

/*
 * All sums of one run from scan `at` on; row: of the voltage one scan before. One loop for all, and
 * lags reckoned even if they are not wanted: so gcc and clang make vectors of it.
 */
static void add_run(const struct hwt_meter_narrow *b, struct hwt_meter_sums *s, size_t at,
                    size_t row, bool lags)
{
    const int16_t *x = b->x + at, *c = b->cos_high + at, *c0 = b->cos_low + at;
    const int16_t *d = b->sin_high + at, *d0 = b->sin_low + at;
    const int16_t *v0 = b->v[row] + at, *v1 = b->v[row + 1] + at;
    const int16_t *v2 = b->v[row + 2] + at, *v3 = b->v[row + 3] + at;
    int32_t sum = 0, square = 0, re = 0, re_low = 0, im = 0, im_low = 0;
    int32_t k0 = 0, k1 = 0, k2 = 0, k3 = 0;
    uint16_t reach = 0;

    for (size_t i = 0; i < RUN; i++) {
        int32_t now = x[i];

        sum += now * b->one[i];
        square += now * now;
        re += now * c[i];
        re_low += now * c0[i];
        im += now * d[i];
        im_low += now * d0[i];
        k0 += now * v0[i];
        k1 += now * v1[i];
        k2 += now * v2[i];
        k3 += now * v3[i];
        reach |= (uint16_t)((x[i] ^ (x[i] >> 15)) + 1);
    }
    s->whole[HWT_SUM_X] += sum;
    s->whole[HWT_SUM_SQUARE] += square;
    s->whole[HWT_SUM_COS] += (int64_t)re * DIGIT + re_low;
    s->whole[HWT_SUM_SIN] += (int64_t)im * DIGIT + im_low;
    s->reach |= reach;
    if (lags) {
        s->whole[HWT_SUM_LAG] += k0;
        s->whole[HWT_SUM_LAG + 1] += k1;
        s->whole[HWT_SUM_LAG + 2] += k2;
        s->whole[HWT_SUM_LAG + 3] += k3;
    }
}

static void add(struct hwt_meter_narrow *b, struct hwt_meter_sums *s, const int32_t *x, int shift,
                size_t n, bool lags)
{
    take_codes(b->x, x, n);
    for (size_t at = 0; at < n; at += RUN) {
        add_run(b, s, at, (size_t)(1 + shift), lags);
    }
}

void hwt_meter_narrow_add(struct hwt_meter_narrow *b, struct hwt_meter_sums *s, const int32_t *x,
                          size_t n)
{
    add(b, s, x, 0, n, false);
}

void hwt_meter_narrow_add_lags(struct hwt_meter_narrow *b, struct hwt_meter_sums *s,
                               const int32_t *x, int shift, size_t n)
{
    add(b, s, x, shift, n, true);
}
