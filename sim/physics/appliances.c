#include "sim/physics/appliances.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define DAY_S          86400
#define IMMERSION_DEGC 60.0

struct phase {
    int32_t seconds;     /* 0: end of the list */
    int32_t on_s, off_s; /* thermostat; off_s 0: always on */
    struct {
        enum wave_kind kind;
        double w;
    } part[2];
};

#define HEAT(w)             \
    {                       \
        WAVE_RESISTIVE, (w) \
    }
#define MOTOR(w)        \
    {                   \
        WAVE_MOTOR, (w) \
    }
#define ELEC(w)        \
    {                  \
        WAVE_SMPS, (w) \
    }
#define DIM(w)           \
    {                    \
        WAVE_DIMMER, (w) \
    }
#define PFC(w)        \
    {                 \
        WAVE_PFC, (w) \
    }

static const struct phase hob_breakfast[] = {
    {300, 1, 0, {HEAT(1850)}}, {420, 3, 5, {HEAT(1850)}}, {0}};
static const struct phase hob_dinner[] = {
    {420, 1, 0, {HEAT(3900)}},
    {900, 4, 5, {HEAT(3900)}},
    {1100, 3, 8, {HEAT(1850)}},
    {0},
};
static const struct phase oven[] = {
    {620, 1, 0, {HEAT(2350), MOTOR(35)}},
    {2100, 38, 75, {HEAT(2350), MOTOR(35)}},
    {0},
};
static const struct phase washer[] = {
    {240, 12, 5, {MOTOR(190)}},  {1020, 1, 0, {HEAT(1950), MOTOR(90)}},
    {2400, 12, 5, {MOTOR(210)}}, {900, 40, 20, {MOTOR(130)}},
    {480, 1, 0, {MOTOR(480)}},   {0},
};
static const struct phase dishwasher[] = {
    {300, 1, 0, {MOTOR(75)}},  {900, 1, 0, {HEAT(1900), MOTOR(75)}},
    {2700, 1, 0, {MOTOR(75)}}, {780, 1, 0, {HEAT(1900), MOTOR(75)}},
    {1500, 1, 0, {ELEC(6)}},   {0},
};
static const struct phase kettle[] = {{170, 1, 0, {HEAT(2850)}}, {0}};
static const struct phase toaster[] = {{150, 1, 0, {HEAT(950)}}, {0}};
static const struct phase vacuum[] = {{1300, 95, 12, {MOTOR(820)}}, {0}};
static const struct phase television[] = {{9900, 1, 0, {ELEC(125)}}, {0}};
static const struct phase desk[] = {{14000, 1, 0, {ELEC(115), DIM(40)}}, {0}};
static const struct phase car[] = {{9000, 1, 0, {PFC(7100)}}, {1500, 1, 0, {PFC(3300)}}, {0}};
static const struct phase immersion[] = {{5400, 1, 0, {HEAT(2950)}}, {0}};
static const struct phase boost[] = {{1800, 1, 0, {MOTOR(95)}}, {0}};

enum { EVERY = 0x7F, WORK = 0x1F, WEEKEND = 0x60, SUNDAY = 0x40, WASH = 0x55, COOK = 0x6A };

/* What a household does in a day. Bit 0 of `days` is Monday. */
static const struct habit {
    const struct phase *programme;
    enum circuit circuit;
    int days;
    int percent;    /* chance on such a day */
    int start_min;  /* mean */
    int spread_min; /* standard deviation */
    double stretch; /* lengths vary by +- this share */
} habits[] = {
    {hob_breakfast, CIRCUIT_HOB, EVERY, 70, 7 * 60 + 10, 20, 0.3},
    {hob_dinner, CIRCUIT_HOB, EVERY, 85, 18 * 60 + 5, 25, 0.4},
    {oven, CIRCUIT_OVEN, COOK, 70, 17 * 60 + 40, 25, 0.3},
    {washer, CIRCUIT_WASHER, WASH, 80, 9 * 60 + 40, 70, 0.1},
    {washer, CIRCUIT_WASHER, WEEKEND, 55, 14 * 60, 60, 0.1},
    {dishwasher, CIRCUIT_DISHWASHER, EVERY, 80, 20 * 60 + 20, 30, 0.05},
    {kettle, CIRCUIT_SOCKETS, EVERY, 95, 6 * 60 + 55, 12, 0.4},
    {kettle, CIRCUIT_SOCKETS, EVERY, 90, 8 * 60 + 10, 25, 0.5},
    {kettle, CIRCUIT_SOCKETS, EVERY, 70, 11 * 60, 40, 0.5},
    {kettle, CIRCUIT_SOCKETS, EVERY, 80, 16 * 60, 35, 0.5},
    {kettle, CIRCUIT_SOCKETS, EVERY, 60, 21 * 60 + 30, 30, 0.4},
    {toaster, CIRCUIT_SOCKETS, EVERY, 65, 7 * 60 + 20, 15, 0.3},
    {vacuum, CIRCUIT_SOCKETS, WEEKEND, 60, 10 * 60 + 40, 50, 0.5},
    {television, CIRCUIT_SOCKETS, EVERY, 88, 19 * 60 + 20, 30, 0.35},
    {desk, CIRCUIT_OFFICE, WORK, 85, 8 * 60 + 50, 15, 0.1},
    {desk, CIRCUIT_OFFICE, WORK, 80, 13 * 60 + 20, 15, 0.15},
    {car, CIRCUIT_EV, EVERY, 48, 35, 4, 0.6},
    {immersion, CIRCUIT_IMMERSION, SUNDAY, 100, 14 * 60 + 30, 1, 0.0},
    {boost, CIRCUIT_FAN, EVERY, 90, 7 * 60, 20, 0.3},
    {boost, CIRCUIT_FAN, EVERY, 85, 18 * 60 + 10, 20, 0.4},
};

