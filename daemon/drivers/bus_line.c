#include "daemon/drivers/bus_line.h"

#include <stdlib.h>

#include "daemon/drivers/serial_port.h"
#include "daemon/drivers/tcp_port.h"

struct bus_line { /* exactly one of the two */
    struct serial_port *serial;
    struct tcp_port *tcp;
    enum serial_framing framing;
};

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
    char host[TCP_HOST_MAX];
    struct tcp_port_options tcp = {.host = host,
                                   .on_open = o->on_open,
                                   .on_octets = o->on_octets,
                                   .on_fail = o->on_fail,
                                   .ctx = o->ctx};

    if (l != NULL && o->tcp != NULL) {
        l->tcp = tcp_host_split(o->tcp, 0, host, &tcp.port) ? tcp_port_new(loop, &tcp) : NULL;
    } else if (l != NULL) {
        l->serial = serial_port_new(loop, &serial);
    }
    if (l == NULL || (l->tcp == NULL && l->serial == NULL)) {
        free(l);
        return NULL;
    }
    l->framing = o->framing;
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

bool bus_line_is_open(const struct bus_line *l)
{
    return l->tcp != NULL ? tcp_port_is_open(l->tcp) : serial_port_is_open(l->serial);
}

bool bus_line_is_remote(const struct bus_line *l)
{
    return l->tcp != NULL;
}

bool bus_line_set_baud(struct bus_line *l, unsigned baud)
{
    return l->serial == NULL || serial_port_set_line(l->serial, baud, l->framing);
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

void bus_line_free(struct bus_line *l)
{
    if (l != NULL) {
        tcp_port_free(l->tcp);
        serial_port_free(l->serial);
        free(l);
    }
}
