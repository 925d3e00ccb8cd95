#include "tests/drivers/made_time.h"

#include <dlfcn.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum {
    BEGIN_S = 1000,
    REQUEST_MS = 1,
    SOCKET_MS = 1, /* a socket has no such way to ask */
    QUIET = 3,     /* turns: what closes needs two */
    TURNS_MAX = 1000
};

static int64_t now_us = BEGIN_S * INT64_C(1000000);

/* Found before the C library's, also by shared libraries. */
int clock_gettime(clockid_t id, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);

    if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE || id == CLOCK_BOOTTIME) {
        *t = (struct timespec){.tv_sec = now_us / 1000000, .tv_nsec = now_us % 1000000 * 1000};
        return 0;
    }
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    }
    return real(id, t);
}

void made_time_pass(uint64_t us)
{
    now_us += (int64_t)us;
}

/* What is looked for among the handles of a loop. */
struct look {
    bool came; /* somebody has something to take */
    uint64_t due_in_ms;
};

/* To ask a terminal is also what carries octets through it: tty_buffer_flush_work() in the kernel's
 * n_tty_poll(). Nothing stays on its way for want of a free processor. */
static void look_at(uv_handle_t *h, void *ctx)
{
    struct look *look = ctx;
    struct pollfd p = {.events = POLLIN};
    bool socket = h->type == UV_TCP;

    if (!uv_is_active(h)) {
        return;
    }
    if (h->type == UV_TIMER) {
        uint64_t ms = uv_timer_get_due_in((uv_timer_t *)h);

        look->due_in_ms = ms < look->due_in_ms ? ms : look->due_in_ms;
    } else if ((h->type == UV_POLL || socket) && uv_fileno(h, &p.fd) == 0) {
        look->came = look->came || poll(&p, 1, socket ? SOCKET_MS : 0) > 0;
    }
}

/* Waits for a look-up or a connection under way: those take real time. */
static bool is_requested(uv_loop_t *loop)
{
    struct pollfd p = {.fd = uv_backend_fd(loop), .events = POLLIN};

    if (loop->active_reqs.count > 0) {
        (void)poll(&p, 1, REQUEST_MS);
    }
    return loop->active_reqs.count > 0;
}

void made_time_turn(uv_loop_t *loop)
{
    struct look look = {.due_in_ms = UINT64_MAX};

    uv_walk(loop, look_at, &look);
    if (!is_requested(loop) && !look.came && look.due_in_ms != UINT64_MAX) {
        made_time_pass(1000 * look.due_in_ms);
    }
    uv_run(loop, UV_RUN_NOWAIT);
}

void made_time_settle(uv_loop_t *loop)
{
    for (int quiet = 0, turns = 0; quiet < QUIET && turns < TURNS_MAX; turns++) {
        struct look look = {.due_in_ms = UINT64_MAX};

        uv_walk(loop, look_at, &look);
        quiet = look.came || is_requested(loop) ? 0 : quiet + 1;
        uv_run(loop, UV_RUN_NOWAIT);
    }
}
