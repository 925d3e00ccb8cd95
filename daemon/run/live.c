#include "daemon/run/live.h"

#include <math.h>
#include <stdio.h>

#include "core/base/fixed.h"
#include "core/base/quantity.h"

static const char *clock_name(enum hwt_clock_quality quality)
{
    static const char *const names[HWT_CLOCK_COUNT] = {"unknown", "unsynced", "synced", "plant"};

    return names[quality];
}

static void write_value(struct hwt_json *j, const char *key, const struct hwt_value *v,
                        unsigned quantity)
{
    const struct hwt_quantity_info *info = hwt_quantity_get(quantity);

    if (v->quality == HWT_QUALITY_MISSING) {
        hwt_json_null(j, key);
    } else {
        hwt_json_scaled(j, key, v->v, info->per_unit, info->digits);
    }
}

/* unix ms, or null where there is none */
static void write_time(struct hwt_json *j, const char *key, int64_t unix_ms)
{
    if (unix_ms == HWT_TIME_UNKNOWN || unix_ms == 0) {
        hwt_json_null(j, key);
    } else {
        hwt_json_int(j, key, unix_ms);
    }
}

static void write_cause(struct hwt_json *j, const struct status_view *s)
{
    hwt_json_string(j, "state", status_state_name(s->state));
    hwt_json_string(j, "cause", s->cause[0] != '\0' ? s->cause : NULL);
}

static void write_identity(const struct live_view *view, struct hwt_json *j)
{
    const struct config *config = view->site->config;
    char uuid[37];
    const uint8_t *u = view->uuid;

    snprintf(uuid, sizeof(uuid),
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
             u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
             u[15]);
    write_time(j, "time", view->now.unix_ms);
    hwt_json_string(j, "uuid", uuid);
    hwt_json_string(j, "site", config->site);
    hwt_json_string(j, "version", HEATWATT_VERSION);
    hwt_json_string(j, "provenance", config->simulated ? "simulated" : "measured");
    hwt_json_object(j, "clock");
    hwt_json_string(j, "quality", clock_name(view->now.quality));
    hwt_json_string(j, "timezone", config->timezone);
    hwt_json_end_object(j);
}

/* The channel that plays a role now; null when there is none. */
static void write_role(const struct live_view *view, struct hwt_json *j, enum config_role role)
{
    const struct site_role *r = &view->site->role[role];
    int column = r->source >= 0 ? installation_column(view->site, (unsigned)r->source, r->quantity)
                                : COLUMN_NONE;

    if (column == COLUMN_NONE) {
        hwt_json_null(j, config_role_name(role));
    } else {
        write_value(j, config_role_name(role), &view->value[column], r->quantity);
    }
}

static void write_ledger(const struct live_view *view, struct hwt_json *j, const char *key,
                         enum hwt_quantity quantity)
{
    int column = installation_column(view->site, SOURCE_LEDGER, quantity);

    write_value(j, key, &view->value[column], quantity);
}

static void write_energy(struct hwt_json *j, const char *key, bool known, int64_t mj)
{
    if (known) {
        hwt_json_scaled(j, key, mj, hwt_quantity_get(HWT_Q_ENERGY)->per_unit, 3);
    } else {
        hwt_json_null(j, key);
    }
}

static void write_books(struct hwt_json *j, const char *key, const struct live_books *b)
{
    int64_t cop;

    hwt_json_object(j, key);
    write_energy(j, "elec", b->elec_known, b->elec);
    write_energy(j, "heat", b->heat_known, b->heat);
    write_energy(j, "negative_heat", b->heat_known, b->negative_heat);
    if (b->paired_elec > 0 &&
        hwt_mul_div(b->paired_heat - b->paired_negative, 1000, b->paired_elec, &cop)) {
        hwt_json_decimal(j, "cop", cop, -3);
    } else {
        hwt_json_null(j, "cop");
    }
    hwt_json_end_object(j);
}

static void write_heatpump(const struct live_view *view, struct hwt_json *j)
{
    hwt_json_object(j, "heatpump");
    write_ledger(view, j, "elec_power", HWT_Q_ELEC_POWER);
    write_ledger(view, j, "heat_power", HWT_Q_HEAT_POWER);
    write_ledger(view, j, "cop_30m", HWT_Q_COP);
    for (unsigned role = ROLE_FLOW_T; role <= ROLE_DHW_T; role++) {
        write_role(view, j, (enum config_role)role);
    }
    write_books(j, "today", &view->today_books);
    write_books(j, "total", &view->total_books);
    hwt_json_end_object(j);
}

/* Which source or channel plays which role; those that are configured. */
static void write_roles(const struct live_view *view, struct hwt_json *j)
{
    hwt_json_object(j, "roles");
    for (unsigned role = 0; role < ROLE_COUNT; role++) {
        if (view->site->role[role].source >= 0) {
            hwt_json_string(j, config_role_name((enum config_role)role),
                            view->site->config->role[role]);
        }
    }
    hwt_json_end_object(j);
}

