#include "daemon/drivers/modbus.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/log.h"
#include "daemon/drivers/bus_line.h"
#include "daemon/drivers/modbus_device.h"

enum {
    DEVICES_MAX = 32,
    SILENT_MAX = 3, /* requests in a row without any answer: a TCP connection is made anew */
    START_BAUD = 9600,
    NONE = -1
};

struct modbus_line {
    struct clock *clock;
    struct bus_line *port;
    bool rtu;
    uv_timer_t wake;
    struct hwt_modbus_master master;
    struct modbus_device *device[DEVICES_MAX];
    int devices, current, last; /* current: index of the device asked, or NONE; last: before it */
    unsigned silent;
};

static void pump(struct modbus_line *line);

/* --- the port -------------------------------------------------------------------------------- */

static void on_open(void *ctx)
{
    struct modbus_line *line = ctx;

    hwt_modbus_master_init(&line->master, line->rtu ? HWT_MODBUS_RTU : HWT_MODBUS_TCP, START_BAUD);
    line->silent = 0;
    for (int i = 0; i < line->devices; i++) {
        modbus_device_renew(line->device[i]);
    }
    pump(line);
}

static void on_octets(void *ctx, const uint8_t *p, size_t n)
{
    struct modbus_line *line = ctx;

    hwt_modbus_master_feed(&line->master, p, n, clock_real_us());
    pump(line);
}

static void on_fail(void *ctx, const char *why)
{
    struct modbus_line *line = ctx;
    int64_t unix_ms = clock_stamp_ms(line->clock);

    uv_timer_stop(&line->wake);
    line->current = NONE;
    for (int i = 0; i < line->devices; i++) {
        status_set(line->device[i]->o.status, STATUS_FAILED, unix_ms, "%s", why);
    }
}

/* A connection may be dead without a word, and a stream that lost its frames never finds them. */
static void check_connection(struct modbus_line *line)
{
    if (!bus_line_is_remote(line->port)) {
        return;
    }
    line->silent += line->master.result == HWT_MODBUS_TIMEOUT;
    if (line->master.result == HWT_MODBUS_NOISE && !line->rtu) {
        bus_line_break(line->port, "what came is no Modbus TCP");
    } else if (line->silent >= SILENT_MAX) {
        bus_line_break(line->port, "no answer to three requests");
    }
}

/* --- whose turn ------------------------------------------------------------------------------ */

/* The next request of the current device's poll; false, with nothing current, if it is over. */
static bool start_request(struct modbus_line *line)
{
    struct modbus_device *d = line->device[line->current];
    struct hwt_modbus_request request;
    unsigned retries = modbus_device_is_lost(d) ? 0 : d->o.retries;

    if (modbus_device_request(d, &request) &&
        hwt_modbus_master_start(&line->master, &request, 1000 * (int64_t)d->o.timeout_ms, retries,
                                clock_real_us()) == 0) {
        return true;
    }
    line->current = NONE;
    modbus_device_end(d, line->clock);
    return false;
}

/* Speed and framing of the device whose turn it is. */
static void set_line(struct modbus_line *line, const struct modbus_device *d)
{
    if (!bus_line_set(line->port, d->o.baud, d->o.framing)) {
        LOG(LOG_WARN, d->o.id, "port refuses speed baud=%u", d->o.baud);
    }
    hwt_modbus_master_set_baud(&line->master, d->o.baud);
}

/* Begins the next due poll, in turn. False if none is due. */
static bool start_next(struct modbus_line *line)
{
    for (int k = 1; k <= line->devices; k++) {
        int i = (line->last + k) % line->devices;
        struct modbus_device *d = line->device[i];

        if (d->due) {
            d->due = false;
            line->current = line->last = i;
            set_line(line, d);
            modbus_device_begin(d);
            if (start_request(line)) {
                return true;
            }
        }
    }
    return false;
}

static void finish_request(struct modbus_line *line)
{
    struct modbus_device *d = line->device[line->current];

    if (line->master.result == HWT_MODBUS_OK) {
        bus_line_log_hex(d->o.id, "registers", line->master.registers,
                         2 * (size_t)line->master.request.count);
    }
    if (line->master.result == HWT_MODBUS_OK || line->master.result == HWT_MODBUS_EXCEPTION) {
        line->silent = 0;
        bus_line_good(line->port);
    }
    modbus_device_answer(d, &line->master);
    if (start_request(line)) {
        return;
    }
    check_connection(line);
}

