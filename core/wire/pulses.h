/*
 * pulses.h: pulses of a meter from the time-stamped edges of an input.
 *
 *   edges ──▶ levels that were held long enough ──▶ pulses that are not too close ──▶ count
 *
 * A level counts when it was held for its least time, told by the time stamps of its edges, so that
 * a reader that comes late makes no difference. A pulse is a change to active. S0 pulses are at
 * least 30 ms long (IEC 62053-31). Which of the edges is the active one is the caller's to know.
 *
 * No clock: time stamps come with the edges, from one that does not step.
 */
#ifndef HWT_CORE_WIRE_PULSES_H
#define HWT_CORE_WIRE_PULSES_H

#include <stdbool.h>
#include <stdint.h>

struct hwt_pulses_options {
    int64_t active_us;   /* least length of a pulse, >= 0 */
    int64_t inactive_us; /* least time between the end of one and the start of the next, >= 0 */
    int64_t period_us;   /* least time from pulse to pulse: what the meter can deliver at most */
};

struct hwt_pulses_counters {
    uint64_t pulses;
    uint64_t bounces; /* levels that were not held long enough */
    uint64_t close;   /* pulses sooner than period_us after the one before: not counted */
    uint64_t lost;    /* edges that the system had no room for; pulses among them are missed */
};

struct hwt_pulses { /* private but for the counters */
    struct hwt_pulses_counters counters;
    struct hwt_pulses_options o;
    int64_t edge_us;  /* when `level` began */
    int64_t pulse_us; /* of the last one counted */
    bool known;       /* `level` is */
    bool level;       /* true: active */
    bool held;        /* the last level that was held long enough */
    bool any;
};

void hwt_pulses_init(struct hwt_pulses *p, const struct hwt_pulses_options *options);
/* The input became active or inactive at t_us; `lost`: edges missing just before it. True: a pulse
 * is counted, which began at *pulse_us_out. */
bool hwt_pulses_edge(struct hwt_pulses *p, int64_t t_us, bool active, uint32_t lost,
                     int64_t *pulse_us_out);
/* No edge until t_us: the present level may have been held long enough. True as above. */
bool hwt_pulses_idle(struct hwt_pulses *p, int64_t t_us, int64_t *pulse_us_out);

#endif
