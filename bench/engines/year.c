#include "bench/engines/year.h"

#include <math.h>
#include <string.h>

#include "core/flow.h"

#define TURN 6.283185307179586 /* rad */

/* Physics of the house. */
#define STEP_S       ((double)YEAR_STEP_S)
#define ROOM_J_K     22.0e6 /* J/K, heat capacity of the building */
#define LOSS_W_K     210.0  /* W/K, to the outside */
#define GAIN_W       500.0  /* W, people, sun and appliances */
#define WATER_J_K    3.0e5  /* J/K, water and metal of the heating circuit */
#define EMITTER_W_K  900.0  /* W/K, underfloor heating */
#define COIL_W_K     600.0  /* W/K, circuit to hot water */
#define CYLINDER_J_K (200 * 4180.0)
#define WATER_J_KG_K 4180.0
#define PV_PEAK_W    4200.0
#define WH_A_STEP    (STEP_S / 3600.0) /* Wh for each W */

enum { DEFROST_S = 260, BETWEEN_DEFROSTS_S = 6000, REST_AFTER_S = 900, RUN_AT_LEAST_S = 600 };

const struct year_series year_series[YEAR_SERIES] = {
    [YEAR_HP_POWER] = {"hp_power", HWT_Q_POWER, 0},
    [YEAR_HEAT_POWER] = {"heatmeter_power", HWT_Q_POWER, 0},
    [YEAR_HP_IMPORT] = {"hp_import", HWT_Q_IMPORT, 0},
    [YEAR_HEAT_ENERGY] = {"heatmeter_energy", HWT_Q_ENERGY, 0},
    [YEAR_FLOW_T] = {"heatmeter_flow_t", HWT_Q_FLOW_T, 2},
    [YEAR_RETURN_T] = {"heatmeter_return_t", HWT_Q_RETURN_T, 2},
    [YEAR_FLOW_RATE] = {"heatmeter_flow_rate", HWT_Q_FLOW_RATE, 0},
    [YEAR_OUTSIDE_T] = {"heatmeter_outside_t", HWT_Q_OUTSIDE_T, 2},
    [YEAR_ROOM_T] = {"hall_room_t", HWT_Q_ROOM_T, 2},
    [YEAR_DHW_T] = {"cylinder_dhw_t", HWT_Q_DHW_T, 2},
    [YEAR_VOLTAGE] = {"mains_voltage", HWT_Q_VOLTAGE, 2},
    [YEAR_FREQUENCY] = {"mains_frequency", HWT_Q_FREQUENCY, 3},
    [YEAR_GRID_POWER] = {"grid_power", HWT_Q_POWER, 0},
    [YEAR_GRID_IMPORT] = {"grid_import", HWT_Q_IMPORT, 0},
    [YEAR_PV_POWER] = {"solar_power", HWT_Q_POWER, 0},
    [YEAR_PV_ENERGY] = {"solar_energy", HWT_Q_ENERGY, 0},
};

/* --- chance --- */

/* splitmix64, public domain (S. Vigna) */
static uint64_t draw(struct year *y)
{
    uint64_t z = y->random += 0x9E3779B97F4A7C15U;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
}

static double chance(struct year *y)
{
    return (double)(draw(y) >> 11) / 9007199254740992.0; /* 2^53 */
}

/* About normal, mean 0 and deviation 1: the sum of four even draws of 16 bits has mean 131070 and
 * deviation 65536 / sqrt(3). */
static double noise(struct year *y)
{
    uint64_t r = draw(y), sum = 0;

    for (; r != 0; r >>= 16) {
        sum += r & 0xFFFF;
    }
    return ((double)sum - 131070.0) / 37837.2;
}

/* One step of a drift that forgets within tau_s and has that deviation in the long run. */
static double drift(struct year *y, double now, double tau_s, double deviation)
{
    double keep = 1 - STEP_S / tau_s;

    return now * keep + noise(y) * deviation * sqrt(1 - keep * keep);
}

