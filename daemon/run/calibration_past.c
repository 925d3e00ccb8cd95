#include "daemon/run/calibration_past.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fixed.h"

#define ONE_Q30 ((int64_t)1 << 30)
#define DEGREE  (3.14159265358979323846 / 180)
#define NO_GAIN 1e-9
#define NO_TURN 1e-7 /* degrees */

enum { STRETCHES_MAX = 2 * CALIBRATION_STEPS_MAX, COUNTERS = 4 };

/* Counters of a clamp; the last two are the ledger's. */
enum { COUNT_IMPORT, COUNT_EXPORT, COUNT_ELEC, COUNT_PAIRED };

/* Records that rest on one sensor, and how they come to rest on that of now. */
struct stretch {
    uint64_t first, last;
    double gain_v, gain_i; /* of V; of I */
    double turn_deg;       /* further lead */
    double energy[2][2];   /* import, export; as recorded, as corrected: sums of P */
    int64_t end[COUNTERS]; /* counters of its last record that has them */
    bool known[COUNTERS];
};

struct input {
    unsigned source;
    bool voltage, elec;
    double ratio, phase_deg; /* now */
    struct calibration_step step[CALIBRATION_STEPS_MAX];
    size_t steps;
    int against; /* clamps: its voltage's index in input[], or -1: that stays as it is */
    int counter[COUNTERS], power, reactive; /* clamps: columns of now, or COLUMN_NONE */
    struct stretch stretch[STRETCHES_MAX];
    size_t stretches;
    int64_t before[COUNTERS]; /* of the record before the first */
    bool before_known[COUNTERS];
};

struct calibration_past {
    const struct installation *site;
    int64_t since_ms, now_ms;
    char id[HWT_ID_MAX + 1];
    uint64_t first, last; /* 0: no records */
    struct input *input[CALIBRATION_PAST_INPUTS];
    size_t inputs;
    bool failed; /* out of memory */
    struct hwt_correction correction[HWT_TSLOG_CORRECTIONS_MAX];
    size_t corrections;
    bool full;
};

/* --- what is to be corrected --- */

static int find_input(const struct calibration_past *p, unsigned source)
{
    for (size_t i = 0; i < p->inputs; i++) {
        if (p->input[i]->source == source) {
            return (int)i;
        }
    }
    return -1;
}

static void find_columns(const struct installation *site, struct input *in)
{
    static const uint8_t quantity[COUNTERS] = {HWT_Q_IMPORT, HWT_Q_EXPORT, HWT_Q_ELEC_ENERGY,
                                               HWT_Q_PAIRED_ELEC};

    for (unsigned k = 0; k < COUNTERS; k++) {
        bool ledger = k >= COUNT_ELEC;

        in->counter[k] = ledger && !in->elec
                             ? COLUMN_NONE
                             : installation_column(site, ledger ? SOURCE_LEDGER : in->source,
                                                   (enum hwt_quantity)quantity[k]);
    }
    in->power = installation_column(site, in->source, HWT_Q_POWER);
    in->reactive = installation_column(site, in->source, HWT_Q_REACTIVE_POWER);
}

static void add_input(struct calibration_past *p, const struct calibration *c, unsigned source)
{
    struct input *in;
    const struct calibration_step *step;
    int voltage;

    if (find_input(p, source) >= 0) {
        return;
    }
    in = calloc(1, sizeof(*in));
    if (in == NULL || p->inputs == CALIBRATION_PAST_INPUTS) {
        p->failed = true;
        free(in);
        return;
    }
    voltage = calibration_voltage(c, source);
    in->source = source;
    in->voltage = p->site->source[source].kind == SOURCE_IS_VOLTAGE;
    in->elec = p->site->role[ROLE_ELEC].source == (int)source;
    find_columns(p->site, in);
    calibration_sensor(c, source, &in->ratio, &in->phase_deg);
    in->steps = calibration_steps(c, source, &step);
    memcpy(in->step, step, in->steps * sizeof(*step));
    in->against = voltage < 0 ? -1 : find_input(p, (unsigned)voltage);
    p->input[p->inputs++] = in;
}

void calibration_past_add(struct calibration_past *p, const struct calibration *c, unsigned input)
{
    add_input(p, c, input);
    for (unsigned i = 0; i < p->site->source_count; i++) {
        if (p->site->source[input].kind == SOURCE_IS_VOLTAGE &&
            calibration_voltage(c, i) == (int)input) {
            add_input(p, c, i);
        }
    }
}

struct calibration_past *calibration_past_new(const struct calibration *c,
                                              const struct installation *site, unsigned input,
                                              int64_t since_ms, int64_t now_ms, const char *id)
{
    struct calibration_past *p = calloc(1, sizeof(*p));

    if (p == NULL) {
        return NULL;
    }
    p->site = site;
    p->since_ms = since_ms;
    p->now_ms = now_ms;
    snprintf(p->id, sizeof(p->id), "%s", id);
    calibration_past_add(p, c, input);
    return p;
}

