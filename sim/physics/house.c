#include "sim/physics/house.h"

#include <string.h>

#define DAY_S           86400
#define NOMINAL_V       230.0
#define PANELS_KW       4.2  /* at 1000 W/m2 */
#define PANEL_LOSSES    0.86 /* heat, dirt, inverter */
#define INVERTER_MAX_W  3680.0
#define INVERTER_MIN_W  18.0
#define HP_CAPACITOR_VA 85.0 /* filter of the heat pump's inverter */
#define WINDOW_M2       3.2  /* effective, for the gains of the rooms */
#define PEOPLE_W        160.0

void house_init(struct house *h, const struct waves *waves, uint64_t seed, int64_t unix_s,
                int64_t season_s, const struct house_loads *loads)
{
    memset(h, 0, sizeof(*h));
    h->waves = waves;
    h->unix_s = unix_s - 1; /* the step below makes it unix_s */
    if (loads != NULL) {
        h->loads = *loads;
    }
    weather_init(&h->weather, seed, unix_s, season_s);
    building_init(&h->building, h->weather.outside_degc);
    cylinder_init(&h->cylinder, seed);
    heatpump_init(&h->heatpump, seed, h->building.room_degc);
    appliances_init(&h->appliances, seed);
    mains_init(&h->mains, seed);
    h->volts = h->mains.volts;
    h->hz = h->mains.hz;
    house_step(h);
}

double house_power(const struct house *h, enum circuit c)
{
    double sum = 0;

    for (int k = 0; k < WAVE_KINDS; k++) {
        sum += h->amps[c][k] * h->waves->p[k];
    }
    return h->volts * sum;
}

static double solar_w(const struct house *h)
{
    double w = PANELS_KW * PANEL_LOSSES * h->weather.panel_w_m2;

    return w < INVERTER_MIN_W ? 0.0 : w > INVERTER_MAX_W ? INVERTER_MAX_W : w;
}

/* Amperes that draw these loads at this voltage. */
static void set_amps(struct house *h)
{
    const struct waves *w = h->waves;

    for (int c = CIRCUIT_HP; c < CIRCUIT_COUNT; c++) {
        const double *load = h->appliances.load[c];

        for (int k = 0; k < WAVE_KINDS; k++) {
            h->amps[c][k] = load[k] == 0.0 ? 0.0 : load[k] / (h->volts * w->p[k]);
        }
        h->amps[c][WAVE_RESISTIVE] = load[WAVE_RESISTIVE] * h->volts / (NOMINAL_V * NOMINAL_V);
        h->amps[c][WAVE_QUADRATURE] = load[WAVE_QUADRATURE] / h->volts;
        h->amps[c][WAVE_CAPACITOR] = load[WAVE_CAPACITOR] * h->volts / (NOMINAL_V * NOMINAL_V);
    }
}

/* The grid carries what the house draws less what the roof gives. */
static void set_grid(struct house *h)
{
    for (int k = 0; k < WAVE_KINDS; k++) {
        double sum = 0;

        for (int c = CIRCUIT_HP; c < CIRCUIT_COUNT; c++) {
            sum += c == CIRCUIT_SOLAR ? -h->amps[c][k] : h->amps[c][k];
        }
        h->amps[CIRCUIT_GRID][k] = sum;
    }
}

static void step_electric(struct house *h)
{
    mains_step(&h->mains, house_power(h, CIRCUIT_GRID));
    h->volts = h->mains.volts;
    h->hz = h->mains.hz;
    if (h->loads.fixed) {
        memcpy(h->amps, h->loads.amps, sizeof(h->amps));
    } else {
        h->appliances.load[CIRCUIT_SOLAR][WAVE_INVERTER] = solar_w(h);
        h->appliances.load[CIRCUIT_HP][WAVE_PFC] = h->heatpump.elec_w;
        h->appliances.load[CIRCUIT_HP][WAVE_CAPACITOR] = HP_CAPACITOR_VA;
        set_amps(h);
    }
    set_grid(h);
}

/* Nearly all the electricity used indoors warms the house. */
static double indoor_w(const struct house *h)
{
    double sum = PEOPLE_W + WINDOW_M2 * 0.5 * h->weather.panel_w_m2;

    for (int c = CIRCUIT_HOB; c < CIRCUIT_COUNT; c++) {
        if (c != CIRCUIT_EV && c != CIRCUIT_IMMERSION && c != CIRCUIT_FAN) {
            sum += 0.6 * house_power(h, (enum circuit)c);
        }
    }
    return sum;
}

static void step_heat(struct house *h)
{
    struct heatpump_input in = {
        .outside_degc = h->weather.outside_degc,
        .room_degc = h->building.room_degc,
        .emitter_degc = h->building.emitter_degc,
        .cylinder_degc = h->cylinder.water_degc,
        .day_s = (int32_t)(h->unix_s % DAY_S),
    };
    double to_cylinder_w, to_rooms_w;

    heatpump_step(&h->heatpump, &in);
    to_cylinder_w = h->heatpump.hot_water ? h->heatpump.heat_w : 0.0;
    to_rooms_w = h->heatpump.hot_water ? 0.0 : h->heatpump.heat_w;
    building_step(&h->building, to_rooms_w, h->heatpump.flow_degc, in.outside_degc, indoor_w(h));
    cylinder_step(&h->cylinder, h->unix_s, to_cylinder_w + house_power(h, CIRCUIT_IMMERSION),
                  h->building.room_degc);
}

void house_step(struct house *h)
{
    h->unix_s++;
    weather_step(&h->weather, h->unix_s);
    step_heat(h);
    appliances_step(&h->appliances, h->unix_s, h->weather.daylight, h->cylinder.water_degc);
    step_electric(h);
}
