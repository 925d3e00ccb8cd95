/*
 * reload.h: the signal HUP: reads the configuration file; when it is right the daemon starts anew
 * with it, else its errors are told and the daemon goes on as it is.
 *
 * A terminal that is closed sends HUP as well. Then the daemon stops, as any program in it does;
 * but goes on if it was started to ignore that (nohup).
 */
#ifndef DAEMON_RUN_RELOAD_H
#define DAEMON_RUN_RELOAD_H

#include <signal.h>
#include <stdbool.h>
#include <uv.h>

struct reload {
    const char *path; /* of the configuration file */
    uv_loop_t *loop;
    void (*right)(void *ctx); /* the file may be used */
    void (*gone)(void *ctx);  /* the terminal was closed */
    void *ctx;
    /* private */
    uv_signal_t signal;
    struct sigaction before; /* what HUP did */
    bool terminal;           /* there is one */
    uv_work_t work;
    bool busy;
    bool again; /* asked meanwhile */
    bool is_right;
};

/* All in the loop's thread; the file is read by a worker, whose end the loop must live to see. The
 * members above "private" are filled. */
void reload_init(struct reload *r);
void reload_start(struct reload *r);
/* When the loop has closed its handles. HUP does again what it did before. */
void reload_deinit(struct reload *r);

#endif
