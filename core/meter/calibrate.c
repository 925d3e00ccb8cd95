#include "core/meter/calibrate.h"

#include <math.h>

#define DEGREE         (3.14159265358979323846 / 180)
#define PERCENT        0.01
#define SMALL_W        100.0
#define UNSTEADY       0.02
#define DISTORTED      0.06
#define FAR_DEG        10.0
#define GAIN_LEAST     0.5
#define GAIN_MOST      2.0
#define COVERAGE_SIGMA 2.0 /* 95 % of a normal law, rounded up from 1.96 */

enum { RESISTIVE_WINDOWS = 10 };

void hwt_spread_add(struct hwt_spread *s, double value)
{
    double d;

    if (s->count == 0) {
        s->first = value;
    }
    d = value - s->first;
    s->sum += d;
    s->square += d * d;
    s->count++;
}

double hwt_spread_mean(const struct hwt_spread *s)
{
    return s->count == 0 ? 0 : s->first + s->sum / s->count;
}

double hwt_spread_deviation(const struct hwt_spread *s)
{
    double variance;

    if (s->count < 2) {
        return 0;
    }
    variance = (s->square - s->sum * s->sum / s->count) / (s->count - 1);
    return variance > 0 ? sqrt(variance) : 0;
}

static bool is_gain(double gain)
{
    return gain >= GAIN_LEAST && gain <= GAIN_MOST; /* false of a NaN */
}

int hwt_calibrate_reading(const struct hwt_spread *s, double shown, double stated_pct,
                          struct hwt_found *out)
{
    double mean = hwt_spread_mean(s), gain, moment;

    if (s->count < 2 || !(mean > 0) || !(shown > 0) || !(stated_pct >= 0)) {
        return HWT_ERR_ARGUMENT;
    }
    gain = shown / mean;
    if (!is_gain(gain)) {
        return HWT_ERR_ARGUMENT;
    }
    moment = COVERAGE_SIGMA * hwt_spread_deviation(s) / mean;
    out->value = gain;
    out->half = gain * sqrt(moment * moment + stated_pct * PERCENT * stated_pct * PERCENT);
    return 0;
}

void hwt_resistive_add(struct hwt_resistive *r, double p_w, double q1_var, double s_va)
{
    hwt_spread_add(&r->p, p_w);
    hwt_spread_add(&r->q, q1_var);
    hwt_spread_add(&r->s, s_va);
    if (p_w > 0 || p_w < 0) {
        hwt_spread_add(&r->lag_deg, atan(q1_var / p_w) / DEGREE); /* of a clamp turned round too */
    }
}

/* A clamp that leads too far shows a resistor as a capacitor: Q1 < 0, and its lead is to rise. */
enum hwt_resistive_refusal hwt_calibrate_resistive(const struct hwt_resistive *r, double stated_deg,
                                                   struct hwt_found *out)
{
    double p = hwt_spread_mean(&r->p), q = hwt_spread_mean(&r->q), s = hwt_spread_mean(&r->s);
    double lag = hwt_spread_mean(&r->lag_deg), rest = s * s - p * p - q * q, noise;

    if (r->p.count < RESISTIVE_WINDOWS) {
        return HWT_RESISTIVE_FEW;
    }
    if (!(fabs(p) >= SMALL_W)) {
        return HWT_RESISTIVE_SMALL;
    }
    if (hwt_spread_deviation(&r->p) > UNSTEADY * fabs(p)) {
        return HWT_RESISTIVE_UNSTEADY;
    }
    if (rest > DISTORTED * DISTORTED * s * s) {
        return HWT_RESISTIVE_DISTORTED;
    }
    if (fabs(lag) > FAR_DEG) {
        return HWT_RESISTIVE_FAR;
    }
    noise = COVERAGE_SIGMA * hwt_spread_deviation(&r->lag_deg) / sqrt(r->lag_deg.count);
    out->value = -lag;
    out->half = sqrt(noise * noise + stated_deg * stated_deg);
    return HWT_RESISTIVE_GOOD;
}

int hwt_fit_clamp(const struct hwt_fit_result *r, bool with_phase, struct hwt_found *gain_out,
                  struct hwt_found *phase_deg_out)
{
    double a = r->value[0], b = with_phase ? r->value[1] : 0;
    double aa = r->covariance[0][0], ab = with_phase ? r->covariance[0][1] : 0;
    double bb = with_phase ? r->covariance[1][1] : 0, gain = hypot(a, b);

    if (!(a > 0) || !is_gain(gain)) {
        return HWT_ERR_ARGUMENT;
    }
    /* P = k (P' cos e - Q' sin e) with the gain k and the further lead e: a = k cos e, b = -k sin
     * e. */
    gain_out->value = gain;
    gain_out->half = r->student * sqrt(a * a * aa + 2 * a * b * ab + b * b * bb) / gain;
    phase_deg_out->value = -atan2(b, a) / DEGREE;
    phase_deg_out->half =
        r->student * sqrt(b * b * aa - 2 * a * b * ab + a * a * bb) / (gain * gain) / DEGREE;
    return 0;
}
