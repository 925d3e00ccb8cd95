/*
 * heat_flows.h: the sources of type heat_from_flow: heat worked out from the readings of others.
 *
 *   readings ──put──▶ newest flow, flow_t, return_t ──▶ core/heat/fluid ──▶ <id>_power ──▶ sink
 *
 * A power comes with each reading of one of the three, stamped with its time, if the other two are
 * not older than three intervals. While one is missing nothing comes, and the status names it.
 * On the loop's thread.
 */
#ifndef DAEMON_RUN_HEAT_FLOWS_H
#define DAEMON_RUN_HEAT_FLOWS_H

#include "daemon/base/status.h"
#include "daemon/drivers/source.h"
#include "daemon/run/installation.h"

struct heat_flows; /* opaque */

struct heat_flows_options {
    const struct installation *site; /* must outlive it */
    struct clock *clock;
    struct status *const *status; /* by config->source[] */
    reading_sink sink;
    void *ctx;
};

/* NULL when out of memory. */
struct heat_flows *heat_flows_new(const struct heat_flows_options *options);
/* NULL is fine. */
void heat_flows_free(struct heat_flows *h);
/* Readings of one driver, of one instant. */
void heat_flows_put(struct heat_flows *h, const struct hwt_reading *readings, size_t n);
/* The clock has advanced: says what is missing. */
void heat_flows_tick(struct heat_flows *h);

#endif
