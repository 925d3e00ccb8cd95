/*
 * meter_report.c: from the sums of one window to volts, amperes and hertz.
 *
 * Floating point is here and in meter_power.c, meter_phases.c, meter_watch.c only. Per window and
 * slot, W scans, t in scans from the window's centre:
 *
 *   mean         x0 = sum x / W                    (a partial window uses the last whole one's)
 *   slope        s  = (mean of the second half - mean of the first half) / (W / 2)
 *   fundamental  X1 = sqrt 2 / W sum (x - x0 - s t) e^-j frame
 *                                                  (RMS; angle at the scan's begin)
 *   mean square  X^2 = mean (x - x0 - s t)^2 - noise
 *
 * The sensor is undone on X1, at the frequency found; docs/METERING.md derives all of it.
 */
#include <math.h>
#include <string.h>

#include "core/meter/meter_internal.h"
#include "core/meter/meter_nco.h"
#include "core/meter/meter_phasor.h"

/* Of half the converter's range, each second: faster is a load, not an offset. */
#define SLOPE_MAX 0.05

#define QUIET_CODES 0.4 /* metering.md: the converter's steps show below */
#define NOISY_CODES 0.7 /* at 12 bits */

/*
 * What undoes the sensor at hz: a first-order high pass with the lead phi50 at 50 Hz leads by
 * phi = atan(tan phi50 50 / hz) and passes cos phi; the ratio holds at 50 Hz, so cos phi50 is in
 * it: cos phi50 / cos phi e^-j phi = cos phi50 - j sin phi50 50 / hz.
 */
struct hwt_meter_phasor hwt_meter_undo_sensor(double phase_deg, double hz)
{
    double phi50 = fmax(-60, fmin(60, phase_deg)) * HWT_METER_TWO_PI / 360; /* slot and curve */

    return (struct hwt_meter_phasor){cos(phi50), -sin(phi50) * HWT_METER_NOMINAL_HZ / hz};
}

double hwt_meter_sensor(const struct hwt_meter_slot *config, double codes, double *ratio_out)
{
    bool clamp = config->kind == HWT_SLOT_CURRENT;
    struct hwt_meter_curve_point p;
    double level = config->ratio * codes;

    *ratio_out = config->ratio;
    if (config->curve == NULL) {
        return config->phase_deg;
    }
    p = hwt_meter_curve_at(config->curve, level, clamp);
    for (unsigned k = 0; k < 4; k++) { /* its level is the true one, which its factor decides */
        p = hwt_meter_curve_at(config->curve, level * p.factor, clamp);
    }
    *ratio_out = config->ratio * p.factor;
    return config->phase_deg + p.phase_deg;
}

/* The frame's angle at the window's centre, radians. */
static double angle_at_centre(const struct hwt_meter *m, const struct hwt_meter_measured *w)
{
    const struct hwt_meter_frame *f = &m->frame;
    uint64_t centre_q17 = m->start_q16 + w->bound->at_q16;
    double scans = (double)(int64_t)(centre_q17 - (f->at << 17)) / 131072.0;

    return (f->phase + f->step * scans) / 4294967296.0 * HWT_METER_TWO_PI;
}

/* Codes a scan, by the means of the window's halves, each of whole cycles. */
static double slope_of(const struct hwt_meter *m, int slot, const struct hwt_meter_measured *w)
{
    const struct hwt_meter_memory *s = &m->slot[slot];
    unsigned k = w->bound->cycles == 12;
    double first = (double)(m->half_at_q16[k] - m->start_q16) / 65536.0;
    double sum = (double)s->half_q16[k] / 65536.0;
    double rest = hwt_meter_sums_get(&s->sums, HWT_SUM_X) - sum;
    double most = SLOPE_MAX * (double)((int32_t)1 << (m->run.bits - 1)) * m->run.period_ps * 1e-12;
    double slope;

    if (!w->whole || m->half_at_q16[k] == 0 || m->config.slot[slot].dc) {
        return 0;
    }
    slope = (rest / (w->scans - first) - sum / first) / (w->scans / 2);
    return fabs(slope) <= most ? slope : 0;
}

