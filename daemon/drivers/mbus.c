#include "daemon/drivers/mbus.h"
#include "daemon/base/log.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/drivers/bus_line.h"
#include "daemon/drivers/mbus_meter.h"

enum { METERS_MAX = 32, NONE = -1, BAUD = 2400 };

struct mbus_bus {
    struct clock *clock;
    struct bus_line *line;
    uv_timer_t wake;
    struct hwt_mbus_master master;
    unsigned baud; /* of the line now */
    struct mbus_meter meter[METERS_MAX];
    int meters, current, last; /* current: index of the meter asked, or NONE; last: asked before */
    bool babbling;             /* the line is never silent */
};

static void pump(struct mbus_bus *bus);

bool mbus_select_parse(const char *text, uint8_t select_out[HWT_MBUS_SELECT_SIZE])
{
    uint8_t digit[16];
    size_t n = 0;

    for (; *text != '\0'; text++) {
        int c = toupper((unsigned char)*text);

        if (c == ' ') {
            continue;
        }
        if (n == sizeof(digit) || !isxdigit(c)) {
            return false;
        }
        digit[n] = (uint8_t)(c <= '9' ? c - '0' : c - 'A' + 10);
        if (n < 8 && digit[n] > 9 && digit[n] != 15) {
            return false; /* the identification is decimal */
        }
        n++;
    }
    if (n != 8 && n != 16) {
        return false;
    }
    memset(select_out, 0xFF, HWT_MBUS_SELECT_SIZE);
    for (size_t i = 0; i < n / 2; i++) { /* the identification goes out last digits first */
        select_out[i < 4 ? 3 - i : i] = (uint8_t)(digit[2 * i] << 4 | digit[2 * i + 1]);
    }
    return true;
}

/* --- the line -------------------------------------------------------------------------------- */

static void on_open(void *ctx)
{
    struct mbus_bus *bus = ctx;

    hwt_mbus_master_init(&bus->master, bus->baud);
    bus->babbling = false;
    hwt_mbus_master_set_lag(&bus->master, bus_line_lag_us(bus->line));
    for (int i = 0; i < bus->meters; i++) { /* who was silent may have been unplugged */
        bus->meter[i].due = bus->meter[i].due || bus->meter[i].failures > 0;
        bus->meter[i].failures = 0;
    }
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
        status_set(bus->meter[i].o.status, STATUS_FAILED, clock_stamp_ms(bus->clock), "%s", why);
    }
}

/* --- whose turn ------------------------------------------------------------------------------ */

static void ask(struct mbus_bus *bus, struct mbus_meter *m)
{
    struct hwt_mbus_task task = mbus_meter_task(m);

    if (!bus_line_set(bus->line, m->baud, SERIAL_8E1)) {
        LOG(LOG_WARN, m->o.id, "port refuses speed baud=%u", m->baud);
    }
    if (m->baud != bus->baud) {
        bus->baud = m->baud;
        hwt_mbus_master_set_baud(&bus->master, m->baud);
    }
    hwt_mbus_master_begin(&bus->master, &task, clock_real_us());
}

/* Begins the next due poll, in turn. False if none is due. */
static bool start_next(struct mbus_bus *bus)
{
    for (int k = 1; k <= bus->meters; k++) {
        int i = (bus->last + k) % bus->meters;
        struct mbus_meter *m = &bus->meter[i];

        if (m->due) {
            m->due = false;
            bus->current = bus->last = i;
            status_count(m->o.status, "polls", 1);
            mbus_meter_begin(m);
            ask(bus, m);
            return true;
        }
    }
    return false;
}

/* A line that is never silent is no single meter's fault: all tell it, not each after a patience of
 * its own. */
static void watch_babble(struct mbus_bus *bus)
{
    if (bus->master.notice[HWT_MBUS_BABBLE] > 0) {
        bus->babbling = true;
        for (int i = 0; i < bus->meters; i++) {
            mbus_meter_babble(&bus->meter[i], bus->master.stuck);
        }
    }
}

