#include "daemon/run/calibration_past_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void find_columns(const struct installation *site, struct past_input *in)
{
    static const uint8_t quantity[PAST_COUNTERS] = {HWT_Q_IMPORT, HWT_Q_EXPORT, HWT_Q_ELEC_ENERGY,
                                                    HWT_Q_PAIRED_ELEC};

    for (unsigned k = 0; k < PAST_COUNTERS; k++) {
        bool ledger = k >= PAST_ELEC;

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
    struct past_input *in;
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

static const struct calibration_step *step_at(const struct past_input *in, uint64_t sequence)
{
    const struct calibration_step *found = &in->step[0];

    for (size_t i = 1; i < in->steps && in->step[i].first <= sequence; i++) {
        found = &in->step[i];
    }
    return found;
}

/* Where the records from `at` on stop resting on the same. */
static uint64_t end_of_step(const struct past_input *in, uint64_t at, uint64_t last)
{
    for (size_t i = 0; i < in->steps; i++) {
        if (in->step[i].first > at && in->step[i].first - 1 < last) {
            last = in->step[i].first - 1;
        }
    }
    return last;
}

static void cut(struct calibration_past *p, struct past_input *in)
{
    const struct past_input *v = in->voltage ? in : in->against >= 0 ? p->input[in->against] : NULL;
    uint64_t at = p->first;

    in->stretches = 0;
    while (at <= p->last && in->stretches < PAST_STRETCHES_MAX) {
        struct past_stretch *s = &in->stretch[in->stretches++];
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

const char *calibration_past_channel(const struct calibration_past *p, int column)
{
    return column == COLUMN_NONE ? "" : p->site->channel[column].id;
}

/* Of a column of now, where the record's mostly is; NULL: the record has none. */
static const struct hwt_value *value_of(const struct calibration_past *p,
                                        const struct hwt_schema *schema, const struct hwt_record *r,
                                        int column)
{
    const char *id = calibration_past_channel(p, column);
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
static struct past_stretch *stretch_at(struct past_input *in, uint64_t sequence)
{
    for (size_t i = 0; i < in->stretches; i++) {
        if (sequence >= in->stretch[i].first && sequence <= in->stretch[i].last) {
            return &in->stretch[i];
        }
    }
    return NULL;
}

/* P and Q as the stretch's corrections make them: the current lags by as much as it led too far. */
static double turned_power(const struct past_stretch *s, double p, double q)
{
    double turn = s->turn_deg * PAST_DEGREE;

    return s->gain_v * s->gain_i * (p * cos(turn) - q * sin(turn));
}

static void add_energy(const struct calibration_past *p, const struct past_input *in,
                       struct past_stretch *s, const struct hwt_schema *schema,
                       const struct hwt_record *r)
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

static void see_input(const struct calibration_past *p, struct past_input *in,
                      const struct hwt_schema *schema, const struct hwt_record *r)
{
    struct past_stretch *s = stretch_at(in, r->sequence);

    for (unsigned k = 0; k < PAST_COUNTERS; k++) {
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

/* --- the act --- */

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
        calibration_correct(p, p->input[i]);
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
