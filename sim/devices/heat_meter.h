/*
 * heat_meter.h: the registers of an ultrasonic heat meter with supply from the mains.
 *
 * It integrates the heat each second and shows all values afresh each four seconds, as such meters
 * do: between two updates every reading gives the same numbers. Power is the mean of the four
 * seconds, signed; the energy register counts positive heat only, negative heat has its own.
 */
#ifndef SIM_DEVICES_HEAT_METER_H
#define SIM_DEVICES_HEAT_METER_H

#include <stdint.h>

#include "sim/physics/house.h"

#define HEAT_METER_ENERGY_WH 10 /* of one count of the energy registers */
#define HEAT_METER_UPDATE_S  4
#define HEAT_METER_TURN      100000000 /* counts: eight digits */

/* What the meter shows. */
struct heat_meter_display {
    int64_t unix_s;       /* of the update */
    uint32_t energy;      /* counts of 10 Wh */
    uint32_t negative;    /* counts of 10 Wh */
    uint32_t volume_l;    /* l */
    uint32_t hours;       /* h in service */
    int32_t power_w;      /* W, signed */
    int32_t flow_cdegc;   /* 0.01 degC */
    int32_t return_cdegc; /* 0.01 degC */
    int32_t delta_ck;     /* 0.01 K, signed */
    int32_t flow_l_h;     /* l/h */
    int32_t outside_cdegc;
};

struct heat_meter {
    struct heat_meter_display display;
    double energy_j; /* exact integrals behind the registers, since the meter was made */
    double negative_j;
    double volume_l;
    double start_energy_j; /* what the registers held when the plant began */
    double start_negative_j;
    uint32_t serial; /* eight BCD digits */

    double since_update_j; /* private from here */
    uint32_t service_s;
    int32_t seconds; /* since the update */
};

/* A meter with some years of service behind it. */
void heat_meter_init(struct heat_meter *m, uint64_t seed, const struct house *h);

/* The second of `h` has passed. */
void heat_meter_add(struct heat_meter *m, const struct house *h);

/* Another meter in its place: other registers and another serial number. */
void heat_meter_swap(struct heat_meter *m, uint64_t seed);
/* All registers begin at 0. */
void heat_meter_reset(struct heat_meter *m);
/* The energy register stands a few counts before it turns over. */
void heat_meter_turn(struct heat_meter *m);

/* Wh since the plant began, whatever the registers show. */
double heat_meter_positive_wh(const struct heat_meter *m);
double heat_meter_negative_wh(const struct heat_meter *m);

#endif
