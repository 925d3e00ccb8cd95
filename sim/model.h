/*
 * model.h: the house with its meters, second by second: what history and the live plant share.
 */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include <stdint.h>

#include "sim/devices/elec_meter.h"
#include "sim/devices/heat_meter.h"
#include "sim/physics/house.h"
#include "sim/physics/wave.h"
#include "sim/truth.h"

struct model {
    struct waves waves;
    struct house house;
    struct heat_meter meter;
    struct elec_meter elec; /* of the heat pump's circuit */
    struct elec_meter grid; /* at the grid connection */
    struct truth truth;
};

void model_init(struct model *m, uint64_t seed, int64_t unix_s, int64_t season_s,
                const struct house_loads *loads);

/* The current second is over: the meters count it and the house goes on. */
void model_next_second(struct model *m);

#endif
