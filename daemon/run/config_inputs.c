/* Sources with an input for themselves: what goes with what. */
#include <string.h>

#include "daemon/run/config_bind.h"

/* How often they deliver, about; values go missing, and the ledger sees a gap, after three of
 * these. An Elster's gate may hold packets back for a while. */
enum { PULSES_POLL_S = 4, ELSTER_POLL_S = 20 };

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

void config_check_elster(struct config_build *b, struct config_source *s)
{
    bool chip = config_given(b, s->chip), port = config_given(b, s->port);

    s->poll_s = ELSTER_POLL_S;
    if (chip && port) {
        config_complain(b, s->port, "port", "and chip exclude each other");
    } else if (port && config_given(b, s->events)) {
        config_complain(b, s->events, "events", "and port exclude each other");
    } else if (port) {
        refuse_chip_keys(b, s, "a port");
    } else if (config_check_either(b, s->chip, "chip", chip, s->events, "events or port",
                                   config_given(b, s->events))) {
        check_chip(b, s);
    }
}

/* "28-0316a2795bff": a family and 48 bits. */
static bool is_rom(const char *rom)
{
    static const char digits[] = "0123456789abcdef";

    return strlen(rom) == 15 && strspn(rom, digits) == 2 && rom[2] == '-' &&
           strspn(rom + 3, digits) == 12;
}

static void check_twice(struct config_build *b, const struct config_source *s, unsigned sensor)
{
    for (unsigned k = 0; k < sensor; k++) {
        if (strcmp(s->sensors[k].rom, s->sensors[sensor].rom) == 0) {
            config_complain(b, s->sensors[sensor].rom, "rom",
                            "is already that of \"%s\" in line %u", s->sensors[k].id,
                            s->sensors[k].line);
            return;
        }
    }
}

void config_check_ds18b20(struct config_build *b, const struct config_source *s)
{
    for (unsigned i = 0; i < s->sensor_count; i++) {
        const char *rom = s->sensors[i].rom;

        if (!config_given(b, rom)) {
            continue;
        }
        if (!is_rom(rom)) {
            config_complain(b, rom, "rom",
                            "\"%s\" is no sensor's id: two digits, -, twelve digits, as the folder "
                            "28-0316a2795bff",
                            rom);
        }
        check_twice(b, s, i);
    }
}
