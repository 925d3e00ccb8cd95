/*
 * house.h: weather, building, heat pump, cylinder, solar panels and appliances, second by second.
 *
 *   weather ─▶ building ⇄ heat pump ⇄ cylinder        appliances, solar
 *                             │                              │
 *                             └────────▶ amperes by circuit and kind of wave ◀┘
 *
 * What a step computes holds for one second. Deterministic for a seed and a starting time.
 */
#ifndef SIM_PHYSICS_HOUSE_H
#define SIM_PHYSICS_HOUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/physics/appliances.h"
#include "sim/physics/building.h"
#include "sim/physics/cylinder.h"
#include "sim/physics/heatpump.h"
#include "sim/physics/mains.h"
#include "sim/physics/wave.h"
#include "sim/physics/weather.h"

/* Constant currents instead of the household's, for tests of meters. */
struct house_loads {
    bool fixed;
    double amps[CIRCUIT_COUNT][WAVE_KINDS];
};

struct house {
    double volts; /* RMS */
    double hz;
    double amps[CIRCUIT_COUNT][WAVE_KINDS]; /* RMS by kind; negative: opposite to its direction */
    int64_t unix_s;                         /* start of the second that the values hold for */
    struct heatpump heatpump;
    struct weather weather;
    struct building building;
    struct cylinder cylinder;

    struct appliances appliances; /* private from here */
    struct mains mains;
    struct house_loads loads;
    const struct waves *waves;
};

/* The state at unix_s; `waves` is borrowed; loads may be NULL: the household's own. */
void house_init(struct house *h, const struct waves *waves, uint64_t seed, int64_t unix_s,
                int64_t season_s, const struct house_loads *loads);

/* Goes on by one second, to unix_s + 1. */
void house_step(struct house *h);

/* Mean active power of a circuit in this second, W. */
double house_power(const struct house *h, enum circuit c);

#endif
