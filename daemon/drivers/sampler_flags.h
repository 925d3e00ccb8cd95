/*
 * sampler_flags.h: what the meter sees of clamps and voltages that are not as they should be, on
 * its way from the sampling thread to status and log.
 *
 *   window's flags ──take──▶ slots by flag, atomics ──show, once a second──▶ gauges, cause, log
 * lines
 *
 * One line when a flag appears on a slot, one when it has been gone for 10 s.
 */
#ifndef DAEMON_DRIVERS_SAMPLER_FLAGS_H
#define DAEMON_DRIVERS_SAMPLER_FLAGS_H

#include <stdatomic.h>

#include "daemon/drivers/sampler.h"

enum { SAMPLER_FLAGS = 8, SAMPLER_FLAGS_TEXT = 128 };

struct sampler_flags {
    atomic_uint_fast32_t seen[SAMPLER_FLAGS]; /* slots, a bit each, since the last look */

    /* The showing thread's own. */
    uint32_t now[SAMPLER_FLAGS];
    int64_t last_us[SAMPLER_FLAGS][HWT_SLOTS_MAX]; /* real us, when the slot was flagged last */
};

/* In the sampling thread: cheap, without a lock. */
void sampler_flags_take(struct sampler_flags *f, const struct hwt_meter_window *window);

/* In the thread that owns the status, about once a second. */
void sampler_flags_show(struct sampler_flags *f, const struct sampler_options *options,
                        int64_t now_us);

/* What is wrong and what to do, "" if nothing is; false then. */
bool sampler_flags_tell(const struct sampler_flags *f, const struct sampler_options *options,
                        char text[SAMPLER_FLAGS_TEXT]);

#endif
