#include "bench/accuracy/signal.h"

#include <math.h>
#include <stddef.h>

#define PI 3.141592653589793238462643383279502884L

/* 8 points on -1..1: exact for polynomials of degree 15. */
static const long double node[4] = {0.1834346424956498049394761L, 0.5255324099163289858177390L,
                                    0.7966664774136267395915539L, 0.9602898564975362316835609L};
static const long double weight[4] = {0.3626837833783619829651504L, 0.3137066458778872873379622L,
                                      0.2223810344533744705443560L, 0.1012285362903762591525314L};

struct signal signal_sine(double amps, double lag_deg)
{
    struct signal s = {.volts = 230, .hz = 50, .amps = amps};

    s.i[0] = (struct tone){1, 1, -lag_deg};
    return s;
}

/* Turns of the mains since turns = 0. */
static double turns_at(const struct signal *s, double t)
{
    if (s->ramp_s > 0) {
        double in = t < s->ramp_s ? t : s->ramp_s, rise = (s->hz_end - s->hz) / s->ramp_s;

        return s->turns + s->hz * in + rise * in * in / 2 + s->hz_end * (t - in);
    }
    if (s->step_at_s > 0 && t >= s->step_at_s) {
        return s->turns + s->hz * s->step_at_s + s->step_hz * (t - s->step_at_s) +
               s->step_deg / 360;
    }
    return s->turns + s->hz * t;
}

static double sum_tones(const struct tone *tone, double turns)
{
    double sum = 0;

    if (tone[0].part == 0) {
        return sqrt(2.0) * sin(2 * (double)PI * turns);
    }
    for (int k = 0; k < SIGNAL_TONES_MAX && tone[k].part != 0; k++) {
        sum += tone[k].part * sin(2 * (double)PI * (tone[k].h * turns + tone[k].deg / 360));
    }
    return sqrt(2.0) * sum;
}

static double recorded(const struct recording *r, const double *x, double t)
{
    double at = fmod(t * r->rate_hz, r->n - 1), part;
    unsigned k;

    at += at < 0 ? r->n - 1 : 0;
    k = (unsigned)at;
    part = at - k;
    return x[k] + part * (x[k + 1] - x[k]);
}

double signal_v(const struct signal *s, double t)
{
    if (s->recording != NULL) {
        return recorded(s->recording, s->recording->v, t);
    }
    return s->volts * sum_tones(s->v, turns_at(s, t));
}

/* The pulse: centred 3 % of the half cycle before its crest, 17 % wide. */
static const double pulse_centre = 0.47, pulse_half = 0.085;

static double shape_at(const struct signal *s, double turns)
{
    double half = 2 * turns - floor(2 * turns); /* 0..1 in each half cycle */
    double sign = fmod(floor(2 * turns), 2) == 0 ? 1 : -1;

    switch (s->shape) {
    case LOAD_FIRED:
        return half * 180 < s->fire_deg ? 0 : sum_tones(s->i, turns);
    case LOAD_HALF_WAVE:
        return sign < 0 ? 0 : sum_tones(s->i, turns);
    case LOAD_PULSE:
        half = (half - pulse_centre) / pulse_half;
        /* RMS 1: the mean of (1 + cos)^2 over its width is 3/2 */
        return fabs(half) >= 1 ? 0
                               : sign * (1 + cos((double)PI * half)) / sqrt(1.5 * 2 * pulse_half);
    case LOAD_TONES:
    default:
        return sum_tones(s->i, turns);
    }
}

double signal_i(const struct signal *s, double t)
{
    double turns = turns_at(s, t), amps = s->amps;

    if (s->recording != NULL) {
        return recorded(s->recording, s->recording->i, t);
    }
    if (s->on_cycles > 0 && fmod(turns, s->on_cycles + s->off_cycles) >= s->on_cycles) {
        return 0;
    }
    if (s->flip_cycles > 0 && fmod(turns, 2 * s->flip_cycles) >= s->flip_cycles) {
        amps = -amps;
    }
    if (s->amps_s > 0) {
        double in = t < s->amps_s ? t / s->amps_s : 1;
        double drive = 5 * t + (s->drive_hz_end - 5) / s->amps_s * t * t / 2;

        amps += (s->amps_end - s->amps) * in;
        amps *= 1 + 0.1 * sin(2 * (double)PI * drive);
    }
    return amps * shape_at(s, turns);
}

bool signal_is_periodic(const struct signal *s)
{
    return s->ramp_s <= 0 && s->step_at_s <= 0 && s->on_cycles <= 0 && s->flip_cycles <= 0 &&
           s->amps_s <= 0;
}

enum what { ENERGY, V_SQUARE, I_SQUARE };

