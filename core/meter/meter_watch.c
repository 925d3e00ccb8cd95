/*
 * meter_watch.c: clamps that are turned round or not closed, by what they show over seconds.
 *
 * A clamp with an air gap is a high pass with a far higher corner: it leads by 10 to 30 degrees and
 * loses 5 to 15 % of the fundamental, but hardly turns the harmonics and loses less of them. So
 * with a resistive load its current leads, yet is shaped like the voltage. A capacitor, which leads
 * as well, has h times as much of the harmonic h; a converter has a shape of its own.
 */
#include <math.h>

#include "core/meter/meter_internal.h"

#define BACKWARD_PF (-0.2) /* the fundamental's: not noise, not a capacitor */
#define LEAD_MIN    6.0    /* degrees beyond what calibration leaves */
#define LEAD_MAX    60.0
#define SHAPE_MIN   0.8 /* distortion of the current, over the voltage's */
#define SHAPE_MAX   1.3
#define THD_MIN     0.005 /* of the voltage: below it has no shape to compare */
#define CODES_MIN   40.0  /* of the current: 2 % of noise do not hide its shape */

enum { BACKWARD_WINDOWS = 25, GAPING_WINDOWS = 50 }; /* 5 and 10 s */

/* Counts windows in a row. */
static bool lasts(uint16_t *count, bool now, uint16_t windows)
{
    *count = !now ? 0 : *count < windows ? (uint16_t)(*count + 1) : windows;
    return *count == windows;
}

static bool leads_like_a_gap(const struct hwt_meter_channel *i, const struct hwt_meter_channel *v,
                             double codes)
{
    double cosine = fmin(1, fabs(i->pf1)), lead;

    if (i->thd_quality != HWT_QUALITY_GOOD || v->thd_quality != HWT_QUALITY_GOOD ||
        codes < CODES_MIN || v->thd < THD_MIN || i->q1_var * i->p_w >= 0 ||
        i->thd < SHAPE_MIN * v->thd || i->thd > SHAPE_MAX * v->thd) {
        return false;
    }
    lead = atan2(sqrt(1 - cosine * cosine), cosine) * 360 / HWT_METER_TWO_PI;
    return lead >= LEAD_MIN && lead <= LEAD_MAX;
}

void hwt_meter_watch_clamp(struct hwt_meter *m, int slot, const struct hwt_meter_measured *w,
                           struct hwt_meter_window *out)
{
    const struct hwt_meter_slot *config = &m->config.slot[slot];
    struct hwt_meter_memory *s = &m->slot[slot];
    struct hwt_meter_channel *c = &out->channel[slot];
    double codes = w->slot[slot].ratio > 0 ? c->fundamental / w->slot[slot].ratio : 0;
    bool powered = c->power_quality != HWT_QUALITY_MISSING && c->thd_quality != HWT_QUALITY_MISSING;

    if (!w->whole || !hwt_meter_has_reference(m, slot)) {
        return; /* neither for nor against */
    }
    if (lasts(&s->backward, powered && config->consumer && c->pf1 < BACKWARD_PF,
              BACKWARD_WINDOWS)) {
        c->flags |= HWT_METER_REVERSED;
    }
    if (lasts(&s->gaping,
              powered && config->shift_deg == 0 &&
                  leads_like_a_gap(c, &out->channel[config->reference], codes),
              GAPING_WINDOWS)) {
        c->flags |= HWT_METER_GAPING;
    }
}
