#include "daemon/drivers/mbus_talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/drivers/bus_line.h"

struct mbus_talk {
    uv_loop_t loop;
    uv_timer_t wake;
    struct bus_line *line;
    struct hwt_mbus_master master;
    unsigned baud;
    bool opened, lost;
    char why[MBUS_TALK_WHY_MAX];
};

static void on_open(void *ctx)
{
    struct mbus_talk *t = ctx;

    hwt_mbus_master_init(&t->master, t->baud);
    hwt_mbus_master_set_lag(&t->master, bus_line_lag_us(t->line));
    t->opened = true;
    uv_stop(&t->loop);
}

static void on_octets(void *ctx, const uint8_t *p, size_t n)
{
    struct mbus_talk *t = ctx;

    hwt_mbus_master_feed(&t->master, p, n, clock_real_us());
    uv_stop(&t->loop);
}

static void on_fail(void *ctx, const char *why)
{
    struct mbus_talk *t = ctx;

    t->lost = true;
    snprintf(t->why, sizeof(t->why), "%s", why);
    uv_stop(&t->loop);
}

static void on_wake(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

struct mbus_talk *mbus_talk_open(const char *port, const char *tcp, unsigned baud,
                                 char why_out[MBUS_TALK_WHY_MAX])
{
    struct mbus_talk *t = calloc(1, sizeof(*t));
    const struct bus_line_options options = {.path = port,
                                             .tcp = tcp,
                                             .baud = baud,
                                             .framing = SERIAL_8E1,
                                             .on_open = on_open,
                                             .on_octets = on_octets,
                                             .on_fail = on_fail,
                                             .ctx = t};

    if (t == NULL || uv_loop_init(&t->loop) != 0) {
        free(t);
        snprintf(why_out, MBUS_TALK_WHY_MAX, "out of memory");
        return NULL;
    }
    t->baud = baud;
    uv_timer_init(&t->loop, &t->wake);
    t->line = bus_line_new(&t->loop, &options);
    if (t->line == NULL) {
        snprintf(t->why, sizeof(t->why), "no such speed or host");
        t->lost = true;
    } else {
        bus_line_start(t->line);
    }
    while (!t->opened && !t->lost) {
        uv_run(&t->loop, UV_RUN_ONCE);
    }
    if (t->lost) {
        snprintf(why_out, MBUS_TALK_WHY_MAX, "%s", t->why);
        mbus_talk_close(t);
        return NULL;
    }
    return t;
}

int mbus_talk_run(struct mbus_talk *t, const struct hwt_mbus_task *task,
                  const struct hwt_mbus_master **master_out)
{
    hwt_mbus_master_begin(&t->master, task, clock_real_us());
    *master_out = &t->master;
    while (!t->lost) {
        int64_t now_us = clock_real_us();
        struct hwt_mbus_action a = hwt_mbus_master_step(&t->master, now_us);

        if (a.step == HWT_MBUS_STEP_DONE) {
            return t->master.result;
        }
        if (a.step == HWT_MBUS_STEP_SEND) {
            bus_line_write(t->line, a.octets, a.n);
            continue;
        }
        uv_update_time(&t->loop);
        uv_timer_start(&t->wake, on_wake, (uint64_t)(a.wake_us - now_us + 999) / 1000, 0);
        uv_run(&t->loop, UV_RUN_DEFAULT);
    }
    return HWT_ERR_IO;
}

void mbus_talk_close(struct mbus_talk *t)
{
    if (t != NULL) {
        bus_line_free(t->line);
        uv_close((uv_handle_t *)&t->wake, NULL);
        uv_run(&t->loop, UV_RUN_DEFAULT);
        uv_loop_close(&t->loop);
        free(t);
    }
}
