/*
 * daemon.h: the running daemon: start-up order, wiring, shutdown. Blocks until a signal (INT,
 * TERM), for the given time, or until it is to be started anew, with another configuration.
 */
#ifndef DAEMON_RUN_DAEMON_H
#define DAEMON_RUN_DAEMON_H

#include <stdint.h>

#include "daemon/run/config.h"

struct daemon_options {
    int64_t for_ms;                                /* real ms to run; 0: until a signal */
    unsigned live_ms;                              /* real ms between two live events; 0: 1000 */
    void (*listening)(void *ctx, const char *url); /* called once, when the page is served */
    void *ctx;
    /* Where the configuration leaves the page's port open: the one to be tried first, or 0.
     * Written: the one it got. May be NULL. */
    uint16_t *port;
};

enum daemon_end {
    DAEMON_ENDED,
    DAEMON_FAILED, /* after a sentence on stderr that says what could not be started */
    /* The configuration file was changed, by the page, or by somebody who then sent HUP, and is
     * right. All is committed and closed. HUP, INT and TERM are blocked in this thread, so that
     * none that comes before the next daemon_run, or in the program it executes, is lost. */
    DAEMON_ANEW
};

enum daemon_end daemon_run(const struct config *config, const struct daemon_options *options);

#endif
