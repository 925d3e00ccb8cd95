#include "core/meter/meter_energy.h"

#include <math.h>
#include <string.h>

#define NJ_MAX 4e18 /* of one window: 13 GW; keeps nonsense within int64 */

enum { NJ_PER_MJ = 1000000, HOLD_US = 60000000 };

int64_t hwt_meter_energy_nj(double p_w, uint32_t duration_us)
{
    return (int64_t)llround(fmax(-NJ_MAX, fmin(NJ_MAX, p_w * duration_us * 1000.0)));
}

/* Takes the whole mJ out of the rest. */
static int64_t whole_mj(int64_t *rest_nj, int64_t add_nj)
{
    int64_t mj;

    *rest_nj += add_nj;
    mj = *rest_nj / NJ_PER_MJ;
    *rest_nj -= mj * NJ_PER_MJ;
    return mj;
}

static void count(struct hwt_meter_energy *e, int64_t net_nj)
{
    if (net_nj > 0) {
        e->import_mj += whole_mj(&e->import_rest_nj, net_nj);
    } else {
        e->export_mj += whole_mj(&e->export_rest_nj, -net_nj);
    }
}

static void count_reactive(struct hwt_meter_energy *e, const int64_t by_quadrant_nj[4])
{
    for (unsigned k = 0; k < 4; k++) {
        e->reactive_mj[k] += whole_mj(&e->reactive_rest_nj[k], by_quadrant_nj[k]);
    }
}

static unsigned quadrant_of(int64_t net_nj, int64_t reactive_nj)
{
    if (reactive_nj >= 0) {
        return net_nj >= 0 ? 0 : 1;
    }
    return net_nj < 0 ? 2 : 3;
}

static void begin_hold(struct hwt_meter_energy *e)
{
    e->held_nj = 0;
    e->held_us = 0;
    memset(e->held_reactive_nj, 0, sizeof(e->held_reactive_nj));
}

static void add_idle(struct hwt_meter_energy *e, double threshold_nj)
{
    if (fabs((double)e->held_nj) >= threshold_nj) {
        count(e, e->held_nj);
        count_reactive(e, e->held_reactive_nj);
        e->counting = true;
        begin_hold(e);
    } else if (e->held_us >= HOLD_US) {
        e->idle_mj += whole_mj(&e->idle_rest_nj, e->held_nj);
        begin_hold(e);
    }
}

void hwt_meter_energy_add(struct hwt_meter_energy *e, int64_t net_nj, int64_t reactive_nj,
                          uint32_t duration_us, double no_load_w)
{
    double threshold_nj = no_load_w * HOLD_US * 1000.0; /* W us = 1000 nJ */
    int64_t by_quadrant_nj[4] = {0, 0, 0, 0};
    unsigned quadrant = quadrant_of(net_nj, reactive_nj);

    by_quadrant_nj[quadrant] = reactive_nj < 0 ? -reactive_nj : reactive_nj;
    if (!(no_load_w > 0)) {
        count(e, net_nj);
        count_reactive(e, by_quadrant_nj);
        return;
    }
    e->held_nj += net_nj;
    e->held_us += duration_us;
    if (!e->counting) {
        e->held_reactive_nj[quadrant] += by_quadrant_nj[quadrant];
        add_idle(e, threshold_nj);
        return;
    }
    count(e, net_nj);
    count_reactive(e, by_quadrant_nj);
    if (e->held_us >= HOLD_US) {
        e->counting = fabs((double)e->held_nj) >= no_load_w * 1000.0 * (double)e->held_us;
        begin_hold(e);
    }
}
