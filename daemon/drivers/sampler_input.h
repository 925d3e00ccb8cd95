/* sampler_input.h: opens what a sample stream comes through. */
#ifndef DAEMON_DRIVERS_SAMPLER_INPUT_H
#define DAEMON_DRIVERS_SAMPLER_INPUT_H

#include <stdbool.h>

/* A connected stream socket (non-blocking), or a negative errno. */
int sampler_open_socket(const char *path);

/* A serial port, raw, 8N1, locked against others (non-blocking), or a negative errno:
 * -EINVAL: no such baud rate; -ENOTTY: not a terminal. */
int sampler_open_port(const char *path, unsigned baud);

bool sampler_baud_known(unsigned baud);

#endif
