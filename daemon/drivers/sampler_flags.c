#include "daemon/drivers/sampler_flags.h"

#include <stdio.h>

#include "daemon/base/log.h"

enum { CALM_US = 10000000 };

static const struct flag {
    unsigned flag;       /* enum hwt_meter_flag; 0: the order of the phases, told of no slot */
    const char *counter; /* slots that have it */
    const char *what;    /* behind the names; NULL: a gauge only */
} flags[SAMPLER_FLAGS] = {
    {HWT_METER_CLIPPED, "clipped", "more than the converter can show"},
    {HWT_METER_NO_VOLTAGE, "no_voltage", "no voltage, so no power"},
    {HWT_METER_PHASE_LOST, "phase_lost", "far below the other phases: lost?"},
    {HWT_METER_REVERSED, "reversed", "feeds back, but is a consumer: clamp turned round?"},
    {HWT_METER_GAPING, "gaping", "current leads as if the clamp were not closed"},
    {HWT_METER_NOISY, "noisy", NULL},
    {HWT_METER_QUIET, "quiet", NULL},
    {0, "sequence", "phases in the order 3, 2, 1: two voltages exchanged?"},
};

void sampler_flags_take(struct sampler_flags *f, const struct hwt_meter_window *window)
{
    for (unsigned k = 0; k < SAMPLER_FLAGS; k++) {
        uint_fast32_t slots = 0;

        for (unsigned i = 0; i < window->slots && flags[k].flag != 0; i++) {
            slots |= (window->channel[i].flags & flags[k].flag) != 0 ? UINT32_C(1) << i : 0;
        }
        if (flags[k].flag == 0) {
            slots = window->sequence == HWT_METER_SEQUENCE_REVERSED;
        }
        if (slots != 0) {
            atomic_fetch_or(&f->seen[k], slots);
        }
    }
}

static const char *name_of(const struct sampler_options *o, unsigned slot)
{
    return o->name[slot] != NULL ? o->name[slot] : "input";
}

/* One slot's flag comes or goes. */
static void follow(struct sampler_flags *f, const struct sampler_options *o, unsigned k,
                   unsigned slot, bool seen, int64_t now_us)
{
    uint32_t bit = UINT32_C(1) << slot;
    bool before = (f->now[k] & bit) != 0;
    const char *name = flags[k].flag != 0 ? name_of(o, slot) : "voltages";

    if (seen) {
        f->last_us[k][slot] = now_us;
        f->now[k] |= bit;
    } else if (before && now_us - f->last_us[k][slot] > CALM_US) {
        f->now[k] &= ~bit;
    }
    if (!before && seen && flags[k].what != NULL) {
        LOG(LOG_WARN, o->id, "input source=%s flag=%s", name, flags[k].counter);
    } else if (before && (f->now[k] & bit) == 0 && flags[k].what != NULL) {
        LOG(LOG_INFO, o->id, "input source=%s flag=%s gone", name, flags[k].counter);
    }
}

void sampler_flags_show(struct sampler_flags *f, const struct sampler_options *options,
                        int64_t now_us)
{
    for (unsigned k = 0; k < SAMPLER_FLAGS; k++) {
        uint32_t seen = (uint32_t)atomic_exchange(&f->seen[k], 0);
        unsigned count = 0;

        for (unsigned i = 0; i < HWT_SLOTS_MAX; i++) {
            follow(f, options, k, i, (seen >> i & 1) != 0, now_us);
            count += f->now[k] >> i & 1;
        }
        status_put(options->status, flags[k].counter, count);
    }
}

bool sampler_flags_tell(const struct sampler_flags *f, const struct sampler_options *options,
                        char text[SAMPLER_FLAGS_TEXT])
{
    text[0] = '\0';
    for (unsigned k = 0; k < SAMPLER_FLAGS; k++) {
        size_t at = 0;
        unsigned more = 0;

        if (f->now[k] == 0 || flags[k].what == NULL) {
            continue;
        }
        for (unsigned i = 0; i < HWT_SLOTS_MAX && flags[k].flag != 0; i++) {
            if ((f->now[k] >> i & 1) == 0) {
                continue;
            }
            if (at > 0) { /* the first by name, the rest by number */
                more++;
                continue;
            }
            at = (size_t)snprintf(text, SAMPLER_FLAGS_TEXT, "%s", name_of(options, i));
        }
        if (more > 0) {
            at += (size_t)snprintf(text + at, SAMPLER_FLAGS_TEXT - at, " and %u more", more);
        }
        snprintf(text + at, SAMPLER_FLAGS_TEXT - at, "%s%s", at > 0 ? ": " : "", flags[k].what);
        return true;
    }
    return false;
}
