#include "daemon/run/scan_request.h"

#include <stdio.h>
#include <string.h>

struct reading {
    struct scan_request *out;
    char *why;
};

static bool wrong(struct reading *r, const char *format, const char *what)
{
    snprintf(r->why, SCAN_DETAIL_MAX, format, what);
    return false;
}

/* --- members --------------------------------------------------------------------------------- */

static bool read_ports(struct reading *r, const json_t *v)
{
    size_t n = json_array_size(v);

    if (n < 1 || n > SCAN_PORTS_MAX) {
        return wrong(r, "%s is not a list of 1 to 16 names of ports", "ports");
    }
    for (size_t i = 0; i < n; i++) {
        const char *port = json_string_value(json_array_get(v, i));

        if (port == NULL || port[0] == '\0' || strlen(port) >= SCAN_PORT_MAX) {
            return wrong(r, "%s has an entry that is not the name of a port", "ports");
        }
        r->out->port[i] = port;
    }
    r->out->options.ports = (unsigned)n;
    return true;
}

static bool read_protocols(struct reading *r, const json_t *v)
{
    if (!json_is_array(v) || json_array_size(v) == 0) {
        return wrong(r, "%s is not a list of protocols", "protocols");
    }
    memset(r->out->options.protocol, 0, sizeof(r->out->options.protocol));
    for (size_t i = 0; i < json_array_size(v); i++) {
        const char *name = json_string_value(json_array_get(v, i));
        enum scan_protocol p = name != NULL ? scan_protocol_find(name) : SCAN_PROTOCOLS;

        if (p == SCAN_PROTOCOLS) {
            return wrong(r,
                         "protocols: \"%.40s\" is none of mbus, modbus, elster, emon, ds18b20, "
                         "analog",
                         name != NULL ? name : "?");
        }
        r->out->options.protocol[p] = true;
    }
    return true;
}

static bool read_speeds(struct reading *r, const json_t *v)
{
    struct scan_options *o = &r->out->options;
    size_t n = json_array_size(v);

    if (n < 1 || n > SCAN_SPEEDS_MAX) {
        return wrong(r, "%s is not a list of 1 to 10 speeds", "baud");
    }
    for (size_t i = 0; i < n; i++) {
        json_int_t baud = json_integer_value(json_array_get(v, i));

        if (baud < 1 || baud > 115200 || !serial_baud_is_standard((unsigned)baud)) {
            return wrong(r, "%s has an entry that is no standard speed", "baud");
        }
        o->baud[o->speeds++] = (unsigned)baud;
    }
    return true;
}

static bool read_bool(struct reading *r, const char *key, const json_t *v, bool *out)
{
    *out = json_is_true(v);
    return json_is_boolean(v) || wrong(r, "%s is neither true nor false", key);
}

static bool read_ms(struct reading *r, const char *key, const json_t *v, unsigned *out)
{
    json_int_t ms = json_integer_value(v);

    if (ms < 20 || ms > 600000) {
        return wrong(r, "%s is not 20 to 600000", key);
    }
    *out = (unsigned)ms;
    return true;
}

static bool read_member(struct reading *r, const char *key, const json_t *v)
{
    struct scan_options *o = &r->out->options;

    if (strcmp(key, "ports") == 0) {
        return read_ports(r, v);
    }
    if (strcmp(key, "protocols") == 0) {
        return read_protocols(r, v);
    }
    if (strcmp(key, "baud") == 0) {
        return read_speeds(r, v);
    }
    if (strcmp(key, "quick") == 0) {
        return read_bool(r, key, v, &o->quick);
    }
    if (strcmp(key, "every") == 0) {
        return read_bool(r, key, v, &o->every);
    }
    if (strcmp(key, "listen_ms") == 0) {
        return read_ms(r, key, v, &o->listen_ms);
    }
    if (strcmp(key, "timeout_ms") == 0) {
        return read_ms(r, key, v, &o->timeout_ms);
    }
    return wrong(r,
                 "\"%.40s\" is not known: a scan takes ports, protocols, baud, quick, every, "
                 "listen_ms and timeout_ms",
                 key);
}

bool scan_request_read(const json_t *body, struct scan_request *out, char why_out[SCAN_DETAIL_MAX])
{
    struct reading r = {out, why_out};
    const char *key;
    json_t *v;

    memset(out, 0, sizeof(*out));
    for (unsigned p = 0; p < SCAN_PROTOCOLS; p++) {
        out->options.protocol[p] = true;
    }
    json_object_foreach((json_t *)(uintptr_t)body, key, v)
    {
        if (!read_member(&r, key, v)) {
            return false;
        }
    }
    out->options.port = out->port;
    return out->options.ports > 0 || wrong(&r, "%s is missing: the ports to look at", "ports");
}
