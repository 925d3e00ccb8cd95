/*
 * bus_line.h: the line of a bus: a serial port, or a TCP connection to a gateway in front of one or
 * to a device. Both come and go by themselves (serial_port.h, tcp_port.h).
 */
#ifndef DAEMON_DRIVERS_BUS_LINE_H
#define DAEMON_DRIVERS_BUS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/drivers/serial.h"

struct bus_line; /* opaque */

enum { BUS_LINE_LAG_US = 1000000 }; /* us that a network holds octets back at the most */

struct bus_line_options {
    const char *path; /* serial port, or NULL: TCP; copied */
    const char *tcp;  /* "host:port", or NULL: host and tcp_port are given; copied */
    const char *host; /* copied */
    uint16_t tcp_port;
    unsigned baud; /* serial port: one of the standard speeds, and */
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
/* Closes it, and opens it no more until it is started again: others may use it meanwhile. */
void bus_line_stop(struct bus_line *l);
bool bus_line_is_open(const struct bus_line *l);
/* Behind a network: answers take longer, and the speed is not ours. */
bool bus_line_is_remote(const struct bus_line *l);
/* us that answers may come later for it: BUS_LINE_LAG_US, or 0 of a serial port. */
int64_t bus_line_lag_us(const struct bus_line *l);
/* Another speed and framing, from the next octet on, and after each re-opening. False: the port
 * refuses, and stays as it was. For TCP true, and nothing is done. */
bool bus_line_set(struct bus_line *l, unsigned baud, enum serial_framing framing);
void bus_line_write(struct bus_line *l, const uint8_t *octets, size_t n);
/* Something sensible came: the next failure starts the back-off anew. */
void bus_line_good(struct bus_line *l);
/* Gives a TCP connection up, as tcp_port_break does; a serial port has none, nothing is done. */
void bus_line_break(struct bus_line *l, const char *reason);
/* What device `id` was sent or sent itself, in hex, for debugging; of long frames the beginning. */
void bus_line_log_hex(const char *id, const char *what, const uint8_t *octets, size_t n);
/* No callback comes after this; the memory goes when the loop has run. NULL is fine. */
void bus_line_free(struct bus_line *l);

#endif
