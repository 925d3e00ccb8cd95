/*
 * daemon.h: the running daemon: start-up order, wiring, shutdown. Blocks until a signal (INT,
 * TERM), or for the given time.
 */
#ifndef DAEMON_RUN_DAEMON_H
#define DAEMON_RUN_DAEMON_H

#include <stdint.h>

#include "daemon/run/config.h"

struct daemon_options {
    int64_t for_ms;                                /* real ms to run; 0: until a signal */
    void (*listening)(void *ctx, const char *url); /* called once, when the page is served */
    void *ctx;
};

/* 0, or 1 after a sentence on stderr that says what could not be started. */
int daemon_run(const struct config *config, const struct daemon_options *options);

#endif
