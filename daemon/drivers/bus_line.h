/*
 * bus_line.h: the line of a bus with a level converter: a serial port, or a TCP gateway in front of
 * one. Both come and go by themselves (serial_port.h, tcp_port.h).
 */
#ifndef DAEMON_DRIVERS_BUS_LINE_H
#define DAEMON_DRIVERS_BUS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/drivers/serial.h"

struct bus_line; /* opaque */

struct bus_line_options {
    const char *path; /* serial port, or NULL; copied */
    const char *tcp;  /* "host:port" of a gateway, or NULL; copied */
    unsigned baud;    /* serial port: one of the standard speeds */
    enum serial_framing framing;
    void (*on_open)(void *ctx);
    void (*on_octets)(void *ctx, const uint8_t *p, size_t n); /* borrowed */
    void (*on_fail)(void *ctx, const char *why);              /* one sentence; borrowed */
    void *ctx;
};

/* NULL when out of memory, or when the speed or the host cannot be. */
struct bus_line *bus_line_new(uv_loop_t *loop, const struct bus_line_options *options);
/* The first attempt to open; on_open or on_fail may come before it returns. */
void bus_line_start(struct bus_line *l);
bool bus_line_is_open(const struct bus_line *l);
/* Behind a network: answers take longer, and the speed is not ours. */
bool bus_line_is_remote(const struct bus_line *l);
/* Another speed, from the next octet on, and after each re-opening. False: the port refuses, and
 * stays as it was. For a gateway true, and nothing is done. */
bool bus_line_set_baud(struct bus_line *l, unsigned baud);
void bus_line_write(struct bus_line *l, const uint8_t *octets, size_t n);
/* Something sensible came: the next failure starts the back-off anew. */
void bus_line_good(struct bus_line *l);
/* No callback comes after this; the memory goes when the loop has run. NULL is fine. */
void bus_line_free(struct bus_line *l);

#endif
