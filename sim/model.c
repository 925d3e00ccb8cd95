#include "sim/model.h"

void model_init(struct model *m, uint64_t seed, int64_t unix_s, int64_t season_s,
                const struct house_loads *loads)
{
    waves_init(&m->waves);
    house_init(&m->house, &m->waves, seed, unix_s, season_s, loads);
    heat_meter_init(&m->meter, seed, &m->house);
    elec_meter_init(&m->elec, seed, CIRCUIT_HP);
    elec_meter_init(&m->grid, seed + 1000, CIRCUIT_GRID);
    truth_init(&m->truth);
    truth_second(&m->truth, &m->house);
}

void model_next_second(struct model *m)
{
    heat_meter_add(&m->meter, &m->house);
    elec_meter_add(&m->elec, &m->house);
    elec_meter_add(&m->grid, &m->house);
    house_step(&m->house);
    truth_second(&m->truth, &m->house);
}
