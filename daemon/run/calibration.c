#include "daemon/run/calibration.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/crc32c.h"
#include "daemon/base/log.h"
#include "daemon/run/calibration_state.h"

/* A sensor that differs by less is the same. */
#define SAME_RATIO 1e-9
#define SAME_DEG   1e-7

const char *calibration_method_name(enum calibration_method method)
{
    static const char *const names[CALIBRATION_METHODS] = {"reading", "resistive", "meter", "sum"};

    return names[method];
}

/* --- inputs --- */

int calibration_input(const struct calibration *c, const char *id)
{
    const struct installation *site = c->options.site;

    for (unsigned i = 0; i < site->source_count; i++) {
        if (installation_input(site, i) != NULL && strcmp(site->source[i].id, id) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int calibration_voltage(const struct calibration *c, unsigned source)
{
    const struct installation *site = c->options.site;
    const struct config_input *in = installation_input(site, source);

    for (unsigned i = 0; in != NULL && i < site->source_count; i++) {
        if (site->source[source].kind == SOURCE_IS_CLAMP &&
            site->source[i].kind == SOURCE_IS_VOLTAGE &&
            site->source[i].config == site->source[source].config &&
            site->source[i].input == in->voltage) {
            return (int)i;
        }
    }
    return -1;
}

uint32_t calibration_nominal(const struct calibration *c, unsigned source)
{
    const struct config_input *in = installation_input(c->options.site, source);
    char text[96];
    int n = snprintf(text, sizeof(text), "%u %.9g %.9g", in->slot, in->ratio, in->phase_deg);
    uint32_t crc = hwt_crc32c(0, text, (size_t)n);

    for (unsigned k = 0; k < in->curve_count; k++) {
        n = snprintf(text, sizeof(text), " %.9g %.9g %.9g", in->curve[k].level, in->curve[k].factor,
                     in->curve[k].phase_deg);
        crc = hwt_crc32c(crc, text, (size_t)n);
    }
    return crc;
}

/* --- what counts --- */

const struct calibration_entry *calibration_counts(const struct calibration *c, unsigned source,
                                                   bool phase)
{
    const char *id = c->options.site->source[source].id;
    uint32_t nominal = calibration_nominal(c, source);

    for (size_t i = c->count; i-- > 0;) {
        const struct calibration_entry *e = &c->entry[i];

        if (strcmp(e->input, id) == 0 && e->back_ms == 0 && (phase ? e->has_phase : e->has_gain) &&
            e->nominal == nominal) {
            return e;
        }
    }
    return NULL;
}

struct calibration_state calibration_now(const struct calibration *c, unsigned source)
{
    const struct calibration_entry *gain = calibration_counts(c, source, false);
    const struct calibration_entry *phase = calibration_counts(c, source, true);
    struct calibration_state now = {1, 0};
    int voltage = calibration_voltage(c, source);

    if (gain != NULL) {
        now.gain = gain->gain.value;
    }
    if (gain != NULL && gain->voltage_gain > 0 && voltage >= 0) {
        const struct calibration_entry *v = calibration_counts(c, (unsigned)voltage, false);

        now.gain *= gain->voltage_gain / (v != NULL ? v->gain.value : 1);
    }
    if (phase != NULL) {
        now.phase_deg = phase->phase_deg.value;
    }
    return now;
}

void calibration_sensor(const struct calibration *c, unsigned source, double *ratio,
                        double *phase_deg)
{
    const struct config_input *in = installation_input(c->options.site, source);
    struct calibration_state now;

    if (in != NULL) {
        now = calibration_now(c, source);
        *ratio = in->ratio * now.gain;
        *phase_deg = in->phase_deg + now.phase_deg;
    }
}

size_t calibration_entries(const struct calibration *c, const struct calibration_entry **out)
{
    *out = c->entry;
    return c->count;
}

const struct calibration_entry *calibration_find(const struct calibration *c, unsigned number)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->entry[i].number == number) {
            return &c->entry[i];
        }
    }
    return NULL;
}

/* --- what records rest on --- */

size_t calibration_steps(const struct calibration *c, unsigned source,
                         const struct calibration_step **out)
{
    *out = c->steps[source].at;
    return c->steps[source].count;
}

static bool same(const struct calibration_step *s, double ratio, double phase_deg)
{
    return fabs(s->ratio / ratio - 1) < SAME_RATIO && fabs(s->phase_deg - phase_deg) < SAME_DEG;
}

/* A step unless it says what the one before says. */
static bool append_step(struct calibration_steps *s, struct calibration_step step)
{
    if (s->count > 0 && same(&s->at[s->count - 1], step.ratio, step.phase_deg)) {
        return true;
    }
    if (s->count > 0 && s->at[s->count - 1].first == step.first) {
        s->at[s->count - 1] = step;
        return true;
    }
    if (s->count == CALIBRATION_STEPS_MAX) {
        return false;
    }
    s->at[s->count++] = step;
    return true;
}

bool calibration_rest(struct calibration *c, unsigned source, uint64_t first, uint64_t last,
                      double ratio, double phase_deg)
{
    struct calibration_steps *s = &c->steps[source], out = {.count = 0};
    struct calibration_step behind = {0, 0, 0}; /* what holds after `last` */
    bool ok = true;

    for (size_t i = 0; i < s->count; i++) {
        if (s->at[i].first <= last + 1) {
            behind = s->at[i];
        }
        if (s->at[i].first < first) {
            ok = ok && append_step(&out, s->at[i]);
        }
    }
    behind.first = last + 1;
    ok = ok && append_step(&out, (struct calibration_step){first, ratio, phase_deg}) &&
         append_step(&out, behind);
    for (size_t i = 0; i < s->count; i++) {
        if (s->at[i].first > last + 1) {
            ok = ok && append_step(&out, s->at[i]);
        }
    }
    if (ok) {
        *s = out;
    }
    return ok;
}

