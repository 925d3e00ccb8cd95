#include "daemon/drivers/mbus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/wire/mbus_master.h"
#include "daemon/base/log.h"
#include "daemon/drivers/serial.h"

enum {
    METERS_MAX = 32,
    MISSED_POLLS = 3,  /* without an answer: stale */
    TELEGRAMS_MAX = 8, /* of one poll, where the meter says more follow */
    BACKOFF_MAX_S = 30,
    READS_MAX = 8, /* chunks taken in one wake-up, so that a babbling port starves nobody */
    NONE = -1
};

struct meter {
    struct mbus_meter_options o;
    struct hwt_mbus_slave slave;
    int64_t due_us;  /* clock: next poll */
    int64_t good_us; /* clock: last good answer, or when polling began */
    bool due;        /* waits for its turn */
    bool failing;    /* the last poll had no good answer */
    bool chain;      /* sends several telegrams: each poll begins the sequence anew */
    unsigned telegrams;
    char why[80]; /* of the last failure */
};

/* An open port: libuv wants a fresh handle for each descriptor. */
struct port {
    uv_poll_t poll;
    int fd;
    struct mbus_bus *bus; /* NULL once closing */
};

struct mbus_bus {
    uv_loop_t *loop;
    struct clock *clock;
    char *path;
    unsigned baud;
    struct port *port; /* NULL: closed */
    uv_timer_t wake, reopen;
    unsigned handles; /* timers not yet closed */
    unsigned backoff_s;
    struct hwt_mbus_master master;
    struct meter meter[METERS_MAX];
    int meters, current, last; /* current: index of the meter asked, or NONE; last: asked before */
};

static void pump(struct mbus_bus *bus);
static void open_port(struct mbus_bus *bus);

static int64_t unix_ms(struct mbus_bus *bus)
{
    int64_t t = clock_unix_ms(bus->clock);

    return t == HWT_TIME_UNKNOWN ? 0 : t;
}

/* --- the port -------------------------------------------------------------------------------- */

static void free_port(uv_handle_t *h)
{
    struct port *port = h->data;

    close(port->fd);
    free(port);
}

static void close_port(struct mbus_bus *bus)
{
    if (bus->port != NULL) {
        bus->port->bus = NULL;
        uv_poll_stop(&bus->port->poll);
        uv_close((uv_handle_t *)&bus->port->poll, free_port);
        bus->port = NULL;
    }
}

static void on_reopen(uv_timer_t *t)
{
    open_port(t->data);
}

/* The port cannot be used: says so, and tries again later. */
static void fail_port(struct mbus_bus *bus, const char *why)
{
    close_port(bus);
    uv_timer_stop(&bus->wake);
    bus->current = NONE;
    for (int i = 0; i < bus->meters; i++) {
        bus->meter[i].slave.linked = false;
        status_set(bus->meter[i].o.status, STATUS_FAILED, unix_ms(bus), "%s", why);
    }
    uv_timer_start(&bus->reopen, on_reopen, 1000 * (uint64_t)bus->backoff_s, 0);
    bus->backoff_s = bus->backoff_s * 2 < BACKOFF_MAX_S ? bus->backoff_s * 2 : BACKOFF_MAX_S;
}

static void fail_port_errno(struct mbus_bus *bus, const char *what, int error)
{
    char why[SERIAL_WHY_MAX];

    snprintf(why, sizeof(why), "%.80s: %s: %s", bus->path, what, strerror(error));
    fail_port(bus, why);
}

/* Feeds what has come. False if the port failed. */
static bool read_port(struct mbus_bus *bus)
{
    uint8_t buf[512];

    for (int i = 0; i < READS_MAX; i++) {
        ssize_t n = read(bus->port->fd, buf, sizeof(buf));

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return true;
        }
        if (n < 0) {
            fail_port_errno(bus, "read", errno);
            return false;
        }
        if (n == 0) {
            fail_port_errno(bus, "hung up (unplugged?)", ENODEV);
            return false;
        }
        hwt_mbus_master_feed(&bus->master, buf, (size_t)n, clock_real_us());
    }
    return true;
}

static void on_port(uv_poll_t *handle, int error, int events)
{
    struct port *port = handle->data;
    struct mbus_bus *bus = port->bus;

    if (bus == NULL) {
        return;
    }
    if (error < 0) {
        fail_port_errno(bus, "poll", -error);
        return;
    }
    if ((events & UV_READABLE) != 0 && !read_port(bus)) {
        return;
    }
    if ((events & (UV_READABLE | UV_DISCONNECT)) == UV_DISCONNECT) {
        fail_port_errno(bus, "hung up (unplugged?)", ENODEV);
        return;
    }
    pump(bus);
}

