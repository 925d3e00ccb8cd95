/*
 * calibration_near.h: the last minute of each voltage and clamp, window by window: what a reading
 * of an instrument, or a resistive load, is compared with. For the loop's thread.
 */
#ifndef DAEMON_RUN_CALIBRATION_NEAR_H
#define DAEMON_RUN_CALIBRATION_NEAR_H

#include "core/meter/calibrate.h"
#include "daemon/run/installation.h"

enum { CALIBRATION_NEAR_S = 60 };

struct calibration_near; /* opaque */

/* NULL: out of memory. */
struct calibration_near *calibration_near_new(const struct installation *site);
void calibration_near_free(struct calibration_near *near);
/* Readings of a sample stream, those of one instant together. */
void calibration_near_put(struct calibration_near *near, const struct hwt_reading *readings,
                          size_t n);
/* The windows of a quantity that ended in the last seconds before its newest one; none that a doubt
 * is about. */
struct hwt_spread calibration_near_spread(const struct calibration_near *near, unsigned source,
                                          enum hwt_quantity quantity, unsigned seconds);
/* The same of power, reactive and apparent power of a clamp. */
struct hwt_resistive calibration_near_resistive(const struct calibration_near *near,
                                                unsigned source, unsigned seconds);
/* Forgets what was measured so far, and until so many us of the clock: it rests on another sensor.
 */
void calibration_near_clear(struct calibration_near *near, int64_t until_us);

#endif
