/*
 * meter.h: sample blocks in, electrical quantities and energy out.
 *
 * Gapless: every scan of every block counts, exact integer lag sums between each current and its
 * voltage reference, fractional delay applied once per window, tracked frequency, fractional window
 * edges (docs/METERING.md derives it). A window is 10 cycles (12 at 60 Hz).
 */
#ifndef HWT_CORE_METER_METER_H
#define HWT_CORE_METER_METER_H

#include "core/base/err.h"
#include "core/flow.h"

#endif
