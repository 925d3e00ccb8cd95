#include "daemon/drivers/mbus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/mbus_master.h"
#include "daemon/base/log.h"
#include "daemon/drivers/serial_port.h"

enum {
    METERS_MAX = 32,
    MISSED_POLLS = 3,  /* without an answer: stale */
    TELEGRAMS_MAX = 8, /* of one poll, where the meter says more follow */
    BACKOFF_MAX_S = 30,
    NONE = -1
};

struct meter {
    struct mbus_meter_options o;
    struct hwt_mbus_slave slave;
    int64_t due_us;  /* clock: next poll */
    int64_t good_us; /* clock: last good answer, or when polling began */
    bool due;        /* waits for its turn */
    bool failing;    /* the last poll had no good answer */
    bool refusing;   /* the last poll had a telegram refused; it was logged */
    bool chain;      /* sends several telegrams: each poll begins the sequence anew */
    unsigned telegrams;
    char why[80]; /* of the last failure */
};

struct mbus_bus {
    struct clock *clock;
    struct serial_port *port;
    unsigned baud;
    uv_timer_t wake;
    struct hwt_mbus_master master;
    struct meter meter[METERS_MAX];
    int meters, current, last; /* current: index of the meter asked, or NONE; last: asked before */
};

static void pump(struct mbus_bus *bus);

static int64_t unix_ms(struct mbus_bus *bus)
{
    int64_t t = clock_unix_ms(bus->clock);

    return t == HWT_TIME_UNKNOWN ? 0 : t;
}

/* --- the port -------------------------------------------------------------------------------- */

static void on_open(void *ctx)
{
    struct mbus_bus *bus = ctx;

    hwt_mbus_master_init(&bus->master, bus->baud);
    pump(bus);
}

static void on_octets(void *ctx, const uint8_t *p, size_t n)
{
    struct mbus_bus *bus = ctx;

    hwt_mbus_master_feed(&bus->master, p, n, clock_real_us());
    pump(bus);
}

static void on_fail(void *ctx, const char *why)
{
    struct mbus_bus *bus = ctx;

    uv_timer_stop(&bus->wake);
    bus->current = NONE;
    for (int i = 0; i < bus->meters; i++) {
        bus->meter[i].slave.linked = false;
        status_set(bus->meter[i].o.status, STATUS_FAILED, unix_ms(bus), "%s", why);
    }
}

static void log_hex(const struct meter *m, const char *what, const uint8_t *p, size_t n)
{
    char hex[2 * 64 + 1];
    size_t shown = n < 64 ? n : 64;

    for (size_t i = 0; i < shown; i++) {
        snprintf(hex + 2 * i, 3, "%02X", p[i]);
    }
    hex[2 * shown] = '\0';
    LOG(LOG_DEBUG, m->o.id, "%s octets=%zu hex=%s", what, n, hex);
}

/* --- one meter's answers --------------------------------------------------------------------- */

static void check_stale(struct mbus_bus *bus, struct meter *m, bool in_doubt)
{
    int64_t missed = (clock_mono_us(bus->clock) - m->good_us) / (1000000 * (int64_t)m->o.poll_s);

    if (in_doubt && missed >= MISSED_POLLS && serial_port_is_open(bus->port)) {
        status_set(m->o.status, STATUS_STALE, unix_ms(bus), "no good answer for %lld polls%s%s",
                   (long long)missed, m->why[0] != '\0' ? ": " : "", m->why);
    }
}

static void fail_poll(struct mbus_bus *bus, struct meter *m, const char *why)
{
    snprintf(m->why, sizeof(m->why), "%s", why);
    if (m->telegrams > 0) { /* the first telegram of this poll was good */
        return;
    }
    m->failing = true;
    check_stale(bus, m, true);
}

