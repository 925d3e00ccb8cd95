/*
 * building.h: the heated house, two heat capacities.
 *
 *   water circuit ──▶ emitters ──▶ rooms ──▶ outside
 *                     C, K         C, UA      ▲ sun, people, appliances
 *
 * The emitters (radiators, their water, the pipes) also give the return temperature of the circuit.
 */
#ifndef SIM_PHYSICS_BUILDING_H
#define SIM_PHYSICS_BUILDING_H

struct building {
    double room_degc;
    double emitter_degc; /* water leaving the emitters */
};

/* degC outside: temperatures a heated house would have. */
void building_init(struct building *b, double outside_degc);

/* One second. water_w: heat that the circuit left in the emitters; flow_degc: its entry (only used
 * while water_w is not 0); gains_w: sun, people and appliances. */
void building_step(struct building *b, double water_w, double flow_degc, double outside_degc,
                   double gains_w);

#endif
