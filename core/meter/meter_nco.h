/*
 * meter_nco.h: sine and cosine of a phase in integers, one pair for each scan.
 *
 * A phase is a turn in 2^32 steps: 0x40000000 is 90 degrees. The result is Q15 (32768 is 1.0),
 * within 2 units of 1e-5 of the true value, on every machine the same.
 */
#ifndef HWT_CORE_METER_METER_NCO_H
#define HWT_CORE_METER_METER_NCO_H

#include <stddef.h>
#include <stdint.h>

enum { HWT_METER_NCO_ONE = 32768 };

/*
 * n pairs of a run whose phase starts at `phase` and grows by `step` from one to the next, from the
 * pair `from` on. Each pair is the same however the run is cut into calls.
 */
void hwt_meter_nco(uint32_t phase, uint32_t step, uint32_t from, size_t n, int32_t *cos_out,
                   int32_t *sin_out);

#endif
