#include "daemon/drivers/modbus_search.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/drivers/bus_line.h"
#include "daemon/drivers/modbus_identify.h"
#include "daemon/drivers/modbus_order.h"

enum {
    TRIES = 3,      /* answers that are damaged, until it is believed */
    DISTURBED = 4,  /* units in a row that answer with damage: it is the line */
    BROKEN_MAX = 3, /* TCP: connections lost in a row */
    START_BAUD = 9600,
    LATENCY_US = 150000, /* what meters take at most, and a USB converter */
    LATENCY_BITS = 550,  /* and fifty characters */
    TCP_TIMEOUT_US = 1000000
};
enum phase { PROBE, IDENTIFY, ANY_UNIT };

/* Reads that harm nothing. Who has no such registers answers with an exception; there are devices
 * that answer only to the function they have. */
static const struct {
    uint8_t function, count;
} probes[] = {{HWT_MODBUS_READ_INPUT, 2}, {HWT_MODBUS_READ_HOLDING, 2}};
enum { PROBES = sizeof(probes) / sizeof(probes[0]) };

/* Units that hardly stand behind a gateway: who answers for both looks at no unit. */
static const uint8_t unlikely[] = {247, 229};
enum { UNLIKELY = sizeof(unlikely) };

struct modbus_search {
    struct modbus_search_options o;
    struct bus_line *port;
    bool rtu, ended, begun;
    uv_timer_t wake;
    struct hwt_modbus_master master;
    struct modbus_order order;
    enum phase phase;
    unsigned probe, tries, broken;
    struct modbus_found now;
    struct modbus_identify identify;
    struct modbus_found held[DISTURBED]; /* damage at units one after the other */
    unsigned holding;
    unsigned sends, echoes;
};

static void pump(struct modbus_search *s);

static void end(struct modbus_search *s, const char *why)
{
    if (!s->ended) {
        s->ended = true;
        uv_timer_stop(&s->wake);
        s->o.on_done(s->o.ctx, why);
    }
}

int64_t modbus_search_timeout_us(unsigned timeout_ms, unsigned baud)
{
    return timeout_ms > 0 ? 1000 * (int64_t)timeout_ms
           : baud == 0    ? TCP_TIMEOUT_US
                          : LATENCY_US + LATENCY_BITS * (int64_t)1000000 / (int64_t)baud;
}

static void problem(struct modbus_search *s, const char *what)
{
    if (s->o.on_problem != NULL) {
        s->o.on_problem(s->o.ctx, what);
    }
}

static void tell_progress(struct modbus_search *s)
{
    const struct modbus_order *r = &s->order;
    const struct modbus_search_progress p = {.baud = modbus_order_baud(r),
                                             .framing = modbus_order_framing(r),
                                             .unit = modbus_order_unit(r),
                                             .done = r->done,
                                             .total = r->done + modbus_order_left(r),
                                             .found = r->found,
                                             .sends = s->sends,
                                             .echoes = s->echoes};

    if (s->o.on_progress != NULL) {
        s->o.on_progress(s->o.ctx, &p);
    }
}

/* --- what was found -------------------------------------------------------------------------- */

static void tell(struct modbus_search *s, const struct modbus_found *f)
{
    modbus_order_found(&s->order, f);
    s->o.on_found(s->o.ctx, f);
}

static void tell_held(struct modbus_search *s)
{
    for (unsigned i = 0; i < s->holding && !s->ended; i++) {
        tell(s, &s->held[i]);
    }
    s->holding = 0;
}

/* --- the order of things --------------------------------------------------------------------- */

static bool set_line(struct modbus_search *s)
{
    unsigned baud = modbus_order_baud(&s->order);
    char what[96];

    if (s->o.port == NULL) {
        return true;
    }
    if (!bus_line_set(s->port, baud, modbus_order_framing(&s->order))) {
        modbus_order_leave_out(&s->order);
        snprintf(what, sizeof(what), "the port refuses %u baud; that speed was left out", baud);
        problem(s, what);
        return false;
    }
    hwt_modbus_master_set_baud(&s->master, baud);
    return true;
}

/* The unit whose turn it is. */
static bool begin_unit(struct modbus_search *s)
{
    s->phase = PROBE;
    s->probe = s->tries = 0;
    s->now = (struct modbus_found){.baud = modbus_order_baud(&s->order),
                                   .framing = modbus_order_framing(&s->order),
                                   .unit = modbus_order_unit(&s->order)};
    tell_progress(s);
    return !s->ended;
}

