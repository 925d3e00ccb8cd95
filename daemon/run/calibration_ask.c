#include "daemon/run/calibration_ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/quantity.h"

enum { AVERAGE_S = 10, AVERAGE_MAX_S = 60 };

#define BACK_MS          INT64_C(604800000) /* a week: as far as records are looked at unasked */
#define STATED_PCT       1.0
#define STATED_DEG       0.1
#define STATED_MOST      20.0
#define EARLIEST_UNIX_MS INT64_C(946684800000) /* 2000: smaller numbers are seconds, or slips */

/* Members of the body, by method. */
static const struct member {
    const char *name;
    unsigned methods; /* bit: enum calibration_method */
} members[] = {
    {"method", 15},         {"input", 15},   {"check", 15},    {"since", 15},
    {"value", 1},           {"quantity", 1}, {"average_s", 3}, {"uncertainty_pct", 13},
    {"uncertainty_deg", 2}, {"meter", 4},    {"circuits", 8},  {"from", 12},
};

struct reader {
    const struct calibration *c;
    const struct installation *site;
    const json_t *body;
    int64_t now_ms;
    struct calibration_ask *out;
    char *error;
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct reader *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(r->error, CALIBRATION_ERROR_MAX, format, args);
    va_end(args);
    return false;
}

/* --- members --- */

static bool read_number(struct reader *r, const char *name, double least, double most, double *out)
{
    const json_t *v = json_object_get(r->body, name);

    if (v == NULL) {
        return true;
    }
    if (!json_is_number(v) || !(json_number_value(v) >= least && json_number_value(v) <= most)) {
        return wrong(r, "%s must be a number from %g to %g", name, least, most);
    }
    *out = json_number_value(v);
    return true;
}

static bool read_time(struct reader *r, const char *name, int64_t *out)
{
    const json_t *v = json_object_get(r->body, name);

    if (v == NULL || json_is_null(v)) {
        return true;
    }
    if (!json_is_integer(v) || json_integer_value(v) < EARLIEST_UNIX_MS ||
        json_integer_value(v) > r->now_ms) {
        return wrong(r, "%s must be a time in unix milliseconds, not after now", name);
    }
    *out = json_integer_value(v);
    return true;
}

static bool read_flag(struct reader *r, const char *name, bool *out)
{
    const json_t *v = json_object_get(r->body, name);

    if (v != NULL && !json_is_boolean(v)) {
        return wrong(r, "%s must be true or false", name);
    }
    *out = json_is_true(v);
    return true;
}

/* A text that must be there. */
static const char *text_of(struct reader *r, const char *name)
{
    const char *text = json_string_value(json_object_get(r->body, name));

    if (text == NULL || text[0] == '\0') {
        (void)wrong(r, "%s is required: a text", name);
        return NULL;
    }
    return text;
}

static bool read_method(struct reader *r)
{
    const char *name = text_of(r, "method");

    for (unsigned m = 0; name != NULL && m < CALIBRATION_METHODS; m++) {
        if (strcmp(name, calibration_method_name((enum calibration_method)m)) == 0) {
            r->out->method = (enum calibration_method)m;
            return true;
        }
    }
    return name != NULL
               ? wrong(r, "method '%.40s' is not known: reading, resistive, meter or sum", name)
               : false;
}

static bool check_members(struct reader *r)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)r->body, name, value)
    {
        bool known = false;

        for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
            known |= strcmp(members[i].name, name) == 0 &&
                     (members[i].methods >> r->out->method & 1) != 0;
        }
        if (!known) {
            return wrong(r, "'%.40s' is not a member of method %s", name,
                         calibration_method_name(r->out->method));
        }
    }
    return true;
}

/* A clamp, or with `voltages` a voltage too. */
static bool find_input(struct reader *r, const char *id, bool voltages, unsigned *out)
{
    int source = calibration_input(r->c, id);

    if (source < 0 || (!voltages && r->site->source[source].kind != SOURCE_IS_CLAMP)) {
        return wrong(r, "'%.40s' is not a %s of a sample stream", id,
                     voltages ? "voltage or clamp" : "clamp");
    }
    *out = (unsigned)source;
    return true;
}

/* --- by method --- */

static bool read_reading(struct reader *r)
{
    const json_t *v = json_object_get(r->body, "quantity");
    const char *name = json_string_value(v);
    bool voltage = r->site->source[r->out->input].kind == SOURCE_IS_VOLTAGE;

    r->out->quantity = voltage ? HWT_Q_VOLTAGE : HWT_Q_CURRENT;
    r->out->stated = STATED_PCT;
    if (v != NULL && name == NULL) {
        return wrong(r, "quantity must be a text");
    }
    if (name != NULL && strcmp(name, "power") == 0 && !voltage) {
        r->out->quantity = HWT_Q_POWER;
    } else if (name != NULL && strcmp(name, hwt_quantity_get(r->out->quantity)->id) != 0) {
        return wrong(r, "quantity '%.40s' is not what '%s' measures: %s", name,
                     r->site->source[r->out->input].id, voltage ? "voltage" : "current or power");
    }
    if (json_object_get(r->body, "value") == NULL) {
        return wrong(r, "value is required: what the instrument shows, in %s",
                     hwt_quantity_get(r->out->quantity)->unit);
    }
    return read_number(r, "value", 1e-3, 1e6, &r->out->value) &&
           read_number(r, "uncertainty_pct", 0, STATED_MOST, &r->out->stated);
}