/* One line when telegrams begin to be refused, none for the next ones until a poll went well. */
static void log_refusal(struct meter *m, const char *reason, const char *what)
{
    if (!m->refusing) {
        LOG(LOG_WARN, m->o.id, "telegram refused reason=%s%s%s", reason, what[0] != '\0' ? " " : "",
            what);
    }
    m->refusing = true;
}

static void count_attempts(const struct hwt_mbus_master *master, struct meter *m)
{
    bool refused = false;

    for (int i = 1; i < HWT_ERR_KINDS; i++) {
        bool silent = i == -HWT_ERR_AGAIN;

        if (master->failed[i] > 0) {
            status_count(m->o.status, silent ? "TIMEOUT" : hwt_err_name(-i), master->failed[i]);
            if (!silent) {
                log_refusal(m, hwt_err_name(-i), "");
                refused = true;
            }
        }
    }
    if (master->retried > 0) {
        status_count(m->o.status, "retries", master->retried);
    }
    m->refusing = m->refusing && (refused || master->result != 0);
}

static void deliver(struct mbus_bus *bus, struct meter *m, const struct hwt_mbus_telegram *t)
{
    struct hwt_reading readings[MBUS_READINGS_MAX];
    struct clock_time now = clock_now(bus->clock);
    unsigned implausible;
    size_t n = mbus_readings(t, m->o.source, now.mono_us, readings, &implausible);

    status_count(m->o.status, "good", 1);
    if (implausible > 0) {
        status_count(m->o.status, "implausible", implausible);
    }
    m->good_us = now.mono_us;
    m->failing = false;
    serial_port_good(bus->port);
    status_set(m->o.status, STATUS_OK, unix_ms(bus), NULL);
    status_good(m->o.status, unix_ms(bus));
    if (n > 0) {
        m->o.sink(m->o.ctx, readings, n);
    }
}

/* True if another telegram of the same poll is to be asked for. */
static bool take_reply(struct mbus_bus *bus, struct meter *m)
{
    struct hwt_mbus_telegram t;
    struct hwt_mbus_fault fault;
    int err;

    log_hex(m, "reply", bus->master.reply.octets, bus->master.reply.size);
    err = hwt_mbus_open(&bus->master.reply, &t, &fault);
    if (err == 0) {
        err = hwt_mbus_verify(&t, &fault);
    }
    if (err != 0) {
        char why[80];

        snprintf(why, sizeof(why), "%s: %s", hwt_err_name(err), fault.what);
        status_count(m->o.status, hwt_err_name(err), 1);
        log_refusal(m, hwt_err_name(err), fault.what);
        fail_poll(bus, m, why);
        return false;
    }
    deliver(bus, m, &t);
    m->telegrams++;
    m->chain = m->chain || t.more;
    return t.more && m->telegrams < TELEGRAMS_MAX;
}

/* --- whose turn ------------------------------------------------------------------------------ */

static void start_request(struct mbus_bus *bus, struct meter *m)
{
    hwt_mbus_master_start(&bus->master, &m->slave, 1000 * (int64_t)m->o.timeout_ms, m->o.retries,
                          clock_real_us());
}

/* Begins the next due poll, in turn. False if none is due. */
static bool start_next(struct mbus_bus *bus)
{
    for (int k = 1; k <= bus->meters; k++) {
        int i = (bus->last + k) % bus->meters;
        struct meter *m = &bus->meter[i];

        if (m->due) {
            m->due = false;
            m->telegrams = 0;
            m->slave.linked = m->slave.linked && !m->chain;
            bus->current = bus->last = i;
            status_count(m->o.status, "polls", 1);
            start_request(bus, m);
            return true;
        }
    }
    return false;
}

static void finish_request(struct mbus_bus *bus)
{
    struct meter *m = &bus->meter[bus->current];

    count_attempts(&bus->master, m);
    if (bus->master.result == 0 && take_reply(bus, m)) {
        start_request(bus, m);
        return;
    }
    if (bus->master.result != 0) {
        fail_poll(bus, m,
                  bus->master.result == HWT_ERR_AGAIN ? "TIMEOUT"
                                                      : hwt_err_name(bus->master.result));
    }
    bus->current = NONE;
}

