/*
 * poll.h: the readings of one role at one instant, and what the books keep of them.
 *
 *   power 1200 W ──┐
 *   import 512 Wh ─┼─▶ one poll ─▶ elec.h or heat.h
 *   export 3 Wh ───┘
 *
 * A source tells its quantities as readings of their own. They are gathered here until time goes
 * on, so that import and export, power and register of one instant are booked together.
 */
#ifndef HWT_CORE_HEAT_POLL_H
#define HWT_CORE_HEAT_POLL_H

#include <stdbool.h>
#include <stdint.h>

struct hwt_poll {
    int64_t at_us;
    int64_t power;       /* 0.1 W */
    int64_t register_mj; /* mJ, the heat register or electricity imported */
    int64_t export_mj;   /* mJ, electricity exported */
    bool any, has_power, has_register, has_export;
    uint8_t quality; /* enum hwt_quality, of the power */
};

struct hwt_last_power {
    int64_t power; /* 0.1 W */
    int64_t at_us;
    bool known;
    uint8_t quality; /* enum hwt_quality */
};

/*
 * The trapezoid from power a to b (0.1 W) over span_us, parted at its zero crossing into mJ of
 * either sign, as magnitudes.
 */
void hwt_poll_areas(int64_t a, int64_t b, int64_t span_us, double *positive_out,
                    double *negative_out);
/* Whole mJ of x; the rest, [0, 1), stays in *carry, so that nothing is lost in the long run. */
int64_t hwt_poll_whole(double x, double *carry);

#endif
