/*
 * meter_report.c: from the sums of one window to volts, amperes, watts and joules.
 *
 * The only place with floating point. Per window and slot, W scans:
 *
 *   mean        x0 = sum x / W                      (a partial window uses the last whole one's)
 *   mean square X^2 = sum x^2 / W - x0^2
 *   fundamental X1 = sqrt 2 / W sum (x - x0) e^-j frame     (RMS; angle at the voltage's instant)
 *   power       P = sum_k L_k R_k / W - v0 i0  +  Re(S1 - S1 raw)
 *
 * R_k are the lag sums, L_k the Lagrange weights of the delay; S1 = V1 conj(I1), with the sensors'
 * phase taken out of V1 and I1. Only the fundamental is turned; everything else of P is broadband.
 */
#include <math.h>
#include <string.h>

#include "core/base/quantity.h"
#include "core/meter/meter_internal.h"
#include "core/meter/meter_nco.h"

#define TWO_PI 6.283185307179586
#define NJ_MAX 4e18 /* of one window: 13 GW; keeps nonsense within int64 */

struct phasor {
    double re, im;
};

struct moments { /* of one slot, in codes */
    double mean, square;
    double assumed; /* the mean taken out of what follows */
    struct phasor raw, corrected;
};

struct window { /* what all slots share */
    double scans;
    double hz;  /* of the mains, for the sensors and the slots' times */
    bool whole; /* cycles of a known frequency: phasors mean something */
    const struct hwt_meter_bound *bound;
    uint32_t duration_us;
    struct moments slot[HWT_SLOTS_MAX];
};

