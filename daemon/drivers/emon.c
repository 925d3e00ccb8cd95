#include "daemon/drivers/emon.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/drivers/bus_line.h"
#include "daemon/drivers/emon_device.h"

struct emon_line {
    struct clock *clock;
    struct bus_line *port;
    struct emon_device *device[EMON_LINE_DEVICES_MAX];
    unsigned devices;
    char text[HWT_EMON_LINE_MAX]; /* of the line under way */
    size_t n;
    bool too_long;  /* the rest of it is passed over */
    uv_timer_t end; /* its closing frees the memory */
};

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
    int64_t unix_ms = clock_stamp_ms(line->clock);

    for (unsigned i = 0; i < line->devices; i++) {
        status_set(line->device[i]->o.status, STATUS_FAILED, unix_ms, "%s", why);
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
    if (taken) {
        bus_line_good(line->port);
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

struct emon_line *emon_line_new(uv_loop_t *loop, struct clock *clock,
                                const struct emon_line_options *options)
{
    struct emon_line *line = calloc(1, sizeof(*line));
    const struct bus_line_options port = {.path = options->port,
                                          .host = options->host,
                                          .tcp_port = options->tcp_port,
                                          .baud = options->baud,
                                          .framing = options->framing,
                                          .on_open = on_open,
                                          .on_octets = on_octets,
                                          .on_fail = on_fail,
                                          .ctx = line};

    if (line == NULL || (line->port = bus_line_new(loop, &port)) == NULL) {
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
    bus_line_start(line->port);
}

void emon_line_pause(struct emon_line *line, const char *cause)
{
    int64_t unix_ms = clock_stamp_ms(line->clock);

    bus_line_stop(line->port);
    for (unsigned i = 0; i < line->devices; i++) {
        status_set(line->device[i]->o.status, STATUS_STALE, unix_ms, "%s", cause);
    }
}

void emon_line_resume(struct emon_line *line)
{
    bus_line_start(line->port);
}

void emon_line_tick(struct emon_line *line)
{
    for (unsigned i = 0; bus_line_is_open(line->port) && i < line->devices; i++) {
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
        bus_line_free(line->port);
        uv_close((uv_handle_t *)&line->end, on_closed);
    }
}
