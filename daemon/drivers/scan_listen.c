/*
 * Listens, without sending, for what sends by itself: lines of emonTx and radio receivers, packets
 * of Elster meters behind a pulse stretcher.
 *
 * The fastest speed comes first: a fast receiver hears slow octets, as rubbish, but not the other
 * way round. Who hears nothing there in the time an emonTx needs hears nothing at all. Only where
 * something was heard the other speeds are tried, each until two bursts were rubbish or the time is
 * over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/elster.h"
#include "core/wire/emon.h"
#include "daemon/base/clock.h"
#include "daemon/drivers/bus_line.h"
#include "daemon/drivers/scan_elster.h"
#include "daemon/drivers/scan_emon.h"

enum {
    LISTEN_MS = 11000, /* an emonTx sends each 9.8 s, an Elster A1100 each 4 s */
    TICK_MS = 50,
    PAUSE_US = 200000,  /* bursts are that far apart */
    BURSTS_MAX = 2,     /* of rubbish, at one speed */
    RUBBISH_MAX = 4096, /* octets without a pause */
    TALKER_MIN = 16,    /* octets that make a talker; fewer are disturbances of an open line */
    CHARACTER_BITS = 10,
    NODES = 256,
    REMOTE = 0 /* speed of a TCP gateway: its own */
};

static const unsigned emon_speeds[] = {115200, 57600, 38400, 9600};
static const unsigned elster_speeds[] = {9600, 4800, 2400};
static const unsigned all_speeds[] = {115200, 57600, 38400, 9600, 4800, 2400};

struct listen {
    const struct scan_task *task;
    struct bus_line *line;
    uv_timer_t tick;
    bool over, opened;
    unsigned baud[SCAN_SPEEDS_MAX], speeds, at;
    int64_t window_us;
    /* at this speed */
    int64_t began_us, octet_us; /* real; of the newest octet, 0: none yet */
    unsigned bursts;            /* of rubbish */
    size_t octets;
    bool readable, extended; /* text came; the time began anew because of it */
    bool emon, elster;       /* what can be heard at it */
    char text[HWT_EMON_LINE_MAX];
    size_t n;
    bool too_long;
    struct hwt_elster decoder;
    int64_t octet_ns; /* when the newest octet began */
    /* at all speeds */
    size_t heard;
    unsigned heard_bursts;
    bool hit, radio;
    bool node[NODES];
};

static void end(struct listen *l, enum scan_result result, const char *why)
{
    if (!l->over) {
        l->over = true;
        uv_timer_stop(&l->tick);
        l->task->done(l->task->ctx, result, why);
    }
}

/* --- speeds ---------------------------------------------------------------------------------- */

static bool is_in(const unsigned *list, size_t n, unsigned baud)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i] == baud) {
            return true;
        }
    }
    return baud == REMOTE;
}

#define IS_IN(list, baud) is_in(list, sizeof(list) / sizeof((list)[0]), baud)

static void end_in_vain(struct listen *l)
{
    if (l->heard >= TALKER_MIN && l->heard_bursts > 1) {
        end(l, SCAN_STEP_OCCUPIED,
            "octets come by themselves that are no emon lines and no Elster packets: another "
            "master on this bus, or a device of another kind? Nothing was sent; to ask all the "
            "same, name only the protocol that is meant");
    } else {
        end(l, SCAN_STEP_THROUGH, NULL);
    }
}

/* From l->at on, the first speed that the port takes. */
static void begin_speed(struct listen *l)
{
    const bool *wanted = l->task->o->protocol;

    for (; l->at < l->speeds; l->at++) {
        unsigned baud = l->baud[l->at];

        l->emon = wanted[SCAN_EMON] && IS_IN(emon_speeds, baud);
        l->elster = wanted[SCAN_ELSTER] && baud != REMOTE && IS_IN(elster_speeds, baud) &&
                    hwt_elster_init(&l->decoder, baud) == 0;
        if (baud == REMOTE || bus_line_set(l->line, baud, SERIAL_8N1)) {
            l->began_us = clock_real_us();
            l->octet_us = l->octet_ns = 0;
            l->bursts = 0;
            l->octets = l->n = 0;
            l->readable = l->extended = l->too_long = false;
            return;
        }
    }
    end_in_vain(l);
}

