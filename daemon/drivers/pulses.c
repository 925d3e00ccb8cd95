#include "daemon/drivers/pulses.h"

#include <math.h>
#include <stdlib.h>

#include "core/wire/steps.h"
#include "daemon/base/log.h"
#include "daemon/drivers/stamps.h"

#define MJ_PER_KWH 3600000000.0

enum {
    EVERY_US = 1000000,
    SLACK_US = 1000000, /* a level is held if no edge was read for so long beyond its time */
    ML_PER_L = 1000,
    FLOW_SCALE = 3600 /* tenths of l/h from ml/us are 3600 x tenths of W from mJ/us */
};

struct pulses {
    struct pulses_options o;
    struct clock *clock;
    struct line_events *line;
    struct stamps stamps;
    struct hwt_pulses input;
    struct hwt_pulses_counters before; /* of the times the line was open before this one */
    struct hwt_steps steps;
    double one;          /* counts of a pulse */
    int64_t opened_us;   /* clock */
    int64_t due_us;      /* clock: of the next readings */
    uint64_t told;       /* pulses in the newest reading */
    bool news;           /* edges were read: the counters changed */
    int64_t lost_log_us; /* clock: when lost edges were logged */
};

static uint64_t pulses_of(const struct pulses *p)
{
    return p->before.pulses + p->input.counters.pulses;
}

static void tell_counters(const struct pulses *p)
{
    const struct hwt_pulses_counters *c = &p->input.counters, *b = &p->before;

    status_put(p->o.status, "pulses", b->pulses + c->pulses);
    status_put(p->o.status, "bounces", b->bounces + c->bounces);
    status_put(p->o.status, "close", b->close + c->close);
    status_put(p->o.status, "lost_edges", b->lost + c->lost);
}

/* --- edges ----------------------------------------------------------------------------------- */

static void on_open(void *ctx)
{
    struct pulses *p = ctx;
    struct hwt_pulses_counters *b = &p->before, *c = &p->input.counters;

    *b = (struct hwt_pulses_counters){b->pulses + c->pulses, b->bounces + c->bounces,
                                      b->close + c->close, b->lost + c->lost};
    hwt_pulses_init(&p->input, &p->o.debounce);
    hwt_steps_init(&p->steps, 1000000 * (int64_t)p->o.zero_s);
    p->stamps.any = false;
    p->opened_us = clock_mono_us(p->clock);
    status_set(p->o.status, STATUS_OK, clock_stamp_ms(p->clock), NULL);
}

static void on_fail(void *ctx, const char *why)
{
    struct pulses *p = ctx;

    status_set(p->o.status, STATUS_FAILED, clock_stamp_ms(p->clock),
               "%s; pulses until it is back are missed", why);
}

static void count(struct pulses *p, int64_t pulse_us)
{
    double one = p->o.volume ? p->one * FLOW_SCALE : p->one;

    hwt_steps_add(&p->steps, pulse_us, llround(one));
    status_good(p->o.status, clock_stamp_ms(p->clock));
}

static void tell_lost(struct pulses *p, uint32_t lost, int64_t now_us)
{
    if (p->lost_log_us == INT64_MIN || now_us - p->lost_log_us >= 60 * (int64_t)1000000) {
        LOG(LOG_WARN, p->o.id, "edges lost count=%u: pulses among them are missed", lost);
        p->lost_log_us = now_us;
    }
}

static void on_edge(void *ctx, const struct line_edge *edge)
{
    struct pulses *p = ctx;
    int64_t now_us = clock_mono_us(p->clock), pulse_us;

    p->news = true;
    stamps_put(&p->stamps, edge->t_ns / 1000, now_us);
    if (edge->lost > 0) {
        tell_lost(p, edge->lost, now_us);
    }
    if (hwt_pulses_edge(&p->input, edge->t_ns / 1000, edge->active, edge->lost, &pulse_us)) {
        count(p, pulse_us);
    }
}

/* --- readings -------------------------------------------------------------------------------- */

/* False: not known yet. */
static bool pace(const struct pulses *p, int64_t now_us, int64_t *value_out)
{
    double one = p->o.volume ? p->one * FLOW_SCALE : p->one;

    if (p->steps.any) {
        return hwt_steps_power(&p->steps, stamps_at(&p->stamps, now_us), llround(one), value_out);
    }
    *value_out = 0;
    return now_us - p->opened_us > 1000000 * (int64_t)p->o.zero_s;
}

static void deliver(struct pulses *p, int64_t now_us)
{
    struct hwt_reading r[2] = {
        {.value = p->o.start + llround((double)pulses_of(p) * p->one),
         .quantity = p->o.volume ? HWT_Q_VOLUME : HWT_Q_IMPORT},
        {.quantity = p->o.volume ? HWT_Q_FLOW_RATE : HWT_Q_POWER},
    };
    size_t n = pace(p, now_us, &r[1].value) ? 2 : 1;

    for (size_t i = 0; i < n; i++) {
        r[i].mono_us = now_us;
        r[i].source = p->o.source;
        r[i].quality = HWT_QUALITY_GOOD;
    }
    p->told = pulses_of(p);
    p->o.sink(p->o.ctx, r, n);
}

void pulses_tick(struct pulses *p)
{
    int64_t now_us = clock_mono_us(p->clock), pulse_us;

    if (!line_events_is_open(p->line)) {
        return;
    }
    if (p->stamps.any &&
        hwt_pulses_idle(&p->input, stamps_at(&p->stamps, now_us) - SLACK_US, &pulse_us)) {
        p->news = true;
        count(p, pulse_us);
    }
    if (p->news) {
        p->news = false;
        tell_counters(p);
    }
    if (now_us >= p->due_us) {
        p->due_us = now_us + EVERY_US - now_us % EVERY_US;
        deliver(p, now_us);
    }
}

/* --- the source ------------------------------------------------------------------------------ */

struct pulses *pulses_new(uv_loop_t *loop, struct clock *clock,
                          const struct pulses_options *options)
{
    struct pulses *p = calloc(1, sizeof(*p));
    struct line_events_options line = options->line;

    if (p == NULL) {
        return NULL;
    }
    p->o = *options;
    p->clock = clock;
    p->one = p->o.volume ? p->o.per_unit * ML_PER_L : MJ_PER_KWH / p->o.per_unit;
    p->lost_log_us = INT64_MIN;
    line.both = true;
    line.on_open = on_open;
    line.on_edge = on_edge;
    line.on_fail = on_fail;
    line.ctx = p;
    p->line = line_events_new(loop, &line);
    if (p->line == NULL) {
        free(p);
        return NULL;
    }
    return p;
}

void pulses_start(struct pulses *p)
{
    line_events_start(p->line);
}

/* No callback comes after line_events_free(). What was counted since the last second goes out yet.
 */
void pulses_free(struct pulses *p)
{
    if (p != NULL) {
        if (pulses_of(p) > p->told) {
            deliver(p, clock_mono_us(p->clock));
        }
        line_events_free(p->line);
        free(p);
    }
}
