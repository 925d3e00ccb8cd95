/*
 * elster_output.h: the optical output of an Elster A100C: each second a packet of 110 characters at
 * 2400 Bd, a short flash for each 0 bit, the start bits among them. The plant's own encoder.
 *
 *   01 00 68 02  product firmware … registers (BCD, Wh) … power failures …  03  sum
 *   |character: start 0 | 8 bits, lowest first | stop 1 (dark)|
 *
 * A flash comes up to 40 us early or late. Faults can be planted.
 */
#ifndef SIM_DEVICES_ELSTER_OUTPUT_H
#define SIM_DEVICES_ELSTER_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/devices/elec_meter.h"
#include "sim/devices/line_feed.h"
#include "sim/physics/rng.h"

#define ELSTER_PACKET 110
#define ELSTER_RECENT 8

struct elster_output {
    struct line_feed feed;
    const struct elec_meter *meter;
    uint64_t packets; /* sent */
    struct {
        uint64_t import_wh, export_wh;
    } recent[ELSTER_RECENT]; /* of the packets, by their number modulo ELSTER_RECENT */

    /* faults */
    uint32_t lose;     /* so many of the next flashes are not seen, at random */
    uint32_t extra;    /* so many are seen that are none */
    uint32_t checksum; /* so many of the next packets have a wrong sum */
    uint32_t dark;     /* so many seconds without a packet */

    uint32_t serial; /* private from here */
    uint16_t power_fails;
    struct rng rng;
};

/* Its feed is opened apart. */
void elster_output_init(struct elster_output *e, const struct elec_meter *meter, uint64_t seed);
/* The packet of the second that begins at t_ns. */
void elster_output_send(struct elster_output *e, int64_t t_ns);
/* The mains fail for three seconds. */
void elster_output_power_fail(struct elster_output *e);
/* Another meter is in its place: another serial number. */
void elster_output_swap(struct elster_output *e);

#endif
