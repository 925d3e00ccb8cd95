#include "core/meter/meter_noise.h"

#include <math.h>

#define ROUNDING (1 / 12.0) /* codes^2 */

enum { POWER = 70, WINDOWS_MAX = 18000 /* an hour: what is older fades */ };

void hwt_meter_noise_start(struct hwt_meter_noise *s, double codes)
{
    s->square = codes * codes + ROUNDING;
    s->windows = HWT_METER_NOISE_KNOWN;
}

void hwt_meter_noise_add(struct hwt_meter_noise *s, const int32_t *x, size_t n)
{
    size_t left = (size_t)(HWT_METER_NOISE_MAX - s->count);
    int64_t sum = 0;

    n = n < left ? n : left;
    for (size_t i = 0; i < n; i++, x++) { /* |d| < 16 x 2^23 = 2^27, d^2 < 2^54, 128 of them 2^61 */
        int32_t d = x[-2] + x[2] - 4 * (x[-1] + x[1]) + 6 * x[0];

        sum += (int64_t)d * d;
    }
    s->sum += sum;
    s->count = (uint16_t)(s->count + n);
}

void hwt_meter_noise_learn(struct hwt_meter_noise *s, double residue, bool usable)
{
    double found = s->count > 0 ? (double)s->sum / POWER / s->count : 0;
    double believed = s->windows >= HWT_METER_NOISE_KNOWN ? s->square : found;

    /* A smooth load leaves the noise and little else. */
    if (usable && s->count == HWT_METER_NOISE_MAX && residue <= 2 * believed + 2 * ROUNDING) {
        s->windows += s->windows < WINDOWS_MAX;
        s->square += (found - s->square) / s->windows;
    }
    s->sum = 0;
    s->count = 0;
}

double hwt_meter_noise_square(const struct hwt_meter_noise *s)
{
    return s->windows >= HWT_METER_NOISE_KNOWN ? s->square : 0;
}

double hwt_meter_noise_codes(const struct hwt_meter_noise *s)
{
    if (s->windows < HWT_METER_NOISE_KNOWN) {
        return -1;
    }
    return sqrt(fmax(s->square - ROUNDING, 0));
}
