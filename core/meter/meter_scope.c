/*
 * meter_scope.c: rises, the cut, and a trace's numbers.
 *
 * A scan stands for half a scan to either side of it, so the first and the last of a cut count in
 * part. What that leaves of the fundamental in the other harmonics (some 1e-4 of it in one cycle)
 * is gone when they are taken from what remains without it.
 */
#include "core/meter/meter_scope.h"

#include <math.h>

#include "core/meter/meter_phasor.h"

#define GUARD_S 12.5e-3 /* no second rise within, as in the meter's windows */
#define BY_TIME 20e-3   /* s, for each cycle where there is no voltage */

struct cut {
    double from, to; /* scans */
    double scans;    /* to - from */
    double by_scan;  /* radians of the mains; 0: none */
    uint32_t first, count;
};

/* A trace's signal as phasors of codes (or volts), angles at scan `from`. */
struct tones {
    double mean;
    double square; /* without the mean */
    double rest;   /* the same, without the harmonics */
    struct hwt_meter_phasor x[HWT_METER_HARMONICS];
};

static double weight(const struct cut *c, uint32_t scan)
{
    double from = fmax(c->from, scan - 0.5), to = fmin(c->to, scan + 0.5);

    return fmax(to - from, 0);
}

static double code(const struct hwt_meter_scans *in, unsigned slot, uint32_t scan)
{
    return in->codes[(size_t)scan * in->slots + slot];
}

/* --- the cut --- */

static void mean_and_square(const struct hwt_meter_scans *in, unsigned slot, double *mean_out,
                            double *square_out)
{
    double sum = 0, square = 0;

    for (uint32_t k = 0; k < in->scans; k++) {
        double x = code(in, slot, k);

        sum += x;
        square += x * x;
    }
    *mean_out = sum / in->scans;
    *square_out = fmax(square / in->scans - *mean_out * *mean_out, 0);
}

static bool is_alive(const struct hwt_meter_config *config, const struct hwt_meter_scans *in,
                     unsigned slot)
{
    double mean, square;

    if (slot >= config->slots || config->slot[slot].kind != HWT_SLOT_VOLTAGE) {
        return false;
    }
    mean_and_square(in, slot, &mean, &square);
    return config->slot[slot].ratio * sqrt(square) >= HWT_METER_ALIVE_V;
}

/* The slot whose rises cut; -1: no voltage lives. */
static int steering(const struct hwt_meter_config *config, const struct hwt_meter_scans *in,
                    unsigned slot)
{
    if (is_alive(config, in, config->slot[slot].reference)) {
        return config->slot[slot].reference;
    }
    for (unsigned i = 0; i < config->slots; i++) {
        if (is_alive(config, in, i)) {
            return (int)i;
        }
    }
    return -1;
}

/* The last rises with enough scans around for a delayed voltage; true: cycles + 1 of them. */
static bool find_rises(const struct hwt_meter_config *config, const struct hwt_meter_scans *in,
                       unsigned steer, unsigned cycles, double *from_out, double *to_out)
{
    double at[HWT_METER_SCOPE_CYCLES_MAX + 1] = {0}, mean, square;
    double arm = HWT_METER_ALIVE_V / config->slot[steer].ratio;
    uint64_t guard_q16 = (uint64_t)(GUARD_S / (in->period_ps * 1e-12) * 65536);
    struct hwt_meter_cross cross;
    unsigned found = 0;

    mean_and_square(in, steer, &mean, &square);
    hwt_meter_cross_reset(&cross);
    for (uint32_t k = 3; k + 3 < in->scans; k++) {
        int32_t middle = (int32_t)lround(mean);
        int32_t before = in->codes[(size_t)(k - 1) * in->slots + steer] - middle;
        int32_t now = in->codes[(size_t)k * in->slots + steer] - middle;

        if (hwt_meter_cross_feed(&cross, k, before, now, (int32_t)fmax(arm, 1), guard_q16)) {
            for (unsigned i = 0; i < cycles; i++) {
                at[i] = at[i + 1];
            }
            at[cycles] = (double)cross.last_q16 / 65536.0;
            found++;
        }
    }
    *from_out = at[0];
    *to_out = at[cycles];
    return found > cycles;
}

/* The first scan not before this instant. */
static uint32_t scan_from(double at)
{
    return (uint32_t)-floor(-at);
}

