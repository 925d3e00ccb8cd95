/*
 * mbus_port.h: the slave's end of an M-Bus line on a pseudo-terminal.
 *
 *   request bytes ─▶ frame ─▶ answer callback ─▶ reply bytes, paced as the line is
 *
 * Knows the link layer's shapes (10 C A CS 16 and 68 L L 68 ... CS 16), not what is in them. A
 * request with a wrong checksum is not answered, nor is one that comes while a reply goes out.
 * Faults can be planted: silence, one wrong checksum, random bit errors in both directions.
 *
 * Time is the caller's monotonic clock in ns, scaled by the plant's speed.
 */
#ifndef SIM_DEVICES_MBUS_PORT_H
#define SIM_DEVICES_MBUS_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/devices/mbus_frame.h"
#include "sim/devices/pty.h"
#include "sim/physics/rng.h"

enum {
    MBUS_SND_NKE = 0x40,
    MBUS_SND_UD = 0x53,  /* FCB is bit 5 */
    MBUS_REQ_UD2 = 0x5B, /* FCB is bit 5 */
    MBUS_FCB = 0x20,
    MBUS_ACK = 0xE5,
    MBUS_CI_RESET = 0x50,
    MBUS_ADDRESS_TEST = 254, /* every slave answers */
};

struct mbus_request {
    uint8_t c;
    uint8_t a;
    const uint8_t *data; /* from CI; NULL in a short frame */
    size_t len;
};

/* Writes the reply, returns its length; 0: silence. `reply` holds MBUS_FRAME_MAX. */
typedef size_t (*mbus_answer)(void *ctx, const struct mbus_request *request, uint8_t *reply);

struct mbus_port {
    struct pty pty;
    uint64_t requests; /* good ones, for any address */
    uint64_t replies;
    uint64_t spoilt; /* requests with a wrong checksum or frame */

    /* faults */
    double bit_error; /* chance per bit */
    bool wrong_checksum;
    uint32_t silent;    /* requests yet to be ignored */
    uint32_t collision; /* replies yet to be spoilt, each in the same way, as by a second meter */
    uint32_t foreign;   /* replies yet to come from another address */
    uint32_t twice;     /* replies yet to be sent twice */
    int64_t late_ns;    /* added before each reply */
    bool echo;          /* requests come back first, as from converters without suppression */
    int stuck;          /* an octet sent without end, or -1 */

    mbus_answer answer; /* private from here */
    void *ctx;
    int64_t byte_ns; /* a character on the line at speed 1; 0: no pacing */
    double speed;
    struct rng rng;
    uint8_t rx[MBUS_FRAME_MAX];
    size_t rx_len;
    int64_t rx_ns; /* of the last byte */
    uint8_t tx[MBUS_FRAME_MAX];
    size_t tx_len, tx_sent;
    bool again;        /* the reply goes out once more */
    int64_t tx_due_ns; /* of the next byte */
    int64_t stuck_ns;  /* the next stuck octet is due */
};

/* Opens the line at `link`; baud 0: no pacing. 0, or -1 with errno. */
int mbus_port_init(struct mbus_port *p, const char *link, int baud, uint64_t seed,
                   mbus_answer answer, void *ctx);
void mbus_port_deinit(struct mbus_port *p);

/* How much faster than real time the line runs. */
void mbus_port_set_speed(struct mbus_port *p, double speed);

/* Reads what came and sends what is due. */
void mbus_port_serve(struct mbus_port *p, int64_t now_ns);

/* ns from now to the next byte due, -1 when nothing is. */
int64_t mbus_port_wait(const struct mbus_port *p, int64_t now_ns);

/* Pulls the plug, or puts it back. 0, or -1 with errno. */
int mbus_port_unplug(struct mbus_port *p);
int mbus_port_plug(struct mbus_port *p);

#endif
