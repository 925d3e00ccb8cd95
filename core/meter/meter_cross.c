#include "core/meter/meter_cross.h"

void hwt_meter_cross_reset(struct hwt_meter_cross *c)
{
    c->armed = false;
    c->known = false;
    c->last_q16 = 0;
}

size_t hwt_meter_cross_find_rise(const int32_t *x, size_t n)
{
    size_t i = 0;

    while (i < n && (x[(ptrdiff_t)i - 1] >= 0 || x[i] < 0)) {
        i++;
    }
    return i;
}

void hwt_meter_cross_arm(struct hwt_meter_cross *c, const int32_t *x, size_t n, int32_t arm)
{
    for (size_t i = 0; i < n && !c->armed; i++) {
        c->armed = x[i] < -arm;
    }
}

bool hwt_meter_cross_feed(struct hwt_meter_cross *c, uint64_t n, int32_t before, int32_t now,
                          int32_t arm, uint64_t guard_q16)
{
    uint64_t at_q16;

    if (now < -arm) {
        c->armed = true;
    }
    if (!c->armed || before >= 0 || now < 0) {
        return false;
    }
    /* before < 0 <= now, so the quotient is in 1..65536; the last of these is the scan n itself. */
    at_q16 = ((n - 1) << 16) + (uint64_t)(((int64_t)-before << 16) / ((int64_t)now - before));
    if (now == 0) {
        at_q16--;
    }
    c->armed = false;
    if (c->known && at_q16 - c->last_q16 < guard_q16) {
        return false;
    }
    c->known = true;
    c->last_q16 = at_q16;
    return true;
}
