#include "sim/physics/heatpump.h"

#include <math.h>

#define STANDBY_W        11.0
#define PUMP_W           42.0
#define FAN_W            55.0
#define EXCHANGER_J_K    26e3 /* plate exchanger and its pipes */
#define RETURN_LAG_S     25.0 /* pipe from the emitters */
#define COOL_DOWN_S      2600.0
#define SPACE_L_H        1040.0
#define CYLINDER_L_H     1180.0
#define COIL_W_K         1150.0
#define SPEED_MIN        0.28
#define PRERUN_S         45
#define OVERRUN_S        90
#define REST_MIN_S       540 /* the compressor's minimum pause */
#define DEFROST_LONGEST  480
#define HOT_WATER_START  43.5 /* degC */
#define HOT_WATER_STOP   50.5
#define HOT_WATER_TOP_UP 48.0
#define HOT_WATER_LIMIT  56.5 /* highest flow temperature */
#define HOT_WATER_RUN_S  5400

static double clamp(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

void heatpump_init(struct heatpump *h, uint64_t seed, double room_degc)
{
    *h = (struct heatpump){
        .flow_degc = room_degc + 2.0,
        .return_degc = room_degc + 2.0,
        .elec_w = STANDBY_W,
        .rest_s = REST_MIN_S,
        .flow_trim = 1.0,
    };
    rng_init(&h->rng, seed, 3);
}

/* The heating curve: 46 degC at -5, 27 degC from 18 degC outside. */
static double flow_target(const struct heatpump *h, const struct heatpump_input *in)
{
    if (h->hot_water) {
        return clamp(in->cylinder_degc + 8.0, 46.0, HOT_WATER_LIMIT);
    }
    return clamp(27.0 + 0.83 * (18.0 - in->outside_degc), 27.0, 48.0);
}

/* Full output falls with the cold. */
static double full_output_w(const struct heatpump_input *in)
{
    return clamp(7400.0 + 130.0 * (in->outside_degc - 2.0), 4800.0, 9500.0);
}

/* A fixed share of the Carnot limit between 4 K under the air and 2 K over the flow, best at part
 * load. */
static double cop(const struct heatpump *h, const struct heatpump_input *in)
{
    double lift = h->flow_degc + 2.0 - (in->outside_degc - 4.0);
    double share = 0.49 - 0.09 * (h->speed - 0.5) * (h->speed - 0.5);

    return clamp(share * (h->flow_degc + 275.15) / clamp(lift, 12.0, 90.0), 1.5, 7.5);
}

static bool hot_water_due(const struct heatpump_input *in)
{
    bool top_up =
        (in->day_s >= 16200 && in->day_s < 16260) || (in->day_s >= 48600 && in->day_s < 48660);

    return in->cylinder_degc < HOT_WATER_START || (top_up && in->cylinder_degc < HOT_WATER_TOP_UP);
}

static void enter(struct heatpump *h, enum heatpump_state state)
{
    h->state = state;
    h->state_s = 0;
    h->hot_run_s = 0;
}

static void step_idle(struct heatpump *h, const struct heatpump_input *in)
{
    if (h->rest_s < REST_MIN_S) {
        return;
    }
    if (hot_water_due(in)) {
        h->hot_water = true;
        enter(h, HEATPUMP_PRERUN);
    } else if (h->wants_heat) {
        h->hot_water = false;
        if (in->emitter_degc < flow_target(h, in) - 4.0) {
            enter(h, HEATPUMP_PRERUN);
        }
    }
}

/* Ice grows fastest in damp air about freezing point, and with the heat taken from the air. */
static void grow_frost(struct heatpump *h, const struct heatpump_input *in)
{
    double damp = in->outside_degc > 5.0 ? 0.0
                  : in->outside_degc > 1.0
                      ? (5.0 - in->outside_degc) / 4.0
                      : clamp(1.0 + 0.06 * (in->outside_degc - 1.0), 0.35, 1.0);

    h->frost += damp * (0.35 + 0.65 * h->speed) / 2900.0;
}

static bool run_ends(struct heatpump *h, const struct heatpump_input *in)
{
    if (h->hot_water) {
        return in->cylinder_degc >= HOT_WATER_STOP || h->state_s > HOT_WATER_RUN_S;
    }
    h->hot_run_s = h->flow_degc > flow_target(h, in) + 3.5 ? h->hot_run_s + 1 : 0;
    return !h->wants_heat || h->hot_run_s > 60;
}

static void step_run(struct heatpump *h, const struct heatpump_input *in)
{
    double wanted = clamp(0.45 + 0.085 * (flow_target(h, in) - h->flow_degc), SPEED_MIN, 1.0);
    double start = clamp((double)h->state_s / 150.0, 0.1, 1.0); /* soft start */

    h->speed += (wanted - h->speed) * 0.008 + 0.0006 * rng_gauss(&h->rng);
    h->speed = clamp(h->speed, SPEED_MIN, 1.0);
    h->condenser_w = start * h->speed * full_output_w(in);
    h->compressor_w = (0.3 + 0.7 * start) * h->speed * full_output_w(in) / cop(h, in);
    grow_frost(h, in);
    if (h->frost >= 1.0) {
        enter(h, HEATPUMP_DEFROST);
    } else if (run_ends(h, in)) {
        enter(h, HEATPUMP_OVERRUN);
    } else if (!h->hot_water && hot_water_due(in)) {
        h->hot_water = true;
        h->state_s = 150;
    }
}

/* Half a minute to reverse, then some minutes of melting on heat from the water. */
static void step_defrost(struct heatpump *h)
{
    bool melting = h->state_s > 30;

    h->condenser_w = melting ? -2700.0 : 0.0;
    h->compressor_w = melting ? 850.0 : 260.0;
    if (melting) {
        h->frost -= 1.0 / 330.0;
    }
    if (h->frost <= 0.0 || h->state_s > DEFROST_LONGEST) {
        h->frost = 0.05 * rng_uniform(&h->rng);
        h->speed = 0.6;
        enter(h, HEATPUMP_RUN);
    }
}

static void step_state(struct heatpump *h, const struct heatpump_input *in)
{
    h->state_s++;
    h->rest_s = h->state == HEATPUMP_RUN || h->state == HEATPUMP_DEFROST ? 0 : h->rest_s + 1;
    if (h->state != HEATPUMP_RUN && h->state != HEATPUMP_DEFROST) {
        h->condenser_w = 0.0;
        h->compressor_w = 0.0;
    }
    switch (h->state) {
    case HEATPUMP_IDLE:
        step_idle(h, in);
        break;
    case HEATPUMP_PRERUN:
        if (h->state_s >= PRERUN_S) {
            h->speed = 0.4;
            enter(h, HEATPUMP_RUN);
        }
        break;
    case HEATPUMP_RUN:
        step_run(h, in);
        break;
    case HEATPUMP_DEFROST:
        step_defrost(h);
        break;
    case HEATPUMP_OVERRUN:
        if (h->state_s >= OVERRUN_S) {
            h->hot_water = false;
            enter(h, HEATPUMP_IDLE);
        }
        break;
    }
}

static void step_pump(struct heatpump *h)
{
    double l_h = h->hot_water ? CYLINDER_L_H : SPACE_L_H;

    if (h->state == HEATPUMP_IDLE) {
        h->flow_l_s = 0.0;
        return;
    }
    h->flow_trim += (1.0 - h->flow_trim) * 0.02 + 0.0008 * rng_gauss(&h->rng);
    h->flow_l_s = l_h / 3600.0 * h->flow_trim;
    if (h->hot_water) {
        h->coil_exchange = 1.0 - exp(-COIL_W_K / (h->flow_l_s * HEATPUMP_RHO_C));
    }
}

static void step_water(struct heatpump *h, const struct heatpump_input *in)
{
    double mc = h->flow_l_s * HEATPUMP_RHO_C;
    double back;

    if (h->flow_l_s == 0.0) {
        h->heat_w = 0.0;
        h->flow_degc += (in->room_degc - h->flow_degc) / COOL_DOWN_S;
        h->return_degc += (in->room_degc - h->return_degc) / COOL_DOWN_S;
        return;
    }
    back = h->hot_water ? h->flow_degc - h->coil_exchange * (h->flow_degc - in->cylinder_degc)
                        : in->emitter_degc;
    h->return_degc += (back - h->return_degc) / RETURN_LAG_S;
    h->flow_degc += (h->condenser_w - mc * (h->flow_degc - h->return_degc)) / EXCHANGER_J_K;
    h->heat_w = mc * (h->flow_degc - h->return_degc);
}

void heatpump_step(struct heatpump *h, const struct heatpump_input *in)
{
    if (in->room_degc < 20.4 && in->outside_degc < 17.0) {
        h->wants_heat = true;
    } else if (in->room_degc > 21.2 || in->outside_degc > 18.0) {
        h->wants_heat = false;
    }
    step_state(h, in);
    step_pump(h);
    step_water(h, in);
    h->elec_w = STANDBY_W + (h->flow_l_s > 0.0 ? PUMP_W : 0.0) + h->compressor_w +
                (h->compressor_w > 0.0 && h->state == HEATPUMP_RUN ? FAN_W : 0.0);
    if (h->compressor_w > 0.0) {
        h->elec_w += 4.0 * rng_gauss(&h->rng);
    }
}