/* False: all is through. */
static bool begin_line(struct modbus_search *s)
{
    while (!s->ended && modbus_order_seek(&s->order)) {
        if (set_line(s)) {
            return begin_unit(s);
        }
    }
    return false;
}

static bool next_unit(struct modbus_search *s)
{
    if (modbus_order_next(&s->order)) {
        return begin_unit(s);
    }
    tell_held(s);
    modbus_order_end_line(&s->order);
    return begin_line(s);
}

static bool start_request(struct modbus_search *s)
{
    struct hwt_modbus_request r = {.unit = s->now.unit};
    bool probing = s->phase != IDENTIFY;
    int64_t timeout_us = modbus_search_timeout_us(s->o.timeout_ms, s->now.baud);

    if (probing) {
        r.unit = s->phase == ANY_UNIT ? unlikely[s->tries] : s->now.unit;
        r.function = probes[s->probe].function;
        r.count = probes[s->probe].count;
    } else if (!modbus_identify_request(&s->identify, &r)) {
        return false;
    }
    s->sends++;
    return hwt_modbus_master_start(&s->master, &r, (probing ? 1 : 2) * timeout_us, probing ? 0 : 1,
                                   clock_real_us()) == 0;
}

/* A device is told; then the next unit. */
static bool end_device(struct modbus_search *s)
{
    tell_held(s);
    if (!s->ended) {
        tell(s, &s->now);
    }
    return !s->ended && !s->now.any_unit && next_unit(s);
}

/* Damage at one unit after the other is the line's: another bus, another master, a wrong speed. */
static bool hold(struct modbus_search *s)
{
    char what[160];

    s->now.collision = true;
    s->held[s->holding++] = s->now;
    if (s->holding < DISTURBED) {
        return next_unit(s);
    }
    s->holding = 0;
    modbus_order_leave_out(&s->order);
    snprintf(
        what, sizeof(what),
        "whatever unit is asked at %u baud, what comes is no Modbus (%s): another bus, another "
        "master, or disturbance; left out at this speed",
        s->now.baud, hwt_modbus_reason_name(s->now.damage));
    problem(s, what);
    return begin_line(s);
}

/* Somebody is there, be it only to refuse; not a gateway that finds nobody. */
static bool is_answered(const struct modbus_search *s)
{
    const struct hwt_modbus_master *m = &s->master;
    bool gateway =
        s->o.port == NULL && (m->exception == 4 || m->exception == 10 || m->exception == 11);

    return m->result == HWT_MODBUS_OK || (m->result == HWT_MODBUS_EXCEPTION && !gateway);
}

static bool finish_probe(struct modbus_search *s)
{
    unsigned last = s->order.rest ? 0 : PROBES - 1;

    if (is_answered(s)) {
        s->now.exception = s->master.result == HWT_MODBUS_EXCEPTION ? s->master.exception : 0;
        s->phase = IDENTIFY;
        modbus_identify_begin(&s->identify, s->o.kind, s->o.kinds, &s->now);
        return true;
    }
    if (modbus_is_damage(s->master.result)) {
        s->now.damage = s->master.result;
        return ++s->tries < TRIES || hold(s);
    }
    if (s->probe < last) {
        s->probe++;
        return true;
    }
    tell_held(s);
    return !s->ended && next_unit(s);
}

/* One of the units where nobody should be was asked. */
static bool finish_any_unit(struct modbus_search *s)
{
    if (!is_answered(s)) {
        return end_device(s);
    }
    s->tries++;
    s->now.any_unit = s->tries == UNLIKELY;
    return s->now.any_unit ? end_device(s) : true;
}

/* The request under way is done. False: all is through. */
static bool finish(struct modbus_search *s)
{
    s->echoes += s->master.seen[HWT_MODBUS_ECHO];
    if (s->master.result == HWT_MODBUS_OK || s->master.result == HWT_MODBUS_EXCEPTION) {
        s->broken = 0;
        bus_line_good(s->port);
    }
    switch (s->phase) {
    case PROBE:
        return finish_probe(s);
    case ANY_UNIT:
        return finish_any_unit(s);
    case IDENTIFY:
        modbus_identify_answer(&s->identify, &s->master);
        break;
    }
    return true;
}

