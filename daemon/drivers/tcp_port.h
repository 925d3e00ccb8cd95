/*
 * tcp_port.h: a TCP connection on the event loop that comes and goes, as serial_port.h for a cable:
 * looked up and connected when started, and again after 1, 2, 4 … 30 s of real time when it broke.
 *
 *   start ──▶ look up ──▶ connect ──▶ on_open ──▶ on_octets … ──▶ (error, end) ──▶ on_fail ─┐
 *              ▲   └──────── cannot ───────────────────────────────────────────▶ on_fail ─▶ │
 *              └──────────────────────── back-off ─────────────────────────────────────────┘
 */
#ifndef DAEMON_DRIVERS_TCP_PORT_H
#define DAEMON_DRIVERS_TCP_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum { TCP_WHY_MAX = 160, TCP_HOST_MAX = 256 }; /* a name in the DNS has at most 253 */

struct tcp_port; /* opaque */

struct tcp_port_options {
    const char *host; /* name or address; copied */
    uint16_t port;
    void (*on_open)(void *ctx);
    void (*on_octets)(void *ctx, const uint8_t *p, size_t n); /* borrowed */
    void (*on_fail)(void *ctx, const char *why); /* one sentence with host and port; borrowed */
    void *ctx;
};

/*
 * Splits "host:port", "192.0.2.1:port" or "[2001:db8::1]:port"; with a standard port (0: there is
 * none) the port may be left out. False if the text is none of these; outputs are then untouched.
 */
bool tcp_host_split(const char *text, uint16_t standard_port, char host_out[TCP_HOST_MAX],
                    uint16_t *port_out);

/* NULL when out of memory. */
struct tcp_port *tcp_port_new(uv_loop_t *loop, const struct tcp_port_options *options);
/* Begins to connect; callbacks come from the loop. */
void tcp_port_start(struct tcp_port *p);
/* Ends the connection, and makes none until it is started again. No callback comes of this. */
void tcp_port_stop(struct tcp_port *p);
bool tcp_port_is_open(const struct tcp_port *p);
/* Without waiting: what the socket does not take at once is lost, as on a bad line. */
void tcp_port_write(struct tcp_port *p, const uint8_t *octets, size_t n);
/* Something sensible came: the next failure starts the back-off anew. */
void tcp_port_good(struct tcp_port *p);
/* Gives the connection up, as if it had broken: on_fail comes before this returns. Does nothing if
 * it is not open. */
void tcp_port_break(struct tcp_port *p, const char *reason);
/* No callback comes after this; the memory goes when the loop has run. NULL is fine. */
void tcp_port_free(struct tcp_port *p);

#endif
