#include "daemon/run/scan_result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/quantity.h"

enum { JSON_FIRST = 16384, JSON_MAX = 4 << 20, ITEMS_FIRST = 8 };

void scan_result_init(struct scan_result *r, const struct scan_options *options,
                      const struct config *config)
{
    memset(r, 0, sizeof(*r));
    r->config = config;
    r->state = SCAN_RUNNING;
    memcpy(r->protocol, options->protocol, sizeof(r->protocol));
    for (unsigned i = 0; i < options->ports && i < SCAN_PORTS_MAX; i++) {
        snprintf(r->port[r->ports++], SCAN_PORT_MAX, "%s", options->port[i]);
    }
}

void scan_result_deinit(struct scan_result *r)
{
    free(r->item);
    memset(r, 0, sizeof(*r));
}

/* --- items ----------------------------------------------------------------------------------- */

/* Whether any id of the configuration begins as the item's would: its inputs and parts too. */
static bool is_taken_in_config(const struct config *c, const char *id)
{
    struct config_point point;

    for (unsigned i = 0; c != NULL && i < c->source_count; i++) {
        if (strcmp(c->source[i].id, id) == 0) {
            return true;
        }
    }
    for (unsigned i = 0; c != NULL && config_point_get(c, i, &point); i++) {
        size_t n = strlen(id);

        if (strncmp(point.id, id, n) == 0 && (point.id[n] == '\0' || point.id[n] == '_')) {
            return true;
        }
    }
    return false;
}

static bool is_taken(const struct scan_result *r, const char *id)
{
    for (unsigned i = 0; i < r->items; i++) {
        if (strcmp(r->item[i].id, id) == 0) {
            return true;
        }
    }
    return is_taken_in_config(r->config, id);
}

static void name_item(const struct scan_result *r, struct scan_item *item)
{
    char base[HWT_ID_MAX + 1];

    scan_item_base(&item->found, base);
    snprintf(item->id, sizeof(item->id), "%s", base);
    for (unsigned k = 2; is_taken(r, item->id); k++) {
        snprintf(item->id, sizeof(item->id), "%.26s_%u", base, k);
    }
}

/* Two meters at one primary address can only be told apart by the secondary one. */
static void mark_shared(struct scan_result *r, struct scan_item *item)
{
    for (unsigned i = 0; i < r->items; i++) {
        struct scan_item *other = &r->item[i];

        if (other != item && other->found.protocol == SCAN_MBUS &&
            item->found.protocol == SCAN_MBUS && other->found.address == item->found.address &&
            strcmp(other->found.port, item->found.port) == 0) {
            other->shared = item->shared = true;
        }
    }
}

const struct scan_item *scan_result_add(struct scan_result *r, const struct scan_found *found)
{
    struct scan_item *item;

    if (r->items == r->room) {
        unsigned room = r->room > 0 ? 2 * r->room : ITEMS_FIRST;
        struct scan_item *more = realloc(r->item, room * sizeof(*more));

        if (more == NULL) {
            return NULL;
        }
        r->item = more;
        r->room = room;
    }
    item = &r->item[r->items];
    memset(item, 0, sizeof(*item));
    item->found = *found;
    name_item(r, item);
    scan_item_configured(found, r->config, item->configured_as);
    r->items++;
    mark_shared(r, item);
    return item;
}

void scan_result_progress(struct scan_result *r, const struct scan_progress *progress)
{
    r->progress = *progress;
    r->progress.port = NULL;
    for (unsigned i = 0; i < r->ports; i++) {
        if (strcmp(r->port[i], progress->port) == 0) {
            r->progress.port = r->port[i];
        }
    }
}