static void next_speed(struct listen *l)
{
    l->at++;
    begin_speed(l);
}

/* --- octets ---------------------------------------------------------------------------------- */

static void tell(struct listen *l, struct scan_found *f)
{
    f->baud = l->baud[l->at];
    l->hit = true;
    l->task->found(l->task->ctx, f);
}

static void end_line(struct listen *l)
{
    struct scan_found f = scan_find(l->task, SCAN_EMON);
    enum scan_line what = l->too_long ? SCAN_LINE_OTHER : scan_emon_line(l->text, l->n, &f);

    l->n = 0;
    l->too_long = false;
    l->readable = l->readable || what != SCAN_LINE_OTHER;
    if (what != SCAN_LINE_EMON) {
        return;
    }
    if (f.address >= 0 && f.address < NODES) {
        l->radio = true;
        if (!l->node[f.address]) {
            l->node[f.address] = true;
            tell(l, &f);
        }
    } else if (!l->hit) {
        tell(l, &f);
    }
}

static void take_text(struct listen *l, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\n' || p[i] == '\r') {
            end_line(l);
        } else if (l->n < sizeof(l->text)) {
            l->text[l->n++] = (char)p[i];
        } else {
            l->too_long = true;
        }
    }
}

/* A chunk that comes late is no pause in the packet, unless it is long: as drivers/elster. */
static void take_light(struct listen *l, const uint8_t *p, size_t n, int64_t now_us)
{
    int64_t one_ns = CHARACTER_BITS * INT64_C(1000000000) / l->baud[l->at];
    int64_t t_ns = now_us * 1000 - (int64_t)n * one_ns, next_ns = l->octet_ns + one_ns;
    struct hwt_elster_packet packet;

    t_ns = l->octet_ns == 0 || t_ns - next_ns > PAUSE_US * INT64_C(1000) ? t_ns : next_ns;
    for (size_t i = 0; i < n; i++, t_ns += one_ns) {
        l->octet_ns = t_ns;
        if (hwt_elster_character(&l->decoder, p[i], t_ns, &packet) && !l->hit) {
            struct scan_found f = scan_elster_found(l->task, &packet, l->baud[l->at]);

            tell(l, &f);
        }
    }
}

static void on_octets(void *ctx, const uint8_t *p, size_t n)
{
    struct listen *l = ctx;
    int64_t now_us = clock_real_us();

    if (l->over) {
        return;
    }
    l->octets += n;
    l->heard += n;
    if (l->elster) {
        take_light(l, p, n, now_us);
    }
    if (l->emon) {
        take_text(l, p, n);
    }
    l->octet_us = now_us;
}

/* --- time ------------------------------------------------------------------------------------ */

static void end_burst(struct listen *l)
{
    l->octet_us = 0;
    l->bursts++;
    l->heard_bursts++;
    if (l->readable && !l->extended) { /* a banner: values follow, at this very speed */
        l->extended = true;
        l->began_us = clock_real_us();
    }
}

static void tell_progress(const struct listen *l, int64_t now_us)
{
    double part = (double)(now_us - l->began_us) / (double)l->window_us;
    double done = ((double)l->at + part) / l->speeds;

    if (l->heard == 0) { /* will end with the first speed */
        done = part;
    }
    if (l->baud[l->at] == REMOTE) {
        l->task->progress(l->task->ctx, done, "listening");
    } else {
        l->task->progress(l->task->ctx, done, "listening at %u baud", l->baud[l->at]);
    }
}

