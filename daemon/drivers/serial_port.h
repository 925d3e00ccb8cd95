/*
 * serial_port.h: a serial port on the event loop that comes and goes: watched while it is open,
 * opened again after 1, 2, 4 … 30 s of real time when it is not.
 *
 *   start ──▶ open ──▶ on_open ──▶ on_octets … ──▶ (error, hang-up) ──▶ on_fail ──▶ back-off ─┐
 *              ▲ └── cannot ─────────────────────────────────────────────▶ on_fail ──▶         │
 *              └─────────────────────────────────────────────────────────────────────────────┘
 */
#ifndef DAEMON_DRIVERS_SERIAL_PORT_H
#define DAEMON_DRIVERS_SERIAL_PORT_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/drivers/serial.h"

struct serial_port; /* opaque */

struct serial_port_options {
    const char *path; /* copied */
    unsigned baud;
    enum serial_framing framing;
    void (*on_open)(void *ctx);
    void (*on_octets)(void *ctx, const uint8_t *p, size_t n); /* borrowed */
    void (*on_fail)(void *ctx, const char *why); /* one sentence with the port's name; borrowed */
    void *ctx;
};

/* NULL when out of memory or when the speed is not standard. */
struct serial_port *serial_port_new(uv_loop_t *loop, const struct serial_port_options *options);
/* The first attempt to open; on_open or on_fail may come before it returns. */
void serial_port_start(struct serial_port *p);
/* Closes it, and opens it no more until it is started again. No callback comes of this. The port is
 * free for others when the loop has gone round. */
void serial_port_stop(struct serial_port *p);
bool serial_port_is_open(const struct serial_port *p);
/*
 * Without waiting: what the port does not take is lost, as on a bad line. An error shows as on_fail
 * from the loop, never inside this call.
 */
void serial_port_write(struct serial_port *p, const uint8_t *octets, size_t n);
/* Another speed and framing from now on, and whenever it is opened. False: not standard, or
 * refused; then they are as before. */
bool serial_port_set_line(struct serial_port *p, unsigned baud, enum serial_framing framing);
/* Something sensible came: the next failure starts the back-off anew. */
void serial_port_good(struct serial_port *p);
/* No callback comes after this; the memory goes when the loop has run. NULL is fine. */
void serial_port_free(struct serial_port *p);

#endif
