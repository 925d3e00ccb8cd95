/* What the sources of a configuration deliver: points and their quantities. */
#include <string.h>

#include "daemon/drivers/mbus_readings.h"
#include "daemon/run/config.h"
#include "daemon/run/config_map.h"

static const uint8_t voltage_quantities[] = {HWT_Q_VOLTAGE, HWT_Q_FREQUENCY};

static const uint8_t clamp_quantities[] = {
    HWT_Q_POWER,        HWT_Q_CURRENT, HWT_Q_APPARENT_POWER, HWT_Q_REACTIVE_POWER,
    HWT_Q_POWER_FACTOR, HWT_Q_IMPORT,  HWT_Q_EXPORT,
};

static const uint8_t group_quantities[] = {
    HWT_Q_POWER,  HWT_Q_APPARENT_POWER, HWT_Q_REACTIVE_POWER, HWT_Q_POWER_FACTOR,
    HWT_Q_IMPORT, HWT_Q_EXPORT,         HWT_Q_SUMMED_IMPORT,  HWT_Q_SUMMED_EXPORT,
};

static const uint8_t pulses_quantities[] = {HWT_Q_POWER, HWT_Q_IMPORT};
static const uint8_t elster_quantities[] = {HWT_Q_POWER, HWT_Q_IMPORT, HWT_Q_EXPORT};
static const uint8_t water_quantities[] = {HWT_Q_VOLUME, HWT_Q_FLOW_RATE};

/* In the order of enum config_temperature; a sensor has one of them. */
static const uint8_t sensor_quantities[TEMPERATURES] = {
    HWT_Q_TEMPERATURE, HWT_Q_FLOW_T, HWT_Q_RETURN_T, HWT_Q_OUTSIDE_T, HWT_Q_ROOM_T, HWT_Q_DHW_T,
};

size_t config_quantities(enum config_point_kind kind, const uint8_t **quantities_out)
{
    switch (kind) {
    case POINT_VOLTAGE:
        *quantities_out = voltage_quantities;
        return sizeof(voltage_quantities);
    case POINT_CLAMP:
        *quantities_out = clamp_quantities;
        return sizeof(clamp_quantities);
    case POINT_GROUP:
        *quantities_out = group_quantities;
        return sizeof(group_quantities);
    case POINT_MBUS:
        return mbus_quantities(MBUS_HEAT, quantities_out);
    case POINT_MBUS_ELEC:
        return mbus_quantities(MBUS_ELECTRICITY, quantities_out);
    case POINT_PULSES:
        *quantities_out = pulses_quantities;
        return sizeof(pulses_quantities);
    case POINT_WATER:
        *quantities_out = water_quantities;
        return sizeof(water_quantities);
    case POINT_ELSTER:
        *quantities_out = elster_quantities;
        return sizeof(elster_quantities);
    case POINT_SENSOR:
        *quantities_out = sensor_quantities;
        return sizeof(sensor_quantities);
    case POINT_MODBUS:
    case POINT_EMON:
    case POINT_ANALOG:
    case POINT_HEAT_FLOW:
    case POINT_KINDS:
        break;
    }
    return 0;
}

const char *config_source_type_name(enum config_source_type type)
{
#define CONFIG_X(name, id) id,
    static const char *const names[] = {CONFIG_SOURCE_TYPES(CONFIG_X)};
#undef CONFIG_X

    return (unsigned)type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}

/* --- point number `index` of a source: false if it has fewer --- */

static bool part_point(const struct config_source *source, unsigned index,
                       struct config_point *point_out)
{
    for (unsigned p = 0; p < CONFIG_PARTS; p++) {
        if (source->part_id[p][0] != '\0' && index-- == 0) {
            *point_out = (struct config_point){.kind = POINT_MODBUS,
                                               .id = source->part_id[p],
                                               .label = source->part_label[p],
                                               .input = p,
                                               .quantity = source->map->quantity[p],
                                               .quantities = source->map->quantities[p]};
            return true;
        }
    }
    return false;
}

static bool emon_point(const struct config_source *source, unsigned index,
                       struct config_point *point_out)
{
    const struct config_emon_input *in = &source->emon[index];

    if (index >= source->emon_count) {
        return false;
    }
    *point_out = (struct config_point){.kind = POINT_EMON,
                                       .id = in->id,
                                       .label = in->label,
                                       .input = index,
                                       .quantity = in->delivers,
                                       .quantities = in->quantities};
    return true;
}

