/*
 * heatpump.h: a weather-compensated, modulating air-source heat pump and its water circuit.
 *
 *            ┌────────┐  flow  ──▶ ┌──────────────────────┐
 *   air ──▶  │ hp     │            │ emitters or cylinder │
 *            └────────┘ ◀── return └──────────────────────┘
 *
 *   idle ─▶ pre-run ─▶ run ⇄ defrost
 *     ▲                 │
 *     └──── over-run ◀──┘
 *
 * The heat that counts is the heat meter's: rho c x flow rate x (flow - return), at every instant.
 * In a defrost the cycle is reversed: the compressor draws power and the heat is negative.
 */
#ifndef SIM_PHYSICS_HEATPUMP_H
#define SIM_PHYSICS_HEATPUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/physics/rng.h"

/* J/(l K), water at the return side; 1 l/h x 1 K = 1.1556 W. */
#define HEATPUMP_RHO_C 4160.0

enum heatpump_state {
    HEATPUMP_IDLE,
    HEATPUMP_PRERUN,
    HEATPUMP_RUN,
    HEATPUMP_DEFROST,
    HEATPUMP_OVERRUN
};

struct heatpump {
    enum heatpump_state state;
    bool hot_water; /* the valve stands to the cylinder */
    double flow_degc;
    double return_degc;
    double flow_l_s; /* 0 while the pump rests */
    double heat_w;   /* to the circuit, signed */
    double elec_w;   /* all it draws, active */

    struct rng rng;       /* private from here */
    double speed;         /* of the compressor, 0.28 ... 1 of full output */
    double condenser_w;   /* into the water, before the exchanger's capacity */
    double compressor_w;  /* electric */
    double frost;         /* 0 clean ... 1 needs a defrost */
    double flow_trim;     /* the pump's wander, around 1 */
    double coil_exchange; /* 1 - exp(-UA/mc) of the cylinder coil at flow_l_s */
    int32_t state_s;      /* seconds in this state */
    int32_t rest_s;       /* seconds since the compressor stopped */
    int32_t hot_run_s;    /* seconds above the flow target */
    bool wants_heat;      /* room thermostat with hysteresis */
};

struct heatpump_input {
    double outside_degc;
    double room_degc;
    double emitter_degc;
    double cylinder_degc;
    int32_t day_s; /* second of the day */
};

void heatpump_init(struct heatpump *h, uint64_t seed, double room_degc);

/* One second; the outputs above then hold for it. */
void heatpump_step(struct heatpump *h, const struct heatpump_input *in);

#endif
