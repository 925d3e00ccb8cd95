#include "core/heat/fluid.h"

#include <math.h>

enum { WATER_STEP = 5, WATER_ROWS = 23, POWERS_T = 4, POWERS_X = 6 };

/* kg/m3, J/(kg K) at 0, 5, … 110 degC and 0.2 MPa: IAPWS R7-97(2012), equation 7. Straight lines
 * between them are within 0.02 %. */
static const struct {
    double rho, cp;
} water[WATER_ROWS] = {
    {999.89, 4218.9}, {1000.02, 4204.5}, {999.75, 4195.1}, {999.15, 4188.8}, {998.25, 4184.5},
    {997.09, 4181.6}, {995.70, 4179.8},  {994.08, 4178.7}, {992.27, 4178.3}, {990.27, 4178.5},
    {988.09, 4179.3}, {985.75, 4180.7},  {983.25, 4182.5}, {980.61, 4184.9}, {977.82, 4187.9},
    {974.90, 4191.3}, {971.85, 4195.3},  {968.67, 4199.8}, {965.36, 4204.8}, {961.94, 4210.3},
    {958.40, 4216.4}, {954.75, 4223.0},  {950.98, 4230.2},
};

/* Coefficient [i][j] belongs to (x - x0)^j (t - t0)^i, x the mass fraction, t in degC. */
struct mixture {
    double x0, t0;
    double rho[POWERS_T][POWERS_X]; /* kg/m3 */
    double cp[POWERS_T][POWERS_X];  /* J/(kg K) */
    double freezes[POWERS_X];       /* K, of x alone */
};

/* clang-format off */
static const struct mixture mixtures[] = { /* Melinder 2010 */
    [HWT_PROPYLENE] = {
        .x0 = 0.307031, .t0 = 32.7083,
        .rho = {{1018.0, 76.04, -24.98, -155.0, -113.1, 234.2},
                {-0.5406, -0.945, 0.27, 2.829, -2.221},
                {-2.666e-3, 5.541e-3, -4.018e-3, -7.175e-3},
                {1.347e-5, -1.343e-5, 3.376e-5}},
        .cp = {{3882.0, -1304.0, -1598.0, 353.9, 5000.0, -4959.0},
               {2.699, 5.07, 0.9534, 31.02, -71.35},
               {-1.659e-3, -4.752e-3, 0.1167, -0.295},
               {-1.032e-5, 1.522e-4, -4.87e-4}},
        .freezes = {259.9, -66.31, -109.4, -228.3, -340.9, 146.5},
    },
    [HWT_ETHYLENE] = {
        .x0 = 0.308462, .t0 = 31.728,
        .rho = {{1034.0, 131.1, 0.749, -106.2, -96.23, 489.1},
                {-0.4781, -0.6876, 0.7855, 1.229, -7.211},
                {-2.692e-3, 4.805e-3, -3.995e-3, -1.153e-2},
                {4.725e-6, 1.69e-6, 4.982e-5}},
        .cp = {{3737.0, -1799.0, -993.3, 2610.0, 1537.0, -16180.0},
               {2.93, 10.46, 3.516, -1.189, -42.72},
               {-4.675e-3, -4.147e-2, 5.109e-2, -0.1643},
               {-1.389e-5, 1.847e-5, -7.138e-4}},
        .freezes = {257.9, -80.8, -133.4, -72.93, 100.6, 11.4},
    },
};
/* clang-format on */

static double sum_x(const double c[POWERS_X], double x)
{
    double sum = 0;

    for (int j = POWERS_X - 1; j >= 0; j--) {
        sum = sum * x + c[j];
    }
    return sum;
}

static double sum_tx(const double c[POWERS_T][POWERS_X], double t, double x)
{
    double sum = 0;

    for (int i = POWERS_T - 1; i >= 0; i--) {
        sum = sum * t + sum_x(c[i], x);
    }
    return sum;
}

static bool get_water(double degc, double *rho_out, double *cp_out)
{
    double rows = degc / WATER_STEP, part;
    int row;

    if (!(degc >= 0 && rows <= WATER_ROWS - 1)) {
        return false;
    }
    row = rows < WATER_ROWS - 1 ? (int)rows : WATER_ROWS - 2;
    part = rows - row;
    *rho_out = water[row].rho + part * (water[row + 1].rho - water[row].rho);
    *cp_out = water[row].cp + part * (water[row + 1].cp - water[row].cp);
    return true;
}

bool hwt_fluid_get(const struct hwt_fluid *fluid, double degc, double *rho_out, double *cp_out)
{
    const struct mixture *m = &mixtures[fluid->glycol];
    double x = fluid->fraction - m->x0, t = degc - m->t0;

    if (fluid->glycol == HWT_WATER) {
        return get_water(degc, rho_out, cp_out);
    }
    if (!(fluid->fraction >= 0 && fluid->fraction <= 0.6) ||
        !(degc <= 100 && degc + 273.15 >= sum_x(m->freezes, x))) {
        return false;
    }
    *rho_out = sum_tx(m->rho, t, x);
    *cp_out = sum_tx(m->cp, t, x);
    return true;
}

/* 0.1 l/h x 0.01 K x kg/m3 x J/(kg K) = 1e-3 x 1e-3 / 3600 W; ten counts a watt. */
bool hwt_fluid_power(const struct hwt_fluid *fluid, int64_t flow, int64_t flow_t, int64_t return_t,
                     int64_t sensor_t, int64_t *power_out)
{
    double rho, cp, unused, counts;

    if (!hwt_fluid_get(fluid, (double)sensor_t / 100.0, &rho, &unused) ||
        !hwt_fluid_get(fluid, ((double)flow_t + (double)return_t) / 200.0, &unused, &cp)) {
        return false;
    }
    counts = (double)flow * ((double)flow_t - (double)return_t) * rho * cp / 3.6e8;
    if (!(fabs(counts) < 1e15)) {
        return false;
    }
    *power_out = llround(counts);
    return true;
}
