/*
 * pulse_output.h: the pulse output of a meter at a circuit: one pulse of 50 ms for each Wh
 * imported (1000 imp/kWh), a second after the moment it is full.
 *
 *      ┌────┐            bounce: ┌┐┌┐┌──┐┌┐
 *   ───┘    └───                 ┘└┘└┘  └┘└
 */
#ifndef SIM_DEVICES_PULSE_OUTPUT_H
#define SIM_DEVICES_PULSE_OUTPUT_H

#include <stdint.h>

#include "sim/devices/line_feed.h"

#define PULSE_OUTPUT_WAITING 16 /* of a second: 57 kW */

struct pulse_output {
    struct line_feed feed;
    uint64_t pulses;  /* in all */
    uint64_t unheard; /* of them, those while nobody read */
    uint32_t bounce;  /* fault: so many of the next pulses bounce */

    double wh; /* private from here: since the pulse before */
    int64_t due_ns[PULSE_OUTPUT_WAITING];
    unsigned waiting;
};

/* A second of `watts` has passed; its pulses come in the one that begins at t_ns. */
void pulse_output_add(struct pulse_output *p, double watts, int64_t t_ns);
/* It is t_ns: pulses that are due go out. */
void pulse_output_serve(struct pulse_output *p, int64_t t_ns);

#endif
