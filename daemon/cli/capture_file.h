/*
 * capture_file.h: captured octets as people keep them.
 *
 *   68 4D 4D 68   684d4d68   0x68, 0x4D   68:4d:4d   68-4D   # a comment to the end of the line
 *   or the octets themselves: a file with control characters is no text
 */
#ifndef DAEMON_CLI_CAPTURE_FILE_H
#define DAEMON_CLI_CAPTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CAPTURE_MAX = 1 << 24 }; /* octets of one file: far more than a day of captures */

struct capture {
    uint8_t *p; /* free() it */
    size_t n;
};

/* All octets of a file as they are; "-" is standard input. False, after telling on stderr, if it
 * cannot be read or is too long. */
bool capture_read_raw(const char *name, struct capture *out);
/* The octets that a file means, as the picture above says. False, after telling on stderr. */
bool capture_read(const char *name, struct capture *out);
/* How messages call the file. */
const char *capture_name(const char *name);
/* Does it hold what no text has? */
bool capture_is_binary(const struct capture *c);

#endif
