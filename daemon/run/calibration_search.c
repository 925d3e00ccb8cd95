#include "daemon/run/calibration_search.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/quantity.h"

enum { WINDOWS_MIN = 5 };

static bool refuse(struct calibration_search *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct calibration_search *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(s->refusal, sizeof(s->refusal), format, args);
    va_end(args);
    return false;
}

/* --- entries --- */

/* An entry for an input, as of now, without values. */
static struct calibration_entry *new_entry(struct calibration_search *s, unsigned input)
{
    struct calibration_entry *e = &s->entry[s->entries++];

    memset(e, 0, sizeof(*e));
    e->method = s->ask.method;
    strcpy(e->input, s->site->source[input].id);
    e->unix_ms = clock_unix_ms(s->clock);
    e->to_ms = e->unix_ms;
    e->from_ms = e->unix_ms - (int64_t)s->ask.average_s * 1000;
    e->nominal = calibration_nominal(s->calibration, input);
    return e;
}

/* A factor found beyond what counts now; of_power: of P, not of the input's own quantity. */
static void set_gain(const struct calibration_search *s, struct calibration_entry *e,
                     unsigned input, struct hwt_found found, double stated_pct, bool of_power)
{
    const struct calibration *c = s->calibration;
    int voltage = calibration_voltage(c, input);
    double relative = found.half / found.value, stated = stated_pct / 100;

    e->has_gain = true;
    e->gain.value = calibration_now(c, input).gain * found.value;
    e->gain.half = sqrt(relative * relative + stated * stated);
    e->voltage_gain = of_power && voltage >= 0 ? calibration_now(c, (unsigned)voltage).gain : 0;
}

/* --- of the last seconds --- */

static bool find_reading(struct calibration_search *s)
{
    const struct calibration_ask *a = &s->ask;
    struct hwt_spread near = calibration_near_spread(s->near, a->input, a->quantity, a->average_s);
    const struct hwt_quantity_info *info = hwt_quantity_get(a->quantity);
    struct calibration_entry *e;
    struct hwt_found found;

    if (a->quantity == HWT_Q_POWER && hwt_spread_mean(&near) < 0) { /* exported */
        near.first = -near.first;
        near.sum = -near.sum;
    }
    if (near.count < WINDOWS_MIN) {
        return refuse(s,
                      "there are only %u windows of '%s' since it was last calibrated, or "
                      "at all: wait some seconds",
                      near.count, s->site->source[a->input].id);
    }
    if (hwt_calibrate_reading(&near, a->value, a->stated, &found) != 0) {
        return refuse(s,
                      "%u windows of '%s' in the last %u s show %.6g %s: no gain between "
                      "0.5 and 2 leads from there to %.6g",
                      near.count, s->site->source[a->input].id, a->average_s,
                      hwt_spread_mean(&near), info->unit, a->value);
    }
    e = new_entry(s, a->input);
    snprintf(e->note, sizeof(e->note), "an instrument showed %.6g %s, good to %.3g %%; here %.6g",
             a->value, info->unit, a->stated, hwt_spread_mean(&near));
    set_gain(s, e, a->input, found, 0, a->quantity == HWT_Q_POWER);
    return true;
}

static bool find_resistive(struct calibration_search *s)
{
    static const char *const refusals[] = {
        [HWT_RESISTIVE_FEW] = "there are too few windows: is the sampler running?",
        [HWT_RESISTIVE_SMALL] = "the load is below 100 W: take a kettle or a heater",
        [HWT_RESISTIVE_UNSTEADY] = "the power moves by more than 2 %: something else is switching",
        [HWT_RESISTIVE_DISTORTED] = "the current is distorted: the load is not a plain resistor",
        [HWT_RESISTIVE_FAR] = "current and voltage are more than 10 degrees apart: the load is not "
                              "resistive, or the clamp is not closed",
    };
    const struct calibration_ask *a = &s->ask;
    struct hwt_resistive r = calibration_near_resistive(s->near, a->input, a->average_s);
    enum hwt_resistive_refusal refusal;
    struct calibration_entry *e;
    struct hwt_found found;

    refusal = hwt_calibrate_resistive(&r, a->stated, &found);
    if (refusal != HWT_RESISTIVE_GOOD) {
        return refuse(s, "'%s' in the last %u s, %.6g W: %s", s->site->source[a->input].id,
                      a->average_s, hwt_spread_mean(&r.p), refusals[refusal]);
    }
    e = new_entry(s, a->input);
    snprintf(e->note, sizeof(e->note), "a load of %.5g W, resistive to %.3g degrees",
             hwt_spread_mean(&r.p), a->stated);
    e->has_phase = true;
    e->phase_deg.value = calibration_now(s->calibration, a->input).phase_deg + found.value;
    e->phase_deg.half = found.half;
    return true;
}