void calibration_past_free(struct calibration_past *p)
{
    for (size_t i = 0; p != NULL && i < p->inputs; i++) {
        free(p->input[i]);
    }
    free(p);
}

/* --- stretches --- */

static const struct calibration_step *step_at(const struct input *in, uint64_t sequence)
{
    const struct calibration_step *found = &in->step[0];

    for (size_t i = 1; i < in->steps && in->step[i].first <= sequence; i++) {
        found = &in->step[i];
    }
    return found;
}

/* Where the records from `at` on stop resting on the same. */
static uint64_t end_of_step(const struct input *in, uint64_t at, uint64_t last)
{
    for (size_t i = 0; i < in->steps; i++) {
        if (in->step[i].first > at && in->step[i].first - 1 < last) {
            last = in->step[i].first - 1;
        }
    }
    return last;
}

static void cut(struct calibration_past *p, struct input *in)
{
    const struct input *v = in->voltage ? in : in->against >= 0 ? p->input[in->against] : NULL;
    uint64_t at = p->first;

    in->stretches = 0;
    while (at <= p->last && in->stretches < STRETCHES_MAX) {
        struct stretch *s = &in->stretch[in->stretches++];
        const struct calibration_step *own = step_at(in, at);

        s->first = at;
        s->last = end_of_step(in, at, p->last);
        s->gain_i = in->voltage ? 1 : in->ratio / own->ratio;
        s->turn_deg = in->voltage ? 0 : in->phase_deg - own->phase_deg;
        s->gain_v = 1;
        if (v != NULL) {
            s->last = end_of_step(v, at, s->last);
            s->gain_v = v->ratio / step_at(v, at)->ratio;
            /* A voltage that leads further turns the power the other way. */
            s->turn_deg -= in->voltage ? 0 : v->phase_deg - step_at(v, at)->phase_deg;
        }
        at = s->last + 1;
    }
    p->full |= at <= p->last;
}

/* --- one pass over the records --- */

static const char *channel_id(const struct calibration_past *p, int column)
{
    return column == COLUMN_NONE ? "" : p->site->channel[column].id;
}

/* Of a column of now, where the record's mostly is; NULL: the record has none. */
static const struct hwt_value *value_of(const struct calibration_past *p,
                                        const struct hwt_schema *schema, const struct hwt_record *r,
                                        int column)
{
    const char *id = channel_id(p, column);
    unsigned i = (unsigned)column;

    if (column == COLUMN_NONE) {
        return NULL;
    }
    if (i >= schema->count || strcmp(schema->channel[i].id, id) != 0) {
        for (i = 0; i < schema->count && strcmp(schema->channel[i].id, id) != 0; i++) {
        }
    }
    return i < schema->count && r->value[i].quality != HWT_QUALITY_MISSING ? &r->value[i] : NULL;
}

/* NULL: before the first. */
static struct stretch *stretch_at(struct input *in, uint64_t sequence)
{
    for (size_t i = 0; i < in->stretches; i++) {
        if (sequence >= in->stretch[i].first && sequence <= in->stretch[i].last) {
            return &in->stretch[i];
        }
    }
    return NULL;
}

/* P and Q as the stretch's corrections make them: the current lags by as much as it led too far. */
static double turned_power(const struct stretch *s, double p, double q)
{
    double turn = s->turn_deg * DEGREE;

    return s->gain_v * s->gain_i * (p * cos(turn) - q * sin(turn));
}

static void add_energy(const struct calibration_past *p, const struct input *in, struct stretch *s,
                       const struct hwt_schema *schema, const struct hwt_record *r)
{
    const struct hwt_value *power = value_of(p, schema, r, in->power);
    const struct hwt_value *q = value_of(p, schema, r, in->reactive);
    double before, after;

    if (power != NULL) {
        before = (double)power->v * r->span_ms;
        after = turned_power(s, before, q != NULL ? (double)q->v * r->span_ms : 0);
        s->energy[before < 0][0] += before;
        s->energy[before < 0][1] += after;
    }
}

static void see_input(const struct calibration_past *p, struct input *in,
                      const struct hwt_schema *schema, const struct hwt_record *r)
{
    struct stretch *s = stretch_at(in, r->sequence);

    for (unsigned k = 0; k < COUNTERS; k++) {
        const struct hwt_value *v = value_of(p, schema, r, in->counter[k]);

        if (v == NULL) {
            continue;
        }
        if (r->sequence < p->first) {
            in->before[k] = v->v;
            in->before_known[k] = true;
        }
        if (s != NULL) {
            s->end[k] = v->v;
            s->known[k] = true;
        }
    }
    if (s != NULL) {
        add_energy(p, in, s, schema, r);
    }
}