/* The next request is under way; false: all is through. */
static bool go_on(struct modbus_search *s)
{
    while (!start_request(s)) { /* identified */
        if (!s->rtu && s->order.found == 0) {
            s->phase = ANY_UNIT; /* by the read that was answered */
            s->tries = 0;
        } else if (!end_device(s)) {
            return false;
        }
    }
    return true;
}

static void on_wake(uv_timer_t *t)
{
    pump(t->data);
}

static void pump(struct modbus_search *s)
{
    while (!s->ended && bus_line_is_open(s->port)) {
        int64_t now_us = clock_real_us();
        struct hwt_modbus_action a = hwt_modbus_master_step(&s->master, now_us);

        if (a.step == HWT_MODBUS_STEP_WAIT) {
            uv_update_time(s->wake.loop);
            uv_timer_start(&s->wake, on_wake, (uint64_t)(a.wake_us - now_us + 999) / 1000, 0);
            return;
        }
        if (a.step == HWT_MODBUS_STEP_SEND) {
            bus_line_log_hex("modbus", "send", a.octets, a.n);
            bus_line_write(s->port, a.octets, a.n);
        }
        if (a.step == HWT_MODBUS_STEP_DONE && (!finish(s) || !go_on(s))) {
            end(s, NULL);
        }
    }
}

/* --- the line -------------------------------------------------------------------------------- */

/* A device may end the connection rather than answer: that request had no answer. */
static void on_open(void *ctx)
{
    struct modbus_search *s = ctx;
    bool good;

    hwt_modbus_master_init(&s->master, s->rtu ? HWT_MODBUS_RTU : HWT_MODBUS_TCP, START_BAUD);
    s->master.result = HWT_MODBUS_TIMEOUT;
    good = s->begun ? finish(s) : begin_line(s);
    s->begun = true;
    if (!good || !go_on(s)) {
        end(s, NULL);
        return;
    }
    pump(s);
}

static void on_octets(void *ctx, const uint8_t *p, size_t n)
{
    struct modbus_search *s = ctx;

    hwt_modbus_master_feed(&s->master, p, n, clock_real_us());
    pump(s);
}

static void on_fail(void *ctx, const char *why)
{
    struct modbus_search *s = ctx;

    uv_timer_stop(&s->wake);
    if (!s->begun || s->o.port != NULL || ++s->broken > BROKEN_MAX) {
        end(s, why);
    }
}

static bool is_possible(const struct modbus_search_options *o)
{
    bool rtu = o->port != NULL || o->rtu_over_tcp;
    bool usual = o->from == 0 && o->to == 0;

    if (o->port != NULL && (o->speeds < 1 || o->speeds > MODBUS_SEARCH_SPEEDS_MAX ||
                            o->framings < 1 || o->framings > MODBUS_SEARCH_FRAMINGS_MAX)) {
        return false;
    }
    for (unsigned i = 0; o->port != NULL && i < o->speeds; i++) {
        if (!serial_baud_is_standard(o->baud[i])) {
            return false;
        }
    }
    return usual || (o->from <= o->to && (!rtu || (o->from >= 1 && o->to <= HWT_MODBUS_UNIT_MAX)));
}

struct modbus_search *modbus_search_new(uv_loop_t *loop,
                                        const struct modbus_search_options *options)
{
    struct modbus_search *s = is_possible(options) ? calloc(1, sizeof(*s)) : NULL;
    struct bus_line_options port = {.path = options->port,
                                    .tcp = options->tcp,
                                    .baud = options->port != NULL ? options->baud[0] : START_BAUD,
                                    .framing = SERIAL_8N1,
                                    .on_open = on_open,
                                    .on_octets = on_octets,
                                    .on_fail = on_fail,
                                    .ctx = s};

    if (s == NULL || (s->port = bus_line_new(loop, &port)) == NULL) {
        free(s);
        return NULL;
    }
    s->o = *options;
    s->rtu = options->port != NULL || options->rtu_over_tcp;
    modbus_order_init(&s->order, &s->o);
    uv_timer_init(loop, &s->wake);
    s->wake.data = s;
    return s;
}

void modbus_search_start(struct modbus_search *s)
{
    bus_line_start(s->port);
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

void modbus_search_free(struct modbus_search *s)
{
    if (s != NULL) {
        s->ended = true;
        bus_line_free(s->port);
        uv_close((uv_handle_t *)&s->wake, on_closed);
    }
}