static void on_tick(uv_timer_t *t)
{
    struct listen *l = t->data;
    int64_t now_us = clock_real_us();
    bool late = now_us - l->began_us >= l->window_us;

    if (!l->opened) {
        return;
    }
    if (l->octet_us != 0 && now_us - l->octet_us > PAUSE_US) {
        end_burst(l);
    }
    if (l->hit && (!l->radio || late)) { /* a receiver may bring further nodes */
        end(l, SCAN_STEP_OCCUPIED, NULL);
    } else if (late && l->heard == 0) {
        end(l, SCAN_STEP_THROUGH, NULL);
    } else if (!l->hit &&
               (late || (!l->readable && (l->bursts >= BURSTS_MAX || l->octets >= RUBBISH_MAX)))) {
        next_speed(l);
    }
    if (!l->over) {
        tell_progress(l, now_us);
    }
}

/* --- the line -------------------------------------------------------------------------------- */

static void on_open(void *ctx)
{
    struct listen *l = ctx;

    l->opened = true;
    begin_speed(l);
}

static void on_fail(void *ctx, const char *why)
{
    struct listen *l = ctx;

    if (l->opened && l->task->target == SCAN_TARGET_TCP) {
        end(l, SCAN_STEP_THROUGH, NULL); /* a device that does not wait for long */
    } else {
        end(l, SCAN_STEP_FAILED, why);
    }
}

static int64_t window_us(const struct scan_task *task)
{
    return 1000 * (int64_t)(task->o->listen_ms > 0 ? task->o->listen_ms : LISTEN_MS);
}

static double estimate_s(const struct scan_task *task)
{
    return (double)window_us(task) / 1e6;
}

static void choose_speeds(struct listen *l)
{
    unsigned usual[SCAN_SPEEDS_MAX], n = 0;
    const bool *wanted = l->task->o->protocol;

    if (l->task->target == SCAN_TARGET_TCP) {
        l->baud[0] = REMOTE;
        l->speeds = 1;
        return;
    }
    for (size_t i = 0; i < sizeof(all_speeds) / sizeof(all_speeds[0]); i++) {
        if ((wanted[SCAN_EMON] && IS_IN(emon_speeds, all_speeds[i])) ||
            (wanted[SCAN_ELSTER] && IS_IN(elster_speeds, all_speeds[i]))) {
            usual[n++] = all_speeds[i];
        }
    }
    l->speeds = scan_speeds(l->task->o, usual, n, true, l->baud);
}

static void *begin(const struct scan_task *task)
{
    struct listen *l = calloc(1, sizeof(*l));
    struct bus_line_options line = {.framing = SERIAL_8N1,
                                    .on_open = on_open,
                                    .on_octets = on_octets,
                                    .on_fail = on_fail,
                                    .ctx = l};

    if (l == NULL) {
        return NULL;
    }
    l->task = task;
    l->window_us = window_us(task);
    choose_speeds(l);
    line.baud = l->speeds > 0 && l->baud[0] != REMOTE ? l->baud[0] : all_speeds[0];
    *(task->target == SCAN_TARGET_TCP ? &line.tcp : &line.path) = task->port;
    l->line = bus_line_new(task->loop, &line);
    if (l->line == NULL) {
        free(l);
        return NULL;
    }
    uv_timer_init(task->loop, &l->tick);
    l->tick.data = l;
    uv_timer_start(&l->tick, on_tick, TICK_MS, TICK_MS);
    bus_line_start(l->line);
    return l;
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

static void free_step(void *step)
{
    struct listen *l = step;

    l->over = true;
    bus_line_free(l->line);
    uv_close((uv_handle_t *)&l->tick, on_closed);
}

const struct scan_step_kind scan_step_listen = {
    .protocol = {SCAN_EMON, SCAN_ELSTER},
    .estimate_s = estimate_s,
    .begin = begin,
    .free = free_step,
};

/* Elster sources have no `tcp`. */
const struct scan_step_kind scan_step_listen_tcp = {
    .protocol = {SCAN_EMON, SCAN_EMON},
    .estimate_s = estimate_s,
    .begin = begin,
    .free = free_step,
};
