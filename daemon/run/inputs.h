/*
 * inputs.h: the sources of a configuration that have an input for themselves: pulses, Elster
 * meters, and the sensors of a 1-Wire bus.
 */
#ifndef DAEMON_RUN_INPUTS_H
#define DAEMON_RUN_INPUTS_H

#include "daemon/run/buses.h"

struct inputs; /* opaque */

/* NULL: out of memory (it was logged). */
struct inputs *inputs_new(const struct buses_options *options);
void inputs_start(struct inputs *in);
/* As buses_pause: Elster meters on serial ports. */
void inputs_pause(struct inputs *in, const struct buses_pause *which);
/* The clock has advanced. */
void inputs_tick(struct inputs *in);
/* Closes; the loop must run until the close callbacks have run. NULL is fine. */
void inputs_free(struct inputs *in);

#endif
