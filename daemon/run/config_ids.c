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

enum {
    NAMED_MAX =
        CONFIG_SOURCES_MAX * (CONFIG_PARTS + CONFIG_VOLTAGES_MAX + HWT_SLOTS_MAX +
                              CONFIG_GROUPS_MAX + CONFIG_EMON_INPUTS_MAX + CONFIG_SENSORS_MAX)
};

static size_t add_inputs(struct named *list, size_t n, const struct config_input *in,
                         unsigned count, const char *what)
{
    for (unsigned i = 0; i < count; i++) {
        list[n++] = (struct named){in[i].id, what, in[i].line};
    }
    return n;
}

/* The phases of a Modbus device are sources of channel ids too. */
static size_t add_parts(struct named *list, size_t n, const struct config_source *source)
{
    for (unsigned p = 1; source->id[0] != '\0' && p < CONFIG_PARTS; p++) {
        if (source->part_id[p][0] != '\0') {
            list[n++] = (struct named){source->part_id[p], "phase", source->line};
        }
    }
    return n;
}

static size_t add_groups(struct named *list, size_t n, const struct config_source *source)
{
    for (unsigned i = 0; i < source->group_count; i++) {
        list[n++] = (struct named){source->groups[i].id, "group", source->groups[i].line};
    }
    return n;
}

static size_t add_sensors(struct named *list, size_t n, const struct config_source *source)
{
    for (unsigned i = 0; i < source->sensor_count; i++) {
        list[n++] = (struct named){source->sensors[i].id, "sensor", source->sensors[i].line};
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
        n = add_parts(list, n, source);
        n = add_inputs(list, n, source->voltages, source->voltage_count, "voltage");
        n = add_inputs(list, n, source->clamps, source->clamp_count, "clamp");
        n = add_groups(list, n, source);
        for (unsigned i = 0; i < source->emon_count; i++) {
            list[n++] = (struct named){source->emon[i].id, "input", source->emon[i].line};
        }
        n = add_sensors(list, n, source);
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

static bool check_id_length(struct config_build *b, const struct config_point *point)
{
    const char *id = point->kind == POINT_MODBUS ? b->c->source[point->source].id : point->id;
    const char *part = point->id + strlen(id); /* "" or "_l1" */
    const char *longest = "";
    size_t most;

    for (size_t i = 0; i < point->quantities; i++) {
        const char *q = hwt_quantity_get(point->quantity[i])->id;

        longest = strlen(q) > strlen(longest) ? q : longest;
    }
    most = HWT_ID_MAX - 1 - strlen(longest) - strlen(part);
    if (strlen(id) <= most) {
        return true;
    }
    config_complain(
        b, id, "id",
        "has %zu characters: at most %zu are possible here, as its channel <id>%s_%s may "
        "have %d",
        strlen(id), most, part, longest, HWT_ID_MAX);
    return false;
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
        bool unique = b->c->source[point.source].id[0] != '\0' && point.id[0] != '\0';

        for (size_t k = 0; k < point.quantities && unique; k++) {
            unique = add_channel(b, list, n++, point.id, hwt_quantity_get(point.quantity[k])->id);
        }
    }
}

static void check_channels(struct config_build *b)
{
    struct config_point point;
    size_t count = config_channel_count(b->c);
    unsigned last =
        CONFIG_SOURCES_MAX; /* a device whose id is too long for its phases: said once */

    for (unsigned i = 0; config_point_get(b->c, i, &point); i++) {
        if ((point.kind != POINT_MODBUS || point.source != last) && !check_id_length(b, &point)) {
            last = point.source;
        }
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
