/*
 * calibration_file.c: calibration.json.
 *
 *   {"version": 1, "log": "6f1c...", "entries": [{"number": 1, ...}],
 *    "records": {"hp": [[1, 0.0847457627, 2.5], [5120, 0.0851, 2.61]]}}
 *
 * Replaced as a whole: written beside, synced, renamed. Members that are not known are refused: a
 * newer version wrote them, and they would be lost.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/file.h"
#include "daemon/run/calibration_state.h"

enum { VERSION = 1, UUID_TEXT = 33 };

static void print_uuid(const uint8_t uuid[16], char out[UUID_TEXT])
{
    for (unsigned i = 0; i < 16; i++) {
        snprintf(out + (size_t)2 * i, 3, "%02x", uuid[i]);
    }
}

/* --- reading --- */

static bool wrong(const struct calibration *c, char *error, const char *what)
{
    snprintf(error, CALIBRATION_ERROR_MAX,
             "%.120s: %.120s; mend it, or move it away to go on uncalibrated", c->path, what);
    return false;
}

static bool get_text(const json_t *o, const char *key, char *out, size_t n)
{
    const char *text = json_string_value(json_object_get(o, key));

    if (text == NULL || strlen(text) >= n) {
        return false;
    }
    strcpy(out, text);
    return true;
}

static bool get_int(const json_t *o, const char *key, int64_t *out)
{
    const json_t *v = json_object_get(o, key);

    *out = v != NULL ? (int64_t)json_integer_value(v) : 0;
    return v == NULL || (json_is_integer(v) && *out >= 0);
}

/* A value and its uncertainty; a member that is not there is none. */
static bool get_found(const json_t *o, const char *key, const char *half_key, double least,
                      double most, struct hwt_found *out, bool *has_out)
{
    const json_t *v = json_object_get(o, key), *half = json_object_get(o, half_key);

    *has_out = v != NULL;
    out->value = json_number_value(v);
    out->half = json_number_value(half);
    return v == NULL || (json_is_number(v) && json_is_number(half) && out->value >= least &&
                         out->value <= most && out->half >= 0 && out->half < 1e3);
}

static bool get_method(const json_t *o, enum calibration_method *out)
{
    const char *name = json_string_value(json_object_get(o, "method"));

    for (unsigned m = 0; name != NULL && m < CALIBRATION_METHODS; m++) {
        if (strcmp(name, calibration_method_name((enum calibration_method)m)) == 0) {
            *out = (enum calibration_method)m;
            return true;
        }
    }
    return false;
}

static bool get_entry(const json_t *o, struct calibration_entry *e)
{
    int64_t number, nominal;
    const json_t *voltage = json_object_get(o, "voltage_gain");

    memset(e, 0, sizeof(*e));
    e->voltage_gain = json_number_value(voltage);
    if (!get_text(o, "input", e->input, sizeof(e->input)) ||
        !get_text(o, "note", e->note, sizeof(e->note)) || !get_method(o, &e->method) ||
        !get_int(o, "number", &number) || !get_int(o, "nominal", &nominal) ||
        !get_int(o, "time", &e->unix_ms) || !get_int(o, "taken_back", &e->back_ms) ||
        !get_int(o, "from", &e->from_ms) || !get_int(o, "to", &e->to_ms) ||
        !get_int(o, "since", &e->since_ms) ||
        !get_found(o, "gain", "gain_pct", 0.2, 5, &e->gain, &e->has_gain) ||
        !get_found(o, "phase_deg", "phase_half_deg", -45, 45, &e->phase_deg, &e->has_phase)) {
        return false;
    }
    e->gain.half /= 100;
    e->number = (unsigned)number;
    e->nominal = (uint32_t)nominal;
    return number >= 1 && number < 1000000 && nominal <= UINT32_MAX &&
           (e->has_gain || e->has_phase) && e->voltage_gain >= 0 && e->voltage_gain <= 5;
}

static bool get_entries(struct calibration *c, const json_t *list)
{
    size_t i;
    const json_t *o;

    if (!json_is_array(list) || json_array_size(list) > CALIBRATION_ENTRIES_MAX) {
        return false;
    }
    json_array_foreach(list, i, o)
    {
        struct calibration_entry *e = &c->entry[c->count];

        if (!json_is_object(o) || !get_entry(o, e) || e->number <= c->numbers) {
            return false;
        }
        c->numbers = e->number;
        c->count++;
    }
    return true;
}

static bool get_steps(const json_t *list, struct calibration_steps *s)
{
    size_t i;
    const json_t *o;

    s->count = 0;
    if (!json_is_array(list) || json_array_size(list) > CALIBRATION_STEPS_MAX) {
        return false;
    }
    json_array_foreach(list, i, o)
    {
        struct calibration_step *step = &s->at[s->count];

        *step = (struct calibration_step){
            .first = (uint64_t)json_integer_value(json_array_get(o, 0)),
            .ratio = json_number_value(json_array_get(o, 1)),
            .phase_deg = json_number_value(json_array_get(o, 2)),
        };
        if (!(step->ratio > 0) || step->first < 1 || (i == 0 && step->first != 1) ||
            (i > 0 && step->first <= s->at[i - 1].first)) {
            return false;
        }
        s->count++;
    }
    return true;
}

