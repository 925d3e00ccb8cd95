/* Roles: what they may name, and whether it exists. */
#include <string.h>

#include "core/base/quantity.h"
#include "daemon/run/config_bind.h"

static const struct {
    const char *id;
    enum config_role_kind kind;
} roles[ROLE_COUNT] = {
#define CONFIG_X(name, id_, kind_, text) [ROLE_##name] = {(id_), ROLE_IS_##kind_},
    CONFIG_ROLES(CONFIG_X)
#undef CONFIG_X
};

const char *config_role_name(enum config_role role)
{
    return (unsigned)role < ROLE_COUNT ? roles[role].id : "?";
}

enum config_role_kind config_role_kind(enum config_role role)
{
    return roles[role].kind;
}

bool config_channel_find(const struct config *c, const char *id, struct config_point *point_out,
                         enum hwt_quantity *quantity_out)
{
    struct config_point point;

    for (unsigned i = 0; config_point_get(c, i, &point); i++) {
        size_t n = strlen(point.id);

        if (n == 0 || strncmp(id, point.id, n) != 0 || id[n] != '_') {
            continue;
        }
        for (size_t k = 0; k < point.quantities; k++) {
            if (strcmp(id + n + 1, hwt_quantity_get(point.quantity[k])->id) == 0) {
                *point_out = point;
                *quantity_out = (enum hwt_quantity)point.quantity[k];
                return true;
            }
        }
    }
    return false;
}

static const char *kind_name(enum config_point_kind kind)
{
    static const char *const names[POINT_KINDS] = {
        [POINT_VOLTAGE] = "a voltage",
        [POINT_CLAMP] = "a clamp",
        [POINT_GROUP] = "a group of clamps",
        [POINT_MBUS] = "a heat meter",
        [POINT_MBUS_ELEC] = "an electricity meter",
        [POINT_MODBUS] = "an electricity meter",
        [POINT_EMON] = "an input of another kind",
        [POINT_HEAT_FLOW] = "heat from flow",
        [POINT_PULSES] = "an electricity meter",
        [POINT_WATER] = "a water meter",
        [POINT_ELSTER] = "an electricity meter",
        [POINT_SENSOR] = "a temperature sensor",
        [POINT_ANALOG] = "a flow sensor",
    };

    return names[kind];
}

static const struct config_source *find_sampler(const struct config *c, const char *id)
{
    for (unsigned i = 0; i < c->source_count; i++) {
        if (c->source[i].type == CONFIG_SAMPLES && strcmp(c->source[i].id, id) == 0) {
            return &c->source[i];
        }
    }
    return NULL;
}

/* A Modbus device is a heat meter if its map has a heat register. */
static bool has_heat(const struct config_point *point)
{
    return point->kind == POINT_MBUS || point->kind == POINT_HEAT_FLOW ||
           (point->kind == POINT_MODBUS && point->quantities > 0 &&
            memchr(point->quantity, HWT_Q_ENERGY, point->quantities) != NULL);
}

static bool delivers(const struct config_point *point, enum hwt_quantity quantity)
{
    return point->quantities > 0 &&
           memchr(point->quantity, (int)quantity, point->quantities) != NULL;
}

static bool suits(enum config_role role, const struct config_point *point)
{
    if (point->kind == POINT_EMON) {
        return delivers(point, HWT_Q_ENERGY) ||
               (role != ROLE_HEAT &&
                (delivers(point, HWT_Q_POWER) || delivers(point, HWT_Q_IMPORT)));
    }
    return role == ROLE_HEAT ? has_heat(point)
                             : point->kind != POINT_VOLTAGE && point->kind != POINT_HEAT_FLOW &&
                                   point->kind != POINT_WATER && point->kind != POINT_SENSOR &&
                                   point->kind != POINT_ANALOG;
}

static void refuse_source(struct config_build *b, enum config_role role, const char *id)
{
    const char *name = config_role_name(role);
    struct config_nearest nearest;
    struct config_point point;
    enum hwt_quantity quantity;

    config_nearest_init(&nearest, id);
    for (unsigned i = 0; config_point_get(b->c, i, &point); i++) {
        if (suits(role, &point)) {
            config_nearest_offer(&nearest, point.id);
        }
    }
    if (config_channel_find(b->c, id, &point, &quantity)) {
        config_complain(b, id, name, "\"%s\" is a channel: name its source, %s", id, point.id);
    } else if (find_sampler(b->c, id) != NULL) {
        config_complain(b, id, name, "\"%s\" is a sampler: name one of its clamps", id);
    } else if (nearest.best != NULL) {
        config_complain(b, id, name, "\"%s\" is not a source, did you mean %s?", id, nearest.best);
    } else {
        config_complain(b, id, name, "\"%s\" is not a source of this file", id);
    }
}

