/*
 * modbus_lines.h: the Modbus lines of a configuration: one for each serial port and each TCP host
 * and port, with the devices that name it.
 */
#ifndef DAEMON_RUN_MODBUS_LINES_H
#define DAEMON_RUN_MODBUS_LINES_H

#include "daemon/run/buses.h"

struct modbus_lines; /* opaque */

/* NULL: out of memory, or a device that cannot be (it was logged). */
struct modbus_lines *modbus_lines_new(const struct buses_options *options);
void modbus_lines_start(struct modbus_lines *m);
/* The clock has advanced. */
void modbus_lines_tick(struct modbus_lines *m);
/* Closes; the loop must run until the close callbacks have run. NULL is fine. */
void modbus_lines_free(struct modbus_lines *m);

#endif
