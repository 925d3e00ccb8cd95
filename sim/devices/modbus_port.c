#include "sim/devices/modbus_port.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NS             1000000000.0
#define BITS_PER_BYTE  11
#define REPLY_DELAY_NS 40e6      /* about what such meters take */
#define RX_TIMEOUT_NS  300000000 /* real time: an unfinished request is forgotten */
#define TWICE_NS       20e6      /* until an answer that is sent twice comes again */
#define STUCK_NS       1000000   /* real time between stuck octets: a character at 9600 Bd */

enum { REQUEST = 8, IDENTIFY = 0x2B, IDENTIFY_REQUEST = 7 };
enum { HEAD = 3 }; /* unit, function, length: alike in the answers of both */

int modbus_port_init(struct modbus_port *p, const char *link, int baud, uint64_t seed,
                     struct modbus_meter *meter)
{
    memset(p, 0, sizeof(*p));
    p->meter = meter;
    p->speed = 1.0;
    p->stuck = -1;
    p->byte_ns = baud > 0 ? (int64_t)(BITS_PER_BYTE * NS / baud) : 0;
    rng_init(&p->rng, seed, 11);
    return pty_open(&p->pty, link);
}

void modbus_port_deinit(struct modbus_port *p)
{
    pty_close(&p->pty);
}

void modbus_port_set_speed(struct modbus_port *p, double speed)
{
    p->speed = speed > 0.0 ? speed : 1.0; /* a plant that stands still still answers */
}

static uint8_t disturb(struct modbus_port *p, uint8_t byte)
{
    for (int bit = 0; p->bit_error > 0.0 && bit < 8; bit++) {
        if (rng_uniform(&p->rng) < p->bit_error) {
            byte ^= (uint8_t)(1 << bit);
        }
    }
    return byte;
}

static void start_reply(struct modbus_port *p, size_t len, int64_t now_ns)
{
    uint16_t crc = modbus_crc(p->tx, len);

    p->tx[len] = (uint8_t)crc;
    p->tx[len + 1] = (uint8_t)(crc >> 8);
    p->tx_len = len + 2;
    for (size_t i = HEAD; p->collision > 0 && i < p->tx_len; i++) {
        p->tx[i] &= 0xA5; /* of two drivers the one that pulls low wins */
    }
    p->collision -= p->collision > 0;
    p->again = p->twice > 0;
    p->twice -= p->twice > 0;
    p->tx_sent = 0;
    p->tx_due_ns = now_ns + (int64_t)(modbus_meter_late(p->meter) * NS) +
                   (p->byte_ns > 0 ? (int64_t)(REPLY_DELAY_NS / p->speed) : 0);
}

static void drop(struct modbus_port *p, size_t n)
{
    p->rx_len -= n;
    memmove(p->rx, p->rx + n, p->rx_len);
}

/* Of the request that begins in rx; more of it may have to come. */
static size_t request_size(const struct modbus_port *p)
{
    return p->rx_len >= 2 && p->rx[1] == IDENTIFY ? IDENTIFY_REQUEST : REQUEST;
}

static void take_byte(struct modbus_port *p, uint8_t byte, int64_t now_ns)
{
    p->rx[p->rx_len++] = disturb(p, byte);
    while (p->rx_len >= request_size(p)) {
        size_t size = request_size(p), reply;
        uint16_t crc = modbus_crc(p->rx, size - 2);

        if (p->rx[size - 2] != (crc & 0xFF) || p->rx[size - 1] != crc >> 8) {
            p->spoilt++;
            drop(p, 1);
            continue;
        }
        if (p->tx_sent >= p->tx_len) { /* else a collision: the request is lost */
            reply = modbus_meter_answer(p->meter, p->rx, size - 2, p->tx);
            if (reply > 0) {
                start_reply(p, reply, now_ns);
            }
        }
        drop(p, size);
    }
}

static void receive(struct modbus_port *p, int64_t now_ns)
{
    uint8_t bytes[64];
    ssize_t n;

    if (p->rx_len > 0 && now_ns - p->rx_ns > RX_TIMEOUT_NS) {
        p->spoilt += p->rx_len;
        p->rx_len = 0;
    }
    while ((n = read(p->pty.master, bytes, sizeof(bytes))) > 0) {
        if (p->echo && write(p->pty.master, bytes, (size_t)n) != n) {
            p->spoilt++; /* nobody reads */
        }
        for (ssize_t i = 0; i < n; i++) {
            take_byte(p, bytes[i], now_ns);
        }
        p->rx_ns = now_ns;
    }
}

/* What nobody reads is lost, as on a wire. */
static void transmit(struct modbus_port *p, int64_t now_ns)
{
    while (p->tx_sent < p->tx_len && p->tx_due_ns <= now_ns) {
        uint8_t byte = disturb(p, p->tx[p->tx_sent]);

        if (write(p->pty.master, &byte, 1) < 0 && errno == EINTR) {
            continue;
        }
        p->tx_sent++;
        p->tx_due_ns += (int64_t)((double)p->byte_ns / p->speed);
        if (p->tx_sent == p->tx_len && p->again) {
            p->again = false;
            p->tx_sent = 0;
            p->tx_due_ns += (int64_t)(TWICE_NS / p->speed);
        }
    }
}

/* A driver that does not let go of the line. */
static void babble(struct modbus_port *p, int64_t now_ns)
{
    uint8_t octet = (uint8_t)p->stuck;

    if (p->stuck >= 0 && now_ns >= p->stuck_ns) {
        p->stuck_ns = now_ns + STUCK_NS;
        if (write(p->pty.master, &octet, 1) < 0) {
            p->stuck_ns += STUCK_NS; /* nobody reads */
        }
    }
}

void modbus_port_serve(struct modbus_port *p, int64_t now_ns)
{
    if (p->pty.master >= 0) {
        receive(p, now_ns);
        transmit(p, now_ns);
        babble(p, now_ns);
    }
}

int64_t modbus_port_wait(const struct modbus_port *p, int64_t now_ns)
{
    if (p->pty.master >= 0 && p->stuck >= 0) {
        return STUCK_NS;
    }
    if (p->pty.master < 0 || p->tx_sent >= p->tx_len) {
        return -1;
    }
    return p->tx_due_ns > now_ns ? p->tx_due_ns - now_ns : 0;
}

int modbus_port_unplug(struct modbus_port *p)
{
    pty_close(&p->pty);
    p->rx_len = p->tx_len = p->tx_sent = 0;
    return 0;
}

int modbus_port_plug(struct modbus_port *p)
{
    return p->pty.master >= 0 ? 0 : pty_open(&p->pty, p->pty.link);
}