static void open_port(struct mbus_bus *bus)
{
    char why[SERIAL_WHY_MAX];
    int fd = serial_open(bus->path, bus->baud, SERIAL_8E1, why);
    struct port *port;

    if (fd < 0) {
        fail_port(bus, why);
        return;
    }
    port = calloc(1, sizeof(*port));
    if (port == NULL || uv_poll_init(bus->loop, &port->poll, fd) != 0) {
        free(port);
        close(fd);
        fail_port_errno(bus, "cannot watch", ENOMEM);
        return;
    }
    port->fd = fd;
    port->bus = bus;
    port->poll.data = port;
    bus->port = port;
    hwt_mbus_master_init(&bus->master, bus->baud);
    uv_poll_start(&port->poll, UV_READABLE | UV_DISCONNECT, on_port);
    LOG(LOG_INFO, "mbus", "open port=%s baud=%u", bus->path, bus->baud);
    pump(bus);
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

/* A request that did not get out whole is one that gets no answer: the master repeats it. */
static bool send(struct mbus_bus *bus, const uint8_t *p, size_t n)
{
    ssize_t sent = write(bus->port->fd, p, n);

    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        fail_port_errno(bus, "write", errno);
        return false;
    }
    log_hex(&bus->meter[bus->current], "send", p, n);
    return true;
}

/* --- one meter's answers --------------------------------------------------------------------- */

static void check_stale(struct mbus_bus *bus, struct meter *m, bool in_doubt)
{
    int64_t missed = (clock_mono_us(bus->clock) - m->good_us) / (1000000 * (int64_t)m->o.poll_s);

    if (in_doubt && missed >= MISSED_POLLS && bus->port != NULL) {
        status_set(m->o.status, STATUS_STALE, unix_ms(bus), "no answer for %lld polls (%s)",
                   (long long)missed, m->why);
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

static void count_attempts(const struct hwt_mbus_master *master, struct status *s)
{
    for (int i = 1; i < HWT_ERR_KINDS; i++) {
        if (master->failed[i] > 0) {
            status_count(s, i == -HWT_ERR_AGAIN ? "TIMEOUT" : hwt_err_name(-i), master->failed[i]);
        }
    }
    if (master->retried > 0) {
        status_count(s, "retries", master->retried);
    }
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
    bus->backoff_s = 1;
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
        fail_poll(bus, m, why);
        return false;
    }
    deliver(bus, m, &t);
    while (hwt_mbus_next(&t, &(struct hwt_mbus_record){0}, &fault) == 1) {
        /* to the end: it tells whether more follow */
    }
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

    count_attempts(&bus->master, m->o.status);
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
    while (bus->port != NULL && (bus->current != NONE || start_next(bus))) {
        int64_t now_us = clock_real_us();
        struct hwt_mbus_action a = hwt_mbus_master_step(&bus->master, now_us);

        if (a.step == HWT_MBUS_STEP_WAIT) {
            int64_t wait_us = a.wake_us - now_us;

            uv_update_time(bus->loop);
            uv_timer_start(&bus->wake, on_wake, (uint64_t)(wait_us + 999) / 1000, 0);
            return;
        }
        if (a.step == HWT_MBUS_STEP_SEND && !send(bus, a.octets, a.n)) {
            return;
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

    if (bus == NULL || !serial_baud_is_standard(baud) || (bus->path = strdup(port)) == NULL) {
        free(bus);
        return NULL;
    }
    bus->loop = loop;
    bus->clock = clock;
    bus->baud = baud;
    bus->backoff_s = 1;
    bus->current = NONE;
    uv_timer_init(loop, &bus->wake);
    uv_timer_init(loop, &bus->reopen);
    bus->wake.data = bus->reopen.data = bus;
    bus->handles = 2;
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
    open_port(bus);
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

static void on_timer_closed(uv_handle_t *h)
{
    struct mbus_bus *bus = h->data;

    if (--bus->handles == 0) {
        free(bus->path);
        free(bus);
    }
}

void mbus_bus_free(struct mbus_bus *bus)
{
    if (bus != NULL) {
        close_port(bus);
        uv_close((uv_handle_t *)&bus->wake, on_timer_closed);
        uv_close((uv_handle_t *)&bus->reopen, on_timer_closed);
    }
}
