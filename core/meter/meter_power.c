/*
 * meter_power.c: a clamp and its voltage: watts, vars, joules.
 *
 *   P = sum_k L_k R_k / W - v0 i0 - slopes  +  Re(S1 - S1 raw)       S1 = V1 conj(I1)
 *
 * R_k are the lag sums, L_k the weights of the delay. Only the fundamental is turned by the
 * sensors' phase; everything else of P is broadband. A load between two voltages has the power of
 * the one less that of the other. A derived phase has S1 only, with V1 turned back by its shift.
 */
#include <math.h>

#include "core/meter/meter_internal.h"
#include "core/meter/meter_phasor.h"

struct supply {                             /* the voltage a clamp is measured against */
    struct hwt_meter_phasor raw, corrected; /* V */
    double rms;                             /* V */
    uint8_t quality;                        /* of rms */
};

/* Mean of v(t + delay) i(t) without means and slopes, in codes^2; lag: its first lag sum. */
static double broadband(const struct hwt_meter *m, int slot, const struct hwt_meter_measured *w,
                        const struct hwt_meter_moments *v, size_t lag)
{
    const struct hwt_meter_memory *s = &m->slot[slot];
    const struct hwt_meter_delay *delay = &s->delay[lag == HWT_SUM_MINUS];
    const struct hwt_meter_moments *i = &w->slot[slot];
    double p = 0;

    for (size_t k = 0; k < 4; k++) {
        p += delay->weight[k] * hwt_meter_sums_get(&s->sums, lag + k);
    }
    p = p / w->scans - i->assumed * v->mean - v->assumed * i->mean + v->assumed * i->assumed;
    return p - v->slope * i->lean - i->slope * v->lean -
           v->slope * i->slope * w->scans * w->scans / 12;
}

static struct hwt_meter_phasor scaled(double factor, struct hwt_meter_phasor x)
{
    return (struct hwt_meter_phasor){factor * x.re, factor * x.im};
}

/* Between two voltages: the fundamental is exact, the distortion the mean of theirs. */
static void subtract_supply(struct supply *s, const struct hwt_meter_moments *v,
                            const struct hwt_meter_channel *a, const struct hwt_meter_channel *b)
{
    double distortion = (a->thd + b->thd) / 2;

    s->raw = hwt_phasor_add(s->raw, -v->ratio, v->raw);
    s->corrected = hwt_phasor_add(s->corrected, -v->ratio, v->corrected);
    s->rms = sqrt(hwt_phasor_square(s->corrected) * (1 + distortion * distortion));
    s->quality = b->rms_quality == HWT_QUALITY_SUSPECT ? b->rms_quality : s->quality;
}

static struct supply supply_of(const struct hwt_meter *m, int slot,
                               const struct hwt_meter_measured *w,
                               const struct hwt_meter_window *out)
{
    const struct hwt_meter_slot *config = &m->config.slot[slot];
    const struct hwt_meter_moments *v = &w->slot[config->reference];
    const struct hwt_meter_channel *a = &out->channel[config->reference];
    struct supply s = {scaled(v->ratio, v->raw), scaled(v->ratio, v->corrected), a->rms,
                       a->rms_quality};

    if (config->between) {
        subtract_supply(&s, &w->slot[config->minus], a, &out->channel[config->minus]);
    }
    return s;
}

static bool is_supplied(const struct hwt_meter *m, int slot)
{
    const struct hwt_meter_slot *config = &m->config.slot[slot];

    return m->slot[config->reference].alive && (!config->between || m->slot[config->minus].alive);
}

/* W, broadband, before the sensors' phase; per ampere code. */
static double lag_power(const struct hwt_meter *m, int slot, const struct hwt_meter_measured *w)
{
    const struct hwt_meter_slot *config = &m->config.slot[slot];
    const struct hwt_meter_moments *v = &w->slot[config->reference];
    double p = v->ratio * broadband(m, slot, w, v, HWT_SUM_LAG);

    if (config->between) {
        v = &w->slot[config->minus];
        p -= v->ratio * broadband(m, slot, w, v, HWT_SUM_MINUS);
    }
    return p;
}

/* P of the window; S1, the fundamental's, of a whole one. */
static double active_power(struct hwt_meter *m, int slot, const struct hwt_meter_measured *w,
                           const struct supply *v, struct hwt_meter_phasor *s1_out)
{
    const struct hwt_meter_slot *config = &m->config.slot[slot];
    const struct hwt_meter_moments *i = &w->slot[slot];
    struct hwt_meter_memory *s = &m->slot[slot];
    double amps = config->reversed ? -i->ratio : i->ratio;
    double more;

    if (w->whole) {
        double shift = config->shift_deg * HWT_METER_TWO_PI / 360;
        struct hwt_meter_phasor turned =
            hwt_phasor_multiply(v->corrected, hwt_phasor_polar(1, -shift));

        *s1_out = scaled(amps, hwt_phasor_power(turned, i->corrected));
        s->correction_w = s1_out->re - amps * hwt_phasor_power(v->raw, i->raw).re;
        more = hwt_meter_harmonics_correction(m, slot, w);
        s->correction_w += config->reversed ? -more : more;
    }
    if (config->shift_deg != 0) {
        return s1_out->re;
    }
    return amps * lag_power(m, slot, w) + s->correction_w;
}

static void report_factors(struct hwt_meter_channel *out, struct hwt_meter_phasor s1)
{
    double s1_va = sqrt(hwt_phasor_square(s1));

    if (out->s_va > 0 && s1_va > 0) {
        out->pf = fmax(-1, fmin(1, out->p_w / out->s_va));
        out->pf1 = s1.re / s1_va;
        out->pf_quality = out->power_quality;
    }
}

void hwt_meter_report_power(struct hwt_meter *m, int slot, const struct hwt_meter_measured *w,
                            struct hwt_meter_window *out)
{
    const struct hwt_meter_slot *config = &m->config.slot[slot];
    struct hwt_meter_energy *energy = &m->slot[slot].energy;
    struct hwt_meter_channel *c = &out->channel[slot];
    struct hwt_meter_phasor s1 = {0, 0};
    struct supply v = supply_of(m, slot, w, out);
    double p_w;

    c->flags |= config->shift_deg != 0 ? HWT_METER_DERIVED : 0;
    if (!is_supplied(m, slot)) {
        c->flags |= HWT_METER_NO_VOLTAGE;
        return;
    }
    p_w = active_power(m, slot, w, &v, &s1);
    c->energy_nj = hwt_meter_energy_nj(p_w, w->duration_us);
    hwt_meter_energy_add(energy, c->energy_nj, hwt_meter_energy_nj(s1.im, w->duration_us),
                         w->duration_us, config->no_load_w);
    c->flags |= config->no_load_w > 0 && !energy->counting ? HWT_METER_IDLE : 0;
    if (!w->whole) {
        return;
    }
    c->p_w = p_w;
    c->q1_var = s1.im;
    c->s_va = v.rms * c->rms;
    c->power_quality = c->rms_quality;
    if (v.quality == HWT_QUALITY_SUSPECT || config->shift_deg != 0) {
        c->power_quality = HWT_QUALITY_SUSPECT;
    }
    report_factors(c, s1);
}
