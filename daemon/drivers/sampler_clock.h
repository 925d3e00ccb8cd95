/*
 * sampler_clock.h: the sampler's clock held against this computer's, and its rate put right.
 *
 *   block ──see──▶ (device us, host us) ──the quickest of each interval──▶ line ──▶ ppm +- ppm
 *   block ──tune──▶ device_us and scan_period_ps in true microseconds
 *
 * The crystal of a microcontroller is off by 20 to 100 ppm, and with it frequency and energy
 * (docs/METERING.md, section 11). The host's clock is CLOCK_BOOTTIME: NTP steers its rate, and no
 * step of the wall clock shows in it. Only while NTP is in step are pairs taken; what was learnt
 * before stays. A block arrives late by what the line and the scheduler add, never early, so each
 * interval's quickest block counts; the rate is the slope of the straight line through up to 64 of
 * them, its uncertainty that of the fit. Not thread-safe: the sampling thread's own.
 */
#ifndef DAEMON_DRIVERS_SAMPLER_CLOCK_H
#define DAEMON_DRIVERS_SAMPLER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/flow.h"

enum { SAMPLER_CLOCK_POINTS = 64 };

struct sampler_clock_point {
    uint64_t device_us;
    int64_t behind_us; /* us, host less device, less that of the first */
};

struct sampler_clock {
    /* What is believed: a second of the device is (1 + ppb / 1e9) s. */
    bool known;
    int64_t ppb;
    int64_t unsure_ppb; /* 95 % */

    /* Private from here. */
    struct sampler_clock_point point[SAMPLER_CLOCK_POINTS], quickest;
    unsigned points;
    bool any; /* quickest holds one */
    int64_t zero_us;
    int64_t interval_us;
    int64_t begun_us;   /* host, of the interval */
    int64_t trusted_us; /* host, since when NTP is in step; INT64_MIN: it is not */
    int64_t awake_us;   /* CLOCK_BOOTTIME less CLOCK_MONOTONIC, us */
    uint64_t last_us;   /* device, of the newest pair */

    bool tuned;
    uint64_t tuned_us; /* device, of the newest block tuned */
    int64_t applied_ppb;
    int64_t added_fs; /* fs, by which device_us is corrected */
};

void sampler_clock_init(struct sampler_clock *c);

/* The host's clocks at one instant. */
struct sampler_clock_host {
    int64_t boot_us;  /* CLOCK_BOOTTIME */
    int64_t awake_us; /* us spent in suspend: CLOCK_BOOTTIME less CLOCK_MONOTONIC */
    bool synced;      /* NTP is in step */
};

/*
 * A block's end, device_us by its own clock, has come. NTP must have been in step for settle_us
 * before anything is learnt: it may still be catching up. A device clock that goes back, or a
 * suspend of this computer, begins the line anew. True: what is believed has changed.
 */
bool sampler_clock_see(struct sampler_clock *c, uint64_t device_us,
                       const struct sampler_clock_host *host, int64_t settle_us);

/* How much faster than true the device's clock runs, ppb. */
int64_t sampler_clock_fast_ppb(const struct sampler_clock *c);

/* Puts the block's device_us and scan_period_ps right. Without steps: the rate is changed by at
 * most 50 ppm from block to block. A device clock that goes back still does. */
void sampler_clock_tune(struct sampler_clock *c, struct hwt_block *block);

#endif
