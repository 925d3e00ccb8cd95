/*
 * emon_tx.h: an emonTx with four clamps, two temperature sensors and a pulse input, on a
 * pseudo-terminal: a line each 9.8 s, whether somebody listens or not. The plant's own encoder.
 *
 *   MSG:12,Vrms:241.35,P1:1250,P2:-310,P3:0,P4:80,E1:4120,E2:-95,…,T1:41.25,T2:36.50,pulse:77
 *   {"MSG":12,"Vrms":241.35,…}
 *   OK 15 12 0 0 0 71 94 … (-46)      as a radio receiver passes it on: node 15, 40 octets, not
 * mixed
 *
 * Clamps: 1 the heat pump, 2 the grid (negative while it feeds in), 3 the solar panels, 4 the hob.
 * Energies are signed sums in whole Wh, int32, from 0 at the start, as the firmware keeps them; a
 * pulse is a Wh of the heat pump. Clamps have a gain error drawn from the seed, within +-1 %.
 */
#ifndef SIM_DEVICES_EMON_TX_H
#define SIM_DEVICES_EMON_TX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/devices/pty.h"
#include "sim/physics/house.h"
#include "sim/physics/rng.h"

enum { EMON_CLAMPS = 4, EMON_LINE = 512 };

enum emon_form { EMON_PAIRS, EMON_JSON, EMON_RADIO, EMON_FORMS };

struct emon_tx {
    struct pty pty;
    uint32_t message;       /* number of the last */
    double wh[EMON_CLAMPS]; /* signed, as the registers stand; what is sent is their whole part */
    double true_wh[EMON_CLAMPS]; /* the same, never reset, of the rising part alone: import */
    double pulses;

    /* faults; the counts run down by one a message */
    uint32_t garbage; /* a line of noise in front of it */
    uint32_t cut;     /* only its first half comes */
    uint32_t silent;  /* it does not come; the number goes on */

    enum emon_form form; /* private from here */
    struct rng rng;
    double gain[EMON_CLAMPS];
    double watts[EMON_CLAMPS], joules[EMON_CLAMPS]; /* since the last message */
    double volts, flow_degc, return_degc;
    unsigned seconds;     /* in joules[] */
    double next_s, now_s; /* plant time */
};

/* The form of this name, or -1. */
int emon_form_find(const char *name);

/* Opens the line at `link`. 0, or -1 with errno. */
int emon_tx_init(struct emon_tx *e, const char *link, enum emon_form form, uint64_t seed);
void emon_tx_deinit(struct emon_tx *e);
/* The second of `h` has passed; a message goes out when it is due. Does nothing if not opened. */
void emon_tx_add(struct emon_tx *e, const struct house *h);
/* All registers and the number begin at 0, as after a power cut. */
void emon_tx_reset(struct emon_tx *e);
/* Another emonTx: its number begins at 0, its registers stand elsewhere. */
void emon_tx_swap(struct emon_tx *e);
/* Register 1 stands just below 2^31 Wh. */
void emon_tx_turn(struct emon_tx *e);
int emon_tx_unplug(struct emon_tx *e);
int emon_tx_plug(struct emon_tx *e);

#endif