static void on_wake(uv_timer_t *t)
{
    pump(t->data);
}

/* Goes on with the request under way, or the next one, until there is something to wait for. */
static void pump(struct modbus_line *line)
{
    while (bus_line_is_open(line->port) && (line->current != NONE || start_next(line))) {
        int64_t now_us = clock_real_us();
        struct hwt_modbus_action a = hwt_modbus_master_step(&line->master, now_us);

        if (a.step == HWT_MODBUS_STEP_WAIT) {
            int64_t wait_us = a.wake_us - now_us;

            uv_update_time(line->wake.loop);
            uv_timer_start(&line->wake, on_wake, (uint64_t)(wait_us + 999) / 1000, 0);
            return;
        }
        if (a.step == HWT_MODBUS_STEP_SEND) {
            bus_line_log_hex(line->device[line->current]->o.id, "send", a.octets, a.n);
            bus_line_write(line->port, a.octets, a.n);
        }
        if (a.step == HWT_MODBUS_STEP_DONE) {
            finish_request(line);
        }
    }
    uv_timer_stop(&line->wake);
}

/* --- the line -------------------------------------------------------------------------------- */

struct modbus_line *modbus_line_new(uv_loop_t *loop, struct clock *clock,
                                    const struct modbus_line_options *options)
{
    struct modbus_line *line = calloc(1, sizeof(*line));
    const struct bus_line_options port = {.path = options->port,
                                          .host = options->host,
                                          .tcp_port = options->tcp_port,
                                          .baud = START_BAUD,
                                          .framing = SERIAL_8N1,
                                          .on_open = on_open,
                                          .on_octets = on_octets,
                                          .on_fail = on_fail,
                                          .ctx = line};

    if (line == NULL || (line->port = bus_line_new(loop, &port)) == NULL) {
        free(line);
        return NULL;
    }
    line->clock = clock;
    line->rtu = options->port != NULL || options->rtu_over_tcp;
    line->current = line->last = NONE;
    uv_timer_init(loop, &line->wake);
    line->wake.data = line;
    return line;
}

int modbus_line_add(struct modbus_line *line, const struct modbus_device_options *options)
{
    struct modbus_device *d;
    int err;

    if (line->devices == DEVICES_MAX || (d = malloc(sizeof(*d))) == NULL) {
        return HWT_ERR_SPACE;
    }
    err = line->rtu && (options->unit < 1 || options->unit > HWT_MODBUS_UNIT_MAX)
              ? HWT_ERR_ARGUMENT
              : modbus_device_init(d, options);
    if (err != 0) {
        free(d);
        return err;
    }
    line->device[line->devices++] = d;
    return 0;
}

void modbus_line_start(struct modbus_line *line)
{
    int64_t now_us = clock_mono_us(line->clock);

    for (int i = 0; i < line->devices; i++) {
        line->device[i]->due_us = line->device[i]->good_us = now_us;
    }
    bus_line_start(line->port);
}

void modbus_line_pause(struct modbus_line *line, const char *cause)
{
    int64_t unix_ms = clock_stamp_ms(line->clock);

    uv_timer_stop(&line->wake);
    bus_line_stop(line->port);
    line->current = NONE;
    for (int i = 0; i < line->devices; i++) {
        status_set(line->device[i]->o.status, STATUS_STALE, unix_ms, "%s", cause);
    }
}

void modbus_line_resume(struct modbus_line *line)
{
    for (int i = 0; i < line->devices; i++) {
        line->device[i]->due = true;
    }
    bus_line_start(line->port);
}

void modbus_line_tick(struct modbus_line *line)
{
    int64_t now_us = clock_mono_us(line->clock);

    for (int i = 0; i < line->devices; i++) {
        struct modbus_device *d = line->device[i];

        if (now_us >= d->due_us) {
            d->due = true;
            modbus_device_schedule(d, now_us);
        }
        if (bus_line_is_open(line->port)) {
            modbus_device_check_stale(d, line->clock,
                                      d->bad || (i == line->current && line->master.retried > 0));
        }
    }
    if (line->current == NONE) {
        pump(line);
    }
}

static void on_wake_closed(uv_handle_t *h)
{
    struct modbus_line *line = h->data;

    for (int i = 0; i < line->devices; i++) {
        free(line->device[i]);
    }
    free(line);
}

void modbus_line_free(struct modbus_line *line)
{
    if (line != NULL) {
        bus_line_free(line->port);
        uv_close((uv_handle_t *)&line->wake, on_wake_closed);
    }
}
