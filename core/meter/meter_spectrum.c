/*
 * meter_spectrum.c: harmonics of the selected slot and of its reference, and, for a clamp, what the
 * sensors' phase and the cubic delay change in its power above the fundamental.
 *
 * The sums see harmonic h of a clamp's power as Re(V H conj(I)), H = sum L_k e^(j h w k) being the
 * cubic's own answer; what it is, is Re(V' conj(I')), each turned to its instant and with its
 * sensor undone at h f. The difference is added, and so the power is right up to the 40th.
 */
#include <math.h>

#include "core/meter/meter_internal.h"
#include "core/meter/meter_nco.h"
#include "core/meter/meter_phasor.h"

/* Radians a scan. */
static double by_scan(const struct hwt_meter *m, const struct hwt_meter_measured *w)
{
    return HWT_METER_TWO_PI * w->hz * m->run.period_ps * 1e-12;
}

/* Slot's phasor of this order, of the tones' codes, at its instant, with the sensor undone. */
static struct hwt_meter_phasor corrected(const struct hwt_meter *m, int slot,
                                         const struct hwt_meter_measured *w,
                                         const struct hwt_meter_tone *t, double order)
{
    double late = by_scan(m, w) * m->run.slot[slot].time_q16 / 65536.0;
    struct hwt_meter_phasor x = {t->raw_re, t->raw_im};

    x = hwt_phasor_multiply(x, hwt_meter_undo_sensor(w->slot[slot].lead_deg, order * w->hz));
    return hwt_phasor_multiply(x, hwt_phasor_polar(w->slot[slot].ratio, -order * late));
}

static void report_tones(struct hwt_meter *m, int slot, const struct hwt_meter_measured *w,
                         struct hwt_meter_tone *tone)
{
    double scale = sqrt(2.0) / (w->scans * (double)HWT_METER_NCO_ONE);
    const struct hwt_meter_phasor *steer = &w->slot[m->steer].corrected;
    double quarter = HWT_METER_TWO_PI / 4,
           angle = atan2(steer->im, steer->re) + quarter; /* sines */

    for (unsigned k = 0; k < HWT_METER_HARMONICS; k++) {
        struct hwt_meter_tone *t = &tone[k];
        struct hwt_meter_phasor x;

        t->raw_re = scale * ((double)t->cos + (double)t->cos_edge_q16 / 65536.0);
        t->raw_im = -scale * ((double)t->sin + (double)t->sin_edge_q16 / 65536.0);
        x = hwt_phasor_multiply(corrected(m, slot, w, t, k + 1),
                                hwt_phasor_polar(1, quarter - angle * (k + 1)));
        t->re = x.re;
        t->im = x.im;
    }
}

void hwt_meter_report_harmonics(struct hwt_meter *m, const struct hwt_meter_measured *w,
                                uint64_t device_us)
{
    struct hwt_meter_harmonics *h = &m->harmonics;

    h->known = h->slot >= 0 && w->whole && m->slot[m->steer].alive;
    if (!h->known) {
        return;
    }
    h->device_us = device_us;
    report_tones(m, h->slot, w, h->tone[0]);
    if (h->reference >= 0) {
        report_tones(m, h->reference, w, h->tone[1]);
    }
}

double hwt_meter_harmonics_correction(const struct hwt_meter *m, int slot,
                                      const struct hwt_meter_measured *w)
{
    const struct hwt_meter_harmonics *h = &m->harmonics;
    const struct hwt_meter_delay *delay = &m->slot[slot].delay[0];
    double watts, more = 0;

    if (!h->known || h->slot != slot || h->reference < 0 || m->config.slot[slot].between) {
        return 0;
    }
    watts = w->slot[slot].ratio * w->slot[h->reference].ratio;
    for (unsigned k = 1; k < HWT_METER_HARMONICS; k++) { /* the fundamental is done elsewhere */
        const struct hwt_meter_tone *i = &h->tone[0][k], *v = &h->tone[1][k];
        struct hwt_meter_phasor seen = {0, 0}, is;

        for (int lag = 0; lag < 4; lag++) {
            double angle = by_scan(m, w) * (k + 1) * (lag - 1 + delay->shift);

            seen = hwt_phasor_add(seen, delay->weight[lag], hwt_phasor_polar(1, angle));
        }
        seen = hwt_phasor_multiply(seen, (struct hwt_meter_phasor){v->raw_re, v->raw_im});
        seen = hwt_phasor_power(seen, (struct hwt_meter_phasor){i->raw_re, i->raw_im});
        is = hwt_phasor_power(corrected(m, h->reference, w, v, k + 1),
                              corrected(m, slot, w, i, k + 1));
        more += is.re - watts * seen.re;
    }
    return more;
}

int hwt_meter_select(struct hwt_meter *m, int slot)
{
    struct hwt_meter_harmonics *h = &m->harmonics;
    bool referenced;

    if (slot < -1 || slot >= m->config.slots || (slot >= 0 && !hwt_meter_is_metered(m, slot))) {
        return HWT_ERR_ARGUMENT;
    }
    referenced = slot >= 0 && hwt_meter_has_reference(m, slot);
    h->wanted = (int8_t)slot;
    h->wanted_reference = (int8_t)(referenced ? m->config.slot[slot].reference : -1);
    return 0;
}

bool hwt_meter_spectrum(const struct hwt_meter *m, int slot, struct hwt_meter_spectrum *out)
{
    const struct hwt_meter_harmonics *h = &m->harmonics;
    const struct hwt_meter_tone *tone = h->tone[slot == h->reference];

    if (!h->known || slot < 0 || (slot != h->slot && slot != h->reference)) {
        return false;
    }
    out->slot = (uint8_t)slot;
    out->device_us = h->device_us;
    for (unsigned k = 0; k < HWT_METER_HARMONICS; k++) {
        struct hwt_meter_phasor x = {tone[k].re, tone[k].im};

        out->rms[k] = sqrt(hwt_phasor_square(x));
        out->angle_deg[k] = hwt_phasor_degrees(x);
    }
    return true;
}
