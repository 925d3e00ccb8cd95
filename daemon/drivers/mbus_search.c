#include "daemon/drivers/mbus_search.h"
#include "daemon/base/log.h"

#include <stdlib.h>
#include <string.h>

#include "core/wire/mbus_search.h"
#include "daemon/base/clock.h"
#include "daemon/drivers/bus_line.h"

enum { KNOWN_MAX = 256, RETRIES = 1 };
enum phase { SECONDARY, PING, READ, OVER };

struct mbus_search {
    struct mbus_search_options o;
    struct bus_line *line;
    uv_timer_t wake;
    struct hwt_mbus_master master;
    struct hwt_mbus_slave slave;
    struct hwt_mbus_search tree;
    enum phase phase;
    unsigned speed;   /* index in o.baud */
    unsigned address; /* primary: asked now */
    unsigned found, found_here;
    uint8_t known[KNOWN_MAX][8]; /* identities told; found[] of them, as far as they fit */
    bool ended;
};

static void pump(struct mbus_search *s);

static void end(struct mbus_search *s, const char *why)
{
    if (!s->ended) {
        s->ended = true;
        uv_timer_stop(&s->wake);
        s->o.on_done(s->o.ctx, why);
    }
}

static unsigned baud(const struct mbus_search *s)
{
    return s->o.baud[s->speed];
}

/* EN 13757-2: 330 bit times + 50 ms. */
int64_t mbus_search_timeout_us(unsigned timeout_ms, unsigned baud)
{
    return timeout_ms > 0 ? 1000 * (int64_t)timeout_ms
                          : 330 * (int64_t)1000000 / (int64_t)baud + 50000 + 20000;
}

static void tell_progress(struct mbus_search *s)
{
    bool secondary = s->phase == SECONDARY;
    const struct mbus_search_progress p = {
        .baud = baud(s),
        .secondary = secondary,
        .done = secondary ? s->tree.tried : s->address - s->o.from,
        .total = secondary ? 0 : s->o.to - s->o.from + 1u,
        .found = s->found,
        .sends = s->master.sends,
    };

    if (s->o.on_progress != NULL) {
        s->o.on_progress(s->o.ctx, &p);
    }
}

/* --- what was found -------------------------------------------------------------------------- */

static bool is_known(const struct mbus_search *s, const uint8_t identity[8])
{
    for (unsigned i = 0; i < s->found && i < KNOWN_MAX; i++) {
        if (memcmp(s->known[i], identity, 8) == 0) {
            return true;
        }
    }
    return false;
}

static void tell(struct mbus_search *s, const struct mbus_found *f)
{
    if (s->found < KNOWN_MAX) {
        memcpy(s->known[s->found], f->select, 8);
    }
    s->found++;
    s->found_here++;
    s->o.on_found(s->o.ctx, f);
}

static void take_reply(struct mbus_search *s)
{
    struct mbus_found f = {.baud = baud(s), .secondary = s->phase == SECONDARY};
    struct hwt_mbus_telegram t = {0};
    struct hwt_mbus_fault fault;

    f.address = s->master.reply.a;
    if (hwt_mbus_open(&s->master.reply, &t, &fault) != 0) {
        tell(s, &f);
        return;
    }
    f.telegram = hwt_mbus_verify(&t, &fault) == 0 ? &t : NULL;
    if (t.identified && !t.fixed) {
        f.identified = true;
        memcpy(f.select, s->master.reply.data, sizeof(f.select));
        f.id = t.id;
        f.maker_code = t.manufacturer;
        f.version = t.version;
        f.medium = t.medium;
        hwt_mbus_manufacturer_name(t.manufacturer, f.maker);
        f.profile = mbus_profile_find(t.manufacturer, t.version, t.medium);
    }
    if (!f.identified || !is_known(s, f.select)) {
        tell(s, &f);
    }
}

static void tell_collision(struct mbus_search *s)
{
    const struct mbus_found f = {
        .baud = baud(s), .address = (uint8_t)s->address, .collision = true};

    tell(s, &f);
}

/* --- the order of things --------------------------------------------------------------------- */

/* False: the port has no such speed. */
static bool begin_speed(struct mbus_search *s)
{
    static const uint8_t all[HWT_MBUS_SELECT_SIZE] = {0xFF, 0xFF, 0xFF, 0xFF,
                                                      0xFF, 0xFF, 0xFF, 0xFF};

    if (!bus_line_set(s->line, baud(s), SERIAL_8E1)) {
        LOG(LOG_WARN, "mbus", "port refuses speed, left out baud=%u", baud(s));
        return false;
    }
    hwt_mbus_master_set_baud(&s->master, baud(s));
    hwt_mbus_search_init(&s->tree, all);
    s->found_here = 0;
    s->address = s->o.from;
    s->phase = s->o.secondary ? SECONDARY : PING;
    return true;
}

static void end_speed(struct mbus_search *s)
{
    s->phase = OVER;
    while (s->speed + 1 < s->o.speeds && (s->o.every_speed || s->found_here == 0)) {
        s->speed++;
        if (begin_speed(s)) {
            return;
        }
    }
}

