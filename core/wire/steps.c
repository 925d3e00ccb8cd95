#include "core/wire/steps.h"

void hwt_steps_init(struct hwt_steps *s, int64_t zero_us)
{
    *s = (struct hwt_steps){.zero_us = zero_us};
}

void hwt_steps_add(struct hwt_steps *s, int64_t t_us, int64_t mj)
{
    int64_t interval_us = t_us - s->last_us;

    if (s->any && interval_us <= 0) {
        s->mj += mj;
        return;
    }
    /* The energy of a first step, or one after a long rest, came at no known pace. */
    s->interval_us = s->any && interval_us <= s->zero_us ? interval_us : 0;
    s->mj = mj;
    s->last_us = t_us;
    s->any = true;
}

/* mJ / us is kW. */
static int64_t tenths(int64_t mj, int64_t us)
{
    int64_t scaled;

    if (__builtin_mul_overflow(mj, (int64_t)10000, &scaled)) {
        return mj / us * 10000;
    }
    return (scaled + us / 2) / us;
}

bool hwt_steps_power(const struct hwt_steps *s, int64_t now_us, int64_t one_mj,
                     int64_t *tenth_w_out)
{
    int64_t since_us = now_us - s->last_us, most;

    if (!s->any) {
        return false;
    }
    if (since_us > s->zero_us) {
        *tenth_w_out = 0;
        return true;
    }
    if (s->interval_us == 0) {
        return false;
    }
    *tenth_w_out = tenths(s->mj, s->interval_us);
    if (since_us > 0) {
        most = tenths(one_mj, since_us);
        *tenth_w_out = most < *tenth_w_out ? most : *tenth_w_out;
    }
    return true;
}
