/*
 * emon_lines.h: the lines of a configuration on which emonTx and their kin send: one for each
 * serial port and each TCP host and port, with the devices that name it.
 */
#ifndef DAEMON_RUN_EMON_LINES_H
#define DAEMON_RUN_EMON_LINES_H

#include "daemon/run/buses.h"

struct emon_lines; /* opaque */

/* NULL: out of memory, or a device that cannot be (it was logged). */
struct emon_lines *emon_lines_new(const struct buses_options *options);
void emon_lines_start(struct emon_lines *m);
void emon_lines_tick(struct emon_lines *m);
/* The loop must run until the close callbacks have run. NULL is fine. */
void emon_lines_free(struct emon_lines *m);

#endif
