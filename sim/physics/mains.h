/*
 * mains.h: voltage and frequency at the supply of the house.
 */
#ifndef SIM_PHYSICS_MAINS_H
#define SIM_PHYSICS_MAINS_H

#include <stdint.h>

#include "sim/physics/rng.h"

struct mains {
    double volts; /* RMS */
    double hz;    /* 49.9 ... 50.1 */

    struct rng rng; /* private from here */
    double open_v;  /* wander of the open voltage */
    double df;      /* wander of the frequency */
};

void mains_init(struct mains *m, uint64_t seed);

/* One second; import_w pulls the voltage down by the impedance of the service line. */
void mains_step(struct mains *m, double import_w);

#endif
