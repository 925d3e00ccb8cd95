/* Elster packets among the edges of an input line: a socket, a FIFO, or a line of a GPIO chip. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/drivers/line_events.h"
#include "daemon/drivers/scan_elster.h"

#define MJ_PER_WH INT64_C(3600000)
#define NS_PER_US INT64_C(1000)

enum {
    TICK_MS = 100,
    LISTEN_MS = 9000,  /* an A1100 sends each 4 s: two whole packets */
    LAG_NS = 100000000 /* edges that happened are here at the latest after this */
};

struct light {
    const struct scan_task *task;
    struct line_events *line;
    struct hwt_elster decoder;
    uv_timer_t tick;
    int64_t began_us, edge_us; /* real; of the newest edge */
    int64_t edge_ns;           /* its own time */
    unsigned edges;
    bool over;
};

/* --- what was found -------------------------------------------------------------------------- */

static uint64_t sum(const uint64_t wh[HWT_ELSTER_RATES])
{
    return wh[0] + wh[1];
}

struct scan_found scan_elster_found(const struct scan_task *task,
                                    const struct hwt_elster_packet *packet, unsigned baud)
{
    struct scan_found f = scan_find(task, SCAN_ELSTER);

    f.baud = baud;
    f.framing = SERIAL_8N1;
    snprintf(f.maker, sizeof(f.maker), "Elster");
    snprintf(f.model, sizeof(f.model), "%s",
             packet->product[0] != '\0'          ? packet->product
             : packet->model == HWT_ELSTER_A100C ? "Elster A100C"
                                                 : "Elster A1100");
    snprintf(f.serial, sizeof(f.serial), "%s", packet->serial);
    snprintf(f.medium, sizeof(f.medium), "electricity");
    f.value[0] = (struct scan_value){.quantity = HWT_Q_IMPORT,
                                     .counts = (int64_t)sum(packet->import_wh) * MJ_PER_WH};
    f.value[1] = (struct scan_value){.quantity = HWT_Q_EXPORT,
                                     .counts = (int64_t)sum(packet->export_wh) * MJ_PER_WH};
    f.values = 2;
    return f;
}

/* --- the line -------------------------------------------------------------------------------- */

static void end(struct light *l, enum scan_result result, const char *why)
{
    if (!l->over) {
        l->over = true;
        uv_timer_stop(&l->tick);
        l->task->done(l->task->ctx, result, why);
    }
}

static void take_packet(struct light *l, const struct hwt_elster_packet *packet)
{
    struct scan_found f = scan_elster_found(l->task, packet, l->decoder.baud);
    char chip[SCAN_PORT_MAX];

    f.baud = 0; /* of a line: found anew by whoever reads it */
    (void)scan_chip_split(f.port, chip, &f.gpio);
    l->task->found(l->task->ctx, &f);
    end(l, SCAN_STEP_OCCUPIED, NULL);
}

static void on_edge(void *ctx, const struct line_edge *edge)
{
    struct light *l = ctx;
    struct hwt_elster_packet packet;

    l->edges++;
    l->edge_ns = edge->t_ns;
    l->edge_us = clock_real_us();
    if (!l->over && edge->active && hwt_elster_edge(&l->decoder, edge->t_ns, &packet)) {
        take_packet(l, &packet);
    }
}

static void on_open(void *ctx)
{
    struct light *l = ctx;

    l->began_us = clock_real_us();
}

static void on_fail(void *ctx, const char *why)
{
    end(ctx, SCAN_STEP_FAILED, why);
}

static void end_in_vain(struct light *l)
{
    if (l->edges == 0) {
        end(l, SCAN_STEP_THROUGH, NULL);
    } else {
        end(l, SCAN_STEP_THROUGH,
            "flashes, but no packet of an Elster meter: is the reader in place, is daylight kept "
            "out? If these are pulses of a meter, add a source of type pulses");
    }
}

/* The last flash of a packet is followed by none: time ends it. */
static void on_tick(uv_timer_t *t)
{
    struct light *l = t->data;
    int64_t now_us = clock_real_us();
    int64_t at_ns = l->edge_ns + (now_us - l->edge_us) * NS_PER_US - LAG_NS;
    unsigned listen_ms = l->task->o->listen_ms > 0 ? l->task->o->listen_ms : LISTEN_MS;
    struct hwt_elster_packet packet;
    double done = (double)(now_us - l->began_us) / (1000.0 * listen_ms);

    if (l->edges > 0 && at_ns >= hwt_elster_deadline(&l->decoder) &&
        hwt_elster_idle(&l->decoder, at_ns, &packet)) {
        take_packet(l, &packet);
        return;
    }
    l->task->progress(l->task->ctx, done, "waiting for packets of light");
    if (done >= 1) {
        end_in_vain(l);
    }
}

static double estimate_s(const struct scan_task *task)
{
    return (task->o->listen_ms > 0 ? task->o->listen_ms : LISTEN_MS) / 1000.0;
}

static void *begin(const struct scan_task *task)
{
    struct light *l = calloc(1, sizeof(*l));
    char chip[SCAN_PORT_MAX] = "";
    struct line_events_options line = {
        .on_open = on_open, .on_edge = on_edge, .on_fail = on_fail, .ctx = l};

    if (l == NULL || hwt_elster_init(&l->decoder, 0) != 0) {
        free(l);
        return NULL;
    }
    l->task = task;
    if (scan_chip_split(task->port, chip, &line.line)) {
        line.chip = chip;
    } else {
        line.events = task->port;
    }
    l->line = line_events_new(task->loop, &line);
    if (l->line == NULL) {
        free(l);
        return NULL;
    }
    l->began_us = clock_real_us();
    uv_timer_init(task->loop, &l->tick);
    l->tick.data = l;
    uv_timer_start(&l->tick, on_tick, TICK_MS, TICK_MS);
    line_events_start(l->line);
    return l;
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

static void free_step(void *step)
{
    struct light *l = step;

    l->over = true;
    line_events_free(l->line);
    uv_close((uv_handle_t *)&l->tick, on_closed);
}

const struct scan_step_kind scan_step_light = {
    .protocol = {SCAN_ELSTER, SCAN_ELSTER},
    .estimate_s = estimate_s,
    .begin = begin,
    .free = free_step,
};
