#include "daemon/drivers/sampler_clock.h"

#include <math.h>
#include <string.h>

#define INTERVAL_FIRST_US INT64_C(1000000)
#define INTERVAL_LAST_US                                                    \
    INT64_C(64000000) /* 64 of them: 68 min, over which a crystal is steady \
                       */

enum {
    POINTS_MIN = 8,
    UNSURE_MAX_PPB = 25000, /* above: no better than any crystal */
    STEP_MAX_PPB = 50000,   /* from block to block: below what the meter takes for another layout */
    HOST_PPB = 2000,        /* what a clock steered by NTP is good for over minutes to an hour */
    SUSPEND_US = 1000,
    NOISE_US = 3 /* of a pair at least: both clocks are read in us */
};

#define RATE_MAX_PPM  10000.0 /* no crystal and no resonator: not a clock's error */
#define STUDENT_SMALL 2.45    /* 95 %, 6 degrees of freedom: 8 points; with more it is less */
#define FS_PER_US     INT64_C(1000000000)

void sampler_clock_init(struct sampler_clock *c)
{
    memset(c, 0, sizeof(*c));
    c->interval_us = INTERVAL_FIRST_US;
    c->trusted_us = INT64_MIN;
}

/* The line begins anew; what is believed stays. */
static void begin_anew(struct sampler_clock *c)
{
    c->points = 0;
    c->any = false;
    c->interval_us = INTERVAL_FIRST_US;
}

/* How late a pair is against what is believed of the rate: else drift would hide delay. */
static double lateness_us(const struct sampler_clock *c, const struct sampler_clock_point *p)
{
    return (double)p->behind_us -
           (double)(p->device_us - c->point[0].device_us) * (double)c->ppb * 1e-9;
}

static const struct sampler_clock_point *quicker(const struct sampler_clock *c,
                                                 const struct sampler_clock_point *a,
                                                 const struct sampler_clock_point *b)
{
    return lateness_us(c, b) < lateness_us(c, a) ? b : a;
}

/* Room for one more: two neighbours become one, or the oldest goes. */
static void make_room(struct sampler_clock *c)
{
    if (c->points < SAMPLER_CLOCK_POINTS) {
        return;
    }
    if (c->interval_us < INTERVAL_LAST_US) {
        for (unsigned i = 0; i < SAMPLER_CLOCK_POINTS / 2; i++) {
            c->point[i] = *quicker(c, &c->point[2 * i], &c->point[2 * i + 1]);
        }
        c->points = SAMPLER_CLOCK_POINTS / 2;
        c->interval_us *= 2;
    } else {
        memmove(c->point, c->point + 1, sizeof(c->point) - sizeof(c->point[0]));
        c->points--;
    }
}

/* The straight line through the points: slope and the standard error of the slope, us per us. */
static void fit(const struct sampler_clock *c, double *slope_out, double *error_out)
{
    double n = c->points, mean_x = 0, mean_y = 0, xx = 0, xy = 0, rest = 0, variance;

    for (unsigned i = 0; i < c->points; i++) {
        mean_x += (double)(c->point[i].device_us - c->point[0].device_us) / n;
        mean_y += (double)c->point[i].behind_us / n;
    }
    for (unsigned i = 0; i < c->points; i++) {
        double x = (double)(c->point[i].device_us - c->point[0].device_us) - mean_x;

        xx += x * x;
        xy += x * ((double)c->point[i].behind_us - mean_y);
    }
    *slope_out = xy / xx;
    for (unsigned i = 0; i < c->points; i++) {
        double x = (double)(c->point[i].device_us - c->point[0].device_us) - mean_x;
        double off = (double)c->point[i].behind_us - mean_y - *slope_out * x;

        rest += off * off;
    }
    variance = fmax(rest / (n - 2), (double)NOISE_US * NOISE_US);
    *error_out = sqrt(variance / xx);
}

/* Believes the line if it says more than nothing, and not much less than what was known. */
static bool judge(struct sampler_clock *c)
{
    double slope, error, unsure;
    int64_t ppb, unsure_ppb;

    if (c->points < POINTS_MIN) {
        return false;
    }
    fit(c, &slope, &error);
    unsure = 1e9 * error * STUDENT_SMALL + HOST_PPB;
    if (!(fabs(slope) * 1e6 <= RATE_MAX_PPM) || unsure > UNSURE_MAX_PPB ||
        (c->known && c->points < SAMPLER_CLOCK_POINTS / 2 &&
         unsure > 2.0 * (double)c->unsure_ppb)) {
        return false;
    }
    ppb = llround(slope * 1e9);
    unsure_ppb = llround(unsure);
    c->known = true;
    c->ppb = ppb;
    c->unsure_ppb = unsure_ppb;
    return true;
}

static bool close_interval(struct sampler_clock *c)
{
    make_room(c);
    c->point[c->points++] = c->quickest;
    c->any = false;
    return judge(c);
}

/* Whether pairs may be taken now. */
static bool is_settled(struct sampler_clock *c, const struct sampler_clock_host *host,
                       int64_t settle_us)
{
    if (!host->synced) {
        c->trusted_us = INT64_MIN;
    } else if (c->trusted_us == INT64_MIN) {
        c->trusted_us = host->boot_us;
        begin_anew(c); /* the host's clock may have run at any rate meanwhile */
    }
    return host->synced && host->boot_us - c->trusted_us >= settle_us;
}

bool sampler_clock_see(struct sampler_clock *c, uint64_t device_us,
                       const struct sampler_clock_host *host, int64_t settle_us)
{
    struct sampler_clock_point p = {.device_us = device_us};
    int64_t slept_us = host->awake_us - c->awake_us;
    bool back = device_us < c->last_us, changed = false;

    c->awake_us = host->awake_us;
    c->last_us = device_us;
    if (back || slept_us > SUSPEND_US || slept_us < -SUSPEND_US) {
        begin_anew(c);
    }
    if (!is_settled(c, host, settle_us)) {
        return false;
    }
    if (c->any && host->boot_us - c->begun_us >= c->interval_us) {
        changed = close_interval(c);
    }
    if (c->points == 0 && !c->any) {
        c->zero_us = host->boot_us - (int64_t)device_us;
        c->point[0].device_us = device_us;
    }
    p.behind_us = host->boot_us - (int64_t)device_us - c->zero_us;
    if (!c->any) {
        c->begun_us = host->boot_us;
        c->quickest = p;
        c->any = true;
    } else {
        c->quickest = *quicker(c, &c->quickest, &p);
    }
    return changed;
}

int64_t sampler_clock_fast_ppb(const struct sampler_clock *c)
{
    return llround(-(double)c->ppb / (1 + (double)c->ppb * 1e-9));
}

void sampler_clock_tune(struct sampler_clock *c, struct hwt_block *block)
{
    int64_t step = (c->known ? c->ppb : 0) - c->applied_ppb;
    uint64_t raw_us = block->device_us;

    if (!c->tuned || raw_us < c->tuned_us) {
        c->added_fs = 0;
    } else {
        c->added_fs += (int64_t)(raw_us - c->tuned_us) * c->applied_ppb;
    }
    c->tuned = true;
    c->tuned_us = raw_us;
    c->applied_ppb += step > STEP_MAX_PPB    ? STEP_MAX_PPB
                      : step < -STEP_MAX_PPB ? -STEP_MAX_PPB
                                             : step;
    block->device_us = (uint64_t)((int64_t)raw_us + c->added_fs / FS_PER_US);
    block->scan_period_ps =
        (uint32_t)((int64_t)block->scan_period_ps +
                   llround((double)block->scan_period_ps * (double)c->applied_ppb * 1e-9));
}
