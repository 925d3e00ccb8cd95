/*
 * source.h: what every driver of a source has in common: where its readings go.
 */
#ifndef DAEMON_DRIVERS_SOURCE_H
#define DAEMON_DRIVERS_SOURCE_H

#include <stddef.h>

#include "core/flow.h"

/* n readings of one instant, on the driver's thread; borrowed for the call. Must not block. */
typedef void (*reading_sink)(void *ctx, const struct hwt_reading *r, size_t n);

#endif
