#include "daemon/run/elapsed.h"

#include <string.h>

#include "core/flow.h"

enum { REACH_US = 1000000 }; /* beyond the newest window, the sampler may have stopped */

void elapsed_init(struct elapsed *e)
{
    memset(e, 0, sizeof(*e));
    e->last_unix_ms = HWT_TIME_UNKNOWN;
}

void elapsed_restore(struct elapsed *e, int64_t measured_ms, int64_t gap_ms, int64_t unix_ms)
{
    e->base_measured_us = measured_ms * 1000;
    e->base_gap_us = gap_ms * 1000;
    e->last_unix_ms = unix_ms;
}

void elapsed_put(struct elapsed *e, int64_t mono_us, int64_t unix_ms, int64_t measured_us,
                 int64_t gap_us)
{
    if (e->count == 0 && e->last_unix_ms != HWT_TIME_UNKNOWN && unix_ms != HWT_TIME_UNKNOWN) {
        int64_t start_us = unix_ms * 1000 - measured_us - gap_us;
        int64_t dead_us = start_us - e->last_unix_ms * 1000;

        e->base_gap_us += dead_us > 0 ? dead_us : 0;
    }
    e->point[e->count % ELAPSED_POINTS] =
        (struct elapsed_point){mono_us, e->base_measured_us + measured_us, e->base_gap_us + gap_us};
    e->count++;
}

bool elapsed_at(const struct elapsed *e, int64_t mono_us, int64_t *measured_ms_out,
                int64_t *gap_ms_out)
{
    unsigned kept = e->count < ELAPSED_POINTS ? e->count : ELAPSED_POINTS;

    for (unsigned back = 1; back <= kept; back++) {
        const struct elapsed_point *p = &e->point[(e->count - back) % ELAPSED_POINTS];
        const struct elapsed_point *next =
            back > 1 ? &e->point[(e->count - back + 1) % ELAPSED_POINTS] : NULL;
        int64_t beyond_us = mono_us - p->mono_us;
        bool torn = next != NULL && next->gap_us != p->gap_us;

        if (beyond_us < 0) {
            continue;
        }
        if (next == NULL && beyond_us > REACH_US) {
            return false;
        }
        *measured_ms_out = (p->measured_us + (torn ? 0 : beyond_us)) / 1000;
        *gap_ms_out = (p->gap_us + (torn ? beyond_us : 0)) / 1000;
        return true;
    }
    return false;
}