static bool make_cut(const struct hwt_meter_config *config, const struct hwt_meter_scans *in,
                     int steer, unsigned cycles, struct cut *c)
{
    if (steer >= 0) {
        if (!find_rises(config, in, (unsigned)steer, cycles, &c->from, &c->to)) {
            return false;
        }
        c->by_scan = HWT_METER_TWO_PI * cycles / (c->to - c->from);
    } else {
        c->to = (double)in->scans - 3;
        c->from = floor(c->to - cycles * BY_TIME / (in->period_ps * 1e-12));
        c->by_scan = 0;
        if (c->from < 3) {
            return false;
        }
    }
    c->scans = c->to - c->from;
    c->first = scan_from(c->from);
    c->count = scan_from(c->to) - c->first;
    return true;
}

/* --- a signal's numbers --- */

/* One sample without mean and fundamental into all harmonics: e^-j angle to the power of each. */
static void add_sample(struct tones *t, double x, double angle)
{
    struct hwt_meter_phasor turn = hwt_phasor_polar(1, -angle), power = turn;

    for (unsigned h = 0; h < HWT_METER_HARMONICS; h++) {
        t->x[h] = hwt_phasor_add(t->x[h], x, power);
        power = hwt_phasor_multiply(power, turn);
    }
}

/* What mean and harmonics make at this angle. */
static double model_at(const struct tones *t, double angle)
{
    struct hwt_meter_phasor turn = hwt_phasor_polar(1, angle), power = turn;
    double sum = 0;

    for (unsigned h = 0; h < HWT_METER_HARMONICS; h++) {
        sum += t->x[h].re * power.re - t->x[h].im * power.im;
        power = hwt_phasor_multiply(power, turn);
    }
    return t->mean + sqrt(2.0) * sum;
}

static double fundamental_at(const struct tones *t, struct hwt_meter_phasor x1, double angle)
{
    return t->mean + sqrt(2.0) * (x1.re * cos(angle) - x1.im * sin(angle));
}

/* y[0] is scan c->first - 1: one more than the cut on either side, whose cells reach into it. */
static void analyse(const struct cut *c, const double *y, struct tones *t)
{
    double scale = sqrt(2.0) / c->scans, sum = 0, more = 0;
    struct hwt_meter_phasor x1 = {0, 0};
    uint32_t n = c->count + 2;

    *t = (struct tones){0};
    for (uint32_t k = 0; k < n; k++) {
        sum += weight(c, c->first - 1 + k) * y[k];
    }
    t->mean = sum / c->scans;
    for (uint32_t k = 0; k < n && c->by_scan > 0; k++) {
        double angle = c->by_scan * (c->first - 1 + k - c->from);

        x1 = hwt_phasor_add(x1, scale * weight(c, c->first - 1 + k) * (y[k] - t->mean),
                            hwt_phasor_polar(1, -angle));
    }
    for (uint32_t k = 0; k < n; k++) {
        double angle = c->by_scan * (c->first - 1 + k - c->from), w = weight(c, c->first - 1 + k);
        double rest = y[k] - fundamental_at(t, x1, angle);

        t->square += w * (y[k] - t->mean) * (y[k] - t->mean) / c->scans;
        more += w * rest / c->scans;
        if (c->by_scan > 0) {
            add_sample(t, scale * w * rest, angle);
        }
    }
    t->mean += more;
    t->x[0] = hwt_phasor_add(t->x[0], 1, x1);
    for (uint32_t k = 0; k < n; k++) {
        double angle = c->by_scan * (c->first - 1 + k - c->from);
        double rest = y[k] - (c->by_scan > 0 ? model_at(t, angle) : t->mean);

        t->rest += weight(c, c->first - 1 + k) * rest * rest / c->scans;
    }
}

struct sensor {
    double ratio;    /* V or A for each code, negative where the clamp is turned round */
    double lead_deg; /* at 50 Hz */
    double late;     /* of a scan, its conversion */
};

static struct sensor sensor_of(const struct hwt_meter_config *config,
                               const struct hwt_meter_scans *in, unsigned slot, double codes)
{
    const struct hwt_meter_slot *s = &config->slot[slot];
    struct sensor found = {.late = in->slot[slot].time_q16 / 65536.0};

    found.lead_deg = hwt_meter_sensor(s, codes, &found.ratio);
    return found;
}

static double hz_of(const struct cut *c, const struct hwt_meter_scans *in)
{
    return c->by_scan / (HWT_METER_TWO_PI * in->period_ps * 1e-12);
}

/* Harmonic h (from 0) in units, at scan `from`, conversion and sensor undone. */
static struct hwt_meter_phasor undone(const struct cut *c, const struct hwt_meter_scans *in,
                                      const struct tones *t, const struct sensor *s, unsigned h)
{
    struct hwt_meter_phasor x =
        hwt_phasor_multiply(t->x[h], hwt_meter_undo_sensor(s->lead_deg, (h + 1) * hz_of(c, in)));

    return hwt_phasor_multiply(x, hwt_phasor_polar(s->ratio, -c->by_scan * s->late * (h + 1)));
}

