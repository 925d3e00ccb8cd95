#include "daemon/run/scan_ports.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/drivers/ports.h"

enum { JSON_BYTES = 65536, LIST_MAX = PORTS_MAX + CONFIG_SOURCES_MAX };

struct list {
    const struct config *config;
    struct port_entry entry[LIST_MAX];
    enum scan_target target[LIST_MAX];
    size_t n;
};

/* Gives its port away for a while; the others are threads of their own, or lines that only one may
 * have. */
static bool can_pause(const struct config_source *c, enum scan_target target)
{
    if (target == SCAN_TARGET_W1 || target == SCAN_TARGET_IIO) {
        return true; /* read side by side */
    }
    return c->type == CONFIG_MBUS || c->type == CONFIG_MODBUS || c->type == CONFIG_EMON ||
           (c->type == CONFIG_ELSTER && target == SCAN_TARGET_SERIAL);
}

const char *scan_ports_keeper(const struct config *config, const char *port)
{
    char detail[SCAN_DETAIL_MAX];
    enum scan_target target = scan_target_of(port, detail);

    for (unsigned i = 0; i < config->source_count; i++) {
        const struct config_source *c = &config->source[i];

        if (!can_pause(c, target) && scan_item_same_place(c, target, port)) {
            return c->id;
        }
    }
    return NULL;
}

/* --- which there are ------------------------------------------------------------------------- */

/* What a source names as its port; "" if it has none. */
static void port_of(const struct config_source *c, char out[PORT_PATH_MAX])
{
    out[0] = '\0';
    if (c->tcp[0] != '\0') {
        snprintf(out, PORT_PATH_MAX, strchr(c->host, ':') != NULL ? "[%s]:%u" : "%s:%u", c->host,
                 c->tcp_port);
    } else if (c->chip[0] != '\0') {
        snprintf(out, PORT_PATH_MAX, "%.200s:%u", c->chip, c->gpio);
    } else if (c->port[0] != '\0' || c->events[0] != '\0') {
        snprintf(out, PORT_PATH_MAX, "%s", c->port[0] != '\0' ? c->port : c->events);
    }
}

static bool is_listed(const struct list *l, const struct config_source *c)
{
    for (size_t i = 0; i < l->n; i++) {
        if (scan_item_same_place(c, l->target[i], l->entry[i].port)) {
            return true;
        }
    }
    return false;
}

static void add_configured(struct list *l, const struct config_source *c)
{
    struct port_entry *e = &l->entry[l->n];
    char port[PORT_PATH_MAX], detail[SCAN_DETAIL_MAX], device[PATH_MAX];

    port_of(c, port);
    if (port[0] == '\0' || is_listed(l, c)) {
        return;
    }
    l->target[l->n] = scan_target_of(port, detail);
    if (l->target[l->n] != SCAN_TARGET_SERIAL || realpath(port, device) == NULL) {
        snprintf(device, sizeof(device), "%s", port);
    }
    memcpy(e->port, port, sizeof(port));
    snprintf(e->device, sizeof(e->device), "%.255s", device);
    l->n++;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static const char *kind_of(enum scan_target target)
{
    switch (target) {
    case SCAN_TARGET_TCP:
        return "tcp";
    case SCAN_TARGET_EVENTS:
    case SCAN_TARGET_CHIP:
        return "line";
    case SCAN_TARGET_W1:
        return "w1";
    case SCAN_TARGET_IIO:
        return "iio";
    case SCAN_TARGET_NONE: /* unplugged, or not for this user: a scan says which */
    case SCAN_TARGET_SERIAL:
        break;
    }
    return "serial";
}

static void put_port(struct hwt_json *j, const struct list *l, size_t i)
{
    const struct port_entry *e = &l->entry[i];

    hwt_json_object(j, NULL);
    hwt_json_string(j, "port", e->port);
    hwt_json_string(j, "device", e->device);
    hwt_json_string(j, "kind", kind_of(l->target[i]));
    hwt_json_array(j, "used_by");
    for (unsigned k = 0; k < l->config->source_count; k++) {
        const struct config_source *c = &l->config->source[k];
        char port[PORT_PATH_MAX];

        port_of(c, port);
        if (scan_item_same_place(c, l->target[i], e->port) || strcmp(port, e->port) == 0) {
            hwt_json_string(j, NULL, c->id);
        }
    }
    hwt_json_end_array(j);
    hwt_json_bool(j, "scannable",
                  l->target[i] != SCAN_TARGET_NONE &&
                      scan_ports_keeper(l->config, e->port) == NULL);
    hwt_json_end_object(j);
}

char *scan_ports_json(const struct config *config, bool may_change, size_t *n_out)
{
    struct list *l = calloc(1, sizeof(*l));
    char *text = malloc(JSON_BYTES), detail[SCAN_DETAIL_MAX];
    struct hwt_json j;

    if (l == NULL || text == NULL) {
        free(l);
        free(text);
        return NULL;
    }
    l->config = config;
    l->n = ports_list("", l->entry);
    for (size_t i = 0; i < l->n; i++) {
        l->target[i] = scan_target_of(l->entry[i].port, detail);
    }
    for (unsigned i = 0; i < config->source_count; i++) {
        add_configured(l, &config->source[i]);
    }
    hwt_json_init(&j, text, JSON_BYTES);
    hwt_json_object(&j, NULL);
    hwt_json_array(&j, "ports");
    for (size_t i = 0; i < l->n; i++) {
        put_port(&j, l, i);
    }
    hwt_json_end_array(&j);
    hwt_json_bool(&j, "changes", may_change);
    hwt_json_end_object(&j);
    free(l);
    if (!j.ok) {
        free(text);
        return NULL;
    }
    *n_out = j.at;
    return text;
}
