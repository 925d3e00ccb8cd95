/*
 * year.h: a year of a house with a heat pump, made up: the workload of the log's bench.
 *
 *   seed ──▶ year_next(): one row of 16 values each 10 s ──▶ every engine
 *
 * Weather, a modulating heat pump with defrost and hot water, its meter, PV, appliances and the
 * mains, each with the noise and the decimal step that sensors of the kind have. The same seed and
 * C library give the same rows.
 *
 * It knows nothing of the log: an engine takes the rows as whole numbers of `decimals` places.
 */
#ifndef BENCH_ENGINES_YEAR_H
#define BENCH_ENGINES_YEAR_H

#include <stdbool.h>
#include <stdint.h>

enum { YEAR_SERIES = 16, YEAR_STEP_S = 10, YEAR_ROWS_A_DAY = 86400 / YEAR_STEP_S };

#define YEAR_FROM_S 1735689600 /* 2025-01-01T00:00:00Z, unix s: the first row */

/* By their place in a row. */
enum year_column {
    YEAR_HP_POWER,    /* W */
    YEAR_HEAT_POWER,  /* W */
    YEAR_HP_IMPORT,   /* Wh */
    YEAR_HEAT_ENERGY, /* Wh, a meter that counts in 0.1 kWh */
    YEAR_FLOW_T,      /* degC */
    YEAR_RETURN_T,    /* degC */
    YEAR_FLOW_RATE,   /* l/h */
    YEAR_OUTSIDE_T,   /* degC */
    YEAR_ROOM_T,      /* degC */
    YEAR_DHW_T,       /* degC */
    YEAR_VOLTAGE,     /* V */
    YEAR_FREQUENCY,   /* Hz */
    YEAR_GRID_POWER,  /* W, export < 0 */
    YEAR_GRID_IMPORT, /* Wh */
    YEAR_PV_POWER,    /* W */
    YEAR_PV_ENERGY    /* Wh */
};

struct year_series {
    const char *id;   /* as a channel of ours: "<source>_<quantity>" */
    uint8_t quantity; /* enum hwt_quantity */
    uint8_t decimals; /* a value of a row is the quantity's unit x 10^decimals */
};

extern const struct year_series year_series[YEAR_SERIES];

struct year { /* the house; all fields are private */
    uint64_t random;
    int64_t row;
    double weather_k, room_c, cylinder_c, water_c, spread_k, level, cloud, volt_drift, hz_drift;
    double hp_wh, heat_wh, grid_wh, pv_wh;
    double appliance_w[4];
    int32_t appliance_s[4], fridge_s, rest_s, defrost_s, to_defrost_s;
    bool running, hot_water, fridge;
};

void year_init(struct year *y, uint64_t seed);
/* The row of the next instant, YEAR_FROM_S + n * YEAR_STEP_S. */
void year_next(struct year *y, int32_t row_out[YEAR_SERIES]);

#endif