/* Records from the next one on rest on what counts now. False: too many steps. */
static bool note_steps(struct calibration *c)
{
    const struct installation *site = c->options.site;
    bool ok = true;

    for (unsigned i = 0; i < site->source_count; i++) {
        struct calibration_step step = {
            .first = c->steps[i].count == 0 ? 1 : c->options.next_record(c->options.ctx)};

        if (installation_input(site, i) != NULL) {
            calibration_sensor(c, i, &step.ratio, &step.phase_deg);
            ok = append_step(&c->steps[i], step) && ok;
        }
    }
    return ok;
}

/* --- changing --- */

static void apply(const struct calibration *c)
{
    for (unsigned i = 0; c->options.apply != NULL && i < c->options.site->source_count; i++) {
        double ratio = 0, phase_deg = 0;

        if (installation_input(c->options.site, i) != NULL) {
            calibration_sensor(c, i, &ratio, &phase_deg);
            c->options.apply(c->options.ctx, i, ratio, phase_deg);
        }
    }
}

/* All of *c was changed from *before: save and apply, or back to that. */
static bool settle(struct calibration *c, const struct calibration *before, char *error)
{
    bool ok = note_steps(c);

    if (!ok) {
        snprintf(error, CALIBRATION_ERROR_MAX,
                 "calibrated too often: %d changes are kept of an input", CALIBRATION_STEPS_MAX);
    }
    ok = ok && calibration_save(c, error);
    if (ok) {
        apply(c);
    } else {
        memcpy(c, before, sizeof(*c));
    }
    return ok;
}

static struct calibration *copy_of(const struct calibration *c, char *error)
{
    struct calibration *copy = malloc(sizeof(*copy));

    if (copy == NULL) {
        snprintf(error, CALIBRATION_ERROR_MAX, "out of memory");
    } else {
        memcpy(copy, c, sizeof(*copy));
    }
    return copy;
}

bool calibration_add(struct calibration *c, struct calibration_entry *entries, size_t n,
                     char *error)
{
    struct calibration *before;
    bool ok;

    if (c->count + n > CALIBRATION_ENTRIES_MAX) {
        snprintf(error, CALIBRATION_ERROR_MAX, "the history is full: %d values",
                 CALIBRATION_ENTRIES_MAX);
        return false;
    }
    before = copy_of(c, error);
    if (before == NULL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        entries[i].number = ++c->numbers;
        c->entry[c->count++] = entries[i];
    }
    ok = settle(c, before, error);
    for (size_t i = 0; ok && i < n; i++) {
        LOG(LOG_INFO, entries[i].input, "calibrated number=%u method=%s gain=%.6f phase_deg=%.4f",
            entries[i].number, calibration_method_name(entries[i].method),
            entries[i].has_gain ? entries[i].gain.value : 1,
            entries[i].has_phase ? entries[i].phase_deg.value : 0);
    }
    free(before);
    return ok;
}

bool calibration_take_back(struct calibration *c, unsigned number, int64_t unix_ms, char *error)
{
    struct calibration *before = copy_of(c, error);
    bool ok;

    if (before == NULL) {
        return false;
    }
    for (size_t i = 0; i < c->count; i++) {
        if (c->entry[i].number == number) {
            c->entry[i].back_ms = unix_ms;
        }
    }
    ok = settle(c, before, error);
    if (ok) {
        LOG(LOG_INFO, "run", "calibration taken back number=%u", number);
    }
    free(before);
    return ok;
}

void calibration_note_since(struct calibration *c, unsigned number, int64_t since_ms)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->entry[i].number == number) {
            c->entry[i].since_ms = since_ms;
        }
    }
}

/* --- opening --- */

static void warn_of_unused(const struct calibration *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct calibration_entry *e = &c->entry[i];
        int source = calibration_input(c, e->input);

        if (e->back_ms == 0 &&
            (source < 0 || e->nominal != calibration_nominal(c, (unsigned)source))) {
            LOG(LOG_WARN, e->input,
                "calibration does not apply: the configuration has another sensor number=%u",
                e->number);
        }
    }
}

struct calibration *calibration_new(const struct calibration_options *options, char *error,
                                    size_t n)
{
    struct calibration *c = calloc(1, sizeof(*c));
    char why[CALIBRATION_ERROR_MAX] = "out of memory";

    if (c != NULL) {
        c->options = *options;
        snprintf(c->path, sizeof(c->path), "%s/calibration.json", options->data_dir);
        if (!calibration_load(c, why)) {
            calibration_free(c);
            c = NULL;
        }
    }
    if (c == NULL) {
        snprintf(error, n, "%s", why);
        return NULL;
    }
    warn_of_unused(c);
    if (!note_steps(c)) { /* what is older than they reach is not corrected any more */
        LOG(LOG_WARN, "run", "calibrated too often to correct what is recorded from now on");
    }
    return c;
}

void calibration_free(struct calibration *c)
{
    if (c != NULL) {
        json_decref(c->others);
        free(c);
    }
}