#define HABITS (int)(sizeof(habits) / sizeof(habits[0]))
_Static_assert(sizeof(habits) / sizeof(habits[0]) <= APPLIANCES_HABITS_MAX, "room for each habit");

void appliances_init(struct appliances *a, uint64_t seed)
{
    memset(a, 0, sizeof(*a));
    rng_init(&a->rng, seed, 4);
    a->day = -1;
    a->sockets = a->office = 1.0;
    for (int i = 0; i < HABITS; i++) {
        a->running[i].phase = -1;
    }
}

static void plan_day(struct appliances *a, int64_t day)
{
    int weekday = (int)((day + 3) % 7); /* 1970-01-01 was a Thursday; Monday is 0 */

    a->day = day;
    for (int i = 0; i < HABITS; i++) {
        struct running *r = &a->running[i];
        double chance = 100.0 * rng_uniform(&a->rng);
        double start_min = habits[i].start_min + habits[i].spread_min * rng_gauss(&a->rng);

        r->start_s = -1;
        r->stretch = 1.0 + habits[i].stretch * rng_between(&a->rng, -1.0, 1.0);
        if ((habits[i].days >> weekday & 1) != 0 && chance < habits[i].percent && start_min > 0) {
            r->start_s = (int32_t)(start_min * 60.0);
        }
    }
}

static void enter_phase(struct running *r, const struct phase *programme, int phase)
{
    r->left_s = (int32_t)(programme[phase].seconds * r->stretch);
    r->phase = programme[phase].seconds == 0 ? -1 : phase;
}

static void run_habit(struct appliances *a, int i, int32_t day_s)
{
    const struct habit *h = &habits[i];
    struct running *r = &a->running[i];
    const struct phase *p;

    if (r->phase < 0) {
        if (day_s != r->start_s) {
            return;
        }
        enter_phase(r, h->programme, 0);
    }
    p = &h->programme[r->phase];
    if (p->off_s == 0 || r->left_s % (p->on_s + p->off_s) < p->on_s) {
        a->load[h->circuit][p->part[0].kind] += p->part[0].w;
        a->load[h->circuit][p->part[1].kind] += p->part[1].w;
    }
    if (--r->left_s <= 0) {
        enter_phase(r, h->programme, r->phase + 1);
    }
}

static void run_fridge(struct appliances *a)
{
    if (--a->fridge_s <= 0) {
        a->fridge_on = !a->fridge_on;
        a->fridge_s = (int32_t)(a->fridge_on ? rng_between(&a->rng, 800, 1400)
                                             : rng_between(&a->rng, 1700, 2900));
    }
    a->load[CIRCUIT_FRIDGE][WAVE_MOTOR] = a->fridge_on ? 88.0 : 0.0;
    a->load[CIRCUIT_FRIDGE][WAVE_SMPS] = 2.5;
}

static void run_lights(struct appliances *a, int32_t day_s, double daylight)
{
    bool awake = day_s > 6 * 3600 + 1200 && day_s < 23 * 3600;
    bool evening = day_s > 17 * 3600 && awake;
    double wanted = evening ? 1.0 - daylight : 0.0;

    a->dim += (wanted - a->dim) * 0.01;
    a->load[CIRCUIT_LIGHTS][WAVE_SMPS] = 9.0 + (awake ? 62.0 * (1.0 - 0.8 * daylight) : 0.0);
    a->load[CIRCUIT_LIGHTS][WAVE_DIMMER] = 180.0 * a->dim;
}

static void run_base(struct appliances *a)
{
    a->sockets += (1.0 - a->sockets) * 0.002 + 0.0022 * rng_gauss(&a->rng);
    a->office += (1.0 - a->office) * 0.004 + 0.0020 * rng_gauss(&a->rng);
    a->load[CIRCUIT_SOCKETS][WAVE_SMPS] += 135.0 * a->sockets;
    a->load[CIRCUIT_SOCKETS][WAVE_RESISTIVE] += 55.0;
    a->load[CIRCUIT_OFFICE][WAVE_SMPS] += 60.0 * a->office;
    a->load[CIRCUIT_OFFICE][WAVE_PFC] += 185.0 * a->office;
    a->load[CIRCUIT_OFFICE][WAVE_CAPACITOR] += 260.0;
    a->load[CIRCUIT_EV][WAVE_CAPACITOR] += 320.0;
    a->load[CIRCUIT_EV][WAVE_SMPS] += 3.0;
    a->load[CIRCUIT_FAN][WAVE_MOTOR] += 215.0;
}

void appliances_step(struct appliances *a, int64_t unix_s, double daylight, double cylinder_degc)
{
    int32_t day_s = (int32_t)(unix_s % DAY_S);

    memset(a->load, 0, sizeof(a->load));
    if (unix_s / DAY_S != a->day) {
        plan_day(a, unix_s / DAY_S);
    }
    for (int i = 0; i < HABITS; i++) {
        run_habit(a, i, day_s);
    }
    run_fridge(a);
    run_lights(a, day_s, daylight);
    run_base(a);
    if (cylinder_degc > IMMERSION_DEGC) {
        a->load[CIRCUIT_IMMERSION][WAVE_RESISTIVE] = 0.0;
    }
}
