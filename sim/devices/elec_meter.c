#include "sim/devices/elec_meter.h"

#include <math.h>

#include "sim/physics/rng.h"

#define SECONDS_PER_H  3600.0
#define CLASS_ERROR    0.003
#define BEFORE_TURN_WH 60.0

static void draw(struct elec_meter *m, uint64_t seed)
{
    struct rng r;

    rng_init(&r, seed, 10);
    m->gain = 1.0 + rng_between(&r, -CLASS_ERROR, CLASS_ERROR);
    m->import_wh = rng_between(&r, 4e6, 9e6);
    m->export_wh = 0.0;
}

void elec_meter_init(struct elec_meter *m, uint64_t seed, enum circuit circuit)
{
    *m = (struct elec_meter){.circuit = circuit};
    draw(m, seed);
}

/* Amperes RMS of the circuit: its kinds of wave together. */
static double amperes(const struct house *h, enum circuit c)
{
    double square = 0.0;

    for (int j = 0; j < WAVE_KINDS; j++) {
        for (int k = 0; k < WAVE_KINDS; k++) {
            square += h->amps[c][j] * h->amps[c][k] * h->waves->g[j][k];
        }
    }
    return square > 0.0 ? sqrt(square) : 0.0;
}

void elec_meter_add(struct elec_meter *m, const struct house *h)
{
    m->volts = h->volts;
    m->hz = h->hz;
    m->amps = amperes(h, m->circuit);
    m->watts = house_power(h, m->circuit) * m->gain;
    m->va = m->volts * m->amps;
    m->var = sqrt(fmax(0.0, m->va * m->va - m->watts * m->watts));
    m->factor = m->va > 0.0 ? fmax(-1.0, fmin(1.0, m->watts / m->va)) : 1.0;
    if (m->watts >= 0.0) {
        m->import_wh += m->watts / SECONDS_PER_H;
        m->total_wh += m->watts / SECONDS_PER_H;
    } else {
        m->export_wh -= m->watts / SECONDS_PER_H;
    }
    if (m->turn_wh > 0.0 && m->import_wh >= m->turn_wh) {
        m->import_wh -= m->turn_wh;
    }
}

void elec_meter_swap(struct elec_meter *m, uint64_t seed)
{
    double before = m->import_wh;

    draw(m, seed);
    m->import_wh = fmod(m->import_wh + before / 2.0, 9e6); /* certainly another reading */
}

void elec_meter_reset(struct elec_meter *m)
{
    m->import_wh = m->export_wh = 0.0;
}

void elec_meter_turn(struct elec_meter *m, double turn_wh)
{
    m->import_wh = turn_wh - BEFORE_TURN_WH;
    m->turn_wh = turn_wh;
}
