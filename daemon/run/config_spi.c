/* Converters on SPI: what goes with what. */
#include <string.h>

#include "daemon/run/config_bind.h"

static const struct config_input *input_at(const struct config_source *s, unsigned i)
{
    return i < s->voltage_count ? &s->voltages[i] : &s->clamps[i - s->voltage_count];
}

/* Whether a voltage or a clamp is on one of eight slots, or on one that could not be read. */
static bool has_input(const struct config_build *b, const struct config_source *s, unsigned first)
{
    bool has = s->voltage_count == 0; /* reported */

    for (unsigned i = 0; i < s->voltage_count + s->clamp_count; i++) {
        const struct config_input *in = input_at(s, i);

        has |= !config_given(b, &in->slot) || in->slot / 8 == first / 8;
    }
    return has;
}

/* A converter has one reader. */
static void check_shared(struct config_build *b, const struct config_source *s)
{
    for (const struct config_source *o = b->c->source; o < s; o++) {
        if (o->spidev[0] == '\0') {
            continue;
        }
        if (strcmp(s->spidev, o->spidev) == 0 || strcmp(s->spidev, o->spidev_2) == 0) {
            config_complain(b, s->spidev, "spidev", "is already that of \"%s\" in line %u", o->id,
                            o->line);
        }
        if (s->spidev_2[0] != '\0' &&
            (strcmp(s->spidev_2, o->spidev) == 0 || strcmp(s->spidev_2, o->spidev_2) == 0)) {
            config_complain(b, s->spidev_2, "spidev_2", "is already that of \"%s\" in line %u",
                            o->id, o->line);
        }
    }
}

/* Slots of the converters' channels; a converter of which nothing is read would be a mistake. */
void config_check_spi(struct config_build *b, const struct config_source *s)
{
    unsigned channels = s->spidev_2[0] != '\0' ? 16 : 8;

    if (s->spidev[0] == '\0') {
        if (config_given(b, s->spidev_2)) {
            config_complain(b, s->spidev_2, "spidev_2", "needs a first converter, spidev");
        } else if (config_given(b, &s->spi_hz)) {
            config_complain(b, &s->spi_hz, "spi_hz", "is for converters on SPI, spidev");
        }
        return;
    }
    if (strcmp(s->spidev, s->spidev_2) == 0) {
        config_complain(b, s->spidev_2, "spidev_2", "is the same device as spidev");
    }
    check_shared(b, s);
    for (unsigned i = 0; i < s->voltage_count + s->clamp_count; i++) {
        const struct config_input *in = input_at(s, i);

        if (config_given(b, &in->slot) && in->slot >= channels) {
            config_complain(b, &in->slot, "slot", "%u is no channel: %s", in->slot,
                            channels == 8 ? "one converter has 0 to 7" : "two have 0 to 15");
        }
    }
    if (channels == 8 || strcmp(s->spidev, s->spidev_2) == 0) {
        return;
    }
    if (!has_input(b, s, 0)) {
        config_complain(b, s->spidev, "spidev", "has no input: give one a slot of 0 to 7");
    } else if (!has_input(b, s, 8)) {
        config_complain(b, s->spidev_2, "spidev_2", "has no input: give one a slot of 8 to 15");
    }
}
