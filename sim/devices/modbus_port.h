/*
 * modbus_port.h: the device's end of a Modbus RTU line on a pseudo-terminal.
 *
 *   request bytes ─▶ eight with a right checksum ─▶ meter ─▶ reply bytes, paced as the line is
 *
 * A request with a wrong checksum is not answered, nor is one that comes while a reply goes out.
 * Time is the caller's monotonic clock in ns, scaled by the plant's speed.
 */
#ifndef SIM_DEVICES_MODBUS_PORT_H
#define SIM_DEVICES_MODBUS_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/devices/modbus_meter.h"
#include "sim/devices/pty.h"
#include "sim/physics/rng.h"

struct modbus_port {
    struct pty pty;
    uint64_t spoilt; /* bytes that were no request */

    /* faults */
    double bit_error;   /* chance per bit, both directions */
    uint32_t twice;     /* answers yet to be sent twice */
    uint32_t collision; /* answers yet to be spoilt by another device of the same number */
    bool echo;          /* requests come back first */
    int stuck;          /* an octet sent without end, or -1 */

    struct modbus_meter *meter; /* private from here */
    int64_t byte_ns;            /* a character on the line at speed 1; 0: no pacing */
    double speed;
    struct rng rng;
    uint8_t rx[MODBUS_FRAME_MAX];
    size_t rx_len;
    int64_t rx_ns; /* of the last byte */
    uint8_t tx[MODBUS_FRAME_MAX];
    size_t tx_len, tx_sent;
    int64_t tx_due_ns; /* of the next byte */
    bool again;        /* the answer is to be sent once more */
    int64_t stuck_ns;  /* the next stuck octet is due */
};

/* Opens the line at `link`; baud 0: no pacing. 0, or -1 with errno. */
int modbus_port_init(struct modbus_port *p, const char *link, int baud, uint64_t seed,
                     struct modbus_meter *meter);
void modbus_port_deinit(struct modbus_port *p);
/* How much faster than real time the line runs. */
void modbus_port_set_speed(struct modbus_port *p, double speed);
/* Reads what came and sends what is due. */
void modbus_port_serve(struct modbus_port *p, int64_t now_ns);
/* ns from now to the next byte due, -1 when nothing is. */
int64_t modbus_port_wait(const struct modbus_port *p, int64_t now_ns);
/* Pulls the plug, or puts it back. 0, or -1 with errno. */
int modbus_port_unplug(struct modbus_port *p);
int modbus_port_plug(struct modbus_port *p);

#endif
