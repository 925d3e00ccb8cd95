/* Ids: every source, voltage and clamp has one, no two are the same; nor are two channels. */
#include <stdio.h>
#include <string.h>

#include "core/base/quantity.h"
#include "daemon/run/config_bind.h"

struct named {
    const char *id;
    const char *what;
    unsigned line;
};

enum { NAMED_MAX = CONFIG_SOURCES_MAX * (1 + CONFIG_VOLTAGES_MAX + HWT_SLOTS_MAX) };

static size_t add_inputs(struct named *list, size_t n, const struct config_input *in,
                         unsigned count, const char *what)
{
    for (unsigned i = 0; i < count; i++) {
        list[n++] = (struct named){in[i].id, what, in[i].line};
    }
    return n;
}

static void check_ids(struct config_build *b)
{
    struct named list[NAMED_MAX];
    size_t n = 0;

    for (unsigned s = 0; s < b->c->source_count; s++) {
        const struct config_source *source = &b->c->source[s];

        list[n++] = (struct named){source->id, "source", source->line};
        n = add_inputs(list, n, source->voltages, source->voltage_count, "voltage");
        n = add_inputs(list, n, source->clamps, source->clamp_count, "clamp");
    }
    for (size_t i = 0; i < n; i++) {
        if (list[i].id[0] == '\0') {
            b->unsure = true;
            continue;
        }
        if (strcmp(list[i].id, "heatpump") == 0 || strcmp(list[i].id, "device") == 0) {
            config_complain(b, list[i].id, "id", "\"%s\" is kept for heatwatt's own channels",
                            list[i].id);
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(list[k].id, list[i].id) == 0) {
                config_complain(b, list[i].id, "id", "\"%s\" is already the %s of line %u",
                                list[i].id, list[k].what, list[k].line);
                break;
            }
        }
    }
}

/* Channel ids: "<id>_<quantity>", at most HWT_ID_MAX characters, none twice. */

static void check_id_length(struct config_build *b, const struct config_point *point)
{
    const uint8_t *quantity;
    size_t count = config_quantities(point->kind, &quantity);
    const char *longest = "";

    for (size_t i = 0; i < count; i++) {
        const char *id = hwt_quantity_get(quantity[i])->id;

        longest = strlen(id) > strlen(longest) ? id : longest;
    }
    if (strlen(point->id) + 1 + strlen(longest) > HWT_ID_MAX) {
        config_complain(b, point->id, "id",
                        "has %zu characters: at most %zu are possible here, as its channel "
                        "<id>_%s may have %d",
                        strlen(point->id), HWT_ID_MAX - 1 - strlen(longest), longest, HWT_ID_MAX);
    }
}

struct channel {
    char id[HWT_ID_MAX * 2];
    const char *source;
};

/* Adds a channel; true if it is the first of its id. */
static bool add_channel(struct config_build *b, struct channel *list, size_t n, const char *source,
                        const char *quantity)
{
    snprintf(list[n].id, sizeof(list[n].id), "%s_%s", source, quantity);
    list[n].source = source;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i].id, list[n].id) == 0 && strcmp(list[i].source, source) != 0) {
            config_complain(b, source, "id", "gives a channel %s, and so does \"%s\": rename one",
                            list[n].id, list[i].source);
            return false;
        }
    }
    return true;
}

/* "hp_apparent" with power and "hp" with apparent_power are one channel id. */
static void check_twins(struct config_build *b)
{
    struct channel list[CONFIG_CHANNELS_MAX + HWT_Q_COUNT];
    struct config_point point;
    size_t n = 0;

    while (n + 1 < HWT_Q_COUNT) { /* of heatwatt's own channels, those it has and may have later */
        list[n].source = "heatpump";
        snprintf(list[n].id, sizeof(list[n].id), "heatpump_%s",
                 hwt_quantity_get((unsigned)n + 1)->id);
        n++;
    }
    for (unsigned i = 0; config_point_get(b->c, i, &point); i++) {
        const uint8_t *quantity;
        size_t count = config_quantities(point.kind, &quantity);
        bool unique = point.id[0] != '\0';

        for (size_t k = 0; k < count && unique; k++) {
            unique = add_channel(b, list, n++, point.id, hwt_quantity_get(quantity[k])->id);
        }
    }
}

static void check_channels(struct config_build *b)
{
    struct config_point point;
    size_t count = config_channel_count(b->c);

    for (unsigned i = 0; config_point_get(b->c, i, &point); i++) {
        check_id_length(b, &point);
    }
    if (count > CONFIG_CHANNELS_MAX) {
        config_problems_add(b->problems, b->file, 0, "sources",
                            "have %zu channels together: at most %d are possible", count,
                            CONFIG_CHANNELS_MAX);
        return;
    }
    check_twins(b);
}

void config_check_ids(struct config_build *b)
{
    check_ids(b);
    check_channels(b);
}