static bool get_records(struct calibration *c, json_t *records)
{
    const char *id;
    json_t *list;

    if (!json_is_object(records)) {
        return false;
    }
    json_object_foreach(records, id, list)
    {
        int source = calibration_input(c, id);

        if (source < 0) {
            if (json_object_set(c->others, id, list) != 0) {
                return false;
            }
        } else if (!get_steps(list, &c->steps[source])) {
            return false;
        }
    }
    return true;
}

static bool take_file(struct calibration *c, const json_t *root, char *error)
{
    static const char *const known[] = {"version", "log", "numbers", "entries", "records"};
    char uuid[UUID_TEXT], own[UUID_TEXT];
    int64_t numbers;

    if (json_integer_value(json_object_get(root, "version")) != VERSION ||
        json_object_size(root) > sizeof(known) / sizeof(known[0])) {
        return wrong(c, error, "is of another version");
    }
    if (!get_entries(c, json_object_get(root, "entries")) ||
        !get_text(root, "log", uuid, sizeof(uuid)) || !get_int(root, "numbers", &numbers)) {
        return wrong(c, error, "is not what heatwatt wrote");
    }
    c->numbers = (unsigned)numbers > c->numbers ? (unsigned)numbers : c->numbers;
    print_uuid(c->options.uuid, own);
    if (strcmp(uuid, own) == 0 && !get_records(c, json_object_get(root, "records"))) {
        return wrong(c, error, "is not what heatwatt wrote");
    }
    return true;
}

bool calibration_load(struct calibration *c, char *error)
{
    json_error_t why;
    json_t *root;
    bool ok;

    c->others = json_object();
    if (c->others == NULL) {
        snprintf(error, CALIBRATION_ERROR_MAX, "out of memory");
        return false;
    }
    if (access(c->path, F_OK) != 0 && errno == ENOENT) {
        return true;
    }
    root = json_load_file(c->path, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL) {
        char text[200];

        snprintf(text, sizeof(text), "line %d: %.150s", why.line, why.text);
        return wrong(c, error, text);
    }
    ok = take_file(c, root, error);
    json_decref(root);
    return ok;
}

/* --- writing --- */

static json_t *entry_json(const struct calibration_entry *e)
{
    json_t *o =
        json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "number", (json_int_t)e->number,
                  "input", e->input, "method", calibration_method_name(e->method), "note", e->note,
                  "time", (json_int_t)e->unix_ms, "from", (json_int_t)e->from_ms, "to",
                  (json_int_t)e->to_ms, "nominal", (json_int_t)e->nominal);
    int bad = o == NULL;

    if (!bad && e->back_ms != 0) {
        bad |= json_object_set_new(o, "taken_back", json_integer((json_int_t)e->back_ms));
    }
    if (!bad && e->since_ms != 0) {
        bad |= json_object_set_new(o, "since", json_integer((json_int_t)e->since_ms));
    }
    if (!bad && e->has_gain) {
        bad |= json_object_set_new(o, "gain", json_real(e->gain.value)) |
               json_object_set_new(o, "gain_pct", json_real(e->gain.half * 100));
    }
    if (!bad && e->voltage_gain > 0) {
        bad |= json_object_set_new(o, "voltage_gain", json_real(e->voltage_gain));
    }
    if (!bad && e->has_phase) {
        bad |= json_object_set_new(o, "phase_deg", json_real(e->phase_deg.value)) |
               json_object_set_new(o, "phase_half_deg", json_real(e->phase_deg.half));
    }
    if (bad) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static json_t *steps_json(const struct calibration_steps *s)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < s->count; i++) {
        if (json_array_append_new(list, json_pack("[I, f, f]", (json_int_t)s->at[i].first,
                                                  s->at[i].ratio, s->at[i].phase_deg)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *file_json(const struct calibration *c)
{
    const struct installation *site = c->options.site;
    json_t *entries = json_array(), *records = json_copy(c->others);
    int bad = entries == NULL || records == NULL;
    char uuid[UUID_TEXT];

    for (size_t i = 0; !bad && i < c->count; i++) {
        bad |= json_array_append_new(entries, entry_json(&c->entry[i]));
    }
    for (unsigned i = 0; !bad && i < site->source_count; i++) {
        if (c->steps[i].count > 0) {
            bad |= json_object_set_new(records, site->source[i].id, steps_json(&c->steps[i]));
        }
    }
    if (bad) {
        json_decref(entries);
        json_decref(records);
        return NULL;
    }
    print_uuid(c->options.uuid, uuid);
    return json_pack("{s:i, s:s, s:I, s:o, s:o}", "version", VERSION, "log", uuid, "numbers",
                     (json_int_t)c->numbers, "entries", entries, "records", records);
}

/* The text's end makes room for the last line's. */
static bool replace(const struct calibration *c, char *text)
{
    size_t n = strlen(text);

    text[n] = '\n';
    if (!file_replace(c->path, 0644, text, n + 1)) {
        return false;
    }
    (void)file_sync_folder(c->options.data_dir); /* without, it is the new file all the same */
    return true;
}

bool calibration_save(struct calibration *c, char *error)
{
    json_t *root = file_json(c);
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(12)) : NULL;
    bool ok = text != NULL && replace(c, text);

    if (!ok) {
        snprintf(error, CALIBRATION_ERROR_MAX, "%.200s cannot be written: %s", c->path,
                 text == NULL ? "out of memory" : strerror(errno));
    }
    free(text);
    json_decref(root);
    return ok;
}
