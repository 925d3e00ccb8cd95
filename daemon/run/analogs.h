/*
 * analogs.h: the sources of type analog of a configuration.
 */
#ifndef DAEMON_RUN_ANALOGS_H
#define DAEMON_RUN_ANALOGS_H

#include "daemon/run/buses.h"

struct analogs; /* opaque */

/* NULL: out of memory. */
struct analogs *analogs_new(const struct buses_options *options);
void analogs_tick(struct analogs *a);
/* The loop must run until the workers have ended. NULL is fine. */
void analogs_free(struct analogs *a);

#endif
