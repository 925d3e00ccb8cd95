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

static bool input_point(const struct config_input *in, enum config_point_kind kind, unsigned source,
                        unsigned input, struct config_point *point_out)
{
    *point_out = (struct config_point){
        .kind = kind, .id = in->id, .label = in->label, .source = source, .input = input};
    point_out->quantities = config_quantities(kind, &point_out->quantity);
    return true;
}

const char *config_source_type_name(enum config_source_type type)
{
    static const char *const names[] = {"samples", "mbus",   "modbus",  "emon",  "heat_from_flow",
                                        "pulses",  "elster", "ds18b20", "analog"};

    return (unsigned)type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}

/* Part number *index of those the device has; *index is lessened by them if there are fewer. */
static bool part_point(const struct config_source *source, unsigned s, unsigned *index,
                       struct config_point *point_out)
{
    for (unsigned p = 0; p < CONFIG_PARTS; p++) {
        if (source->part_id[p][0] == '\0') {
            continue;
        }
        if (*index == 0) {
            *point_out = (struct config_point){
                .kind = POINT_MODBUS,
                .id = source->part_id[p],
                .label = source->part_label[p],
                .source = s,
                .input = p,
                .quantity = source->map->quantity[p],
                .quantities = source->map->quantities[p],
            };
            return true;
        }
        --*index;
    }
    return false;
}

static bool emon_point(const struct config_source *source, unsigned s, unsigned *index,
                       struct config_point *point_out)
{
    const struct config_emon_input *in = &source->emon[*index];

    if (*index >= source->emon_count) {
        *index -= source->emon_count;
        return false;
    }
    *point_out = (struct config_point){.kind = POINT_EMON,
                                       .id = in->id,
                                       .label = in->label,
                                       .source = s,
                                       .input = *index,
                                       .quantity = in->delivers,
                                       .quantities = in->quantities};
    return true;
}

static bool sensor_point(const struct config_source *source, unsigned s, unsigned index,
                         struct config_point *point_out)
{
    const struct config_sensor *sensor = &source->sensors[index];

    *point_out = (struct config_point){.kind = POINT_SENSOR,
                                       .id = sensor->id,
                                       .label = sensor->label,
                                       .source = s,
                                       .input = index,
                                       .quantity = &sensor_quantities[sensor->quantity],
                                       .quantities = 1};
    return true;
}

/* A source that is one point. */
static bool is_single(enum config_source_type type)
{
    return type == CONFIG_MBUS || type == CONFIG_PULSES || type == CONFIG_ELSTER;
}

static enum config_point_kind kind_of(const struct config_source *source)
{
    if (source->type == CONFIG_PULSES) {
        return source->volume ? POINT_WATER : POINT_PULSES;
    }
    if (source->type == CONFIG_ELSTER) {
        return POINT_ELSTER;
    }
    return source->measures == CONFIG_HEAT ? POINT_MBUS : POINT_MBUS_ELEC;
}

bool config_point_get(const struct config *c, unsigned index, struct config_point *point_out)
{
    for (unsigned s = 0; s < c->source_count; s++) {
        const struct config_source *source = &c->source[s];

        if (is_single(source->type)) {
            if (index == 0) {
                *point_out = (struct config_point){
                    .kind = kind_of(source), .id = source->id, .label = source->label, .source = s};
                point_out->quantities = config_quantities(point_out->kind, &point_out->quantity);
                return true;
            }
            index--;
            continue;
        }
        if (source->type == CONFIG_MODBUS) {
            if (part_point(source, s, &index, point_out)) {
                return true;
            }
            continue;
        }
        if (source->type == CONFIG_EMON) {
            if (emon_point(source, s, &index, point_out)) {
                return true;
            }
            continue;
        }
        if (source->type == CONFIG_HEAT_FLOW || source->type == CONFIG_ANALOG) {
            if (index-- == 0) {
                *point_out = (struct config_point){
                    .kind = source->type == CONFIG_ANALOG ? POINT_ANALOG : POINT_HEAT_FLOW,
                    .id = source->id,
                    .label = source->label,
                    .source = s,
                    .quantity = source->delivers,
                    .quantities = source->quantities};
                return true;
            }
            continue;
        }
        if (index < source->sensor_count) {
            return sensor_point(source, s, index, point_out);
        }
        index -= source->sensor_count;
        if (index < source->voltage_count) {
            return input_point(&source->voltages[index], POINT_VOLTAGE, s, index, point_out);
        }
        index -= source->voltage_count;
        if (index < source->clamp_count) {
            return input_point(&source->clamps[index], POINT_CLAMP, s, index, point_out);
        }
        index -= source->clamp_count;
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
