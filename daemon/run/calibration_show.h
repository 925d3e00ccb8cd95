/* calibration_show.h: calibration as the API gives it. */
#ifndef DAEMON_RUN_CALIBRATION_SHOW_H
#define DAEMON_RUN_CALIBRATION_SHOW_H

#include "core/base/json.h"
#include "daemon/run/calibration.h"
#include "daemon/run/calibration_log.h"

/* The object of GET /api/v1/calibration, for somebody who may change something, or not. */
void calibration_show(const struct calibration *c, const struct installation *site, bool may_change,
                      struct hwt_json *j);
/* That of a POST's answer. result NULL: nothing was read from the log; corrections < 0: the past
 * stays. */
void calibration_show_found(const struct calibration *c, const struct calibration_entry *entries,
                            size_t n, bool kept, const struct calibration_result *result,
                            long corrections, struct hwt_json *j);

#endif