/*
 * The fundamental. Over whole cycles, an even number of them, the mean of t e^-jwt is j / w: so
 * much of the slope is in the sums; and the mean of t x(t), called `lean`, is sqrt 2 / w Im(X1 e^j
 * frame).
 */
static void measure_fundamental(const struct hwt_meter *m, int slot,
                                const struct hwt_meter_measured *w, struct hwt_meter_moments *o)
{
    const struct hwt_meter_sums *s = &m->slot[slot].sums, *f = &m->frame.sums;
    double scale = sqrt(2.0) / (w->scans * (double)HWT_METER_NCO_ONE);
    double period_s = m->run.period_ps * 1e-12;
    double by_scan = HWT_METER_TWO_PI * w->hz * period_s; /* radians */
    double late = by_scan * m->run.slot[slot].time_q16 / 65536.0;
    double tilt = sqrt(2.0) * o->slope / by_scan;

    o->raw.re = scale * (hwt_meter_sums_get(s, HWT_SUM_COS) -
                         o->assumed * hwt_meter_sums_get(f, HWT_SUM_COS));
    o->raw.im = scale * (o->assumed * hwt_meter_sums_get(f, HWT_SUM_SIN) -
                         hwt_meter_sums_get(s, HWT_SUM_SIN));
    o->raw = hwt_phasor_add(o->raw, -tilt, (struct hwt_meter_phasor){w->centre.im, w->centre.re});
    o->lean = sqrt(2.0) / by_scan * hwt_phasor_multiply(o->raw, w->centre).im;
    o->raw = hwt_phasor_multiply(o->raw, hwt_phasor_polar(1, -late));
    o->lead_deg =
        hwt_meter_sensor(&m->config.slot[slot], sqrt(hwt_phasor_square(o->raw)), &o->ratio);
    o->corrected = hwt_phasor_multiply(o->raw, hwt_meter_undo_sensor(o->lead_deg, w->hz));
}

/* The crosstalk of the reference, as current of the fundamental that does not flow. */
static void subtract_leak(const struct hwt_meter *m, int slot, struct hwt_meter_measured *w)
{
    const struct hwt_meter_slot *config = &m->config.slot[slot];
    const struct hwt_meter_moments *v = &w->slot[config->reference];
    struct hwt_meter_moments *o = &w->slot[slot];
    struct hwt_meter_phasor leak = {config->leak_s, config->leak_b_s};
    double codes = (config->reversed ? -v->ratio : v->ratio) / o->ratio;

    o->corrected = hwt_phasor_add(o->corrected, -codes, hwt_phasor_multiply(leak, v->corrected));
}

static void measure_slot(const struct hwt_meter *m, int slot, struct hwt_meter_measured *w)
{
    const struct hwt_meter_memory *s = &m->slot[slot];
    struct hwt_meter_moments *o = &w->slot[slot];

    o->mean = hwt_meter_sums_get(&s->sums, HWT_SUM_X) / w->scans;
    o->assumed = !w->bound->partial ? o->mean : s->mean_known ? s->mean : 0;
    o->assumed = m->config.slot[slot].dc ? 0 : o->assumed;
    o->ratio = s->ratio;
    o->slope = slope_of(m, slot, w);
    if (w->whole) {
        measure_fundamental(m, slot, w, o);
    }
    o->square = hwt_meter_sums_get(&s->sums, HWT_SUM_SQUARE) / w->scans -
                o->assumed * (2 * o->mean - o->assumed) -
                o->slope * (2 * o->lean + o->slope * w->scans * w->scans / 12);
    o->square = fmax(o->square, 0);
    o->noise = fmin(hwt_meter_noise_square(&s->noise), o->square);
}

/* The converter's first or last code was seen. */
static bool is_clipped(const struct hwt_meter *m, int slot)
{
    return (m->slot[slot].sums.reach >> (m->run.bits - 1)) != 0;
}

/*
 * From centre to centre of two windows that touch there are half of either's cycles, but for what
 * the frequency changed: the phases tell that, to within half a turn.
 */