static double clamp(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

static int32_t quantise(double v, enum year_column column)
{
    static const double scale[] = {1, 10, 100, 1000};

    return (int32_t)lround(v * scale[year_series[column].decimals]);
}

/* --- the heat pump --- */

struct heat { /* this step's */
    double elec_w, heat_w, flow_l_h, flow_c, return_c;
};

static void switch_heat_pump(struct year *y, double day_part)
{
    double set_c = day_part > 0.25 && day_part < 0.94 ? 20.5 : 19.5;
    bool morning = day_part > 0.208 && day_part < 0.209;
    bool noon = day_part > 0.580 && day_part < 0.581;

    y->rest_s -= y->rest_s > 0 ? YEAR_STEP_S : 0;
    if (y->hot_water) {
        y->hot_water = y->cylinder_c < 49;
    } else {
        y->hot_water =
            y->cylinder_c < 38 || (morning && y->cylinder_c < 47) || (noon && y->cylinder_c < 44);
    }
    if (y->rest_s > 0) {
        return;
    }
    if (!y->running && (y->hot_water || y->room_c < set_c - 0.3)) {
        y->running = true;
        y->level = 0.3;
        y->rest_s = RUN_AT_LEAST_S;
        y->to_defrost_s = BETWEEN_DEFROSTS_S;
    } else if (y->running && !y->hot_water && y->room_c > set_c + 0.3) {
        y->running = false;
        y->defrost_s = 0;
        y->rest_s = REST_AFTER_S;
    }
}

static void defrost(struct year *y, double outside_c)
{
    if (y->defrost_s > 0) {
        y->defrost_s -= YEAR_STEP_S;
        if (y->defrost_s <= 0) {
            y->to_defrost_s = BETWEEN_DEFROSTS_S + (int32_t)(chance(y) * 1800);
        }
    } else if (outside_c < 4 && (y->to_defrost_s -= YEAR_STEP_S) < 0) {
        y->defrost_s = DEFROST_S;
    }
}

static void run_heat_pump(struct year *y, double outside_c, struct heat *h)
{
    double target = y->hot_water ? 52 : 36 + 0.8 * (18 - (outside_c > 18 ? 18 : outside_c));
    double flow_c = y->water_c + y->spread_k / 2;
    double want = y->defrost_s > 0 ? 0.4 : clamp(0.25 + 0.09 * (target - flow_c), 0.22, 1);
    double cop = clamp(6.6 - 0.075 * (flow_c - outside_c), 1.6, 6.5);

    y->level = clamp(y->level + (want - y->level) * 0.095 + noise(y) * 0.0018, 0.2, 1.05);
    h->elec_w = 300 + 1900 * y->level;
    h->heat_w = y->defrost_s > 0 ? -2500 : h->elec_w * cop;
    h->flow_l_h = y->hot_water ? 1180 : 1050;
}

/* The circuit, the room and the cylinder. */
static void move_heat(struct year *y, double outside_c, struct heat *h)
{
    bool heating = h->flow_l_h > 0;
    double spread = heating ? h->heat_w / (h->flow_l_h / 3600 * WATER_J_KG_K) : 0;
    double sink_c = heating && y->hot_water ? y->cylinder_c : y->room_c;
    double out_w = (heating ? y->hot_water ? COIL_W_K : EMITTER_W_K : 40) * (y->water_c - sink_c);

    y->spread_k += (spread - y->spread_k) * (heating ? 0.22 : 0.01);
    y->water_c += (h->heat_w - out_w) * STEP_S / WATER_J_K;
    y->room_c +=
        ((heating && y->hot_water ? 0 : out_w) - LOSS_W_K * (y->room_c - outside_c) + GAIN_W) *
            STEP_S / ROOM_J_K +
        noise(y) * 0.0013;
    y->cylinder_c += (heating && y->hot_water ? out_w : 0) * STEP_S / CYLINDER_J_K -
                     (y->cylinder_c - 20) * 2e-6 * STEP_S;
    h->flow_c = y->water_c + y->spread_k / 2;
    h->return_c = y->water_c - y->spread_k / 2;
}

static void heat_pump(struct year *y, double outside_c, double day_part, struct heat *h)
{
    switch_heat_pump(y, day_part);
    *h = (struct heat){.elec_w = 13};
    if (y->running) {
        defrost(y, outside_c);
        run_heat_pump(y, outside_c, h);
    }
    move_heat(y, outside_c, h);
    if (day_part > 0.27 && chance(y) < 0.0006) { /* somebody draws hot water */
        y->cylinder_c -= 1.2 * chance(y);
    }
}

/* --- electricity --- */

static double house_w(struct year *y, double day_part)
{
    static const struct {
        double w;
        int32_t s;
    } kind[] = {{2850, 170}, {1950, 1500}, {1200, 420}, {420, 5400}};
    bool at_home = (day_part > 0.26 && day_part < 0.38) || (day_part > 0.70 && day_part < 0.93);
    double starts = at_home ? 0.0042 : day_part < 0.22 ? 0.0002 : 0.0012;
    double w = 145;

    y->fridge_s -= YEAR_STEP_S;
    if (y->fridge_s < 0) {
        y->fridge = !y->fridge;
        y->fridge_s =
            y->fridge ? 900 + (int32_t)(600 * chance(y)) : 1800 + (int32_t)(900 * chance(y));
    }
    if (chance(y) < starts) {
        unsigned k = (unsigned)(draw(y) & 3);

        if (y->appliance_s[k] <= 0) {
            y->appliance_w[k] = kind[k].w * (0.97 + 0.06 * chance(y));
            y->appliance_s[k] = (int32_t)(kind[k].s * (0.4 + 1.2 * chance(y)));
        }
    }
    for (unsigned k = 0; k < 4; k++) {
        y->appliance_s[k] -= y->appliance_s[k] > 0 ? YEAR_STEP_S : 0;
        /* the second is an oven: its element goes on and off */
        w += y->appliance_s[k] > 0 && !(k == 1 && y->appliance_s[k] / 30 % 3 == 0)
                 ? y->appliance_w[k]
                 : 0;
    }
    return w + (y->fridge ? 78 : 0) + noise(y) * 3.5;
}

static double pv_w(struct year *y, double day_part, double year_part)
{
    double summer = -cos(TURN * (year_part - 0.03));
    double height = 0.10 + 0.30 * summer - cos(TURN * day_part) * (0.62 + 0.22 * summer);
    double w;

    y->cloud = clamp(0.55 + drift(y, y->cloud - 0.55, 1100, 0.28), 0.08, 1);
    w = height > 0 ? PV_PEAK_W * height * y->cloud : 0;
    return w < 4 ? 0 : w + noise(y) * (1 + w * 0.004);
}

/* --- rows --- */

void year_init(struct year *y, uint64_t seed)
{
    memset(y, 0, sizeof(*y));
    y->random = seed;
    y->room_c = 20;
    y->cylinder_c = 46;
    y->water_c = 25;
    y->cloud = 0.5;
    y->hp_wh = 1834000; /* meters that have counted for years */
    y->heat_wh = 6902000;
    y->grid_wh = 4412000;
    y->pv_wh = 2100400;
}

static void put_heat(struct year *y, const struct heat *h, double outside_c, double elec_w,
                     int32_t *row)
{
    row[YEAR_HP_POWER] = quantise(elec_w, YEAR_HP_POWER);
    row[YEAR_HEAT_POWER] = y->running ? quantise(h->heat_w + noise(y) * 25, YEAR_HEAT_POWER) : 0;
    row[YEAR_HP_IMPORT] = (int32_t)y->hp_wh;
    row[YEAR_HEAT_ENERGY] = (int32_t)(y->heat_wh / 100) * 100;
    row[YEAR_FLOW_T] = quantise(h->flow_c + noise(y) * 0.02, YEAR_FLOW_T);
    row[YEAR_RETURN_T] = quantise(h->return_c + noise(y) * 0.02, YEAR_RETURN_T);
    row[YEAR_FLOW_RATE] = y->running ? quantise(h->flow_l_h + noise(y) * 5, YEAR_FLOW_RATE) : 0;
    row[YEAR_OUTSIDE_T] = quantise(outside_c + noise(y) * 0.012, YEAR_OUTSIDE_T);
    row[YEAR_ROOM_T] = quantise(y->room_c + noise(y) * 0.006, YEAR_ROOM_T);
    row[YEAR_DHW_T] = quantise(y->cylinder_c + noise(y) * 0.01, YEAR_DHW_T);
}

static void put_mains(struct year *y, double day_part, double grid_w, double solar_w, int32_t *row)
{
    y->volt_drift = drift(y, y->volt_drift, 300, 1.04);
    y->hz_drift = drift(y, y->hz_drift, 150, 0.048);
    row[YEAR_VOLTAGE] = quantise(241.5 + 1.8 * sin(TURN * (day_part + 0.1)) - 0.0006 * grid_w +
                                     y->volt_drift + noise(y) * 0.12,
                                 YEAR_VOLTAGE);
    row[YEAR_FREQUENCY] = quantise(50 + y->hz_drift + noise(y) * 0.002, YEAR_FREQUENCY);
    row[YEAR_GRID_POWER] = quantise(grid_w, YEAR_GRID_POWER);
    row[YEAR_GRID_IMPORT] = (int32_t)y->grid_wh;
    row[YEAR_PV_POWER] = quantise(solar_w < 0 ? 0 : solar_w, YEAR_PV_POWER);
    row[YEAR_PV_ENERGY] = (int32_t)y->pv_wh;
}

void year_next(struct year *y, int32_t row_out[YEAR_SERIES])
{
    int64_t in_day = y->row % YEAR_ROWS_A_DAY;
    double day_part = (double)in_day / YEAR_ROWS_A_DAY;
    double year_part = (double)y->row / (365.25 * YEAR_ROWS_A_DAY);
    double outside_c, elec_w, solar_w, grid_w;
    struct heat h;

    y->row++;
    y->weather_k = drift(y, y->weather_k, 259200, 3.8); /* three days */
    outside_c = 10 - 7.5 * cos(TURN * (year_part - 0.04)) - 3 * cos(TURN * (day_part - 0.12)) +
                y->weather_k;
    heat_pump(y, outside_c, day_part, &h);
    elec_w = h.elec_w + noise(y) * (y->running ? 7 : 0.6);
    solar_w = pv_w(y, day_part, year_part);
    grid_w = house_w(y, day_part) + elec_w - solar_w;
    y->hp_wh += elec_w * WH_A_STEP;
    y->heat_wh += (h.heat_w > 0 ? h.heat_w : 0) * WH_A_STEP;
    y->grid_wh += (grid_w > 0 ? grid_w : 0) * WH_A_STEP;
    y->pv_wh += (solar_w > 0 ? solar_w : 0) * WH_A_STEP;
    put_heat(y, &h, outside_c, elec_w, row_out);
    put_mains(y, day_part, grid_w, solar_w, row_out);
}
