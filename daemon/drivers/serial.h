/*
 * serial.h: opens serial ports, raw. Pseudo-terminals are fine; their speed means nothing.
 */
#ifndef DAEMON_DRIVERS_SERIAL_H
#define DAEMON_DRIVERS_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

enum serial_framing { SERIAL_8N1, SERIAL_8E1, SERIAL_8O1, SERIAL_8N2 };
enum { SERIAL_WHY_MAX = 160 };

/* One of 300 600 1200 2400 4800 9600 19200 38400 57600 115200? */
bool serial_baud_is_standard(unsigned baud);

/*
 * A non-blocking, close-on-exec descriptor that is not the controlling terminal, for this process
 * alone as far as the system can say so. On failure -1, and why_out names the port, what is wrong
 * and, where known, what to do.
 */
int serial_open(const char *path, unsigned baud, enum serial_framing framing,
                char why_out[SERIAL_WHY_MAX]);

/* Changes speed and framing of an open port, at once; what is still to be read stays. False if the
 * port refuses. */
bool serial_set_line(int fd, unsigned baud, enum serial_framing framing);

#endif
