/*
 * meter_phases.c: three-phase systems: the order of the voltages, a lost one, sums over clamps.
 *
 *          V1                     V1
 *          |                      |
 *         / \                    / \
 *       V3   V2   right        V2   V3   reversed
 */
#include <math.h>

#include "core/meter/meter_internal.h"
#include "core/meter/meter_phasor.h"

/* A lost wire of a delta leaves two voltages at half; of a wye, a motor feeds back less than that.
 */
#define LOST 0.6

/* Slots of the voltages 1, 2, 3, the first of each; -1: none. */
static bool find_system(const struct hwt_meter *m, int slot_out[3])
{
    bool any = false;

    slot_out[0] = slot_out[1] = slot_out[2] = -1;
    for (int i = m->config.slots - 1; i >= 0; i--) {
        if (hwt_meter_is_voltage(m, i) && m->config.slot[i].phase > 0) {
            slot_out[m->config.slot[i].phase - 1] = i;
            any = true;
        }
    }
    return any;
}

static enum hwt_meter_sequence sequence_of(const struct hwt_meter_measured *w, const int slot[3])
{
    const struct hwt_meter_phasor *v1 = &w->slot[slot[0]].corrected;
    double second = hwt_phasor_degrees(hwt_phasor_power(w->slot[slot[1]].corrected, *v1));
    double third = hwt_phasor_degrees(hwt_phasor_power(w->slot[slot[2]].corrected, *v1));

    /* Each within 60 degrees of where it belongs. */
    if (fabs(second + 120) < 60 && fabs(third - 120) < 60) {
        return HWT_METER_SEQUENCE_RIGHT;
    }
    if (fabs(second - 120) < 60 && fabs(third + 120) < 60) {
        return HWT_METER_SEQUENCE_REVERSED;
    }
    return HWT_METER_SEQUENCE_UNKNOWN;
}

void hwt_meter_report_phases(const struct hwt_meter *m, const struct hwt_meter_measured *w,
                             struct hwt_meter_window *out)
{
    double highest = 0;
    bool complete = w->whole;
    int slot[3];

    out->sequence = HWT_METER_SEQUENCE_UNKNOWN;
    if (w->bound->partial || !find_system(m, slot)) {
        return;
    }
    for (unsigned k = 0; k < 3; k++) {
        highest = slot[k] >= 0 ? fmax(highest, out->channel[slot[k]].rms) : highest;
    }
    for (unsigned k = 0; k < 3; k++) {
        if (slot[k] < 0) {
            complete = false;
        } else if (out->channel[slot[k]].rms < LOST * highest) {
            out->channel[slot[k]].flags |= HWT_METER_PHASE_LOST;
            complete = false;
        }
    }
    if (complete && highest >= HWT_METER_ALIVE_V) {
        out->sequence = (uint8_t)sequence_of(w, slot);
    }
}

/* Adds a clamp; the squares of V and I are gathered in *v2, *i2. */
static void add_clamp(const struct hwt_meter *m, int slot, const struct hwt_meter_window *w,
                      struct hwt_meter_total *t, double *v2, double *i2)
{
    const struct hwt_meter_channel *c = &w->channel[slot];
    double volts = c->rms > 0 ? c->s_va / c->rms : w->channel[m->config.slot[slot].reference].rms;

    t->p_w += c->p_w;
    t->q1_var += c->q1_var;
    t->phase_import_mj += c->import_mj;
    t->phase_export_mj += c->export_mj;
    *v2 += volts * volts;
    *i2 += c->rms * c->rms;
    if (c->power_quality != HWT_QUALITY_GOOD && t->quality != HWT_QUALITY_MISSING) {
        t->quality = c->power_quality;
    }
}

void hwt_meter_report_totals(struct hwt_meter *m, const struct hwt_meter_measured *w,
                             struct hwt_meter_window *out)
{
    for (unsigned g = 0; g < m->config.groups; g++) {
        struct hwt_meter_total *t = &out->total[g];
        double v2 = 0, i2 = 0, no_load_w = 0;
        int64_t net_nj = 0;

        t->quality = HWT_QUALITY_GOOD;
        for (int i = 0; i < m->config.slots; i++) {
            if ((m->config.group[g].clamps >> i & 1) != 0) {
                add_clamp(m, i, out, t, &v2, &i2);
                net_nj += out->channel[i].energy_nj;
                no_load_w += m->config.slot[i].no_load_w;
            }
        }
        hwt_meter_energy_add(&m->vector[g], net_nj, 0, w->duration_us, no_load_w);
        t->vector_import_mj = m->vector[g].import_mj;
        t->vector_export_mj = m->vector[g].export_mj;
        if (t->quality == HWT_QUALITY_MISSING) {
            t->p_w = t->q1_var = 0;
            continue;
        }
        t->se_va = sqrt(v2 * i2); /* n sqrt(v2 / n) sqrt(i2 / n) */
        t->pf = t->se_va > 0 ? t->p_w / t->se_va : 0;
    }
}
