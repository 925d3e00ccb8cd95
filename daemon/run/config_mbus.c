/* M-Bus sources: what goes with what. */
#include <string.h>

#include "daemon/drivers/mbus.h"
#include "daemon/run/config_bind.h"

enum {
    BATTERY_POLL_S = 60, /* about what the D cell of a Kamstrup 403 stands for its whole life */
    MAINS_POLL_S = 10
};

static void check_address(struct config_build *b, struct config_source *s)
{
    uint8_t select[HWT_MBUS_SELECT_SIZE];

    if (!config_check_either(b, &s->address, "address", config_given(b, &s->address), s->secondary,
                             "secondary", config_given(b, s->secondary))) {
        return;
    }
    if (config_given(b, s->secondary)) {
        s->address = HWT_MBUS_ADDRESS_SELECTED;
        if (!mbus_select_parse(s->secondary, select)) {
            config_complain(b, s->secondary, "secondary",
                            "\"%.40s\" is not a secondary address: 8 digits (F fits any), or 16 "
                            "hex digits",
                            s->secondary);
        }
    } else if (s->address > 250 && s->address != 254) {
        config_complain(b, &s->address, "address",
                        "%u is no meter's address: 0 to 250, or 254 for a single meter",
                        s->address);
    }
}

void config_check_mbus(struct config_build *b, struct config_source *s)
{
    config_check_line(b, s, 0);
    if (config_given(b, s->tcp) && s->baud == 0) {
        config_complain(b, &s->baud, "baud", "0 cannot be found through a gateway: set it there");
    }
    check_address(b, s);
    if (config_given(b, s->profile) && mbus_profile_named(s->profile) == NULL) {
        config_complain(b, s->profile, "profile", "\"%.40s\" is no row of data/mbus/profiles.txt",
                        s->profile);
    }
    if (s->mains_powered && !config_given(b, &s->poll_s)) {
        s->poll_s = MAINS_POLL_S;
    }
    if (!s->mains_powered && s->poll_s < BATTERY_POLL_S) {
        config_complain(b, &s->poll_s, "poll_s",
                        "%u is below the minimum %d s of battery meters; if the meter has a mains "
                        "supply, add mains_powered: true",
                        s->poll_s, BATTERY_POLL_S);
    }
}

/* However they are written: with blanks, in small letters. */
static bool same_secondary(const struct config_source *s, const struct config_source *other)
{
    uint8_t a[HWT_MBUS_SELECT_SIZE], b[HWT_MBUS_SELECT_SIZE];

    return mbus_select_parse(s->secondary, a) && mbus_select_parse(other->secondary, b) &&
           memcmp(a, b, sizeof(a)) == 0;
}

void config_check_mbus_neighbours(struct config_build *b, const struct config_source *s,
                                  const struct config_source *other)
{
    if (config_given(b, s->secondary) && same_secondary(s, other)) {
        config_complain(b, s->secondary, "secondary",
                        "%.20s on this line is already \"%s\" in line %u", s->secondary, other->id,
                        other->line);
    } else if (s->address == other->address && config_given(b, &s->address)) {
        config_complain(b, &s->address, "address", "%u on this port is already \"%s\" in line %u",
                        s->address, other->id, other->line);
    } else if (s->address == 254 || other->address == 254) {
        config_complain(b, s->address == 254 ? &s->address : &other->address, "address",
                        "254 is answered by all meters, and this port has several");
    } else if (s->tcp[0] != '\0' && s->baud != other->baud) {
        config_complain(b, &s->baud, "baud",
                        "is not that of \"%s\" behind the same gateway, %u, which cannot change it",
                        other->id, other->baud);
    }
}