static void write_channel(const struct live_view *view, struct hwt_json *j, unsigned i)
{
    static const char *const qualities[HWT_QUALITY_COUNT] = {"missing", "good", "suspect"};
    const struct hwt_quantity_info *info = hwt_quantity_get(view->site->column[i].quantity);
    const struct site_source *source = &view->site->source[view->site->column[i].source];

    hwt_json_object(j, NULL);
    hwt_json_string(j, "id", view->site->channel[i].id);
    hwt_json_string(j, "source", source->id);
    if (source->kind != SOURCE_IS_DEVICE && source->kind != SOURCE_IS_LEDGER) {
        hwt_json_string(j, "feed", view->site->config->source[source->config].id);
    }
    hwt_json_string(j, "quantity", info->id);
    hwt_json_string(j, "unit", info->unit);
    hwt_json_string(j, "label", source->label);
    hwt_json_string(j, "kind", info->kind == HWT_COUNTER ? "counter" : "gauge");
    write_value(j, "value", &view->value[i], view->site->column[i].quantity);
    if (view->age_us[i] < 0) {
        hwt_json_null(j, "age_ms");
    } else {
        hwt_json_int(j, "age_ms", view->age_us[i] / 1000);
    }
    hwt_json_string(j, "quality", qualities[view->value[i].quality]);
    if (info->kind == HWT_COUNTER) {
        write_value(j, "today", &view->today[i], view->site->column[i].quantity);
        if (view->shown[i].quality != HWT_QUALITY_MISSING) {
            write_value(j, "register", &view->shown[i], view->site->column[i].quantity);
        }
    }
    hwt_json_end_object(j);
}

static void write_counters(struct hwt_json *j, const struct status_view *s)
{
    for (unsigned i = 0; i < s->counters; i++) {
        if (s->counter[i].is_signed) {
            hwt_json_int(j, s->counter[i].name, (int64_t)s->counter[i].value);
        } else {
            hwt_json_uint(j, s->counter[i].name, s->counter[i].value);
        }
    }
}

static void write_status(struct hwt_json *j, struct status *status, const char *label)
{
    struct status_view s;

    status_get(status, &s);
    hwt_json_object(j, NULL);
    hwt_json_string(j, "id", s.id);
    hwt_json_string(j, "type", s.type);
    if (label != NULL) {
        hwt_json_string(j, "label", label);
    }
    write_cause(j, &s);
    if (s.meter[0] != '\0') {
        hwt_json_string(j, "meter", s.meter);
    }
    write_time(j, "since", s.since_ms);
    write_time(j, label != NULL ? "last" : "last_ok", s.last_ms);
    if (label == NULL) { /* a publisher: how far behind it is stands by itself */
        write_counters(j, &s);
    } else {
        hwt_json_object(j, "counters");
        write_counters(j, &s);
        hwt_json_end_object(j);
    }
    hwt_json_end_object(j);
}

static void write_log(const struct live_view *view, struct hwt_json *j)
{
    int measured = installation_column(view->site, SOURCE_DEVICE, HWT_Q_MEASURED);
    int gap = installation_column(view->site, SOURCE_DEVICE, HWT_Q_GAP);
    struct status_view s;

    status_get(view->log, &s);
    hwt_json_object(j, "log");
    write_cause(j, &s);
    write_time(j, "since", s.since_ms);
    hwt_json_uint(j, "commit_s", view->site->config->commit_s);
    hwt_json_uint(j, "durable", view->durable);
    hwt_json_uint(j, "lost", view->lost);
    hwt_json_uint(j, "bad_pages", view->bad_pages);
    write_value(j, "measured_s", &view->value[measured], HWT_Q_MEASURED);
    write_value(j, "gap_s", &view->value[gap], HWT_Q_GAP);
    hwt_json_end_object(j);
}

/* The sensors whose model is configured: what their makers promise stands beside our figures. */
static void write_sensors(const struct live_view *view, struct hwt_json *j)
{
    hwt_json_array(j, "sensors");
    for (unsigned i = 0; i < view->site->source_count; i++) {
        const struct site_source *source = &view->site->source[i];
        const struct config_input *in = installation_input(view->site, i);

        if (in == NULL || in->model[0] == '\0') {
            continue;
        }
        hwt_json_object(j, NULL);
        hwt_json_string(j, "source", source->id);
        hwt_json_string(j, "model", in->model);
        hwt_json_string(j, "class", in->class_text[0] != '\0' ? in->class_text : NULL);
        if (in->rated_a > 0) {
            hwt_json_scaled(j, "rated_a", llround(in->rated_a * 1000), 1000, 3);
        } else {
            hwt_json_null(j, "rated_a");
        }
        hwt_json_end_object(j);
    }
    hwt_json_end_array(j);
}

void live_write(const struct live_view *view, struct hwt_json *j)
{
    const struct config *config = view->site->config;

    hwt_json_object(j, NULL);
    write_identity(view, j);
    write_heatpump(view, j);
    write_roles(view, j);
    hwt_json_array(j, "channels");
    for (unsigned i = 0; i < view->site->schema.count; i++) {
        write_channel(view, j, i);
    }
    hwt_json_end_array(j);
    hwt_json_array(j, "sources");
    for (unsigned i = 0; i < config->source_count; i++) {
        write_status(j, view->source[i], config->source[i].label);
    }
    hwt_json_end_array(j);
    write_sensors(view, j);
    write_log(view, j);
    hwt_json_array(j, "publishers");
    for (unsigned i = 0; i < config->publisher_count; i++) {
        write_status(j, view->publisher[i], NULL);
    }
    hwt_json_end_array(j);
    hwt_json_object(j, "refused");
    hwt_json_uint(j, "host", view->refused_host);
    hwt_json_uint(j, "origin", view->refused_origin);
    hwt_json_uint(j, "readings", view->readings_lost);
    hwt_json_end_object(j);
    hwt_json_end_object(j);
}
