/* sampler_view.h: what sampler_scope shows, from the newest scans. */
#ifndef DAEMON_DRIVERS_SAMPLER_VIEW_H
#define DAEMON_DRIVERS_SAMPLER_VIEW_H

#include "daemon/drivers/sampler.h"
#include "daemon/drivers/sampler_ring.h"

/* As sampler_scope. Of the meter's configuration all but ratios and phases counts: those are the
 * ring's, as they are now. */
HWT_MUST_CHECK int sampler_view_take(struct sampler_ring *ring,
                                     const struct hwt_meter_config *meter, unsigned slot,
                                     unsigned cycles, struct sampler_view *out);

#endif