static int see_records(struct calibration_past *p, const struct hwt_tslog_snapshot *snapshot,
                       struct hwt_tslog_cursor *cursor)
{
    uint64_t from = p->first > 1 ? p->first - 1 : p->first, lost;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    int r = hwt_tslog_cursor_open(cursor, snapshot, 0, from);

    while (r == 0 || r == HWT_ERR_LOST || r == 1) {
        int next = hwt_tslog_cursor_next(cursor, &schema, &record, &lost);

        if (next == 0 || (next == 1 && record->sequence > p->last)) {
            return 0;
        }
        for (size_t i = 0; next == 1 && i < p->inputs; i++) {
            if (!p->input[i]->voltage) {
                see_input(p, p->input[i], schema, record);
            }
        }
        r = next;
    }
    return r;
}

/* Sequences of the range; none: first > last. */
static int find_range(struct calibration_past *p, const struct hwt_tslog_snapshot *snapshot,
                      struct hwt_tslog_cursor *cursor)
{
    struct hwt_stream_info info;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost;
    int r = hwt_tslog_stream_info(snapshot, 0, &info);

    p->first = 1;
    p->last = 0;
    r = r == 0 ? hwt_tslog_cursor_seek(cursor, snapshot, 0, p->since_ms) : r;
    while (r == 0 || r == HWT_ERR_LOST) {
        r = hwt_tslog_cursor_next(cursor, &schema, &record, &lost);
        if (r == 0) {
            return 0;
        }
        if (r == 1) {
            p->first = record->sequence;
            p->last = info.last;
        }
    }
    return r == 1 ? 0 : r;
}

/* --- corrections --- */

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

static double energy_gain(const struct stretch *s, bool export)
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
static void correct_counter(struct calibration_past *p, const struct input *in, unsigned k)
{
    const char *id = channel_id(p, in->counter[k]);
    double gain = 1;
    int64_t offset = 0, before;
    bool any = false;

    for (size_t i = in->stretches; i-- > 0;) {
        const struct stretch *s = &in->stretch[i];
        int64_t after; /* the end, as corrected */

        if (!s->known[k]) {
            continue;
        }
        if (s->end[k] == 0 && !any) {
            continue; /* never counted */
        }
        after = any ? scaled(s->end[k], gain) + offset : s->end[k];
        gain = energy_gain(s, k == COUNT_EXPORT);
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
    return channel_id(p, installation_column(p->site, source, quantity));
}

static void correct_gauges(struct calibration_past *p, const struct input *in,
                           const struct stretch *s)
{
    double gain = s->gain_v * s->gain_i, turn = s->turn_deg * DEGREE;
    const char *power = channel_id(p, in->power);
    const char *reactive = channel_id(p, in->reactive);

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

static void correct_input(struct calibration_past *p, const struct input *in)
{
    for (size_t i = 0; i < in->stretches; i++) {
        const struct stretch *s = &in->stretch[i];

        if (in->voltage) {
            put(p, channel_of(p, in->source, HWT_Q_VOLTAGE), s->first, s->last, s->gain_v, "", 0,
                0);
        } else {
            correct_gauges(p, in, s);
        }
    }
    for (unsigned k = 0; !in->voltage && k < COUNTERS; k++) {
        correct_counter(p, in, k);
    }
}

int calibration_past_plan(struct calibration_past *p, const struct hwt_tslog_snapshot *snapshot)
{
    struct hwt_tslog_cursor *cursor = malloc(sizeof(*cursor));
    int err;

    if (cursor == NULL || p->failed) {
        free(cursor);
        return HWT_ERR_SPACE;
    }
    err = find_range(p, snapshot, cursor);
    for (size_t i = 0; err == 0 && i < p->inputs; i++) {
        cut(p, p->input[i]);
    }
    if (err == 0 && p->first <= p->last) {
        err = see_records(p, snapshot, cursor);
    }
    for (size_t i = 0; err == 0 && i < p->inputs; i++) {
        correct_input(p, p->input[i]);
    }
    free(cursor);
    return err == 0 && p->full ? HWT_ERR_SPACE : err;
}

size_t calibration_past_corrections(const struct calibration_past *p,
                                    const struct hwt_correction **out)
{
    *out = p->correction;
    return p->corrections;
}

bool calibration_past_done(const struct calibration_past *p, struct calibration *c)
{
    bool ok = true;

    for (size_t i = 0; i < p->inputs && p->first <= p->last; i++) {
        ok = calibration_rest(c, p->input[i]->source, p->first, p->last, p->input[i]->ratio,
                              p->input[i]->phase_deg) &&
             ok;
    }
    return ok;
}
