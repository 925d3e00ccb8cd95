/*
 * cylinder.h: the hot water cylinder: 200 l, one temperature, a coil for the heat pump, an electric
 * immersion heater, and the people who take water from it.
 */
#ifndef SIM_PHYSICS_CYLINDER_H
#define SIM_PHYSICS_CYLINDER_H

#include <stdint.h>

#include "sim/physics/rng.h"

#define CYLINDER_DRAWS 6 /* of a day */

struct cylinder {
    double water_degc;

    struct rng rng; /* private from here */
    int64_t day;    /* of the plan below, or -1 */
    struct {
        int32_t start_s; /* of the day */
        int32_t length_s;
    } draw[CYLINDER_DRAWS];
};

void cylinder_init(struct cylinder *c, uint64_t seed);

/* One second, to unix_s: heat from coil and immersion heater, losses to a room, water drawn. */
void cylinder_step(struct cylinder *c, int64_t unix_s, double heat_w, double room_degc);

#endif