static void check_source(struct config_build *b, enum config_role role, const char *id)
{
    struct config_point point;

    if (!config_point_find(b->c, id, &point)) {
        refuse_source(b, role, id);
    } else if (!suits(role, &point)) {
        config_complain(b, id, config_role_name(role), "\"%s\" is %s, but this role needs %s", id,
                        kind_name(point.kind),
                        role == ROLE_HEAT ? "a heat meter" : "a clamp or a meter");
    }
}

/* The unit a channel of this role must have; NULL: any. */
static const char *unit_of(enum config_role role)
{
    switch (role) {
    case ROLE_FLOW_T:
    case ROLE_RETURN_T:
    case ROLE_OUTSIDE_T:
    case ROLE_ROOM_T:
    case ROLE_DHW_T:
        return hwt_quantity_get(HWT_Q_TEMPERATURE)->unit;
    case ROLE_FLOW_RATE:
        return hwt_quantity_get(HWT_Q_FLOW_RATE)->unit;
    case ROLE_ELEC:
    case ROLE_HEAT:
    case ROLE_IMMERSION:
    case ROLE_DHW_STATUS:
    case ROLE_COOLING_STATUS:
    case ROLE_GRID:
    case ROLE_SOLAR:
    case ROLE_COUNT:
    default:
        return NULL;
    }
}

static void refuse_channel(struct config_build *b, enum config_role role, const char *id)
{
    const char *name = config_role_name(role), *unit = unit_of(role);
    char channel[CONFIG_CHANNELS_MAX][HWT_ID_MAX * 2];
    struct config_nearest nearest;
    struct config_point point;
    size_t n = 0;

    config_nearest_init(&nearest, id);
    for (unsigned i = 0; config_point_get(b->c, i, &point); i++) {
        for (size_t k = 0; k < point.quantities && n < CONFIG_CHANNELS_MAX; k++) {
            const struct hwt_quantity_info *info = hwt_quantity_get(point.quantity[k]);

            if (unit == NULL || strcmp(info->unit, unit) == 0) {
                snprintf(channel[n], sizeof(channel[n]), "%s_%s", point.id, info->id);
                config_nearest_offer(&nearest, channel[n++]);
            }
        }
    }
    if (config_point_find(b->c, id, &point)) {
        config_complain(b, id, name, "\"%s\" is a source: name one of its channels, such as %s_%s",
                        id, id, name);
    } else if (nearest.best != NULL) {
        config_complain(b, id, name, "\"%s\" is not a channel of any source, did you mean %s?", id,
                        nearest.best);
    } else {
        config_complain(b, id, name,
                        "\"%s\" is not a channel of any source: <source>_<quantity>, such as "
                        "heatmeter_flow_t",
                        id);
    }
}

static void check_channel(struct config_build *b, enum config_role role, const char *id)
{
    const char *unit = unit_of(role), *is;
    struct config_point point;
    enum hwt_quantity quantity;

    if (!config_channel_find(b->c, id, &point, &quantity)) {
        refuse_channel(b, role, id);
        return;
    }
    is = hwt_quantity_get(quantity)->unit;
    if (unit != NULL && strcmp(unit, is) != 0) {
        config_complain(b, id, config_role_name(role), "\"%s\" is in %s, but this role needs %s",
                        id, is, unit);
    }
}

void config_check_roles(struct config_build *b)
{
    struct config_point point;

    for (unsigned i = 0; config_point_get(b->c, i, &point); i++) {
        b->unsure |= point.id[0] == '\0';
    }
    for (unsigned r = 0; r < ROLE_COUNT && !b->unsure; r++) {
        const char *id = b->c->role[r];

        if (id[0] == '\0') {
            continue;
        }
        if (config_role_kind((enum config_role)r) == ROLE_IS_SOURCE) {
            check_source(b, (enum config_role)r, id);
        } else {
            check_channel(b, (enum config_role)r, id);
        }
    }
}