/* us by which a sample's own instant lies behind its scan's begin. */
static double late_us(const struct cut *c, const struct hwt_meter_scans *in, const struct sensor *s)
{
    double late = s->late * in->period_ps * 1e-6, hz = hz_of(c, in);

    if (hz > 0) { /* a lead shows what is yet to come */
        struct hwt_meter_phasor undo = hwt_meter_undo_sensor(s->lead_deg, hz);

        late -= hwt_phasor_degrees(undo) / 360 / hz * 1e6;
    }
    return late;
}

static bool is_limit(const struct hwt_meter_scans *in, int32_t x)
{
    int32_t top = ((int32_t)1 << (in->bits - 1)) - 1;

    return x >= top || x <= -top - 1;
}

static void mark_clips(const struct cut *c, const struct hwt_meter_scans *in, unsigned slot,
                       struct hwt_meter_trace *out)
{
    for (uint32_t k = 0; k < c->count; k++) {
        if (is_limit(in, in->codes[(size_t)(c->first + k) * in->slots + slot])) {
            out->clips += out->clipped[k] == 0;
            out->clipped[k] = 1;
        }
    }
}

/*
 * The trace's numbers of its tones. zero: radians, of the steering fundamental (as a sine) at scan
 * `from`. noise: codes^2, rounding with it.
 */
static void report(const struct cut *c, const struct hwt_meter_scans *in, const struct tones *t,
                   const struct sensor *s, double zero, double noise, struct hwt_meter_trace *out)
{
    double quarter = HWT_METER_TWO_PI / 4, ratio = fabs(s->ratio);
    double square = fmax(t->square - noise, 0), seen = hwt_phasor_square(t->x[0]);

    out->ratio = ratio;
    out->rms = ratio * sqrt(square);
    out->residue = ratio * sqrt(t->rest);
    if (c->by_scan > 0) {
        for (unsigned h = 0; h < HWT_METER_HARMONICS; h++) {
            struct hwt_meter_phasor x = hwt_phasor_multiply(
                undone(c, in, t, s, h), hwt_phasor_polar(1, quarter - zero * (h + 1)));

            out->harmonic[h] = sqrt(hwt_phasor_square(x));
            out->angle_deg[h] = hwt_phasor_degrees(x);
        }
        /* as the meter: what the sensor's phase changes is of the fundamental alone */
        out->rms = sqrt(fmax(
            out->rms * out->rms + out->harmonic[0] * out->harmonic[0] - ratio * ratio * seen, 0));
        out->thd = seen > 0 ? sqrt(fmax(square - seen, 0) / seen) : 0;
    }
    out->first_us = (c->first - c->from) * in->period_ps * 1e-6 + late_us(c, in, s);
    out->first_us += c->by_scan > 0 ? zero / c->by_scan * in->period_ps * 1e-6 : 0;
}

/* --- the two traces --- */

static void read_codes(const struct cut *c, const struct hwt_meter_scans *in, unsigned slot,
                       double *y)
{
    for (uint32_t k = 0; k < c->count + 2; k++) {
        y[k] = code(in, slot, c->first - 1 + k);
    }
}

/* Moves the signal to where its trace begins: without the cell before, in units, no offset. */
static void shape(const struct cut *c, double *y, double ratio, double mean)
{
    for (uint32_t k = 0; k < c->count; k++) {
        y[k] = ratio * (y[k + 1] - mean);
    }
}

/* Takes the voltage at the load's other end, at the instants of the reference's conversions. */
static void subtract_minus(const struct hwt_meter_config *config, const struct cut *c,
                           const struct hwt_meter_scans *in, const struct sensor *s, unsigned minus,
                           double *y)
{
    struct hwt_meter_delay delay;
    double mean, square, offset;
    struct sensor m;

    mean_and_square(in, minus, &mean, &square);
    m = sensor_of(config, in, minus, sqrt(square));
    hwt_meter_delay_set(&delay, (int32_t)lround((s->late - m.late) * 65536));
    offset = config->slot[minus].dc ? 0 : mean;
    for (uint32_t k = 0; k < c->count + 2; k++) {
        for (unsigned lag = 0; lag < 4; lag++) {
            uint32_t scan = (uint32_t)((int64_t)c->first - 2 + k + lag + delay.shift);

            y[k] -= m.ratio / s->ratio * delay.weight[lag] * (code(in, minus, scan) - offset);
        }
    }
}