static void next_address(struct mbus_search *s)
{
    s->phase = PING;
    if (s->address++ == s->o.to) {
        end_speed(s);
    }
}

/* The next task; false: all is done. */
static bool start_next(struct mbus_search *s)
{
    struct hwt_mbus_task task = {.slave = &s->slave, .retries = RETRIES};

    tell_progress(s);
    s->slave = (struct hwt_mbus_slave){.address = (uint8_t)s->address};
    if (s->phase == SECONDARY) {
        s->slave.address = HWT_MBUS_ADDRESS_SELECTED;
        s->slave.select_size = HWT_MBUS_SELECT_SIZE;
        task.retries = 0;
        if (!hwt_mbus_search_next(&s->tree, s->slave.select)) {
            s->phase = PING;
            if (!s->o.primary) {
                end_speed(s);
            }
            return s->phase != OVER && start_next(s);
        }
    }
    if (s->phase == OVER) {
        return false;
    }
    s->slave.linked = s->phase == READ;
    s->slave.fcb = true;
    task.goal = s->phase == PING ? HWT_MBUS_PING : HWT_MBUS_READ;
    task.retries = s->phase == PING ? 0 : task.retries;
    task.timeout_us = mbus_search_timeout_us(s->o.timeout_ms, baud(s));
    hwt_mbus_master_begin(&s->master, &task, clock_real_us());
    return true;
}

static void finish(struct mbus_search *s)
{
    const struct hwt_mbus_master *m = &s->master;

    if (m->result == 0 && s->phase != PING) {
        take_reply(s);
    }
    switch (s->phase) {
    case SECONDARY:
        hwt_mbus_search_tell(&s->tree, hwt_mbus_search_outcome(m));
        break;
    case PING:
        if (m->result == HWT_ERR_AGAIN) {
            next_address(s);
        } else {
            s->phase = READ;
        }
        break;
    case READ:
        if (m->result != 0 && m->result != HWT_ERR_AGAIN && m->result != HWT_ERR_NOT_MINE) {
            tell_collision(s);
        }
        next_address(s);
        break;
    case OVER:
        break;
    }
}

static void on_wake(uv_timer_t *t)
{
    pump(t->data);
}

static void pump(struct mbus_search *s)
{
    while (!s->ended && bus_line_is_open(s->line)) {
        int64_t now_us = clock_real_us();
        struct hwt_mbus_action a = hwt_mbus_master_step(&s->master, now_us);

        if (a.step == HWT_MBUS_STEP_WAIT) {
            uv_update_time(s->wake.loop);
            uv_timer_start(&s->wake, on_wake, (uint64_t)(a.wake_us - now_us + 999) / 1000, 0);
            return;
        }
        if (a.step == HWT_MBUS_STEP_SEND) {
            bus_line_write(s->line, a.octets, a.n);
        }
        if (a.step == HWT_MBUS_STEP_DONE) {
            finish(s);
            if (!start_next(s)) {
                end(s, NULL);
            }
        }
    }
}

/* --- the line -------------------------------------------------------------------------------- */

static void on_open(void *ctx)
{
    struct mbus_search *s = ctx;

    hwt_mbus_master_init(&s->master, baud(s));
    hwt_mbus_master_set_lag(&s->master, bus_line_lag_us(s->line));
    if (!begin_speed(s) || !start_next(s)) {
        end(s, NULL);
        return;
    }
    pump(s);
}

static void on_octets(void *ctx, const uint8_t *p, size_t n)
{
    struct mbus_search *s = ctx;

    hwt_mbus_master_feed(&s->master, p, n, clock_real_us());
    pump(s);
}

static void on_fail(void *ctx, const char *why)
{
    end(ctx, why);
}

struct mbus_search *mbus_search_new(uv_loop_t *loop, const struct mbus_search_options *options)
{
    struct mbus_search *s = calloc(1, sizeof(*s));
    struct bus_line_options line = {.path = options->port,
                                    .tcp = options->tcp,
                                    .baud = options->baud[0],
                                    .framing = SERIAL_8E1,
                                    .on_open = on_open,
                                    .on_octets = on_octets,
                                    .on_fail = on_fail,
                                    .ctx = s};

    for (unsigned i = 0; i < options->speeds; i++) {
        if (!serial_baud_is_standard(options->baud[i])) {
            free(s);
            return NULL;
        }
    }
    if (s == NULL || (s->line = bus_line_new(loop, &line)) == NULL) {
        free(s);
        return NULL;
    }
    s->o = *options;
    uv_timer_init(loop, &s->wake);
    s->wake.data = s;
    return s;
}

void mbus_search_start(struct mbus_search *s)
{
    bus_line_start(s->line);
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

void mbus_search_free(struct mbus_search *s)
{
    if (s != NULL) {
        s->ended = true;
        bus_line_free(s->line);
        uv_close((uv_handle_t *)&s->wake, on_closed);
    }
}
