/*
 * pace.h: how plant time follows real time.
 *
 *   plant_s = anchor_s + (now - anchor_ns) x speed
 *
 * The anchor moves when the speed changes and when the plant could not keep up: lost time is not
 * made good by a burst.
 */
#ifndef SIM_PACE_H
#define SIM_PACE_H

#include <stdint.h>

struct pace {
    double speed;
    int64_t anchor_ns; /* monotonic */
    double anchor_s;   /* plant */
};

static inline void pace_anchor(struct pace *p, int64_t now_ns, double plant_s)
{
    p->anchor_ns = now_ns;
    p->anchor_s = plant_s;
}

/* Plant time that should have passed by now. */
static inline double pace_target(const struct pace *p, int64_t now_ns)
{
    return p->anchor_s + (double)(now_ns - p->anchor_ns) * 1e-9 * p->speed;
}

/* ns from now until plant time plant_s is due; -1 when time stands still. */
static inline int64_t pace_wait(const struct pace *p, int64_t now_ns, double plant_s)
{
    double ahead = plant_s - pace_target(p, now_ns);

    if (p->speed <= 0.0) {
        return -1;
    }
    return ahead > 0.0 ? (int64_t)(ahead / p->speed * 1e9) + 1000 : 0;
}

#endif
