#include "core/meter/meter_sums.h"

#include <string.h>

#include "core/base/fixed.h"

void hwt_meter_sums_clear(struct hwt_meter_sums *s)
{
    memset(s, 0, sizeof(*s));
    s->min = INT32_MAX;
    s->max = INT32_MIN;
}

void hwt_meter_sums_add(struct hwt_meter_sums *s, const int32_t *x, const int32_t *cos,
                        const int32_t *sin, size_t n)
{
    int64_t sum = 0, square = 0, re = 0, im = 0;
    int32_t min = s->min, max = s->max;

    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        square += hwt_mul_i64(x[i], x[i]);
        re += hwt_mul_i64(x[i], cos[i]);
        im += hwt_mul_i64(x[i], sin[i]);
        min = x[i] < min ? x[i] : min;
        max = x[i] > max ? x[i] : max;
    }
    s->whole[HWT_SUM_X] += sum;
    s->whole[HWT_SUM_SQUARE] += square;
    s->whole[HWT_SUM_COS] += re;
    s->whole[HWT_SUM_SIN] += im;
    s->min = min;
    s->max = max;
}

void hwt_meter_sums_add_lags(struct hwt_meter_sums *s, size_t at, const int32_t *x,
                             const int32_t *v, size_t n)
{
    int64_t lag[4] = {0, 0, 0, 0};

    for (size_t i = 0; i < n; i++, v++) {
        lag[0] += hwt_mul_i64(x[i], v[-1]);
        lag[1] += hwt_mul_i64(x[i], v[0]);
        lag[2] += hwt_mul_i64(x[i], v[1]);
        lag[3] += hwt_mul_i64(x[i], v[2]);
    }
    for (size_t k = 0; k < 4; k++) {
        s->whole[at + k] += lag[k];
    }
}

void hwt_meter_sums_add_edge(struct hwt_meter_sums *s, const struct hwt_meter_sums *scan,
                             uint32_t weight_q16)
{
    for (size_t k = 0; k < HWT_SUM_COUNT; k++) {
        s->edge_q16[k] += scan->whole[k] * (int64_t)weight_q16;
    }
    s->min = scan->min < s->min ? scan->min : s->min;
    s->max = scan->max > s->max ? scan->max : s->max;
}

double hwt_meter_sums_get(const struct hwt_meter_sums *s, size_t sum)
{
    return (double)s->whole[sum] + (double)s->edge_q16[sum] / 65536.0;
}
