/*
 * elster_pace.h: power from a register that is read each second or four and counts whole Wh, or
 * hundreds. Rises of ten seconds are one step, so that a packet earlier or later makes little.
 */
#ifndef DAEMON_DRIVERS_ELSTER_PACE_H
#define DAEMON_DRIVERS_ELSTER_PACE_H

#include "core/wire/steps.h"

struct elster_pace {
    struct hwt_steps steps;
    uint64_t wh;      /* register as it was read last */
    int64_t fed_us;   /* stamp of the last step */
    int64_t pending;  /* mJ risen since */
    int64_t count_mj; /* mJ of a count of the register */
};

/* The register stands at wh; zero_us: after so long without a rise the power is 0. */
void elster_pace_init(struct elster_pace *p, uint64_t wh, int64_t at_us, uint32_t count_wh,
                      int64_t zero_us);
/* It is at wh at at_us, not less than before but for a roll-over. */
void elster_pace_add(struct elster_pace *p, uint64_t wh, int64_t at_us);
/* Power at at_us in tenths of W; false: not known. */
bool elster_pace_power(const struct elster_pace *p, int64_t at_us, int64_t *tenth_w_out);

#endif
