#include "sim/devices/mbus_port.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NS             1000000000.0
#define BITS_PER_BYTE  11        /* start, 8 data, even parity, stop */
#define REPLY_DELAY_NS 25e6      /* EN 13757-2: 11 bit times to 330 bit times + 50 ms */
#define TWICE_NS       40e6      /* from a reply to its repetition */
#define STUCK_NS       4000000   /* real time between stuck octets: a character at 2400 Bd */
#define RX_TIMEOUT_NS  300000000 /* real time: an unfinished request is forgotten */

enum { SHORT_START = 0x10, LONG_START = 0x68, STOP = 0x16, SHORT_LEN = 5, LONG_OVERHEAD = 6 };

int mbus_port_init(struct mbus_port *p, const char *link, int baud, uint64_t seed,
                   mbus_answer answer, void *ctx)
{
    memset(p, 0, sizeof(*p));
    p->answer = answer;
    p->ctx = ctx;
    p->speed = 1.0;
    p->stuck = -1;
    p->byte_ns = baud > 0 ? (int64_t)(BITS_PER_BYTE * NS / baud) : 0;
    rng_init(&p->rng, seed, 9);
    return pty_open(&p->pty, link);
}

void mbus_port_deinit(struct mbus_port *p)
{
    pty_close(&p->pty);
}

void mbus_port_set_speed(struct mbus_port *p, double speed)
{
    p->speed = speed > 0.0 ? speed : 1.0; /* a plant that stands still still answers */
}

static uint8_t disturb(struct mbus_port *p, uint8_t byte)
{
    if (p->bit_error <= 0.0) {
        return byte;
    }
    for (int bit = 0; bit < 8; bit++) {
        if (rng_uniform(&p->rng) < p->bit_error) {
            byte ^= (uint8_t)(1 << bit);
        }
    }
    return byte;
}

static uint8_t sum(const uint8_t *b, size_t len)
{
    uint8_t s = 0;

    for (size_t i = 0; i < len; i++) {
        s = (uint8_t)(s + b[i]);
    }
    return s;
}

/* Length of the frame that begins the buffer; 0: not yet known, -1: no frame begins here. */
static int frame_length(const uint8_t *b, size_t len)
{
    if (b[0] == SHORT_START) {
        return SHORT_LEN;
    }
    if (b[0] != LONG_START) {
        return -1;
    }
    if (len < 4) {
        return 0;
    }
    return b[1] == b[2] && b[3] == LONG_START && b[1] >= 3 ? b[1] + LONG_OVERHEAD : -1;
}

static bool frame_good(const uint8_t *b, size_t len)
{
    size_t first = b[0] == SHORT_START ? 1 : 4;

    return b[len - 1] == STOP && b[len - 2] == sum(b + first, len - 2 - first);
}

/* The faults that change the reply itself. Long frames only. */
static void spoil(struct mbus_port *p, size_t len)
{
    enum { ADDRESS_AT = 5 };

    if (len <= ADDRESS_AT) {
        return;
    }
    if (p->collision > 0) {
        p->collision--;
        for (size_t i = 7; i < len; i++) {
            p->tx[i] &= 0x5A;
        }
    }
    if (p->foreign > 0) {
        p->foreign--;
        p->tx[ADDRESS_AT] ^= 0x40;
        p->tx[len - 2] = sum(p->tx + 4, len - 6);
    }
    if (p->twice > 0) {
        p->twice--;
        p->again = true;
    }
}

static void start_reply(struct mbus_port *p, size_t len, int64_t now_ns)
{
    spoil(p, len);
    if (p->wrong_checksum && len >= 2) {
        p->tx[len - 2] ^= 0x55;
        p->wrong_checksum = false;
    }
    p->tx_len = len;
    p->tx_sent = 0;
    p->tx_due_ns = p->byte_ns > 0 ? now_ns + (int64_t)(REPLY_DELAY_NS / p->speed) : now_ns;
    p->tx_due_ns += p->late_ns;
    p->replies++;
}

