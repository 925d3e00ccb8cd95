/*
 * elec_meter.h: what a one-phase electricity meter of class 1 measures at a circuit.
 *
 * Each second all values are shown afresh. The meter has an error of its own, drawn from the seed,
 * within +-0.3 %; its registers begin where some years of service left them.
 */
#ifndef SIM_DEVICES_ELEC_METER_H
#define SIM_DEVICES_ELEC_METER_H

#include <stdint.h>

#include "sim/physics/house.h"

struct elec_meter {
    double volts, amps, watts, va, var, factor, hz; /* as shown; factor signed as the power */
    double import_wh, export_wh;                    /* registers */
    double total_wh;      /* imported since the plant began, whatever the register shows */
    double gain;          /* of power and energy: the hidden error */
    enum circuit circuit; /* private from here */
    double turn_wh;       /* the import register turns over there; 0: never */
};

void elec_meter_init(struct elec_meter *m, uint64_t seed, enum circuit circuit);

/* The second of `h` has passed. */
void elec_meter_add(struct elec_meter *m, const struct house *h);

/* Another meter in its place: other registers, another error. */
void elec_meter_swap(struct elec_meter *m, uint64_t seed);
/* Both registers begin at 0. */
void elec_meter_reset(struct elec_meter *m);
/* The import register stands a little before turn_wh, where it turns over. */
void elec_meter_turn(struct elec_meter *m, double turn_wh);

#endif
