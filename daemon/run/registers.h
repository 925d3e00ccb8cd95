/*
 * registers.h: the one stage that every counter of somebody else's register goes through, on its
 * way from the drivers to the hub: M-Bus, Modbus, Elster, emon.
 *
 *   drivers ──readings──▶ registers ──totals that never step──▶ hub, heat flows
 *           ──news──────▶     │
 *                             └──▶ journal: swapped, reset, turned over; and the offsets kept
 *
 * A counter is the register and an offset (core/heat/total.h): behind a swap, a reset or a
 * roll-over it goes on from where it was. A reading that cannot be is held back until the next one
 * tells what it was: its counter is then read later, not wrong. The total comes from the log and
 * the offset from the journal, so that both go on over a restart. The register itself stays
 * visible: what the meter's display shows.
 *
 * Counters of our own (clamps, pulses) and gauges pass through untouched. On the loop's thread.
 */
#ifndef DAEMON_RUN_REGISTERS_H
#define DAEMON_RUN_REGISTERS_H

#include "daemon/base/status.h"
#include "daemon/drivers/source.h"
#include "daemon/run/hub.h"
#include "daemon/run/installation.h"
#include "daemon/store/journal.h"

struct registers; /* opaque */

struct registers_options {
    const struct installation *site;
    struct clock *clock;
    const struct hub *hub;        /* where the log left the counters */
    struct journal *journal;      /* where the offsets are kept */
    struct status *const *status; /* by config->source[]: counters anchored, wrapped, misread */
    reading_sink sink;
    void *ctx;
};

/* NULL: out of memory. */
struct registers *registers_new(const struct registers_options *options);
void registers_free(struct registers *r);
/* Readings of one instant, as a driver gives them. */
void registers_put(struct registers *r, const struct hwt_reading *readings, size_t n);
/* What a device says of itself, before its readings. */
void registers_news(struct registers *r, const struct device_news *news);
/* What the meter of a column showed last, counts; false: the column is of no meter, or it was not
 * read yet. */
bool registers_shown(const struct registers *r, unsigned column, int64_t *shown_out);

#endif
