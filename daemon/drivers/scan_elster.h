/* scan_elster.h: what a packet of an Elster meter tells. Inside daemon/drivers/scan* only. */
#ifndef DAEMON_DRIVERS_SCAN_ELSTER_H
#define DAEMON_DRIVERS_SCAN_ELSTER_H

#include "core/wire/elster.h"
#include "daemon/drivers/scan_step.h"

struct scan_found scan_elster_found(const struct scan_task *task,
                                    const struct hwt_elster_packet *packet, unsigned baud);

#endif
