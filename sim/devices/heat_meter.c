#include "sim/devices/heat_meter.h"

#include <math.h>

#include "sim/physics/rng.h"

#define J_PER_WH    3600.0
#define J_PER_COUNT (HEAT_METER_ENERGY_WH * J_PER_WH)
#define MEAN_DT_K   4.6 /* of the years before */
#define BEFORE_TURN 6   /* counts */

static int32_t hundredths(double x)
{
    return (int32_t)lround(100.0 * x);
}

static void update(struct heat_meter *m, const struct house *h)
{
    const struct heatpump *hp = &h->heatpump;

    m->display = (struct heat_meter_display){
        .unix_s = h->unix_s + 1,
        .energy = (uint32_t)fmod(m->energy_j / J_PER_COUNT, HEAT_METER_TURN),
        .negative = (uint32_t)fmod(m->negative_j / J_PER_COUNT, HEAT_METER_TURN),
        .volume_l = (uint32_t)m->volume_l,
        .hours = m->service_s / 3600,
        .power_w = (int32_t)lround(m->since_update_j / (m->seconds > 0 ? m->seconds : 1)),
        .flow_cdegc = hundredths(hp->flow_degc),
        .return_cdegc = hundredths(hp->return_degc),
        .flow_l_h = (int32_t)lround(hp->flow_l_s * 3600.0),
        .outside_cdegc = hundredths(h->weather.outside_degc),
    };
    m->display.delta_ck = m->display.flow_cdegc - m->display.return_cdegc;
    m->since_update_j = 0;
    m->seconds = 0;
}

/* Eight decimal digits of a number, a nibble each. */
static uint32_t to_bcd(uint32_t n)
{
    uint32_t bcd = 0;

    for (int shift = 0; shift < 32; shift += 4, n /= 10) {
        bcd |= (n % 10) << shift;
    }
    return bcd;
}

static void draw(struct heat_meter *m, uint64_t seed)
{
    struct rng r;

    rng_init(&r, seed, 8);
    m->serial = to_bcd((uint32_t)rng_between(&r, 60000000, 79999999));
    m->service_s = (uint32_t)rng_between(&r, 1.5e7, 6e7);
    m->energy_j = rng_between(&r, 9e6, 26e6) * J_PER_WH;
    m->negative_j = m->energy_j * 0.006;
    m->volume_l = (m->energy_j - m->negative_j) / (HEATPUMP_RHO_C * MEAN_DT_K);
}

void heat_meter_init(struct heat_meter *m, uint64_t seed, const struct house *h)
{
    *m = (struct heat_meter){0};
    draw(m, seed);
    m->start_energy_j = m->energy_j;
    m->start_negative_j = m->negative_j;
    update(m, h);
    m->display.unix_s = h->unix_s;
}

void heat_meter_add(struct heat_meter *m, const struct house *h)
{
    if (h->heatpump.heat_w >= 0.0) {
        m->energy_j += h->heatpump.heat_w;
    } else {
        m->negative_j -= h->heatpump.heat_w;
    }
    m->since_update_j += h->heatpump.heat_w;
    m->volume_l += h->heatpump.flow_l_s;
    m->service_s++;
    if (++m->seconds >= HEAT_METER_UPDATE_S) {
        update(m, h);
    }
}

/* Behind another number in the register the heat measured so far is the same. */
static void keep_sums(struct heat_meter *m, const struct heat_meter *before)
{
    m->start_energy_j += m->energy_j - before->energy_j;
    m->start_negative_j += m->negative_j - before->negative_j;
}

void heat_meter_swap(struct heat_meter *m, uint64_t seed)
{
    const struct heat_meter before = *m;

    draw(m, seed);
    keep_sums(m, &before);
}

void heat_meter_reset(struct heat_meter *m)
{
    const struct heat_meter before = *m;

    m->energy_j = m->negative_j = m->volume_l = 0.0;
    keep_sums(m, &before);
}

void heat_meter_turn(struct heat_meter *m)
{
    const struct heat_meter before = *m;

    m->energy_j = (HEAT_METER_TURN - BEFORE_TURN) * J_PER_COUNT;
    keep_sums(m, &before);
}

double heat_meter_positive_wh(const struct heat_meter *m)
{
    return (m->energy_j - m->start_energy_j) / J_PER_WH;
}

double heat_meter_negative_wh(const struct heat_meter *m)
{
    return (m->negative_j - m->start_negative_j) / J_PER_WH;
}