bool calibration_search_near(struct calibration_search *s)
{
    return s->ask.method == CALIBRATION_READING ? find_reading(s) : find_resistive(s);
}

/* --- of the log --- */

/* Records before the newest step of an input rest on another sensor. */
static void not_before(struct calibration_search *s, int source)
{
    const struct calibration_step *steps;
    size_t n = source < 0 ? 0 : calibration_steps(s->calibration, (unsigned)source, &steps);

    if (n > 0 && steps[n - 1].first > s->series.first) {
        s->series.first = steps[n - 1].first;
    }
}

static void add_energy(struct calibration_search *s, unsigned source, bool negative)
{
    struct calibration_energy *e = &s->series.what[s->series.count++];
    const char *id = s->site->source[source].id;

    *e = (struct calibration_energy){.negative = negative};
    snprintf(e->plus, sizeof(e->plus), "%.24s_import", id); /* ids of clamps are short enough */
    snprintf(e->minus, sizeof(e->minus), "%.24s_export", id);
    if (s->ask.method == CALIBRATION_METER) {
        snprintf(e->reactive, sizeof(e->reactive), "%.17s_reactive_power", id);
    }
    not_before(s, (int)source);
    not_before(s, calibration_voltage(s->calibration, source));
}

void calibration_search_prepare(struct calibration_search *s,
                                const struct hwt_tslog_snapshot *snapshot)
{
    s->series = (struct calibration_series){.snapshot = snapshot,
                                            .against = s->ask.against,
                                            .from_ms = s->ask.from_ms,
                                            .to_ms = clock_unix_ms(s->clock),
                                            .first = 1};
    if (s->ask.method == CALIBRATION_METER) {
        add_energy(s, s->ask.input, false);
        return;
    }
    not_before(s, (int)s->ask.input);
    for (unsigned i = 0; i < s->ask.circuits; i++) {
        add_energy(s, s->ask.circuit[i], s->ask.negative[i]);
    }
}

void calibration_search_in_log(struct calibration_search *s)
{
    if (s->ask.method == CALIBRATION_METER) {
        calibration_against_meter(&s->series, &s->result);
    } else {
        calibration_against_main(&s->series, &s->result);
    }
}

static void take_meter(struct calibration_search *s)
{
    const struct calibration_result *r = &s->result;
    struct calibration_entry *e = new_entry(s, s->ask.input);

    e->from_ms = r->from_ms;
    e->to_ms = r->to_ms;
    snprintf(e->note, sizeof(e->note), "%s, good to %.3g %%: %u blocks, %.1f h, %.0f Wh",
             s->ask.meter, s->ask.stated, r->blocks, r->hours, r->wh);
    set_gain(s, e, s->ask.input, r->gain[0], s->ask.stated, true);
    if (r->has_phase) {
        e->has_phase = true;
        e->phase_deg.value =
            calibration_now(s->calibration, s->ask.input).phase_deg + r->phase_deg.value;
        e->phase_deg.half = r->phase_deg.half;
    }
}

static void take_sum(struct calibration_search *s)
{
    const struct calibration_result *r = &s->result;

    for (unsigned i = 0; i < s->ask.circuits; i++) {
        struct calibration_entry *e;

        if (!r->known[i]) {
            continue;
        }
        e = new_entry(s, s->ask.circuit[i]);
        e->from_ms = r->from_ms;
        e->to_ms = r->to_ms;
        snprintf(e->note, sizeof(e->note),
                 "its part of %s, good to %.3g %%: %u blocks, %.1f h, %.0f Wh",
                 s->site->source[s->ask.input].id, s->ask.stated, r->blocks, r->hours, r->wh);
        set_gain(s, e, s->ask.circuit[i], r->gain[i], s->ask.stated, true);
    }
}

bool calibration_search_take(struct calibration_search *s)
{
    if (s->result.refusal[0] != '\0') {
        return refuse(s, "%s", s->result.refusal);
    }
    s->has_result = true;
    if (s->ask.method == CALIBRATION_METER) {
        take_meter(s);
    } else {
        take_sum(s);
    }
    return true;
}
