/*
 * modbus_tcp.h: the meter's Modbus TCP server on the loopback address. Up to four clients, one
 * reply at a time for each; what a client does not read at once is lost.
 */
#ifndef SIM_DEVICES_MODBUS_TCP_H
#define SIM_DEVICES_MODBUS_TCP_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/devices/modbus_meter.h"

#define MODBUS_TCP_CLIENTS 4

struct modbus_tcp {
    int listener; /* -1: none, or unplugged */
    uint16_t port;

    struct modbus_meter *meter; /* private from here */
    struct modbus_tcp_client {
        int fd; /* -1: free */
        uint8_t rx[MODBUS_FRAME_MAX];
        size_t len;
        uint8_t tx[MODBUS_FRAME_MAX];
        size_t tx_len;     /* 0: nothing to send */
        int64_t tx_due_ns; /* when it goes */
    } client[MODBUS_TCP_CLIENTS];
};

/* port 0: no server; every other call then does nothing. 0, or -1 with errno. */
int modbus_tcp_init(struct modbus_tcp *t, uint16_t port, struct modbus_meter *meter);
void modbus_tcp_deinit(struct modbus_tcp *t);
/* Fills fds (room for 1 + MODBUS_TCP_CLIENTS) and returns how many. */
size_t modbus_tcp_pollfds(const struct modbus_tcp *t, struct pollfd *fds);
/* Takes clients and requests, sends what is due. */
void modbus_tcp_serve(struct modbus_tcp *t, int64_t now_ns);
/* ns from now to the next reply due, -1 when nothing is. */
int64_t modbus_tcp_wait(const struct modbus_tcp *t, int64_t now_ns);
/* Ends all connections and listens no more; and begins again. 0, or -1 with errno. */
int modbus_tcp_unplug(struct modbus_tcp *t);
int modbus_tcp_plug(struct modbus_tcp *t);

#endif
