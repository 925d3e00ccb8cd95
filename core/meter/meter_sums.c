#include "core/meter/meter_sums.h"

#include <string.h>

void hwt_meter_sums_clear(struct hwt_meter_sums *s)
{
    memset(s, 0, sizeof(*s));
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
    int64_t a = 0, b = 0, c = 0, d = 0;

    for (size_t i = 0; i < n; i++, v++) {
        int64_t now = x[i];

        a += now * v[-1];
        b += now * v[0];
        c += now * v[1];
        d += now * v[2];
    }
    s->whole[at] += a;
    s->whole[at + 1] += b;
    s->whole[at + 2] += c;
    s->whole[at + 3] += d;
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
