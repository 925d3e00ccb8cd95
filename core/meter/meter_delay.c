#include "core/meter/meter_delay.h"

/* For d < 0 all is moved back by one scan, so that the instant lies between the two middle ones. */
void hwt_meter_delay_set(struct hwt_meter_delay *delay, int32_t d_q16)
{
    double d;

    delay->shift = d_q16 < 0 ? -1 : 0;
    d = d_q16 / 65536.0 - delay->shift;
    delay->weight[0] = -d * (d - 1) * (d - 2) / 6;
    delay->weight[1] = (d + 1) * (d - 1) * (d - 2) / 2;
    delay->weight[2] = -(d + 1) * d * (d - 2) / 2;
    delay->weight[3] = (d + 1) * d * (d - 1) / 6;
}