static void finish(struct mbus_bus *bus)
{
    struct mbus_meter *m = &bus->meter[bus->current];
    struct clock_time now = clock_now(bus->clock);

    watch_babble(bus);
    bus->babbling =
        bus->babbling && bus->master.notice[HWT_MBUS_BABBLE] > 0 && bus->master.result != 0;
    if (bus->master.result == 0) {
        bus_line_good(bus->line);
    }
    for (int i = 0; bus->master.collision == HWT_MBUS_TWO_IDENTITIES && i < bus->meters; i++) {
        if (bus->meter[i].slave.address == bus->master.two_at) {
            mbus_meter_quarrel(&bus->meter[i]);
        }
    }
    if (mbus_meter_take(m, &bus->master, &now) == MBUS_ASK_AGAIN) {
        ask(bus, m);
        return;
    }
    if (mbus_meter_pause_s(m) > m->poll_s) {
        m->due_us = now.mono_us + 1000000 * (int64_t)mbus_meter_pause_s(m);
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
    while (bus_line_is_open(bus->line) && (bus->current != NONE || start_next(bus))) {
        int64_t now_us = clock_real_us();
        struct hwt_mbus_action a = hwt_mbus_master_step(&bus->master, now_us);

        if (a.step == HWT_MBUS_STEP_WAIT) {
            int64_t wait_us = a.wake_us - now_us;

            uv_update_time(bus->wake.loop);
            uv_timer_start(&bus->wake, on_wake, (uint64_t)(wait_us + 999) / 1000, 0);
            return;
        }
        if (a.step == HWT_MBUS_STEP_SEND) {
            bus_line_log_hex(bus->meter[bus->current].o.id, "send", a.octets, a.n);
            bus_line_write(bus->line, a.octets, a.n);
        }
        if (a.step == HWT_MBUS_STEP_DONE) {
            finish(bus);
        }
    }
    uv_timer_stop(&bus->wake);
}

/* --- the bus --------------------------------------------------------------------------------- */

struct mbus_bus *mbus_bus_new(uv_loop_t *loop, struct clock *clock,
                              const struct mbus_bus_options *options)
{
    struct mbus_bus *bus = calloc(1, sizeof(*bus));
    struct bus_line_options line = {.path = options->port,
                                    .tcp = options->tcp,
                                    .baud = BAUD,
                                    .framing = SERIAL_8E1,
                                    .on_open = on_open,
                                    .on_octets = on_octets,
                                    .on_fail = on_fail,
                                    .ctx = bus};

    if (bus == NULL || (bus->line = bus_line_new(loop, &line)) == NULL) {
        free(bus);
        return NULL;
    }
    bus->clock = clock;
    bus->baud = BAUD;
    bus->current = bus->last = NONE;
    uv_timer_init(loop, &bus->wake);
    bus->wake.data = bus;
    return bus;
}

int mbus_bus_add(struct mbus_bus *bus, const struct mbus_meter_options *options)
{
    const struct mbus_meter_options *o = options;

    if (o->poll_s < 1 ||
        (o->address > HWT_MBUS_ADDRESS_MAX && o->address != HWT_MBUS_ADDRESS_ANY &&
         o->address != HWT_MBUS_ADDRESS_SELECTED) ||
        (o->baud != MBUS_BAUD_FIND && !serial_baud_is_standard(o->baud))) {
        return HWT_ERR_ARGUMENT;
    }
    if (bus->meters == METERS_MAX) {
        return HWT_ERR_SPACE;
    }
    mbus_meter_init(&bus->meter[bus->meters++], o);
    return 0;
}

void mbus_bus_start(struct mbus_bus *bus)
{
    int64_t now_us = clock_mono_us(bus->clock);

    for (int i = 0; i < bus->meters; i++) {
        bus->meter[i].due_us = bus->meter[i].good_us = now_us;
    }
    bus_line_start(bus->line);
}

void mbus_bus_pause(struct mbus_bus *bus, const char *cause)
{
    uv_timer_stop(&bus->wake);
    bus_line_stop(bus->line);
    bus->current = NONE;
    for (int i = 0; i < bus->meters; i++) {
        bus->meter[i].slave.linked = false;
        status_set(bus->meter[i].o.status, STATUS_STALE, clock_stamp_ms(bus->clock), "%s", cause);
    }
}

void mbus_bus_resume(struct mbus_bus *bus)
{
    for (int i = 0; i < bus->meters; i++) {
        bus->meter[i].due = true;
    }
    bus_line_start(bus->line);
}

void mbus_bus_tick(struct mbus_bus *bus)
{
    int64_t now_us = clock_mono_us(bus->clock);

    if (bus->current != NONE) {
        watch_babble(bus);
    }
    for (int i = 0; i < bus->meters; i++) {
        struct mbus_meter *m = &bus->meter[i];
        int64_t poll_us = 1000000 * (int64_t)m->poll_s;

        if (now_us >= m->due_us) {
            m->due = true;
            m->due_us += poll_us * ((now_us - m->due_us) / poll_us + 1);
        }
        if ((m->failures > 0 || bus->babbling || (i == bus->current && bus->master.retried > 0)) &&
            bus_line_is_open(bus->line)) {
            mbus_meter_check_stale(m, now_us, clock_stamp_ms(bus->clock));
        }
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
        bus_line_free(bus->line);
        uv_close((uv_handle_t *)&bus->wake, on_wake_closed);
    }
}