static bool has(const struct reader *r, unsigned source, enum hwt_quantity quantity, char *id_out)
{
    int column = installation_column(r->site, source, quantity);

    if (column != COLUMN_NONE) {
        strcpy(id_out, r->site->channel[column].id);
    }
    return column != COLUMN_NONE;
}

/* What a source, a clamp too, tells of energy. */
static bool energy_of(const struct reader *r, unsigned source, struct calibration_energy *out)
{
    memset(out, 0, sizeof(*out));
    if (has(r, source, HWT_Q_IMPORT, out->plus)) {
        (void)has(r, source, HWT_Q_EXPORT, out->minus);
    } else if (!has(r, source, HWT_Q_ENERGY, out->plus) &&
               !has(r, source, HWT_Q_POWER, out->power)) {
        return false;
    }
    return true;
}

/* `meter` names a source, or one channel of it. */
static bool find_meter(struct reader *r, const char *id)
{
    struct calibration_energy *e = &r->out->against;

    for (unsigned i = 0; i < r->site->source_count; i++) {
        if (strcmp(r->site->source[i].id, id) == 0 && i != r->out->input && i > SOURCE_LEDGER) {
            return energy_of(r, i, e) ? true
                                      : wrong(r, "'%.40s' delivers neither power nor energy", id);
        }
    }
    for (unsigned k = 0; k < r->site->schema.count; k++) {
        enum hwt_quantity quantity = (enum hwt_quantity)r->site->column[k].quantity;

        if (strcmp(r->site->channel[k].id, id) != 0 || r->site->column[k].source == r->out->input) {
            continue;
        }
        memset(e, 0, sizeof(*e));
        if (quantity == HWT_Q_POWER) {
            strcpy(e->power, id);
        } else if (quantity == HWT_Q_IMPORT || quantity == HWT_Q_ENERGY) {
            strcpy(e->plus, id);
        }
        return e->power[0] != '\0' || e->plus[0] != '\0'
                   ? true
                   : wrong(r, "'%.40s' is neither power nor energy", id);
    }
    return wrong(r, "meter '%.40s' is not a source or channel, or is the clamp itself", id);
}

static bool read_meter(struct reader *r)
{
    const char *id = text_of(r, "meter");

    r->out->stated = STATED_PCT;
    if (id == NULL || !find_meter(r, id)) {
        return false;
    }
    snprintf(r->out->meter, sizeof(r->out->meter), "%s", id);
    return read_number(r, "uncertainty_pct", 0, STATED_MOST, &r->out->stated);
}

static bool add_circuit(struct reader *r, const char *id)
{
    struct calibration_ask *a = r->out;
    bool negative = id[0] == '-';
    unsigned source = 0;

    if (!find_input(r, id + negative, false, &source)) {
        return false;
    }
    for (unsigned i = 0; i < a->circuits; i++) {
        if (a->circuit[i] == source) {
            return wrong(r, "circuits has '%.40s' twice", id + negative);
        }
    }
    if (source == a->input || a->circuits == CALIBRATION_CIRCUITS_MAX) {
        return wrong(r, source == a->input ? "the main clamp cannot be one of its circuits"
                                           : "there are too many circuits");
    }
    a->negative[a->circuits] = negative;
    a->circuit[a->circuits++] = source;
    return true;
}

static bool read_sum(struct reader *r)
{
    const json_t *list = json_object_get(r->body, "circuits");
    const json_t *item;
    size_t i;

    r->out->stated = STATED_PCT;
    if (!json_is_array(list) || json_array_size(list) == 0) {
        return wrong(r,
                     "circuits is required: a list of clamps, with - in front of those that feed "
                     "in");
    }
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item) || !add_circuit(r, json_string_value(item))) {
            return json_is_string(item) ? false : wrong(r, "circuits must be a list of texts");
        }
    }
    (void)energy_of(r, r->out->input, &r->out->against);
    return read_number(r, "uncertainty_pct", 0, STATED_MOST, &r->out->stated);
}

static bool read_by_method(struct reader *r)
{
    const char *id = text_of(r, "input");
    bool voltages = r->out->method == CALIBRATION_READING;

    if (id == NULL || !find_input(r, id, voltages, &r->out->input)) {
        return false;
    }
    switch (r->out->method) {
    case CALIBRATION_READING:
        return read_reading(r);
    case CALIBRATION_RESISTIVE:
        r->out->stated = STATED_DEG;
        return read_number(r, "uncertainty_deg", 0, STATED_MOST, &r->out->stated);
    case CALIBRATION_METER:
        return read_meter(r);
    case CALIBRATION_SUM:
        return read_sum(r);
    case CALIBRATION_METHODS:
        break;
    }
    return false;
}

bool calibration_ask_read(const struct calibration *c, const struct installation *site,
                          const json_t *body, int64_t now_ms, struct calibration_ask *out,
                          char *error)
{
    struct reader r = {c, site, body, now_ms, out, error};
    double average = AVERAGE_S;

    memset(out, 0, sizeof(*out));
    out->from_ms = now_ms - BACK_MS;
    if (!read_method(&r) || !check_members(&r) || !read_by_method(&r) ||
        !read_number(&r, "average_s", 1, AVERAGE_MAX_S, &average) ||
        !read_flag(&r, "check", &out->check) || !read_time(&r, "since", &out->since_ms) ||
        !read_time(&r, "from", &out->from_ms)) {
        return false;
    }
    out->average_s = (unsigned)average;
    return true;
}