void scan_result_problem(struct scan_result *r, const char *port, const char *detail)
{
    if (r->problems < SCAN_PROBLEMS_MAX) {
        snprintf(r->problem[r->problems].port, SCAN_PORT_MAX, "%s", port);
        snprintf(r->problem[r->problems].detail, SCAN_DETAIL_MAX, "%s", detail);
        r->problems++;
    }
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void put_text(struct hwt_json *j, const char *key, const char *s)
{
    hwt_json_string(j, key, s[0] != '\0' ? s : NULL);
}

static void put_value(struct hwt_json *j, const struct scan_value *v)
{
    const struct hwt_quantity_info *q = hwt_quantity_get(v->quantity);

    hwt_json_object(j, NULL);
    if (v->name[0] != '\0') {
        hwt_json_string(j, "name", v->name);
    }
    if (q != NULL) {
        hwt_json_string(j, "quantity", q->id);
        hwt_json_scaled(j, "value", v->counts, q->per_unit, q->digits);
        hwt_json_string(j, "unit", q->unit);
    } else {
        hwt_json_string(j, "quantity", "voltage");
        hwt_json_scaled(j, "value", v->counts, 1000000, 6);
        hwt_json_string(j, "unit", "V");
    }
    hwt_json_end_object(j);
}

/* A number, or null. */
static void put_number(struct hwt_json *j, const char *key, bool there, unsigned v)
{
    if (there) {
        hwt_json_uint(j, key, v);
    } else {
        hwt_json_null(j, key);
    }
}

static void put_line(struct hwt_json *j, const struct scan_found *f)
{
    bool serial = f->baud != 0 && f->target == SCAN_TARGET_SERIAL;

    put_number(j, "baud", serial, f->baud);
    hwt_json_string(j, "parity",
                    !serial                    ? NULL
                    : f->framing == SERIAL_8E1 ? "even"
                    : f->framing == SERIAL_8O1 ? "odd"
                                               : "none");
    put_number(j, "stop_bits", serial, f->framing == SERIAL_8N2 ? 2 : 1);
}

static void put_item(struct hwt_json *j, const struct scan_item *item)
{
    const struct scan_found *f = &item->found;
    const char *cannot = scan_item_cannot(item);
    bool tcp = f->target == SCAN_TARGET_TCP;
    char text[SCAN_YAML_MAX];

    hwt_json_object(j, NULL);
    scan_item_key(f, text, sizeof(text));
    hwt_json_string(j, "key", text);
    hwt_json_string(j, "port", tcp ? NULL : f->port);
    hwt_json_string(j, "tcp", tcp ? f->port : NULL);
    hwt_json_string(j, "protocol", scan_protocol_name(f->protocol));
    put_line(j, f);
    put_number(j, "address", f->address >= 0, (unsigned)f->address);
    scan_item_secondary(f, text);
    hwt_json_string(j, "secondary", f->has_secondary ? text : NULL);
    put_text(j, "maker", f->maker);
    put_text(j, "model", f->model);
    put_text(j, "serial", f->serial);
    put_text(j, "medium", f->medium);
    hwt_json_bool(j, "collision", f->collision);
    put_text(j, "configured_as", item->configured_as);
    put_text(j, "note", f->note[0] != '\0' || cannot == NULL ? f->note : cannot);
    hwt_json_array(j, "values");
    for (unsigned i = 0; i < f->values; i++) {
        put_value(j, &f->value[i]);
    }
    hwt_json_end_array(j);
    if (cannot == NULL && scan_item_yaml(item, text)) {
        scan_item_json(item, j, "source");
        hwt_json_string(j, "yaml", text);
    } else {
        hwt_json_null(j, "source");
        hwt_json_null(j, "yaml");
    }
    hwt_json_end_object(j);
}

static void put_time(struct hwt_json *j, const char *key, int64_t unix_ms)
{
    if (unix_ms != 0) {
        hwt_json_int(j, key, unix_ms);
    } else {
        hwt_json_null(j, key);
    }
}

static void put_progress(struct hwt_json *j, const struct scan_result *r)
{
    if (r->state == SCAN_IDLE) {
        hwt_json_null(j, "progress");
        return;
    }
    hwt_json_object(j, "progress");
    hwt_json_string(j, "port", r->progress.port);
    hwt_json_string(j, "what", r->progress.what);
    hwt_json_scaled(j, "fraction", (int64_t)(r->progress.fraction * 1000), 1000, 3);
    hwt_json_end_object(j);
}

static void put_head(struct hwt_json *j, const struct scan_result *r)
{
    static const char *const states[] = {"idle", "running", "done", "stopped"};

    hwt_json_uint(j, "id", r->id);
    hwt_json_string(j, "state", states[r->state]);
    put_time(j, "started", r->started_ms);
    put_time(j, "ended", r->ended_ms);
    hwt_json_array(j, "ports");
    for (unsigned i = 0; i < r->ports; i++) {
        hwt_json_string(j, NULL, r->port[i]);
    }
    hwt_json_end_array(j);
    hwt_json_array(j, "protocols");
    for (unsigned i = 0; i < SCAN_PROTOCOLS; i++) {
        if (r->protocol[i]) {
            hwt_json_string(j, NULL, scan_protocol_name(i));
        }
    }
    hwt_json_end_array(j);
    put_progress(j, r);
}

static void write_all(const struct scan_result *r, struct hwt_json *j)
{
    hwt_json_object(j, NULL);
    put_head(j, r);
    hwt_json_array(j, "found");
    for (unsigned i = 0; i < r->items; i++) {
        put_item(j, &r->item[i]);
    }
    hwt_json_end_array(j);
    hwt_json_array(j, "problems");
    for (unsigned i = 0; i < r->problems; i++) {
        hwt_json_object(j, NULL);
        hwt_json_string(j, "port", r->problem[i].port);
        hwt_json_string(j, "detail", r->problem[i].detail);
        hwt_json_end_object(j);
    }
    hwt_json_end_array(j);
    hwt_json_end_object(j);
}

char *scan_result_json(const struct scan_result *r, size_t *n_out)
{
    for (size_t room = JSON_FIRST; room <= JSON_MAX; room *= 2) {
        char *text = malloc(room);
        struct hwt_json j;

        if (text == NULL) {
            return NULL;
        }
        hwt_json_init(&j, text, room);
        write_all(r, &j);
        if (j.ok) {
            *n_out = j.at;
            return text;
        }
        free(text);
    }
    return NULL;
}
