#include "core/meter/meter_narrow.h"

#include <string.h>

enum { RUN = HWT_METER_NARROW_RUN, DIGIT_BITS = 6, DIGIT = 1 << DIGIT_BITS, MARGIN = 2 };

/* The digits of one run. */
static void split_run(int16_t *high, int16_t *low, const int32_t *x)
{
    for (size_t i = 0; i < RUN; i++) {
        high[i] = (int16_t)(x[i] >> DIGIT_BITS);
        low[i] = (int16_t)(x[i] & (DIGIT - 1));
    }
}

void hwt_meter_narrow_frame(struct hwt_meter_narrow *b, const int32_t *cos, const int32_t *sin,
                            size_t n)
{
    for (size_t at = 0; at < n; at += RUN) {
        split_run(b->cos_high + at, b->cos_low + at, cos + at);
        split_run(b->sin_high + at, b->sin_low + at, sin + at);
    }
    for (size_t i = 0; i < RUN; i++) {
        b->one[i] = 1;
    }
}

/* n codes, and zeros up to whole runs. */
static void take_codes(int16_t *out, const int32_t *code, size_t n)
{
    size_t whole = n - n % RUN;

    for (size_t at = 0; at < whole; at += RUN) {
        for (size_t i = 0; i < RUN; i++) {
            out[at + i] = (int16_t)code[at + i];
        }
    }
    if (whole < n) {
        memset(out + whole, 0, RUN * sizeof(*out));
    }
    for (size_t i = whole; i < n; i++) {
        out[i] = (int16_t)code[i];
    }
}

void hwt_meter_narrow_voltage(struct hwt_meter_narrow *b, const int32_t *v, size_t n)
{
    for (size_t i = 0; i < n + 2 * MARGIN; i++) {
        b->v[i] = (int16_t)v[(ptrdiff_t)i - MARGIN];
    }
}

/* Sums of x, of squares, and with the frame from scan `at` on, of one run. */
static void add_run(const struct hwt_meter_narrow *b, struct hwt_meter_sums *s, size_t at)
{
    const int16_t *x = b->x + at, *c = b->cos_high + at, *c0 = b->cos_low + at;
    const int16_t *d = b->sin_high + at, *d0 = b->sin_low + at;
    int32_t sum = 0, square = 0, re = 0, re_low = 0, im = 0, im_low = 0;
    uint16_t reach = 0;

    for (size_t i = 0; i < RUN; i++) {
        int32_t now = x[i];

        sum += now * b->one[i];
        square += now * now;
        re += now * c[i];
        re_low += now * c0[i];
        im += now * d[i];
        im_low += now * d0[i];
        reach |= (uint16_t)((x[i] ^ (x[i] >> 15)) + 1);
    }
    s->whole[HWT_SUM_X] += sum;
    s->whole[HWT_SUM_SQUARE] += square;
    s->whole[HWT_SUM_COS] += (int64_t)re * DIGIT + re_low;
    s->whole[HWT_SUM_SIN] += (int64_t)im * DIGIT + im_low;
    s->reach |= reach;
}

/* Lag sums of one run; v[0] is the voltage one scan before x[0]. */
static void add_lags_run(struct hwt_meter_sums *s, const int16_t *x, const int16_t *v)
{
    int32_t k0 = 0, k1 = 0, k2 = 0, k3 = 0;

    for (size_t i = 0; i < RUN; i++) {
        int32_t now = x[i];

        k0 += now * v[i];
        k1 += now * v[i + 1];
        k2 += now * v[i + 2];
        k3 += now * v[i + 3];
    }
    s->whole[HWT_SUM_LAG] += k0;
    s->whole[HWT_SUM_LAG + 1] += k1;
    s->whole[HWT_SUM_LAG + 2] += k2;
    s->whole[HWT_SUM_LAG + 3] += k3;
}

void hwt_meter_narrow_add(struct hwt_meter_narrow *b, struct hwt_meter_sums *s, const int32_t *x,
                          size_t n)
{
    take_codes(b->x, x, n);
    for (size_t at = 0; at < n; at += RUN) {
        add_run(b, s, at);
    }
}

void hwt_meter_narrow_add_lags(struct hwt_meter_narrow *b, struct hwt_meter_sums *s,
                               const int32_t *x, int shift, size_t n)
{
    const int16_t *v = b->v + MARGIN - 1 + shift;

    take_codes(b->x, x, n);
    for (size_t at = 0; at < n; at += RUN) {
        add_run(b, s, at);
        add_lags_run(s, b->x + at, v + at);
    }
}