static void on_wake(uv_timer_t *t)
{
    pump(t->data);
}

/* Goes on with the request under way, or the next one, until there is something to wait for. */
static void pump(struct mbus_bus *bus)
{
    while (serial_port_is_open(bus->port) && (bus->current != NONE || start_next(bus))) {
        int64_t now_us = clock_real_us();
        struct hwt_mbus_action a = hwt_mbus_master_step(&bus->master, now_us);

        if (a.step == HWT_MBUS_STEP_WAIT) {
            int64_t wait_us = a.wake_us - now_us;

            uv_update_time(bus->wake.loop);
            uv_timer_start(&bus->wake, on_wake, (uint64_t)(wait_us + 999) / 1000, 0);
            return;
        }
        if (a.step == HWT_MBUS_STEP_SEND) {
            log_hex(&bus->meter[bus->current], "send", a.octets, a.n);
            serial_port_write(bus->port, a.octets, a.n);
        }
        if (a.step == HWT_MBUS_STEP_DONE) {
            finish_request(bus);
        }
    }
    uv_timer_stop(&bus->wake);
}

/* --- the bus --------------------------------------------------------------------------------- */

struct mbus_bus *mbus_bus_new(uv_loop_t *loop, struct clock *clock, const char *port, unsigned baud)
{
    struct mbus_bus *bus = calloc(1, sizeof(*bus));
    struct serial_port_options options = {.path = port,
                                          .baud = baud,
                                          .framing = SERIAL_8E1,
                                          .on_open = on_open,
                                          .on_octets = on_octets,
                                          .on_fail = on_fail,
                                          .ctx = bus};

    if (bus == NULL || (bus->port = serial_port_new(loop, &options)) == NULL) {
        free(bus);
        return NULL;
    }
    bus->clock = clock;
    bus->baud = baud;
    bus->current = bus->last = NONE;
    uv_timer_init(loop, &bus->wake);
    bus->wake.data = bus;
    return bus;
}

int mbus_bus_add(struct mbus_bus *bus, const struct mbus_meter_options *options)
{
    struct meter *m = &bus->meter[bus->meters];

    if (options->poll_s < 1 ||
        (options->address > HWT_MBUS_ADDRESS_MAX && options->address != HWT_MBUS_ADDRESS_ANY)) {
        return HWT_ERR_ARGUMENT;
    }
    if (bus->meters == METERS_MAX) {
        return HWT_ERR_SPACE;
    }
    *m = (struct meter){.o = *options, .slave = {.address = options->address}};
    bus->meters++;
    return 0;
}

void mbus_bus_start(struct mbus_bus *bus)
{
    int64_t now_us = clock_mono_us(bus->clock);

    for (int i = 0; i < bus->meters; i++) {
        bus->meter[i].due_us = bus->meter[i].good_us = now_us;
    }
    serial_port_start(bus->port);
}

void mbus_bus_tick(struct mbus_bus *bus)
{
    int64_t now_us = clock_mono_us(bus->clock);

    for (int i = 0; i < bus->meters; i++) {
        struct meter *m = &bus->meter[i];
        int64_t poll_us = 1000000 * (int64_t)m->o.poll_s;

        if (now_us >= m->due_us) {
            m->due = true;
            m->due_us += poll_us * ((now_us - m->due_us) / poll_us + 1);
        }
        check_stale(bus, m, m->failing || (i == bus->current && bus->master.retried > 0));
    }
    if (bus->current == NONE) {
        pump(bus);
    }
}

static void on_wake_closed(uv_handle_t *h)
{
    free(h->data);
}

void mbus_bus_free(struct mbus_bus *bus)
{
    if (bus != NULL) {
        serial_port_free(bus->port);
        uv_close((uv_handle_t *)&bus->wake, on_wake_closed);
    }
}
