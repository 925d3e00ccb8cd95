#include "core/heat/register.h"

#include "core/base/fixed.h"

#define STEP_UNKNOWN_MJ INT64_C(3600000000) /* 1 kWh: the coarsest count usual in houses */

/* Registers in odd units are rounded to mJ: below this a remainder is rounding, not a measure. */
enum { STEP_TOLERANCE_MJ = 1000 };

void hwt_register_init(struct hwt_register *r, int64_t step_mj, int64_t max_w)
{
    *r = (struct hwt_register){
        .step_set_mj = step_mj > 0 ? step_mj : 0,
        .max_w = max_w > 0 ? max_w : 1,
    };
}

int64_t hwt_register_step(const struct hwt_register *r)
{
    if (r->step_set_mj > 0) {
        return r->step_set_mj;
    }
    return r->now.step_mj > 0 ? r->now.step_mj : STEP_UNKNOWN_MJ;
}

/* The common measure of two lengths known to a tolerance. */
static int64_t common_measure(int64_t a, int64_t b)
{
    while (b > STEP_TOLERANCE_MJ) {
        int64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/*
 * Starts to follow at a reading. Where inside its count the meter stands is not known: one whole
 * count may be about to fall, so the value may have been reached a count's worth of time ago.
 */
static void anchor(struct hwt_register *r, int64_t at_us, int64_t value_mj)
{
    int64_t slack_us = 0;

    if (!hwt_mul_div(hwt_register_step(r), 1000, r->max_w, &slack_us)) {
        slack_us = 0;
    }
    r->now = (struct hwt_register_track){
        .value_mj = value_mj, .at_us = at_us, .since_us = at_us - slack_us};
    r->known = true;
}

void hwt_register_resume(struct hwt_register *r, int64_t value_mj, int64_t at_us)
{
    anchor(r, at_us, value_mj);
    r->doubtful = false;
}

/*
 * Whether a meter that stood at t could show value_mj at at_us. With T(t) the energy behind the
 * register, T(since) <= value and T(at) >= value_mj, so the rise is less than what the largest
 * power moves in that time, however coarse the count: mJ = W x us / 1000.
 */
static bool possible(const struct hwt_register *r, const struct hwt_register_track *t,
                     int64_t at_us, int64_t value_mj)
{
    int64_t limit_mj;

    if (value_mj < t->value_mj) {
        return false;
    }
    if (!hwt_mul_div(r->max_w, at_us - t->since_us, 1000, &limit_mj)) {
        return true;
    }
    return value_mj - t->value_mj <= limit_mj;
}

/* mJ over us in 0.1 W. */
static bool mean_power(int64_t energy_mj, int64_t span_us, int64_t *power_out)
{
    return span_us > 0 && hwt_mul_div(energy_mj, 10000, span_us, power_out);
}

/* Takes a reading that is possible. Returns the rise. */
static int64_t advance(struct hwt_register *r, int64_t at_us, int64_t value_mj)
{
    struct hwt_register_track *t = &r->now;
    int64_t rise = value_mj - t->value_mj;

    if (rise > 0) {
        t->step_mj = t->step_mj == 0 ? rise : common_measure(t->step_mj, rise);
        t->has_power = t->rose && mean_power(rise, at_us - t->rose_us, &t->power);
        t->rose = true;
        t->rose_us = at_us;
        t->since_us = t->at_us; /* at the reading before it was not reached yet */
    }
    t->value_mj = value_mj;
    t->at_us = at_us;
    return rise;
}

enum hwt_register_event hwt_register_feed(struct hwt_register *r, int64_t at_us, int64_t value_mj,
                                          int64_t *rise_out)
{
    bool doubtful = r->doubtful;

    *rise_out = 0;
    r->doubtful = false;
    if (!r->known) {
        anchor(r, at_us, value_mj);
        return HWT_REGISTER_FIRST;
    }
    if (doubtful && possible(r, &r->was, at_us, value_mj)) {
        r->now = r->was;
        *rise_out = advance(r, at_us, value_mj);
        return HWT_REGISTER_RESTORED;
    }
    if (possible(r, &r->now, at_us, value_mj)) {
        *rise_out = advance(r, at_us, value_mj);
        return HWT_REGISTER_RISE;
    }
    r->was = r->now;
    r->doubtful = true;
    anchor(r, at_us, value_mj);
    return HWT_REGISTER_ANCHORED;
}

bool hwt_register_power(const struct hwt_register *r, int64_t now_us, int64_t *power_out)
{
    int64_t most;

    if (!r->known || !r->now.has_power) {
        return false;
    }
    *power_out = r->now.power;
    if (mean_power(hwt_register_step(r), now_us - r->now.rose_us, &most) && most < *power_out) {
        *power_out = most;
    }
    return true;
}
