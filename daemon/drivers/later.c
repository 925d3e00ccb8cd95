#include "daemon/drivers/later.h"

/* The second time that idle handles are called, a round has ended in between, wherever in a round
 * it was started. */
enum { ROUNDS = 2 };

void later_init(struct later *l, uv_loop_t *loop, void (*call)(void *ctx), void *ctx)
{
    uv_idle_init(loop, &l->idle);
    l->idle.data = l;
    l->call = call;
    l->ctx = ctx;
}

static void on_idle(uv_idle_t *idle)
{
    struct later *l = idle->data;

    if (--l->rounds == 0) {
        uv_idle_stop(idle);
        l->call(l->ctx);
    }
}

void later_start(struct later *l)
{
    l->rounds = ROUNDS;
    uv_idle_start(&l->idle, on_idle);
}

void later_stop(struct later *l)
{
    uv_idle_stop(&l->idle);
}

static void on_closed(uv_handle_t *h)
{
    struct later *l = h->data;

    l->closed(l->ctx);
}

void later_close(struct later *l, void (*closed)(void *ctx))
{
    l->closed = closed;
    uv_close((uv_handle_t *)&l->idle, on_closed);
}
