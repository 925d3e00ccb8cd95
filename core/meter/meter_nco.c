#include "core/meter/meter_nco.h"

/*
 * sin(pi/2 x) on -1..1 as the odd polynomial of degree 7 whose largest error is least (5.9e-7, by
 * the exchange algorithm); coefficients in Q30. The rounding to Q15, 1.5e-5, dominates.
 */
enum { QUARTER = 0x40000000, FRACTION = 30 };

static const int64_t coefficient[] = {1686624005, -693522166, 85291978, -4652626};

static inline int32_t sine(uint32_t phase)
{
    /* The turn folded onto -90..90 degrees, x in Q30, -2^30..2^30: sin a = sin(90 - |a - 90|), a -
     * 90 within +-180. */
    int64_t from_top = (int32_t)(phase - QUARTER);
    int64_t x = QUARTER - (from_top < 0 ? -from_top : from_top);
    int64_t square = (x * x) >> FRACTION, y; /* all products are < 2^62 */

    y = coefficient[3];
    y = coefficient[2] + (y * square >> FRACTION);
    y = coefficient[1] + (y * square >> FRACTION);
    y = coefficient[0] + (y * square >> FRACTION);
    y = y * x >> FRACTION;
    return (int32_t)((y + (1 << 14)) >> 15);
}

void hwt_meter_nco(uint32_t phase, uint32_t step, size_t n, int32_t *cos_out, int32_t *sin_out)
{
    for (size_t i = 0; i < n; i++) {
        cos_out[i] = sine(phase + QUARTER);
        sin_out[i] = sine(phase);
        phase += step;
    }
}
