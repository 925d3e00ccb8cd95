/*
 * elec.h: the electricity of the heat pump as one counter that never falls.
 *
 * A source with counters is booked by them, gaps included: import less export. Where the net falls
 * (noise of either sign at standstill) the counter waits until it is made good. A source that tells
 * only its power is booked by the trapezoid between readings, and not over gaps.
 */
#ifndef HWT_CORE_HEAT_ELEC_H
#define HWT_CORE_HEAT_ELEC_H

#include "core/heat/poll.h"
#include "core/heat/register.h"

struct hwt_elec {
    int64_t total_mj; /* highest net import */
    int64_t at_us;    /* newest poll that told of it */
    bool known;       /* at_us is filled */
    bool continuous;  /* that poll was no more than gap_us after the one before */
    struct hwt_last_power power;
    uint32_t anchored; /* counters that went back or leapt */
    /* private: */
    int64_t gap_us;
    struct hwt_register import, export;
    bool counted;    /* the source has counters */
    int64_t debt_mj; /* >= 0: how far the net import is below its highest */
    double carry_mj; /* [0, 1) */
};

/* max_w: W, more than which no counter rises. */
void hwt_elec_init(struct hwt_elec *e, int64_t total_mj, int64_t gap_us, int64_t max_w);
/* Goes on from counters of an earlier run, read at at_us: total_mj is booked up to them. NULL: the
 * source had no such counter. */
void hwt_elec_resume(struct hwt_elec *e, const int64_t *import_mj, const int64_t *export_mj,
                     int64_t at_us);
/* Books a poll. True if it told how far electricity has come: total_mj, at_us and continuous are of
 * it. */
bool hwt_elec_settle(struct hwt_elec *e, const struct hwt_poll *p);

#endif