static double frequency(struct hwt_meter *m, int slot, const struct hwt_meter_measured *w)
{
    struct hwt_meter_memory *s = &m->slot[slot];
    uint64_t centre_q17 = m->start_q16 + w->bound->at_q16;
    const struct hwt_meter_phasor *x = &w->slot[slot].raw;
    double turns = (angle_at_centre(m, w) + atan2(x->im, x->re)) / HWT_METER_TWO_PI;
    double hz = w->hz;

    if (s->turns_known) {
        double expected = (m->cycles + w->bound->cycles) / 2.0;
        double more = turns - s->turns - expected;

        hz = (expected + more - floor(more + 0.5)) /
             ((double)(centre_q17 - m->centre_q17) / 131072.0 * m->run.period_ps * 1e-12);
    }
    s->turns = turns;
    s->turns_known = true;
    return hz;
}

/* RMS, fundamental and distortion of a whole window. */
static void report_shape(const struct hwt_meter *m, int slot, const struct hwt_meter_measured *w,
                         struct hwt_meter_channel *out)
{
    const struct hwt_meter_moments *o = &w->slot[slot];
    double raw = hwt_phasor_square(o->raw), corrected = hwt_phasor_square(o->corrected);
    double square = o->square - o->noise;
    double least = hwt_meter_is_voltage(m, slot) ? 1 / o->ratio : 4 * fmax(sqrt(o->noise), 1);

    out->rms = o->ratio * sqrt(fmax(square + corrected - raw, 0));
    out->mean = o->mean;
    out->rms_quality =
        (out->flags & HWT_METER_CLIPPED) != 0 ? HWT_QUALITY_SUSPECT : HWT_QUALITY_GOOD;
    if (!w->whole) {
        return;
    }
    out->fundamental = o->ratio * sqrt(corrected);
    if (m->slot[m->steer].alive) {
        out->angle_deg =
            hwt_phasor_degrees(hwt_phasor_power(o->corrected, w->slot[m->steer].corrected));
        out->angle_quality = out->rms_quality;
    }
    if (raw >= least * least) {
        out->thd = sqrt(fmax(square - raw, 0) / raw);
        out->thd_quality = out->rms_quality;
    }
}

static void report_voltage(struct hwt_meter *m, int slot, const struct hwt_meter_measured *w,
                           struct hwt_meter_channel *out)
{
    struct hwt_meter_memory *s = &m->slot[slot];
    const struct hwt_meter_moments *o = &w->slot[slot];
    bool alive = o->ratio * sqrt(o->square) >= HWT_METER_ALIVE_V;

    if (w->bound->partial) {
        s->turns_known = false;
        s->alive = s->alive || alive;
        return;
    }
    s->alive = alive;
    if (!alive) {
        out->flags |= HWT_METER_NO_VOLTAGE;
    }
    if (w->whole && alive) {
        out->hz = frequency(m, slot, w);
        out->hz_quality = HWT_QUALITY_GOOD;
    } else {
        s->turns_known = false;
    }
}

/* Noise outside 0.4 .. 0.7 codes by more than three deviations of the estimate. */
static void report_noise(const struct hwt_meter *m, int slot, struct hwt_meter_channel *out)
{
    const struct hwt_meter_noise *s = &m->slot[slot].noise;
    double most = NOISY_CODES * (double)(1 << (m->run.bits > 12 ? m->run.bits - 12 : 0));
    double doubt = s->windows > 0 ? 0.3 / sqrt((double)s->windows) : 0;

    out->noise = hwt_meter_noise_codes(s);
    if (out->noise >= 0 && out->noise * (1 + doubt) < QUIET_CODES) {
        out->flags |= HWT_METER_QUIET;
    }
    if (out->noise * (1 - doubt) > most) {
        out->flags |= HWT_METER_NOISY;
    }
}

static void report_clamp(struct hwt_meter *m, int slot, const struct hwt_meter_measured *w,
                         struct hwt_meter_window *window)
{
    const struct hwt_meter_moments *o = &w->slot[slot];
    struct hwt_meter_memory *s = &m->slot[slot];
    struct hwt_meter_channel *out = &window->channel[slot];
    bool clipped = (out->flags & HWT_METER_CLIPPED) != 0;

