/* How what was found is called, and which source of a configuration it already is. */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/drivers/mbus.h"
#include "daemon/drivers/tcp_port.h"
#include "daemon/run/scan_item.h"

enum { MODBUS_PORT = 502, BASE_MAX = 10 }; /* the longest channel ids of a base of 10 fit */

/* --- names ----------------------------------------------------------------------------------- */

static const char *mbus_base(const struct scan_found *f)
{
    static const struct {
        const char *medium, *base;
    } bases[] = {{"electricity", "elecmeter"}, {"water", "water"},     {"warm water", "water"},
                 {"cold water", "water"},      {"hot water", "water"}, {"gas", "gas"}};

    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        if (strcmp(f->medium, bases[i].medium) == 0) {
            return bases[i].base;
        }
    }
    return strncmp(f->medium, "heat", 4) == 0 ? "heatmeter" : "mbus";
}

/* Small letters and digits, a letter first, at most BASE_MAX. */
static void clean(const char *from, char out[HWT_ID_MAX + 1])
{
    size_t n = 0;

    for (; *from != '\0' && n < BASE_MAX; from++) {
        int c = tolower((unsigned char)*from);

        if (isalnum(c) || (c == '_' && n > 0)) {
            out[n++] = (char)c;
        }
    }
    while (n > 0 && out[n - 1] == '_') {
        n--;
    }
    out[n] = '\0';
}

void scan_item_base(const struct scan_found *f, char base_out[HWT_ID_MAX + 1])
{
    char node[16];

    switch (f->protocol) {
    case SCAN_MBUS:
        clean(mbus_base(f), base_out);
        break;
    case SCAN_MODBUS:
        clean(f->map[0] != '\0' ? f->map : "modbus", base_out);
        break;
    case SCAN_EMON:
        snprintf(node, sizeof(node), f->address >= 0 ? "node%d" : "emontx", f->address);
        clean(node, base_out);
        break;
    case SCAN_DS18B20: /* the last digits: they do not change when another sensor is added */
        snprintf(base_out, HWT_ID_MAX + 1, "w1_%s",
                 strlen(f->serial) > 4 ? f->serial + strlen(f->serial) - 4 : f->serial);
        break;
    case SCAN_ELSTER:
    case SCAN_ANALOG:
    case SCAN_PROTOCOLS:
        clean(scan_protocol_name(f->protocol), base_out);
        break;
    }
}

void scan_item_key(const struct scan_found *f, char *out, size_t n)
{
    char secondary[24];

    if (f->has_secondary) {
        scan_item_secondary(f, secondary);
        snprintf(out, n, "%s %s %s", scan_protocol_name(f->protocol), f->port, secondary);
    } else if (f->address >= 0) {
        snprintf(out, n, "%s %s %d", scan_protocol_name(f->protocol), f->port, f->address);
    } else if (f->serial[0] != '\0') {
        snprintf(out, n, "%s %s %s", scan_protocol_name(f->protocol), f->port, f->serial);
    } else {
        snprintf(out, n, "%s %s", scan_protocol_name(f->protocol), f->port);
    }
}

/* --- what is configured ---------------------------------------------------------------------- */

/* One file, by whatever link it is named. */
static bool same_file(const char *a, const char *b)
{
    char x[PATH_MAX], y[PATH_MAX];

    return strcmp(a, b) == 0 || (a[0] != '\0' && b[0] != '\0' && realpath(a, x) != NULL &&
                                 realpath(b, y) != NULL && strcmp(x, y) == 0);
}

static bool same_host(const struct config_source *c, const char *tcp)
{
    char host[TCP_HOST_MAX];
    uint16_t port;

    return c->tcp[0] != '\0' && tcp_host_split(tcp, MODBUS_PORT, host, &port) &&
           strcasecmp(host, c->host) == 0 && port == c->tcp_port;
}

bool scan_item_same_place(const struct config_source *c, enum scan_target target, const char *port)
{
    char chip[SCAN_PORT_MAX];
    unsigned line;

    switch (target) {
    case SCAN_TARGET_SERIAL:
        return same_file(c->port, port);
    case SCAN_TARGET_TCP:
        return same_host(c, port);
    case SCAN_TARGET_EVENTS:
        return same_file(c->events, port) || same_file(c->socket, port);
    case SCAN_TARGET_CHIP:
        return scan_chip_split(port, chip, &line) && line == c->gpio && same_file(c->chip, chip);
    case SCAN_TARGET_W1:
        return c->type == CONFIG_DS18B20; /* the sensor's own id tells */
    case SCAN_TARGET_IIO:
        return c->type == CONFIG_ANALOG; /* the files tell */
    case SCAN_TARGET_NONE:
        break;
    }
    return false;
}

static bool is_mbus_meter(const struct config_source *c, const struct scan_found *f)
{
    uint8_t select[HWT_MBUS_SELECT_SIZE];

    if (c->secondary[0] != '\0') {
        return f->has_secondary && mbus_select_parse(c->secondary, select) &&
               hwt_mbus_select_fits(select, f->secondary);
    }
    return c->address == HWT_MBUS_ADDRESS_ANY || (int)c->address == f->address;
}

/* One of a source's sensors, or NULL. */
static const char *sensor_id(const struct config_source *c, const char *rom)
{
    for (unsigned i = 0; i < c->sensor_count; i++) {
        if (strcmp(c->sensors[i].rom, rom) == 0) {
            return c->sensors[i].id;
        }
    }
    return NULL;
}

static bool is_of_converter(const struct config_source *c, const struct scan_found *f)
{
    char part[SCAN_PORT_MAX];

    snprintf(part, sizeof(part), "/%s/", f->serial);
    return strstr(c->analog_flow, part) != NULL || strstr(c->analog_t, part) != NULL;
}

static const char *configured_as(const struct config_source *c, const struct scan_found *f)
{
    if (strcmp(config_source_type_name(c->type), scan_protocol_name(f->protocol)) != 0 ||
        !scan_item_same_place(c, f->target, f->port)) {
        return NULL;
    }
    switch (f->protocol) {
    case SCAN_MBUS:
        return is_mbus_meter(c, f) ? c->id : NULL;
    case SCAN_MODBUS:
        return (int)c->unit == f->address ? c->id : NULL;
    case SCAN_EMON:
        return (c->node == CONFIG_EMON_NODE_NONE ? -1 : (int)c->node) == f->address ? c->id : NULL;
    case SCAN_ELSTER:
        return c->id;
    case SCAN_DS18B20:
        return sensor_id(c, f->serial);
    case SCAN_ANALOG:
        return is_of_converter(c, f) ? c->id : NULL;
    case SCAN_PROTOCOLS:
        break;
    }
    return NULL;
}

void scan_item_configured(const struct scan_found *found, const struct config *config,
                          char id_out[HWT_ID_MAX + 1])
{
    const char *id = NULL;

    for (unsigned i = 0; config != NULL && i < config->source_count && id == NULL; i++) {
        id = configured_as(&config->source[i], found);
    }
    snprintf(id_out, HWT_ID_MAX + 1, "%s", id != NULL ? id : "");
}
