#include "core/meter/meter_curve.h"

#include <math.h>

bool hwt_meter_curve_valid(const struct hwt_meter_curve *c)
{
    double before = 0;

    if (c->points < 1 || c->points > HWT_METER_CURVE_POINTS_MAX) {
        return false;
    }
    for (unsigned i = 0; i < c->points; i++) {
        const struct hwt_meter_curve_point *p = &c->point[i];

        if (!(p->level > before && p->level < 1e6) || !(p->factor >= 0.5 && p->factor <= 2) ||
            !(p->phase_deg >= -45 && p->phase_deg <= 45)) {
            return false; /* written so that a NaN is refused */
        }
        before = p->level;
    }
    return true;
}

struct hwt_meter_curve_point hwt_meter_curve_at(const struct hwt_meter_curve *c, double level,
                                                bool logarithmic)
{
    const struct hwt_meter_curve_point *a = &c->point[0], *b;
    struct hwt_meter_curve_point at = {level, a->factor, a->phase_deg};
    unsigned i = 1;
    double part;

    if (level <= a->level) {
        return at;
    }
    while (i < c->points && c->point[i].level < level) {
        i++;
    }
    a = &c->point[i - 1];
    b = &c->point[i < c->points ? i : i - 1];
    if (b == a) {
        part = 0;
    } else if (logarithmic) {
        part = log(level / a->level) / log(b->level / a->level);
    } else {
        part = (level - a->level) / (b->level - a->level);
    }
    at.factor = a->factor + part * (b->factor - a->factor);
    at.phase_deg = a->phase_deg + part * (b->phase_deg - a->phase_deg);
    return at;
}
