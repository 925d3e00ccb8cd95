/*
 * source.h: what every driver of a source has in common: where its readings go, and what else its
 * device tells.
 */
#ifndef DAEMON_DRIVERS_SOURCE_H
#define DAEMON_DRIVERS_SOURCE_H

#include <stddef.h>

#include "core/flow.h"

/* n readings of one instant, on the driver's thread; borrowed for the call. Must not block. */
typedef void (*reading_sink)(void *ctx, const struct hwt_reading *r, size_t n);

/* What a device tells of itself, before the readings that it concerns. */
struct device_news {
    uint16_t source;      /* as its readings carry */
    const char *identity; /* who it is, for people: maker, type, serial number; NULL: not told */
    bool restarted;       /* it began anew since the readings before */
};

/* On the driver's thread; borrowed for the call. The same identity may be told again and again. */
typedef void (*news_sink)(void *ctx, const struct device_news *news);

#endif