static long double value(const struct signal *s, enum what what, long double t)
{
    double at = (double)t;
    double v = what == I_SQUARE ? 0 : signal_v(s, at), i = what == V_SQUARE ? 0 : signal_i(s, at);

    return what == ENERGY     ? (long double)v * i
           : what == V_SQUARE ? (long double)v * v
                              : (long double)i * i;
}

static long double panel(const struct signal *s, enum what what, long double a, long double b)
{
    long double sum = 0, mid = (a + b) / 2, half = (b - a) / 2;

    for (int k = 0; k < 4; k++) {
        sum += weight[k] *
               (value(s, what, mid - half * node[k]) + value(s, what, mid + half * node[k]));
    }
    return sum * half;
}

static double highest(const struct tone *tone)
{
    double h = 1;

    for (int k = 0; k < SIGNAL_TONES_MAX && tone[k].part != 0; k++) {
        h = fmax(h, tone[k].h);
    }
    return h;
}

/* Between two instants without a corner. */
static long double smooth(const struct signal *s, enum what what, long double a, long double b)
{
    double cycles = (double)(b - a) * s->hz * (highest(s->v) + highest(s->i));
    int panels = (int)ceil(cycles) + 1;
    long double sum = 0;

    for (int k = 0; k < panels && b > a; k++) {
        sum += panel(s, what, a + (b - a) * k / panels, a + (b - a) * (k + 1) / panels);
    }
    return sum;
}

/* Corners of a half cycle, in parts of it. */
static int corners(const struct signal *s, long double part[4])
{
    part[0] = 0;
    if (s->shape == LOAD_FIRED) {
        part[1] = (long double)s->fire_deg / 180;
        part[2] = 1;
        return 3;
    }
    if (s->shape == LOAD_PULSE) {
        part[1] = (long double)(pulse_centre - pulse_half);
        part[2] = (long double)(pulse_centre + pulse_half);
        part[3] = 1;
        return 4;
    }
    part[1] = 1;
    return 2;
}

static long double clamp(long double x, long double a, long double b)
{
    return x < a ? a : x > b ? b : x;
}

/* A constant frequency: half cycle by half cycle. */
static long double by_halves(const struct signal *s, enum what what, long double a, long double b)
{
    long double first = floorl(2 * (s->turns + s->hz * a)), last = 2 * (s->turns + s->hz * b);
    long double part[4], sum = 0;
    int n = corners(s, part);

    for (long double k = first; k < last; k++) {
        for (int c = 0; c + 1 < n; c++) {
            long double from = ((k + part[c]) / 2 - s->turns) / s->hz;
            long double to = ((k + part[c + 1]) / 2 - s->turns) / s->hz;

            sum += smooth(s, what, clamp(from, a, b), clamp(to, a, b));
        }
    }
    return sum;
}

static long double integrate(const struct signal *s, enum what what, long double a, long double b)
{
    long double step = s->step_at_s, cycle = 1 / (long double)s->hz, cycles;

    if (s->ramp_s > 0) {
        return smooth(s, what, a, b);
    }
    if (step > 0 && step > a && step < b) {
        return smooth(s, what, a, step) + smooth(s, what, step, b);
    }
    if (!signal_is_periodic(s)) {
        return by_halves(s, what, a, b);
    }
    cycles = floorl((b - a) / cycle);
    return cycles * by_halves(s, what, a, a + cycle) + by_halves(s, what, a + cycles * cycle, b);
}

long double signal_energy(const struct signal *s, double t0, double t1)
{
    return integrate(s, ENERGY, t0, t1);
}

/* Straight lines: Simpson's rule is exact. */
static double mean_recorded(const struct recording *r, const double *a, const double *b)
{
    long double sum = 0;

    for (unsigned k = 0; k + 1 < r->n; k++) {
        long double middle = (long double)(a[k] + a[k + 1]) * (b[k] + b[k + 1]);

        sum += ((long double)a[k] * b[k] + middle + (long double)a[k + 1] * b[k + 1]) / 6;
    }
    return (double)(sum / (r->n - 1));
}

static double mean_of(const struct signal *s, enum what what)
{
    struct signal one = *s;

    if (s->recording != NULL) {
        const struct recording *r = s->recording;

        return mean_recorded(r, what == I_SQUARE ? r->i : r->v, what == V_SQUARE ? r->v : r->i);
    }
    one.on_cycles = one.flip_cycles = one.amps_s = one.ramp_s = one.step_at_s = 0;
    return (double)(integrate(&one, what, 0, 1 / (long double)one.hz) * (long double)one.hz);
}

double signal_vrms(const struct signal *s)
{
    return sqrt(mean_of(s, V_SQUARE));
}

double signal_irms(const struct signal *s)
{
    return sqrt(mean_of(s, I_SQUARE));
}

double signal_power(const struct signal *s)
{
    return mean_of(s, ENERGY);
}
