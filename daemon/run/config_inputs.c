/* Sources with an input for themselves: what goes with what. */
#include <string.h>

#include "daemon/run/config_bind.h"

enum { PULSES_POLL_S = 4 }; /* they deliver each second; the ledger's gap is three of these */

/* Keys of a GPIO chip, beside `events` or a serial port. */
static void refuse_chip_keys(struct config_build *b, const struct config_source *s,
                             const char *instead)
{
    static const char *const keys[] = {"line", "active_low", "bias"};
    const void *const members[] = {&s->gpio, &s->active_low, &s->bias};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (config_given(b, members[i])) {
            config_complain(b, members[i], keys[i], "is for a chip, but here is %s", instead);
        }
    }
}

static void check_chip(struct config_build *b, const struct config_source *s)
{
    if (config_given(b, s->chip) && !config_given(b, &s->gpio)) {
        config_complain(b, &s->gpio, "line", "is required: which line of the chip");
    } else if (!config_given(b, s->chip) && config_given(b, s->events)) {
        refuse_chip_keys(b, s, "events");
    }
}

void config_check_pulses(struct config_build *b, struct config_source *s)
{
    s->poll_s = PULSES_POLL_S;
    if (config_check_either(b, s->chip, "chip", config_given(b, s->chip), s->events, "events",
                            config_given(b, s->events))) {
        check_chip(b, s);
    }
    if (s->volume && config_given(b, &s->max_w)) {
        config_complain(b, &s->max_w, "max_w", "is not of a water meter: use min_period_ms");
    }
}