static void take_voltage(const struct hwt_meter_config *config, unsigned slot, const struct cut *c,
                         const struct hwt_meter_scans *in, double zero, struct hwt_meter_trace *out)
{
    const struct hwt_meter_slot *clamp = &config->slot[slot];
    unsigned reference = clamp->reference;
    struct sensor s;
    struct tones t;

    read_codes(c, in, reference, out->value);
    mark_clips(c, in, reference, out);
    analyse(c, out->value, &t);
    s = sensor_of(config, in, reference, sqrt(hwt_phasor_square(t.x[0])));
    out->offset = t.mean;
    if (clamp->between) {
        subtract_minus(config, c, in, &s, clamp->minus, out->value);
        mark_clips(c, in, clamp->minus, out);
        analyse(c, out->value, &t);
    }
    report(c, in, &t, &s, zero, 0, out);
    out->thd_known = c->by_scan > 0 && out->harmonic[0] >= HWT_METER_ALIVE_V;
    shape(c, out->value, s.ratio, config->slot[reference].dc ? 0 : t.mean);
}

static void take_current(const struct hwt_meter_config *config, unsigned slot, const struct cut *c,
                         const struct hwt_meter_scans *in, double zero, double noise,
                         struct hwt_meter_trace *out)
{
    const struct hwt_meter_slot *clamp = &config->slot[slot];
    double square = noise >= 0 ? noise * noise + 1 / 12.0 : 0; /* rounding, as the meter's */
    double least;
    struct sensor s;
    struct tones t;

    read_codes(c, in, slot, out->value);
    mark_clips(c, in, slot, out);
    analyse(c, out->value, &t);
    s = sensor_of(config, in, slot, sqrt(hwt_phasor_square(t.x[0])));
    s.ratio = clamp->reversed ? -s.ratio : s.ratio;
    out->offset = t.mean;
    t.square += clamp->dc ? t.mean * t.mean : 0;
    report(c, in, &t, &s, zero, square, out);
    least = 4 * fmax(sqrt(square), 1);
    out->thd_known = c->by_scan > 0 && hwt_phasor_square(t.x[0]) >= least * least;
    shape(c, out->value, s.ratio, clamp->dc ? 0 : t.mean);
}

/* Radians, of the steering voltage's fundamental, as a sine, at scan `from`; 0 without one. */
static double zero_of(const struct hwt_meter_config *config, const struct hwt_meter_scans *in,
                      int steer, const struct cut *c, double *scratch)
{
    struct hwt_meter_phasor x;
    struct sensor s;
    struct tones t;

    if (steer < 0) {
        return 0;
    }
    read_codes(c, in, (unsigned)steer, scratch);
    analyse(c, scratch, &t);
    s = sensor_of(config, in, (unsigned)steer, sqrt(hwt_phasor_square(t.x[0])));
    x = hwt_phasor_multiply(undone(c, in, &t, &s, 0), (struct hwt_meter_phasor){0, 1});
    return atan2(x.im, x.re);
}

static bool fits(const struct hwt_meter_config *config, unsigned slot,
                 const struct hwt_meter_scans *in, unsigned cycles)
{
    return slot < config->slots && config->slot[slot].kind == HWT_SLOT_CURRENT && cycles >= 1 &&
           cycles <= HWT_METER_SCOPE_CYCLES_MAX && in->slots >= config->slots &&
           in->period_ps > 0 && in->bits >= 8 && in->bits <= 24;
}

static struct hwt_meter_trace emptied(const struct hwt_meter_trace *t, uint32_t samples)
{
    for (uint32_t k = 0; k < samples; k++) {
        t->clipped[k] = 0;
    }
    return (struct hwt_meter_trace){.value = t->value, .clipped = t->clipped};
}

int hwt_meter_scope(const struct hwt_meter_config *config, unsigned slot,
                    const struct hwt_meter_scans *in, unsigned cycles, double noise,
                    struct hwt_meter_scope *out)
{
    struct cut c;
    double zero;
    int steer;

    if (!fits(config, slot, in, cycles)) {
        return HWT_ERR_ARGUMENT;
    }
    if (in->scans < 8) {
        return HWT_ERR_AGAIN;
    }
    steer = steering(config, in, slot);
    if (!make_cut(config, in, steer, cycles, &c)) {
        return HWT_ERR_AGAIN;
    }
    zero = zero_of(config, in, steer, &c, out->current.value);
    out->samples = c.count;
    out->step_us = in->period_ps * 1e-6;
    out->hz = hz_of(&c, in);
    out->zero_scan = c.from - (c.by_scan > 0 ? zero / c.by_scan : 0);
    out->has_voltage = config->slot[slot].reference != HWT_METER_NO_REFERENCE;
    out->voltage = emptied(&out->voltage, c.count);
    out->current = emptied(&out->current, c.count);
    if (out->has_voltage) {
        take_voltage(config, slot, &c, in, zero, &out->voltage);
    }
    take_current(config, slot, &c, in, zero, noise, &out->current);
    return 0;
}
