/*
 * meter_delay.h: the voltage at the instant of a clamp's conversion, taken from the lag sums.
 *
 *   v      o─────────o─────────o─────────o        k = -1, 0, 1, 2
 *   i             ──────x                         d scans after its voltage, 0 <= d < 1
 *
 * The cubic (Lagrange) through four scans, on all products of a window at once:
 * sum v(t + d) i(t) = sum over k of weight[k] R[k]. Exact for polynomials of degree 3.
 */
#ifndef HWT_CORE_METER_METER_DELAY_H
#define HWT_CORE_METER_METER_DELAY_H

#include <stdint.h>

struct hwt_meter_delay {
    double weight[4]; /* of the lag sums k = -1, 0, 1, 2 */
    int8_t shift;     /* whole scans from the clamp back to its voltage: -1 or 0 */
};

/* The clamp is converted d_q16 / 65536 of a scan after its voltage; within +-65535. */
void hwt_meter_delay_set(struct hwt_meter_delay *delay, int32_t d_q16);

#endif
