#include "daemon/drivers/bus_line.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/log.h"
#include "daemon/drivers/serial_port.h"
#include "daemon/drivers/tcp_port.h"

enum { HEX_OCTETS_MAX = 64 };

struct bus_line { /* exactly one of the two */
    struct serial_port *serial;
    struct tcp_port *tcp;
};

static struct tcp_port *tcp_of(uv_loop_t *loop, const struct bus_line_options *o)
{
    char host[TCP_HOST_MAX];
    struct tcp_port_options tcp = {.host = o->host,
                                   .port = o->tcp_port,
                                   .on_open = o->on_open,
                                   .on_octets = o->on_octets,
                                   .on_fail = o->on_fail,
                                   .ctx = o->ctx};

    if (o->tcp != NULL) {
        tcp.host = host;
        if (!tcp_host_split(o->tcp, 0, host, &tcp.port)) {
            return NULL;
        }
    }
    return tcp_port_new(loop, &tcp);
}

struct bus_line *bus_line_new(uv_loop_t *loop, const struct bus_line_options *o)
{
    struct bus_line *l = calloc(1, sizeof(*l));
    const struct serial_port_options serial = {.path = o->path,
                                               .baud = o->baud,
                                               .framing = o->framing,
                                               .on_open = o->on_open,
                                               .on_octets = o->on_octets,
                                               .on_fail = o->on_fail,
                                               .ctx = o->ctx};

    if (l != NULL && o->path != NULL) {
        l->serial = serial_port_new(loop, &serial);
    } else if (l != NULL) {
        l->tcp = tcp_of(loop, o);
    }
    if (l == NULL || (l->tcp == NULL && l->serial == NULL)) {
        free(l);
        return NULL;
    }
    return l;
}

void bus_line_start(struct bus_line *l)
{
    if (l->tcp != NULL) {
        tcp_port_start(l->tcp);
    } else {
        serial_port_start(l->serial);
    }
}

void bus_line_stop(struct bus_line *l)
{
    if (l->tcp != NULL) {
        tcp_port_stop(l->tcp);
    } else {
        serial_port_stop(l->serial);
    }
}

bool bus_line_is_open(const struct bus_line *l)
{
    return l->tcp != NULL ? tcp_port_is_open(l->tcp) : serial_port_is_open(l->serial);
}

bool bus_line_is_remote(const struct bus_line *l)
{
    return l->tcp != NULL;
}

int64_t bus_line_lag_us(const struct bus_line *l)
{
    return bus_line_is_remote(l) ? BUS_LINE_LAG_US : 0;
}

bool bus_line_set(struct bus_line *l, unsigned baud, enum serial_framing framing)
{
    return l->serial == NULL || serial_port_set_line(l->serial, baud, framing);
}

void bus_line_write(struct bus_line *l, const uint8_t *octets, size_t n)
{
    if (l->tcp != NULL) {
        tcp_port_write(l->tcp, octets, n);
    } else {
        serial_port_write(l->serial, octets, n);
    }
}

void bus_line_good(struct bus_line *l)
{
    if (l->tcp != NULL) {
        tcp_port_good(l->tcp);
    } else {
        serial_port_good(l->serial);
    }
}

void bus_line_break(struct bus_line *l, const char *reason)
{
    if (l->tcp != NULL) {
        tcp_port_break(l->tcp, reason);
    }
}

void bus_line_log_hex(const char *id, const char *what, const uint8_t *octets, size_t n)
{
    char hex[2 * HEX_OCTETS_MAX + 1];
    size_t shown = n < HEX_OCTETS_MAX ? n : HEX_OCTETS_MAX;

    for (size_t i = 0; i < shown; i++) {
        snprintf(hex + 2 * i, 3, "%02X", octets[i]);
    }
    hex[2 * shown] = '\0';
    LOG(LOG_DEBUG, id, "%s octets=%zu hex=%s", what, n, hex);
}

void bus_line_free(struct bus_line *l)
{
    if (l != NULL) {
        tcp_port_free(l->tcp);
        serial_port_free(l->serial);
        free(l);
    }
}
