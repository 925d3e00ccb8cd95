/* From the stretches of an input to corrections of its columns. */
#include <math.h>
#include <stdio.h>

#include "core/base/fixed.h"
#include "daemon/run/calibration_past_state.h"

#define ONE_Q30 ((int64_t)1 << 30)
#define NO_GAIN 1e-9
#define NO_TURN 1e-7 /* degrees */

static void put(struct calibration_past *p, const char *channel, uint64_t first, uint64_t last,
                double gain, const char *cross, double cross_gain, int64_t offset)
{
    struct hwt_correction *c = &p->correction[p->corrections];
    bool nothing = fabs(gain - 1) < NO_GAIN && fabs(cross_gain) < NO_GAIN && offset == 0;

    if (channel[0] == '\0' || nothing || first > last) {
        return;
    }
    if (p->corrections == HWT_TSLOG_CORRECTIONS_MAX) {
        p->full = true;
        return;
    }
    p->corrections++;
    *c = (struct hwt_correction){
        .first = first,
        .last = last,
        .gain_q30 = llround(gain * (double)ONE_Q30),
        .cross_q30 = llround(cross_gain * (double)ONE_Q30),
        .offset = offset,
        .unix_ms = p->now_ms,
    };
    snprintf(c->channel, sizeof(c->channel), "%s", channel);
    snprintf(c->cross, sizeof(c->cross), "%s", c->cross_q30 != 0 ? cross : "");
    snprintf(c->id, sizeof(c->id), "%s", p->id);
}

static double energy_gain(const struct past_stretch *s, bool export)
{
    double before = s->energy[export][0], after = s->energy[export][1];

    if (fabs(s->turn_deg) < NO_TURN || fabs(before) < 1) {
        return s->gain_v * s->gain_i;
    }
    return after / before > 0.2 && after / before < 5 ? after / before : s->gain_v * s->gain_i;
}

static int64_t scaled(int64_t value, double gain)
{
    int64_t out = value;

    return hwt_mul_div(value, llround(gain * (double)ONE_Q30), ONE_Q30, &out) ? out : value;
}

/* From the last stretch back, each ending where the next begins. */
static void correct_counter(struct calibration_past *p, const struct past_input *in, unsigned k)
{
    const char *id = calibration_past_channel(p, in->counter[k]);
    double gain = 1;
    int64_t offset = 0, before;
    bool any = false;

    for (size_t i = in->stretches; i-- > 0;) {
        const struct past_stretch *s = &in->stretch[i];
        int64_t after; /* the end, as corrected */

        if (!s->known[k]) {
            continue;
        }
        if (s->end[k] == 0 && !any) {
            continue; /* never counted */
        }
        after = any ? scaled(s->end[k], gain) + offset : s->end[k];
        gain = energy_gain(s, k == PAST_EXPORT);
        offset = after - scaled(s->end[k], gain);
        any = true;
        put(p, id, s->first, s->last, gain, "", 0, offset);
    }
    if (any && in->before_known[k]) {
        before = scaled(in->before[k], gain) + offset - in->before[k];
        if (before > 0) { /* a step up would count */
            put(p, id, 1, p->first - 1, 1, "", 0, before);
        }
    }
}

static const char *channel_of(const struct calibration_past *p, unsigned source,
                              enum hwt_quantity quantity)
{
    return calibration_past_channel(p, installation_column(p->site, source, quantity));
}

static void correct_gauges(struct calibration_past *p, const struct past_input *in,
                           const struct past_stretch *s)
{
    double gain = s->gain_v * s->gain_i, turn = s->turn_deg * PAST_DEGREE;
    const char *power = calibration_past_channel(p, in->power);
    const char *reactive = calibration_past_channel(p, in->reactive);

    if (fabs(s->turn_deg) < NO_TURN) {
        turn = 0;
    }
    put(p, channel_of(p, in->source, HWT_Q_CURRENT), s->first, s->last, s->gain_i, "", 0, 0);
    put(p, power, s->first, s->last, gain * cos(turn), reactive, -gain * sin(turn), 0);
    put(p, reactive, s->first, s->last, gain * cos(turn), power, gain * sin(turn), 0);
    put(p, channel_of(p, in->source, HWT_Q_APPARENT_POWER), s->first, s->last, gain, "", 0, 0);
    if (in->elec) {
        put(p, channel_of(p, SOURCE_LEDGER, HWT_Q_ELEC_POWER), s->first, s->last, gain * cos(turn),
            reactive, -gain * sin(turn), 0);
        put(p, channel_of(p, SOURCE_LEDGER, HWT_Q_COP), s->first, s->last,
            1 / energy_gain(s, false), "", 0, 0);
    }
}

void calibration_correct(struct calibration_past *p, const struct past_input *in)
{
    for (size_t i = 0; i < in->stretches; i++) {
        const struct past_stretch *s = &in->stretch[i];

        if (in->voltage) {
            put(p, channel_of(p, in->source, HWT_Q_VOLTAGE), s->first, s->last, s->gain_v, "", 0,
                0);
        } else {
            correct_gauges(p, in, s);
        }
    }
    for (unsigned k = 0; !in->voltage && k < PAST_COUNTERS; k++) {
        correct_counter(p, in, k);
    }
}