static void take_frame(struct mbus_port *p, size_t len, int64_t now_ns)
{
    bool is_short = p->rx[0] == SHORT_START;
    const uint8_t *head = p->rx + (is_short ? 1 : 4);
    struct mbus_request request = {
        .c = head[0],
        .a = head[1],
        .data = is_short ? NULL : head + 2,
        .len = is_short ? 0 : len - LONG_OVERHEAD - 2,
    };
    size_t reply;

    if (!frame_good(p->rx, len)) {
        p->spoilt++;
        return;
    }
    p->requests++;
    if (p->tx_sent < p->tx_len) {
        return; /* a collision: the reply goes on, the request is lost */
    }
    if (p->silent > 0) {
        p->silent--;
        return;
    }
    reply = p->answer(p->ctx, &request, p->tx);
    if (reply > 0) {
        start_reply(p, reply, now_ns);
    }
}

static void drop(struct mbus_port *p, size_t n)
{
    p->rx_len -= n;
    memmove(p->rx, p->rx + n, p->rx_len);
}

static void take_byte(struct mbus_port *p, uint8_t byte, int64_t now_ns)
{
    p->rx[p->rx_len++] = disturb(p, byte);
    while (p->rx_len > 0) {
        int len = frame_length(p->rx, p->rx_len);

        if (len < 0) {
            drop(p, 1);
        } else if (len == 0 || p->rx_len < (size_t)len) {
            return;
        } else {
            take_frame(p, (size_t)len, now_ns);
            drop(p, (size_t)len);
        }
    }
}

static void receive(struct mbus_port *p, int64_t now_ns)
{
    uint8_t bytes[64];
    ssize_t n;

    if (p->rx_len > 0 && now_ns - p->rx_ns > RX_TIMEOUT_NS) {
        p->rx_len = 0;
        p->spoilt++;
    }
    while ((n = read(p->pty.master, bytes, sizeof(bytes))) > 0) {
        if (p->echo && write(p->pty.master, bytes, (size_t)n) != n) {
            p->spoilt++; /* nobody reads: lost, as on a wire */
        }
        for (ssize_t i = 0; i < n; i++) {
            take_byte(p, bytes[i], now_ns);
        }
        p->rx_ns = now_ns;
    }
}

/* What nobody reads is lost, as on a wire. */
static void transmit(struct mbus_port *p, int64_t now_ns)
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

/* A line held low by a fault, or a converter that has lost its mind. */
static void babble(struct mbus_port *p, int64_t now_ns)
{
    uint8_t octet = (uint8_t)p->stuck;

    if (p->stuck >= 0 && now_ns >= p->stuck_ns) {
        p->stuck_ns = now_ns + STUCK_NS;
        if (write(p->pty.master, &octet, 1) < 0) {
            p->stuck_ns += STUCK_NS; /* nobody reads */
        }
    }
}

void mbus_port_serve(struct mbus_port *p, int64_t now_ns)
{
    if (p->pty.master < 0) {
        return;
    }
    receive(p, now_ns);
    transmit(p, now_ns);
    babble(p, now_ns);
}

int64_t mbus_port_wait(const struct mbus_port *p, int64_t now_ns)
{
    if (p->pty.master >= 0 && p->stuck >= 0) {
        return STUCK_NS;
    }
    if (p->pty.master < 0 || p->tx_sent >= p->tx_len) {
        return -1;
    }
    return p->tx_due_ns > now_ns ? p->tx_due_ns - now_ns : 0;
}

int mbus_port_unplug(struct mbus_port *p)
{
    pty_close(&p->pty);
    p->rx_len = p->tx_len = p->tx_sent = 0;
    return 0;
}

int mbus_port_plug(struct mbus_port *p)
{
    return p->pty.master >= 0 ? 0 : pty_open(&p->pty, p->pty.link);
}
