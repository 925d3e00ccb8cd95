#include "core/meter/meter_sums.h"

#include <string.h>

#include "core/base/fixed.h"

void hwt_meter_sums_clear(struct hwt_meter_sums *s)
{
    memset(s, 0, sizeof(*s));
}

/* Adds the sums of four products of x, with y0 .. y3. */
static void add_products(int64_t sum[4], const int32_t *x, const int32_t *y0, const int32_t *y1,
                         const int32_t *y2, const int32_t *y3, size_t n)
{
    int64_t a = 0, b = 0, c = 0, d = 0;

    for (size_t i = 0; i < n; i++) {
        int64_t now = x[i];

        a += now * y0[i];
        b += now * y1[i];
        c += now * y2[i];
        d += now * y3[i];
    }
    sum[0] += a;
    sum[1] += b;
    sum[2] += c;
    sum[3] += d;
}

void hwt_meter_sums_add(struct hwt_meter_sums *s, const int32_t *x, const int32_t *cos,
                        const int32_t *sin, size_t n)
{
    int64_t sum = 0, square = 0, re = 0, im = 0;
    uint32_t reach = 0;

    for (size_t i = 0; i < n; i++) {
        int64_t now = x[i];

        sum += now;
        square += now * now;
        re += now * cos[i];
        im += now * sin[i];
        reach |= (uint32_t)(x[i] ^ -(x[i] < 0)) + 1;
    }
    s->whole[HWT_SUM_X] += sum;
    s->whole[HWT_SUM_SQUARE] += square;
    s->whole[HWT_SUM_COS] += re;
    s->whole[HWT_SUM_SIN] += im;
    s->reach |= reach;
}

void hwt_meter_sums_add_lags(struct hwt_meter_sums *s, size_t at, const int32_t *x,
                             const int32_t *v, size_t n)
{
    add_products(&s->whole[at], x, v - 1, v, v + 1, v + 2, n);
}

bool hwt_meter_sums_can_pair(unsigned bits)
{
    return UINTPTR_MAX > UINT32_MAX && bits <= HWT_METER_PAIR_BITS;
}

void hwt_meter_sums_pair(int64_t *pair_out, const int32_t *a, const int32_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        pair_out[i] = a[i] + b[i] * ((int64_t)1 << 32);
    }
}

/* Both sums out of a sum of pairs. */
static void take_pair(int64_t *a, int64_t *b, int64_t pair)
{
    int64_t low = (int32_t)(uint32_t)(uint64_t)pair;

    *a += low;
    *b += (pair - low) / ((int64_t)1 << 32); /* exact */
}

enum { RUN = 16 }; /* scans whose sums of pairs do not run into each other */

/* Sums of x, of squares, and with the frame, of one run. */
static void add_frame_run(struct hwt_meter_sums *s, const int32_t *x, const int64_t *frame,
                          size_t n)
{
    int64_t self = 0, turned = 0;
    uint32_t reach = 0;

    for (size_t i = 0; i < n; i++) {
        int64_t now = x[i];

        self += now * (now + ((int64_t)1 << 32));
        turned += now * frame[i];
        reach |= (uint32_t)(x[i] ^ -(x[i] < 0)) + 1;
    }
    take_pair(&s->whole[HWT_SUM_SQUARE], &s->whole[HWT_SUM_X], self);
    take_pair(&s->whole[HWT_SUM_COS], &s->whole[HWT_SUM_SIN], turned);
    s->reach |= reach;
}

/* The same, and the lags. */
static void add_run(struct hwt_meter_sums *s, const int32_t *x, const int64_t *frame,
                    const int64_t *v, size_t n)
{
    int64_t self = 0, turned = 0, before = 0, after = 0;
    uint32_t reach = 0;

    for (size_t i = 0; i < n; i++) {
        int64_t now = x[i];

        self += now * (now + ((int64_t)1 << 32));
        turned += now * frame[i];
        before += now * v[(ptrdiff_t)i - 1];
        after += now * v[i + 1];
        reach |= (uint32_t)(x[i] ^ -(x[i] < 0)) + 1;
    }
    take_pair(&s->whole[HWT_SUM_SQUARE], &s->whole[HWT_SUM_X], self);
    take_pair(&s->whole[HWT_SUM_COS], &s->whole[HWT_SUM_SIN], turned);
    take_pair(&s->whole[HWT_SUM_LAG], &s->whole[HWT_SUM_LAG + 1], before);
    take_pair(&s->whole[HWT_SUM_LAG + 2], &s->whole[HWT_SUM_LAG + 3], after);
    s->reach |= reach;
}

void hwt_meter_sums_add_paired(struct hwt_meter_sums *s, const int32_t *x, const int64_t *frame,
                               const int64_t *v, size_t n)
{
    for (size_t at = 0; at < n; at += RUN) {
        size_t some = n - at < RUN ? n - at : RUN;

        if (v != NULL) {
            add_run(s, x + at, frame + at, v + at, some);
        } else {
            add_frame_run(s, x + at, frame + at, some);
        }
    }
}

void hwt_meter_sums_add_edge(struct hwt_meter_sums *s, const struct hwt_meter_sums *scan,
                             uint32_t weight_q16)
{
    for (size_t k = 0; k < HWT_SUM_COUNT; k++) {
        s->edge_q16[k] += scan->whole[k] * (int64_t)weight_q16;
    }
    s->reach |= scan->reach;
}

double hwt_meter_sums_get(const struct hwt_meter_sums *s, size_t sum)
{
    return (double)s->whole[sum] + (double)s->edge_q16[sum] / 65536.0;
}
