/*
 * heat.h: positive and negative heat of a meter with power, register, or both.
 *
 *   register    ────────┐        ┌───────────┐          whole counts: the master
 *                       └────────┘           └──
 *   our heat    ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~        trapezoids of the power, steered
 *
 * Between two polls heat is the trapezoid of its power, parted at the zero crossing. Positive heat
 * is a slave of the register: each tick of the register shows where our integral drifts, and a gain
 * on what comes next takes the drift out; at all times it stays within one count of the register
 * and never steps down. Over a gap only the register tells, and what it rose is booked. A meter
 * that tells no power is booked by its register alone.
 */
#ifndef HWT_CORE_HEAT_HEAT_H
#define HWT_CORE_HEAT_HEAT_H

#include "core/heat/poll.h"
#include "core/heat/register.h"

struct hwt_slave {     /* how our heat follows the register */
    int64_t anchor_mj; /* our heat less the register, when anchored */
    int64_t phase_mj;  /* our heat less (anchor + register) where the register ticks */
    double gain;       /* correction of the integral, -0.25..0.25 */
    bool anchored;
    bool phased;
};

struct hwt_heat {
    int64_t positive_mj;
    int64_t negative_mj; /* magnitude */
    int64_t at_us;       /* newest poll that was booked */
    bool known;          /* at_us is filled */
    struct hwt_last_power power;
    struct hwt_slave slave;
    struct hwt_register meter;
    uint32_t anchored; /* times the register went back or leapt */
    uint32_t gaps;     /* between polls, longer than gap_us */
    /* private: */
    int64_t gap_us;
    struct hwt_slave slave_was; /* before the newest anchoring, in case it was a misread */
    bool broken;                /* a gap since the register was last read */
    int64_t unchecked_mj;       /* booked since the register was last read */
    double positive_carry_mj;   /* [0, 1) */
    double negative_carry_mj;
};

struct hwt_heat_span { /* what one poll brought */
    int64_t positive_mj;
    int64_t negative_mj;
    bool continuous; /* measured without a gap since the poll before */
};

/* step_mj: mJ of the register's count, 0: learnt. max_w: W, more than which it never rises. */
void hwt_heat_init(struct hwt_heat *h, int64_t positive_mj, int64_t negative_mj, int64_t gap_us,
                   int64_t step_mj, int64_t max_w);
/* Goes on from a register read at at_us in an earlier run, with the anchor of then. */
void hwt_heat_resume(struct hwt_heat *h, int64_t register_mj, int64_t anchor_mj, int64_t at_us);
/* Books a poll. False if it is held: it lacks the power that the polls around it have. */
bool hwt_heat_settle(struct hwt_heat *h, const struct hwt_poll *p, struct hwt_heat_span *span_out);

#endif
