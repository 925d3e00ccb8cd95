#include "daemon/drivers/elster_pace.h"

#define MJ_PER_WH INT64_C(3600000)

enum { STEP_US = 10000000 };

void elster_pace_init(struct elster_pace *p, uint64_t wh, int64_t at_us, uint32_t count_wh,
                      int64_t zero_us)
{
    *p = (struct elster_pace){.wh = wh, .fed_us = at_us, .count_mj = count_wh * MJ_PER_WH};
    hwt_steps_init(&p->steps, zero_us);
}

void elster_pace_add(struct elster_pace *p, uint64_t wh, int64_t at_us)
{
    if (wh > p->wh) {
        p->pending += (int64_t)(wh - p->wh) * MJ_PER_WH;
    }
    if (wh != p->wh && p->pending > 0 && (!p->steps.any || at_us - p->fed_us >= STEP_US)) {
        hwt_steps_add(&p->steps, at_us, p->pending);
        p->pending = 0;
        p->fed_us = at_us;
    }
    p->wh = wh;
}

bool elster_pace_power(const struct elster_pace *p, int64_t at_us, int64_t *tenth_w_out)
{
    if (!p->steps.any) { /* not one count in all the time it was watched */
        *tenth_w_out = 0;
        return at_us - p->fed_us > p->steps.zero_us;
    }
    return hwt_steps_power(&p->steps, at_us, p->pending + p->count_mj, tenth_w_out);
}
