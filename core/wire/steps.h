/*
 * steps.h: power from energy that comes in steps: pulses, a register of whole Wh.
 *
 *   energy   ┌──┐           the last interval's power holds until the next step is overdue,
 *         ┌──┘  └─ …        then falls as it must, since the step has not come, and is 0 in the end
 *
 * The count of energy is the truth; this is for display.
 */
#ifndef HWT_CORE_WIRE_STEPS_H
#define HWT_CORE_WIRE_STEPS_H

#include <stdbool.h>
#include <stdint.h>

struct hwt_steps { /* private */
    int64_t zero_us;
    int64_t last_us;
    int64_t mj, interval_us; /* of the last interval; interval_us 0: none yet */
    bool any;
};

/* zero_us: so long after a step the power is 0. */
void hwt_steps_init(struct hwt_steps *s, int64_t zero_us);
/* mj > 0 have come since the step before; it is t_us. Of steps at one time the sum counts. */
void hwt_steps_add(struct hwt_steps *s, int64_t t_us, int64_t mj);
/* Power at now_us in tenths of W, if the next step will be one_mj. False: not known, as fewer than
 * two steps were seen, and the time without any is no longer than zero_us. */
bool hwt_steps_power(const struct hwt_steps *s, int64_t now_us, int64_t one_mj,
                     int64_t *tenth_w_out);

#endif