    hwt_meter_noise_learn(&s->noise, o->square - hwt_phasor_square(o->raw),
                          w->whole && !clipped && m->config.slot[slot].noise >= 0);
    report_noise(m, slot, out);
    if (hwt_meter_has_reference(m, slot)) {
        out->energy_quality = HWT_QUALITY_GOOD;
        hwt_meter_report_power(m, slot, w, window);
    }
    hwt_meter_watch_clamp(m, slot, w, window);
    out->import_mj = s->energy.import_mj;
    out->export_mj = s->energy.export_mj;
    memcpy(out->reactive_mj, s->energy.reactive_mj, sizeof(out->reactive_mj));
    out->idle_mj = s->energy.idle_mj;
}

/* The mains frequency by the crossings in the window, for want of the phases of two windows. */
static double by_crossings(struct hwt_meter *m, const struct hwt_meter_bound *bound)
{
    const struct hwt_meter_memory *s = &m->slot[m->steer < 0 ? 0 : m->steer];
    double hz = m->frame.hz;

    if (m->steer >= 0 && bound->cycles > 0) {
        hz = bound->cycles * 65536.0 / (double)(bound->at_q16 - m->start_q16);
        hz /= m->run.period_ps * 1e-12;
    } else if (m->steer >= 0 && s->crossings >= 2) {
        hz = (s->crossings - 1) * 65536.0 / (double)(s->cross.last_q16 - s->first_q16);
        hz /= m->run.period_ps * 1e-12;
        m->hz_known = true;
    }
    return hz;
}

/* What the next windows need to know of this one. */
static void remember(struct hwt_meter *m, const struct hwt_meter_measured *w,
                     const struct hwt_meter_window *out)
{
    m->frame.hz = w->hz;
    if (w->whole && out->channel[m->steer].hz_quality == HWT_QUALITY_GOOD) {
        m->frame.hz = out->channel[m->steer].hz;
    }
    m->centre_q17 = m->start_q16 + w->bound->at_q16;
    m->cycles = w->bound->cycles;
    for (int i = 0; i < m->config.slots && !w->bound->partial; i++) {
        m->slot[i].mean = w->slot[i].mean;
        m->slot[i].mean_known = true;
        m->slot[i].ratio = w->slot[i].ratio;
    }
}

/* What needs the slot's own sums only, and the steering voltage's phase. */
static void report_slots(struct hwt_meter *m, const struct hwt_meter_measured *w,
                         struct hwt_meter_window *out)
{
    for (int i = 0; i < m->config.slots; i++) {
        struct hwt_meter_channel *c = &out->channel[i];

        c->kind = m->config.slot[i].kind;
        if (hwt_meter_is_metered(m, i) && is_clipped(m, i)) {
            c->flags |= HWT_METER_CLIPPED;
        }
        if (hwt_meter_is_voltage(m, i)) {
            report_voltage(m, i, w, c);
        }
    }
    for (int i = 0; i < m->config.slots; i++) {
        if (hwt_meter_is_metered(m, i) && !w->bound->partial) {
            report_shape(m, i, w, &out->channel[i]);
        }
    }
}

void hwt_meter_report(struct hwt_meter *m, const struct hwt_meter_bound *bound,
                      struct hwt_meter_window *out)
{
    struct hwt_meter_measured w;

    memset(&w, 0, sizeof(w));
    memset(out->channel, 0, sizeof(out->channel));
    memset(out->total, 0, sizeof(out->total));
    w.scans = hwt_meter_sums_get(&m->frame.sums, HWT_SUM_X);
    w.hz = by_crossings(m, bound);
    w.whole = bound->cycles > 0;
    w.bound = bound;
    w.centre = hwt_phasor_polar(1, angle_at_centre(m, &w));
    w.duration_us = out->duration_us;
    for (int i = 0; i < m->config.slots; i++) {
        if (hwt_meter_is_metered(m, i)) {
            measure_slot(m, i, &w);
        }
    }
    for (int i = 0; i < m->config.slots; i++) {
        if (w.whole && hwt_meter_has_reference(m, i)) {
            subtract_leak(m, i, &w);
        }
    }
    report_slots(m, &w, out);
    hwt_meter_report_phases(m, &w, out);
    hwt_meter_report_harmonics(m, &w, out->device_us);
    for (int i = 0; i < m->config.slots; i++) {
        if (hwt_meter_is_clamp(m, i)) {
            report_clamp(m, i, &w, out);
        }
    }
    hwt_meter_report_totals(m, &w, out);
    remember(m, &w, out);
}
