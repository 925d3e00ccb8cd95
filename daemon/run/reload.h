/*
 * reload.h: the signal HUP: reads the configuration file; when it is right the daemon starts anew
 * with it, else its errors are told and the daemon goes on as it is.
 */
#ifndef DAEMON_RUN_RELOAD_H
#define DAEMON_RUN_RELOAD_H

#include <stdbool.h>
#include <uv.h>

struct reload {
    const char *path; /* of the configuration file */
    uv_loop_t *loop;
    void (*right)(void *ctx); /* the file may be used */
    void *ctx;
    /* private */
    uv_work_t work;
    bool busy;
    bool again; /* asked meanwhile */
    bool is_right;
};

/* Loop thread; the file is read by a worker, whose end the loop must live to see. */
void reload_begin(struct reload *r);

#endif