static struct phasor multiply(struct phasor a, struct phasor b)
{
    return (struct phasor){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static struct phasor from_polar(double length, double angle)
{
    return (struct phasor){length * cos(angle), length * sin(angle)};
}

static double square_of(struct phasor a)
{
    return a.re * a.re + a.im * a.im;
}

/* a conj(b) */
static struct phasor power_of(struct phasor a, struct phasor b)
{
    return multiply(a, (struct phasor){b.re, -b.im});
}

/*
 * What undoes the sensor at hz: a first-order high pass with the lead phi50 at 50 Hz leads by
 * phi = atan(tan phi50 50 / hz) and passes cos phi; the ratio holds at 50 Hz, so cos phi50 is in
 * it.
 */
static struct phasor undo_sensor(double phase_deg, double hz)
{
    double phi50 = phase_deg * TWO_PI / 360;
    double phi = atan(tan(phi50) * HWT_METER_NOMINAL_HZ / hz);

    return from_polar(cos(phi50) / cos(phi), -phi);
}

static void measure_slot(const struct hwt_meter *m, int slot, struct window *w)
{
    const struct hwt_meter_memory *s = &m->slot[slot];
    const struct hwt_meter_sums *f = &m->frame.sums;
    struct moments *o = &w->slot[slot];
    double scale = sqrt(2.0) / (w->scans * (double)HWT_METER_NCO_ONE);
    double late; /* radians from the scan's begin to the slot's conversion */

    o->mean = hwt_meter_sums_get(&s->sums, HWT_SUM_X) / w->scans;
    o->assumed = !w->bound->partial ? o->mean : s->mean_known ? s->mean : 0;
    o->square = hwt_meter_sums_get(&s->sums, HWT_SUM_SQUARE) / w->scans -
                o->assumed * (2 * o->mean - o->assumed);
    o->square = o->square > 0 ? o->square : 0;
    if (!w->whole) {
        return;
    }
    o->raw.re =
        hwt_meter_sums_get(&s->sums, HWT_SUM_COS) - o->assumed * hwt_meter_sums_get(f, HWT_SUM_COS);
    o->raw.im =
        o->assumed * hwt_meter_sums_get(f, HWT_SUM_SIN) - hwt_meter_sums_get(&s->sums, HWT_SUM_SIN);
    late = TWO_PI * w->hz * m->run.slot[slot].time_q16 / 65536.0 * m->run.period_ps * 1e-12;
    o->raw = multiply(o->raw, from_polar(scale, -late));
    o->corrected = multiply(o->raw, undo_sensor(m->config.slot[slot].phase_deg, w->hz));
}

/* The converter's first or last code was seen. */
static bool is_clipped(const struct hwt_meter *m, int slot)
{
    int32_t top = ((int32_t)1 << (m->run.bits - 1)) - 1;

    return m->slot[slot].sums.max >= top || m->slot[slot].sums.min <= -top - 1;
}

/* Phase of the slot's fundamental at the window's centre, in turns of the running frame. */
static double turns_at_centre(const struct hwt_meter *m, struct phasor x, uint64_t centre_q17)
{
    const struct hwt_meter_frame *f = &m->frame;
    double scans = (double)(int64_t)(centre_q17 - (f->at << 17)) / 131072.0;

    return (f->phase + f->step * scans) / 4294967296.0 + atan2(x.im, x.re) / TWO_PI;
}

/*
 * From centre to centre of two windows that touch there are half of either's cycles, but for what
 * the frequency changed: the phases tell that, to within half a turn.
 */
static double frequency(struct hwt_meter *m, int slot, const struct window *w)
{
    struct hwt_meter_memory *s = &m->slot[slot];
    uint64_t centre_q17 = m->start_q16 + w->bound->at_q16;
    double turns = turns_at_centre(m, w->slot[slot].raw, centre_q17);
    double period_s = m->run.period_ps * 1e-12;
    double hz = w->hz;

    if (s->turns_known) {
        double expected = (m->cycles + w->bound->cycles) / 2.0;
        double more = turns - s->turns - expected;

        hz = (expected + more - floor(more + 0.5)) /
             ((double)(centre_q17 - m->centre_q17) / 131072.0 * period_s);
    }
    s->turns = turns;
    s->turns_known = true;
    return hz;
}

static void report_voltage(struct hwt_meter *m, int slot, const struct window *w,
                           struct hwt_meter_channel *out)
{
    struct hwt_meter_memory *s = &m->slot[slot];
    const struct moments *o = &w->slot[slot];
    double shift = square_of(o->corrected) - square_of(o->raw);
    double rms = m->config.slot[slot].ratio * sqrt(o->square);
    bool alive = rms >= HWT_METER_ALIVE_V;

    if (w->bound->partial) {
        s->turns_known = false;
        s->alive = s->alive || alive;
        return;
    }
    s->alive = alive;
    out->rms = m->config.slot[slot].ratio * sqrt(fmax(o->square + shift, 0));
    out->rms_quality = is_clipped(m, slot) ? HWT_QUALITY_SUSPECT : HWT_QUALITY_GOOD;
    if (w->whole && alive) {
        out->hz = frequency(m, slot, w);
        out->hz_quality = HWT_QUALITY_GOOD;
    } else {
        s->turns_known = false;
    }
}

/*
 * Import and export by the sign of the window's net. The part below a mJ waits for the next window,
 * so the registers are never off by more than 1 mJ from the sum of all windows.
 */
static void count_energy(struct hwt_meter_memory *s, double p_w, uint32_t duration_us)
{
    double nj = fmax(-NJ_MAX, fmin(NJ_MAX, p_w * duration_us * 1000.0)); /* W us = 1000 nJ */
    int64_t net_mj;

    s->rest_nj += (int64_t)llround(nj);
    net_mj = s->rest_nj / 1000000;
    s->rest_nj -= net_mj * 1000000;
    if (net_mj > 0) {
        s->import_mj += net_mj;
    } else {
        s->export_mj -= net_mj;
    }
}

/* Mean of v(t + delay) i(t) without the means, in codes. */
static double broadband(const struct hwt_meter *m, int slot, const struct window *w)
{
    const struct hwt_meter_memory *s = &m->slot[slot];
    const struct moments *i = &w->slot[slot], *v = &w->slot[m->config.slot[slot].reference];
    double p = 0;

    for (size_t k = 0; k < 4; k++) {
        p += s->weight[k] * hwt_meter_sums_get(&s->sums, HWT_SUM_LAG + k);
    }
    return p / w->scans - i->assumed * v->mean - v->assumed * i->mean + v->assumed * i->assumed;
}

static void report_power(struct hwt_meter *m, int slot, const struct window *w,
                         const struct hwt_meter_channel *v, struct hwt_meter_channel *out)
{
    const struct hwt_meter_slot *config = &m->config.slot[slot];
    struct hwt_meter_memory *s = &m->slot[slot];
    const struct moments *mv = &w->slot[config->reference], *mi = &w->slot[slot];
    double watts = m->config.slot[config->reference].ratio * config->ratio; /* for each code^2 */
    double p_w;

    if (!m->slot[config->reference].alive) {
        return;
    }
    watts = config->reversed ? -watts : watts;
    if (w->whole) {
        struct phasor s1 = power_of(mv->corrected, mi->corrected);

        s->correction_w = watts * (s1.re - power_of(mv->raw, mi->raw).re);
        out->q1_var = watts * s1.im;
    }
    p_w = watts * broadband(m, slot, w) + s->correction_w;
    count_energy(s, p_w, w->duration_us);
    if (!w->whole) {
        return;
    }
    out->p_w = p_w;
    out->s_va = v->rms * out->rms;
    out->power_quality = v->rms_quality == HWT_QUALITY_SUSPECT ? v->rms_quality : out->rms_quality;
    if (out->s_va > 0) {
        out->pf = fmax(-1, fmin(1, p_w / out->s_va));
        out->pf_quality = out->power_quality;
    }
}

static void report_clamp(struct hwt_meter *m, int slot, const struct window *w,
                         const struct hwt_meter_channel *v, struct hwt_meter_channel *out)
{
    const struct moments *o = &w->slot[slot];
    double shift = square_of(o->corrected) - square_of(o->raw);

    if (!w->bound->partial) {
        out->rms = m->config.slot[slot].ratio * sqrt(fmax(o->square + shift, 0));
        out->rms_quality = is_clipped(m, slot) ? HWT_QUALITY_SUSPECT : HWT_QUALITY_GOOD;
    }
    if (v != NULL) {
        out->energy_quality = HWT_QUALITY_GOOD;
        report_power(m, slot, w, v, out);
    }
    out->import_mj = m->slot[slot].import_mj;
    out->export_mj = m->slot[slot].export_mj;
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
static void remember(struct hwt_meter *m, const struct window *w,
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
    }
}

void hwt_meter_report(struct hwt_meter *m, const struct hwt_meter_bound *bound,
                      struct hwt_meter_window *out)
{
    struct window w;

    memset(&w, 0, sizeof(w));
    memset(out->channel, 0, sizeof(out->channel));
    w.scans = hwt_meter_sums_get(&m->frame.sums, HWT_SUM_X);
    w.hz = by_crossings(m, bound);
    w.whole = bound->cycles > 0;
    w.bound = bound;
    w.duration_us = out->duration_us;
    for (int i = 0; i < m->config.slots; i++) {
        out->channel[i].kind = m->config.slot[i].kind;
        if (hwt_meter_is_metered(m, i)) {
            measure_slot(m, i, &w);
        }
        if (hwt_meter_is_voltage(m, i)) {
            report_voltage(m, i, &w, &out->channel[i]);
        }
    }
    for (int i = 0; i < m->config.slots; i++) {
        const struct hwt_meter_channel *v = NULL;

        if (hwt_meter_has_reference(m, i)) {
            v = &out->channel[m->config.slot[i].reference];
        }
        if (m->config.slot[i].kind == HWT_SLOT_CURRENT) {
            report_clamp(m, i, &w, v, &out->channel[i]);
        }
    }
    remember(m, &w, out);
}

/* One row: a number of a channel, what it is and which quality it has. */
struct reading_row {
    uint8_t kind; /* enum hwt_slot_kind */
    uint8_t quantity;
    size_t number, quality; /* offsets in struct hwt_meter_channel */
};

#define ROW(kind, quantity, number, quality)                                           \
    {                                                                                  \
        HWT_SLOT_##kind, HWT_Q_##quantity, offsetof(struct hwt_meter_channel, number), \
            offsetof(struct hwt_meter_channel, quality)                                \
    }

/* clang-format off */
static const struct reading_row gauges[] = {
    ROW(VOLTAGE, VOLTAGE,        rms,    rms_quality),
    ROW(VOLTAGE, FREQUENCY,      hz,     hz_quality),
    ROW(CURRENT, CURRENT,        rms,    rms_quality),
    ROW(CURRENT, POWER,          p_w,    power_quality),
    ROW(CURRENT, APPARENT_POWER, s_va,   power_quality),
    ROW(CURRENT, REACTIVE_POWER, q1_var, power_quality),
    ROW(CURRENT, POWER_FACTOR,   pf,     pf_quality),
};

static const struct reading_row counters[] = {
    ROW(CURRENT, IMPORT, import_mj, energy_quality),
    ROW(CURRENT, EXPORT, export_mj, energy_quality),
};
/* clang-format on */

static int64_t gauge_counts(const struct hwt_meter_channel *c, const struct reading_row *row)
{
    double value;

    memcpy(&value, (const uint8_t *)c + row->number, sizeof(value));
    return (int64_t)llround(value * (double)hwt_quantity_get(row->quantity)->per_unit);
}

static int64_t counter_counts(const struct hwt_meter_channel *c, const struct reading_row *row)
{
    int64_t value; /* mJ, the counts of the table */

    memcpy(&value, (const uint8_t *)c + row->number, sizeof(value));
    return value;
}

size_t hwt_meter_readings(const struct hwt_meter_channel *channel, uint16_t source, int64_t mono_us,
                          struct hwt_reading out[HWT_METER_READINGS_MAX])
{
    size_t gauge_rows = sizeof(gauges) / sizeof(gauges[0]);
    size_t rows = gauge_rows + sizeof(counters) / sizeof(counters[0]);
    size_t n = 0;

    for (size_t i = 0; i < rows; i++) {
        const struct reading_row *row = i < gauge_rows ? &gauges[i] : &counters[i - gauge_rows];
        uint8_t quality = ((const uint8_t *)channel)[row->quality];

        if (row->kind == channel->kind && quality != HWT_QUALITY_MISSING) {
            out[n++] = (struct hwt_reading){
                .value = i < gauge_rows ? gauge_counts(channel, row) : counter_counts(channel, row),
                .mono_us = mono_us,
                .source = source,
                .quantity = row->quantity,
                .quality = quality,
            };
        }
    }
    return n;
}