static bool sensor_point(const struct config_source *source, unsigned index,
                         struct config_point *point_out)
{
    const struct config_sensor *sensor = &source->sensors[index];

    if (index >= source->sensor_count) {
        return false;
    }
    *point_out = (struct config_point){.kind = POINT_SENSOR,
                                       .id = sensor->id,
                                       .label = sensor->label,
                                       .input = index,
                                       .quantity = &sensor_quantities[sensor->quantity],
                                       .quantities = 1};
    return true;
}

static bool group_point(const struct config_source *source, unsigned index,
                        struct config_point *point_out)
{
    const struct config_group *group = &source->groups[index];

    if (index >= source->group_count) {
        return false;
    }
    *point_out = (struct config_point){
        .kind = POINT_GROUP, .id = group->id, .label = group->label, .input = index};
    point_out->quantities = config_quantities(POINT_GROUP, &point_out->quantity);
    return true;
}

/* Voltages, then clamps, then groups. */
static bool input_point(const struct config_source *source, unsigned index,
                        struct config_point *point_out)
{
    bool voltage = index < source->voltage_count;
    unsigned input = voltage ? index : index - source->voltage_count;
    const struct config_input *in = voltage ? &source->voltages[input] : &source->clamps[input];

    if (!voltage && input >= source->clamp_count) {
        return group_point(source, input - source->clamp_count, point_out);
    }
    *point_out = (struct config_point){.kind = voltage ? POINT_VOLTAGE : POINT_CLAMP,
                                       .id = in->id,
                                       .label = in->label,
                                       .input = input,
                                       .quantity = in->delivers,
                                       .quantities = in->quantities};
    return true;
}

/* A source that is one point, with the quantities of its kind. */
static bool only_point(const struct config_source *source, enum config_point_kind kind,
                       unsigned index, struct config_point *point_out)
{
    *point_out = (struct config_point){.kind = kind, .id = source->id, .label = source->label};
    point_out->quantities = config_quantities(kind, &point_out->quantity);
    return index == 0;
}

/* The same, with quantities of its own. */
static bool own_point(const struct config_source *source, enum config_point_kind kind,
                      unsigned index, struct config_point *point_out)
{
    *point_out = (struct config_point){.kind = kind,
                                       .id = source->id,
                                       .label = source->label,
                                       .quantity = source->delivers,
                                       .quantities = source->quantities};
    return index == 0;
}

static bool point_of(const struct config_source *s, unsigned index, struct config_point *point_out)
{
    switch (s->type) {
    case CONFIG_SAMPLES:
        return input_point(s, index, point_out);
    case CONFIG_MBUS:
        return only_point(s, s->measures == CONFIG_HEAT ? POINT_MBUS : POINT_MBUS_ELEC, index,
                          point_out);
    case CONFIG_MODBUS:
        return part_point(s, index, point_out);
    case CONFIG_EMON:
        return emon_point(s, index, point_out);
    case CONFIG_HEAT_FLOW:
        return own_point(s, POINT_HEAT_FLOW, index, point_out);
    case CONFIG_ANALOG:
        return own_point(s, POINT_ANALOG, index, point_out);
    case CONFIG_PULSES:
        return only_point(s, s->volume ? POINT_WATER : POINT_PULSES, index, point_out);
    case CONFIG_ELSTER:
        return only_point(s, POINT_ELSTER, index, point_out);
    case CONFIG_DS18B20:
        return sensor_point(s, index, point_out);
    }
    return false;
}

bool config_point_get(const struct config *c, unsigned index, struct config_point *point_out)
{
    struct config_point point;

    for (unsigned s = 0; s < c->source_count; s++) {
        for (unsigned k = 0; point_of(&c->source[s], k, &point); k++) {
            if (index-- == 0) {
                *point_out = point;
                point_out->source = s;
                return true;
            }
        }
    }
    return false;
}

bool config_point_find(const struct config *c, const char *id, struct config_point *point_out)
{
    struct config_point point;

    for (unsigned i = 0; config_point_get(c, i, &point); i++) {
        if (strcmp(point.id, id) == 0) {
            *point_out = point;
            return true;
        }
    }
    return false;
}

size_t config_channel_count(const struct config *c)
{
    struct config_point point;
    size_t count = 0;

    for (unsigned i = 0; config_point_get(c, i, &point); i++) {
        count += point.quantities;
    }
    return count;
}
