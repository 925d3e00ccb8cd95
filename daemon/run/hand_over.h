/*
 * hand_over.h: readings from the sampling thread to the loop: one producer, one consumer, no lock.
 * What finds no room is counted, never waited for.
 */
#ifndef DAEMON_RUN_HAND_OVER_H
#define DAEMON_RUN_HAND_OVER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "core/flow.h"

enum { HAND_OVER_READINGS = 8192 }; /* a power of two; 80 windows of 14 clamps */

struct hand_over {
    atomic_size_t put;   /* readings ever put, written by the producer */
    atomic_size_t taken; /* readings ever taken, written by the consumer */
    atomic_uint_fast64_t lost;
    struct hwt_reading ring[HAND_OVER_READINGS];
};

/* All n or none. */
void hand_over_put(struct hand_over *h, const struct hwt_reading *readings, size_t n);
/* The next run of readings, *n_out of them, or NULL; valid until hand_over_done(h, n). */
const struct hwt_reading *hand_over_peek(struct hand_over *h, size_t *n_out);
void hand_over_done(struct hand_over *h, size_t n);

#endif
