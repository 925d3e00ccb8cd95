/*
 * later.h: a call by the loop once all that was closed before is really closed: libuv closes at the
 * end of a round of its loop, and a port can only be opened anew after that.
 *
 *   uv_close(port) ─▶ later_start ─▶ … end of the round: closed ─▶ next round: call
 */
#ifndef DAEMON_DRIVERS_LATER_H
#define DAEMON_DRIVERS_LATER_H

#include <uv.h>

struct later { /* private */
    uv_idle_t idle;
    unsigned rounds;
    void (*call)(void *ctx);
    void (*closed)(void *ctx);
    void *ctx;
};

void later_init(struct later *l, uv_loop_t *loop, void (*call)(void *ctx), void *ctx);
/* Once; begins anew if it waits already. From any callback of the loop. */
void later_start(struct later *l);
void later_stop(struct later *l);
/* No call after this; `closed` when the memory may go. */
void later_close(struct later *l, void (*closed)(void *ctx));

#endif
