/*
 * sampler_trims.h: other ratios and phases on their way to the sampling thread.
 *
 *   any thread ──put──▶ one a slot, the newest ──take──▶ sampling thread, at the next block
 */
#ifndef DAEMON_DRIVERS_SAMPLER_TRIMS_H
#define DAEMON_DRIVERS_SAMPLER_TRIMS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/flow.h"

struct sampler_trim {
    double ratio, phase_deg; /* ratio 0: none */
};

struct sampler_trims {    /* private */
    pthread_mutex_t lock; /* held for a copy; take does not wait for it */
    struct sampler_trim trim[HWT_SLOTS_MAX];
    atomic_bool any; /* some of them are new */
};

void sampler_trims_init(struct sampler_trims *t);
void sampler_trims_deinit(struct sampler_trims *t);
void sampler_trims_put(struct sampler_trims *t, unsigned slot, struct sampler_trim trim);
/* What was put since the last take. False: nothing, or a put is at work just now: next time. */
bool sampler_trims_take(struct sampler_trims *t, struct sampler_trim trim_out[HWT_SLOTS_MAX]);

#endif
