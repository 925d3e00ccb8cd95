/*
 * tcp_port.h: a transparent TCP gateway (a serial device server) on the event loop, as a port that
 * comes and goes: connected again after 1, 2, 4 … 30 s of real time when it is lost.
 *
 *   start ──▶ name ──▶ connect ──▶ on_open ──▶ on_octets … ──▶ (error, end) ──▶ on_fail ──▶
 * back-off
 *
 * Speed and parity are the gateway's own. Nothing is retried inside: what a broken connection lost
 * is lost, as on a bad line.
 */
#ifndef DAEMON_DRIVERS_TCP_PORT_H
#define DAEMON_DRIVERS_TCP_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct tcp_port; /* opaque */

struct tcp_port_options {
    const char *host; /* "name:port", "192.0.2.1:port" or "[2001:db8::1]:port"; copied */
    void (*on_open)(void *ctx);
    void (*on_octets)(void *ctx, const uint8_t *p, size_t n); /* borrowed */
    void (*on_fail)(void *ctx, const char *why); /* one sentence with the host's name; borrowed */
    void *ctx;
};

enum { TCP_HOST_MAX = 128 };

/* Splits "host:port"; false if it is not of one of the forms above. */
bool tcp_host_split(const char *text, char host_out[TCP_HOST_MAX], char port_out[8]);

/* NULL when out of memory or when `host` is not of one of the forms above. */
struct tcp_port *tcp_port_new(uv_loop_t *loop, const struct tcp_port_options *options);
void tcp_port_start(struct tcp_port *p);
bool tcp_port_is_open(const struct tcp_port *p);
void tcp_port_write(struct tcp_port *p, const uint8_t *octets, size_t n);
/* Something sensible came: the next failure starts the back-off anew. */
void tcp_port_good(struct tcp_port *p);
/* No callback comes after this; the memory goes when the loop has run. NULL is fine. */
void tcp_port_free(struct tcp_port *p);

#endif
