/*
 * elster.h: the optical data of Elster electricity meters A100C (one phase) and A1100 (three).
 *
 *   flashes ─┬▶ lane 2400 Bd ─┐                                  ┌▶ gate ─▶ registers that can be
 *            ├▶ lane 4800 Bd ─┼▶ packet, whole and its sum right ─┘          trusted
 *            └▶ lane 9600 Bd ─┘
 *   or characters of a UART behind a pulse stretcher ─▶ one lane
 *
 * The meters send by themselves, an A100C each second, an A1100 each four; nothing can be asked.
 * An A100C sends 01 00 L 02, L octets, 03 and the 8-bit sum of all before it. An A1100 sends text
 * with OBIS codes in 01 'O' 'B' 02 … 03 and the complement of the sum, each octet as two characters
 * that carry a nibble between ones, low nibble first.
 *
 * An 8-bit sum lets one of 256 damaged packets through. So the gate publishes a value only when
 * the packets around it agree: it lies between the value published before and the next packet's,
 * and neither step is larger than the supply can deliver.
 *
 * Source: Elster A100C and A1100 product manuals, as reckoned in the HeatpumpMonitor documentation.
 * No clock, no port: time stamps come with the flashes.
 */
#ifndef HWT_CORE_WIRE_ELSTER_H
#define HWT_CORE_WIRE_ELSTER_H

#include <stddef.h>

#include "core/wire/flash.h"

enum {
    HWT_ELSTER_LANES = 3,
    HWT_ELSTER_RATES = 2,
    HWT_ELSTER_PACKET_MAX = 512,
    HWT_ELSTER_NEIGHBOURS = 5
};

enum hwt_elster_model { HWT_ELSTER_A100C, HWT_ELSTER_A1100 };

struct hwt_elster_packet {
    enum hwt_elster_model model;
    int64_t start_ns; /* of its first character */
    char product[17]; /* "Elster A100C"; "" if the meter does not say */
    char firmware[17];
    char serial[17];
    uint64_t import_wh[HWT_ELSTER_RATES];
    uint64_t export_wh[HWT_ELSTER_RATES];
    uint32_t resolution_wh; /* of the registers: 1 or 100 */
    uint32_t identity;      /* CRC of what never changes in a meter */
    uint8_t errors;         /* A100C: bit 5 ROM, 4 table 1, 3 table 0, 2 billing, 0 I2C */
    uint16_t power_fails;   /* A100C: rolls over */
};

struct hwt_elster_counters {
    uint64_t packets;                /* right in form and sum */
    uint64_t framing;                /* characters with a flash in the stop bit */
    uint64_t refused[HWT_ERR_KINDS]; /* by -reason: LENGTH (cut short, no end mark), CHECKSUM,
                                        SANITY (a digit that is none, not an Elster), UNSUPPORTED
                                        (no register that is known) */
};

struct hwt_elster_lane { /* private: one rate */
    struct hwt_flash flash;
    int64_t last_ns;    /* start of the character before */
    int64_t started_ns; /* of the packet under way */
    uint8_t recent[8];  /* characters, newest last */
    uint8_t state;
    uint8_t nibble; /* A1100: the low one waits for the high one */
    bool half;
    uint16_t have, want; /* octets of `octets` */
    uint8_t octets[HWT_ELSTER_PACKET_MAX];
};

struct hwt_elster {
    struct hwt_elster_counters counters;
    unsigned baud; /* found or given; 0: not yet known */
    struct hwt_elster_lane lane[HWT_ELSTER_LANES];
    unsigned lanes;
};

/* baud 2400, 4800 or 9600; 0: to be found. Errors: ARGUMENT. */
HWT_MUST_CHECK int hwt_elster_init(struct hwt_elster *e, unsigned baud);
/* A flash began. True: it ended a packet. */
HWT_MUST_CHECK bool hwt_elster_edge(struct hwt_elster *e, int64_t t_ns,
                                    struct hwt_elster_packet *packet_out);
/* No flash until t_ns; due at hwt_elster_deadline. True: a packet ended. */
HWT_MUST_CHECK bool hwt_elster_idle(struct hwt_elster *e, int64_t t_ns,
                                    struct hwt_elster_packet *packet_out);
int64_t hwt_elster_deadline(const struct hwt_elster *e);
/* A character of a UART, begun at t_ns; of a decoder whose rate was given. True: it ended a packet.
 */
HWT_MUST_CHECK bool hwt_elster_character(struct hwt_elster *e, uint8_t c, int64_t t_ns,
                                         struct hwt_elster_packet *packet_out);

/* --- the gate --- */

enum hwt_elster_verdict {
    HWT_ELSTER_WAIT,    /* nothing to publish yet */
    HWT_ELSTER_PUBLISH, /* *value_out goes on from the value before */
    HWT_ELSTER_BEGIN,   /* *value_out begins a new count: the first, or another meter, or a reset */
};

struct hwt_elster_value {
    int64_t at_ns;
    uint64_t import_wh, export_wh; /* of both rates */
};

struct hwt_elster_gate { /* private */
    uint32_t max_w;
    unsigned run; /* packets in a row of which each agrees with the one before */
    bool known;
    struct hwt_elster_packet recent[HWT_ELSTER_NEIGHBOURS]; /* oldest first */
    struct hwt_elster_packet published;
};

/* max_w: what the supply can deliver at most; 100 A at 250 V are 25 000 W. */
void hwt_elster_gate_init(struct hwt_elster_gate *g, uint32_t max_w);
enum hwt_elster_verdict hwt_elster_gate(struct hwt_elster_gate *g,
                                        const struct hwt_elster_packet *packet,
                                        struct hwt_elster_value *value_out);

#endif
