#include "core/wire/pulses.h"

void hwt_pulses_init(struct hwt_pulses *p, const struct hwt_pulses_options *options)
{
    *p = (struct hwt_pulses){.o = *options};
}

static bool held_long(const struct hwt_pulses *p, int64_t until_us)
{
    return until_us - p->edge_us >= (p->level ? p->o.active_us : p->o.inactive_us);
}

/* The level was held. True: that makes a pulse. */
static bool hold(struct hwt_pulses *p, int64_t *pulse_us_out)
{
    bool begins = p->level && !p->held;

    p->held = p->level;
    if (!begins) {
        return false;
    }
    if (p->any && p->edge_us - p->pulse_us < p->o.period_us) {
        p->counters.close++;
        return false;
    }
    p->any = true;
    p->pulse_us = p->edge_us;
    p->counters.pulses++;
    *pulse_us_out = p->edge_us;
    return true;
}

bool hwt_pulses_edge(struct hwt_pulses *p, int64_t t_us, bool active, uint32_t lost,
                     int64_t *pulse_us_out)
{
    bool pulse = false;

    p->counters.lost += lost;
    if (!p->known) { /* a pulse that had begun before is not one that began now */
        p->known = true;
        p->held = !active;
    } else if (active == p->level) { /* the edge between was lost */
        return false;
    } else if (held_long(p, t_us)) {
        pulse = hold(p, pulse_us_out);
    } else {
        p->counters.bounces++;
    }
    p->level = active;
    p->edge_us = t_us;
    return pulse;
}

bool hwt_pulses_idle(struct hwt_pulses *p, int64_t t_us, int64_t *pulse_us_out)
{
    return p->known && p->level != p->held && held_long(p, t_us) && hold(p, pulse_us_out);
}
