#include "daemon/drivers/emon.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/drivers/emon_device.h"
#include "daemon/drivers/serial_port.h"
#include "daemon/drivers/tcp_port.h"

struct emon_line {
    struct clock *clock;
    struct serial_port *serial; /* one of the two */
    struct tcp_port *tcp;
    struct emon_device *device[EMON_LINE_DEVICES_MAX];
    unsigned devices;
    char text[HWT_EMON_LINE_MAX]; /* of the line under way */
    size_t n;
    bool too_long;  /* the rest of it is passed over */
    uv_timer_t end; /* its closing frees the memory */
};

static bool is_open(const struct emon_line *line)
{
    return line->serial != NULL ? serial_port_is_open(line->serial) : tcp_port_is_open(line->tcp);
}

static void on_open(void *ctx)
{
    struct emon_line *line = ctx;

    line->n = 0;
    line->too_long = false;
    for (unsigned i = 0; i < line->devices; i++) {
        emon_device_open(line->device[i], line->clock);
    }
}

static void on_fail(void *ctx, const char *why)
{
    struct emon_line *line = ctx;
    int64_t unix_ms = clock_unix_ms(line->clock);

    for (unsigned i = 0; i < line->devices; i++) {
        status_set(line->device[i]->o.status, STATUS_FAILED,
                   unix_ms == HWT_TIME_UNKNOWN ? 0 : unix_ms, "%s", why);
    }
}

static void end_line(struct emon_line *line)
{
    bool taken = false;

    if (line->too_long) {
        for (unsigned i = 0; i < line->devices; i++) {
            status_count(line->device[i]->o.status, "LENGTH", 1);
        }
    } else if (line->n > 0) {
        for (unsigned i = 0; i < line->devices; i++) {
            taken |= emon_device_line(line->device[i], line->text, line->n, line->clock);
        }
    }
    if (taken && line->serial != NULL) {
        serial_port_good(line->serial);
    } else if (taken) {
        tcp_port_good(line->tcp);
    }
    line->n = 0;
    line->too_long = false;
}

static void on_octets(void *ctx, const uint8_t *p, size_t n)
{
    struct emon_line *line = ctx;

    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\n' || p[i] == '\r') {
            end_line(line);
        } else if (line->n < sizeof(line->text)) {
            line->text[line->n++] = (char)p[i];
        } else {
            line->too_long = true;
        }
    }
}

static bool make_port(struct emon_line *line, uv_loop_t *loop, const struct emon_line_options *o)
{
    struct serial_port_options serial = {.path = o->port,
                                         .baud = o->baud,
                                         .framing = o->framing,
                                         .on_open = on_open,
                                         .on_octets = on_octets,
                                         .on_fail = on_fail,
                                         .ctx = line};
    struct tcp_port_options tcp = {.host = o->host,
                                   .port = o->tcp_port,
                                   .on_open = on_open,
                                   .on_octets = on_octets,
                                   .on_fail = on_fail,
                                   .ctx = line};

    if (o->port != NULL) {
        line->serial = serial_port_new(loop, &serial);
    } else {
        line->tcp = tcp_port_new(loop, &tcp);
    }
    return line->serial != NULL || line->tcp != NULL;
}

struct emon_line *emon_line_new(uv_loop_t *loop, struct clock *clock,
                                const struct emon_line_options *options)
{
    struct emon_line *line = calloc(1, sizeof(*line));

    if (line == NULL || !make_port(line, loop, options)) {
        free(line);
        return NULL;
    }
    line->clock = clock;
    uv_timer_init(loop, &line->end);
    line->end.data = line;
    return line;
}

int emon_line_add(struct emon_line *line, const struct emon_device_options *options)
{
    struct emon_device *d;
    int err;

    if (line->devices == EMON_LINE_DEVICES_MAX || (d = malloc(sizeof(*d))) == NULL) {
        return HWT_ERR_SPACE;
    }
    err = emon_device_init(d, options);
    if (err != 0) {
        free(d);
        return err;
    }
    line->device[line->devices++] = d;
    return 0;
}

void emon_line_start(struct emon_line *line)
{
    if (line->serial != NULL) {
        serial_port_start(line->serial);
    } else {
        tcp_port_start(line->tcp);
    }
}

void emon_line_tick(struct emon_line *line)
{
    for (unsigned i = 0; is_open(line) && i < line->devices; i++) {
        emon_device_check_stale(line->device[i], line->clock);
    }
}

static void on_closed(uv_handle_t *h)
{
    struct emon_line *line = h->data;

    for (unsigned i = 0; i < line->devices; i++) {
        free(line->device[i]);
    }
    free(line);
}

void emon_line_free(struct emon_line *line)
{
    if (line != NULL) {
        serial_port_free(line->serial);
        tcp_port_free(line->tcp);
        uv_close((uv_handle_t *)&line->end, on_closed);
    }
}
