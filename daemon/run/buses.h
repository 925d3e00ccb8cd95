/*
 * buses.h: the buses of a configuration: the lines of M-Bus, Modbus and emon with the devices that
 * share them (lines.h), and what has an input for itself (inputs.h, analogs.h).
 */
#ifndef DAEMON_RUN_BUSES_H
#define DAEMON_RUN_BUSES_H

#include <uv.h>

#include "daemon/base/status.h"
#include "daemon/drivers/source.h"
#include "daemon/run/hub.h"
#include "daemon/run/installation.h"

struct buses; /* opaque */
struct hub;

struct buses_options {
    const struct installation *site;
    struct clock *clock;
    const struct hub *hub; /* where counters of our own go on */
    uv_loop_t *loop;
    struct status *const *status; /* by config->source[] */
    reading_sink sink;            /* on the loop */
    news_sink news;               /* on the loop */
    void *ctx;
};

/* NULL: out of memory (it was logged). */
struct buses *buses_new(const struct buses_options *options);
void buses_start(struct buses *b);
/* The clock has advanced. */
void buses_tick(struct buses *b);
/* Which lines leave their port to others for a while, or take it again. */
struct buses_pause {
    bool (*uses)(void *ctx, const struct config_source *source);
    const char *cause; /* a sentence for the state of their sources; NULL: they go on */
    void *ctx;
};

/* Lines of M-Bus, Modbus and emon, Elster meters on a serial port. Each pause is followed by one
 * going on, of the same sources. The ports are free when the loop has gone round. */
void buses_pause(struct buses *b, const struct buses_pause *which);
/* Closes; the loop must run until the close callbacks have run. */
void buses_free(struct buses *b);

#endif
