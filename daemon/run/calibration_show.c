#include "daemon/run/calibration_show.h"

#include <math.h>

static void put_number(struct hwt_json *j, const char *key, double v, bool known)
{
    if (known && fabs(v) < 1e9) {
        hwt_json_scaled(j, key, llround(v * 1e9), 1000000000, 9);
    } else {
        hwt_json_null(j, key);
    }
}

static void put_rough(struct hwt_json *j, const char *key, double v, bool known)
{
    put_number(j, key, round(v * 1e4) / 1e4, known);
}

/* null: 0, which is none. */
static void put_some(struct hwt_json *j, const char *key, int64_t v)
{
    if (v == 0) {
        hwt_json_null(j, key);
    } else {
        hwt_json_int(j, key, v);
    }
}

static void put_text(struct hwt_json *j, const char *key, const char *text)
{
    hwt_json_string(j, key, text[0] != '\0' ? text : NULL);
}

static bool counts(const struct calibration *c, const struct calibration_entry *e)
{
    int source = calibration_input(c, e->input);

    return source >= 0 && (calibration_counts(c, (unsigned)source, false) == e ||
                           calibration_counts(c, (unsigned)source, true) == e);
}

static void put_entry(const struct calibration *c, const struct calibration_entry *e,
                      struct hwt_json *j)
{
    hwt_json_object(j, NULL);
    put_some(j, "number", e->number);
    hwt_json_string(j, "input", e->input);
    hwt_json_string(j, "method", calibration_method_name(e->method));
    hwt_json_string(j, "note", e->note);
    put_some(j, "time", e->unix_ms);
    put_some(j, "from", e->from_ms);
    put_some(j, "to", e->to_ms);
    put_number(j, "gain", e->gain.value, e->has_gain);
    put_rough(j, "gain_pct", e->gain.half * 100, e->has_gain);
    put_rough(j, "phase_deg", e->phase_deg.value, e->has_phase);
    put_rough(j, "phase_half_deg", e->phase_deg.half, e->has_phase);
    put_some(j, "since", e->since_ms);
    put_some(j, "taken_back", e->back_ms);
    hwt_json_bool(j, "counts", e->number != 0 && counts(c, calibration_find(c, e->number)));
    hwt_json_end_object(j);
}

static void put_input(const struct calibration *c, const struct installation *site, unsigned i,
                      struct hwt_json *j)
{
    const struct config_input *in = installation_input(site, i);
    const struct calibration_entry *gain = calibration_counts(c, i, false);
    const struct calibration_entry *phase = calibration_counts(c, i, true);
    struct calibration_state now = calibration_now(c, i);

    hwt_json_object(j, NULL);
    hwt_json_string(j, "id", site->source[i].id);
    hwt_json_string(j, "label", site->source[i].label);
    hwt_json_string(j, "kind", site->source[i].kind == SOURCE_IS_VOLTAGE ? "voltage" : "clamp");
    put_text(j, "model", in->model);
    put_text(j, "class", in->class_text);
    put_number(j, "nominal_ratio", in->ratio, true);
    put_number(j, "nominal_phase_deg", in->phase_deg, true);
    put_number(j, "gain", now.gain, true);
    put_rough(j, "gain_pct", gain != NULL ? gain->gain.half * 100 : 0, gain != NULL);
    put_rough(j, "phase_deg", now.phase_deg, true);
    put_rough(j, "phase_half_deg", phase != NULL ? phase->phase_deg.half : 0, phase != NULL);
    put_some(j, "gain_number", gain != NULL ? gain->number : 0);
    put_some(j, "phase_number", phase != NULL ? phase->number : 0);
    hwt_json_end_object(j);
}

void calibration_show(const struct calibration *c, const struct installation *site, bool may_change,
                      struct hwt_json *j)
{
    const struct calibration_entry *entries;
    size_t n = calibration_entries(c, &entries);

    hwt_json_object(j, NULL);
    hwt_json_array(j, "inputs");
    for (unsigned i = 0; i < site->source_count; i++) {
        if (installation_input(site, i) != NULL) {
            put_input(c, site, i, j);
        }
    }
    hwt_json_end_array(j);
    hwt_json_array(j, "history");
    for (size_t i = 0; i < n; i++) {
        put_entry(c, &entries[i], j);
    }
    hwt_json_end_array(j);
    hwt_json_bool(j, "changes", may_change);
    hwt_json_end_object(j);
}

static void put_result(const struct calibration_result *r, struct hwt_json *j)
{
    hwt_json_object(j, "log");
    hwt_json_uint(j, "blocks", r->blocks);
    hwt_json_uint(j, "left_out", r->left_out);
    put_rough(j, "hours", r->hours, true);
    put_rough(j, "energy", r->wh, true);
    put_rough(j, "offset_w", r->offset_w.value, r->has_offset);
    put_rough(j, "offset_half_w", r->offset_w.half, r->has_offset);
    hwt_json_end_object(j);
}

void calibration_show_found(const struct calibration *c, const struct calibration_entry *entries,
                            size_t n, bool kept, const struct calibration_result *result,
                            long corrections, struct hwt_json *j)
{
    hwt_json_object(j, NULL);
    hwt_json_bool(j, "kept", kept);
    hwt_json_array(j, "calibrations");
    for (size_t i = 0; i < n; i++) {
        put_entry(c, &entries[i], j);
    }
    hwt_json_end_array(j);
    if (result != NULL) {
        put_result(result, j);
    } else {
        hwt_json_null(j, "log");
    }
    if (corrections >= 0) {
        hwt_json_int(j, "corrections", corrections);
    } else {
        hwt_json_null(j, "corrections");
    }
    hwt_json_end_object(j);
}
