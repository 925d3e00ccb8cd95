/*
 * appliances.h: what the people of the house switch on.
 *
 * A day's plan is drawn at midnight (UTC) from a table of habits; each habit starts a programme, a
 * list of phases with one or two kinds of load, some of them thermostatic (so long on, so long
 * off). Base loads (fridge, lights, network, ventilation) run beside the plan.
 */
#ifndef SIM_PHYSICS_APPLIANCES_H
#define SIM_PHYSICS_APPLIANCES_H

#include <stdint.h>

#include "sim/physics/circuits.h"
#include "sim/physics/rng.h"
#include "sim/physics/wave.h"

#define APPLIANCES_HABITS_MAX 24

struct appliances {
    /* W by circuit and kind; resistive: at 230 V. Quadrature and capacitor: VA. */
    double load[CIRCUIT_COUNT][WAVE_KINDS];

    struct rng rng; /* private from here */
    int64_t day;    /* of the plan, or -1 */
    struct running {
        int32_t start_s; /* of the day; -1: not today */
        int32_t phase;   /* of the programme; -1: not running */
        int32_t left_s;  /* of the phase */
        double stretch;  /* of the phases' lengths */
    } running[APPLIANCES_HABITS_MAX];
    int32_t fridge_s; /* until the compressor switches */
    int32_t fridge_on;
    double dim;     /* level of the dimmed lamps, 0...1 */
    double sockets; /* wander of the base loads, around 1 */
    double office;
};

void appliances_init(struct appliances *a, uint64_t seed);

/* One second, to unix_s; daylight 0...1; cylinder_degc stops the immersion heater. */
void appliances_step(struct appliances *a, int64_t unix_s, double daylight, double cylinder_degc);

#endif
