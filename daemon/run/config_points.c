/* What the sources of a configuration deliver: points and their quantities. */
#include <string.h>

#include "daemon/drivers/mbus_readings.h"
#include "daemon/run/config.h"

static const uint8_t voltage_quantities[] = {HWT_Q_VOLTAGE, HWT_Q_FREQUENCY};

static const uint8_t clamp_quantities[] = {
    HWT_Q_POWER,        HWT_Q_CURRENT, HWT_Q_APPARENT_POWER, HWT_Q_REACTIVE_POWER,
    HWT_Q_POWER_FACTOR, HWT_Q_IMPORT,  HWT_Q_EXPORT,
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
    return true;
}

bool config_point_get(const struct config *c, unsigned index, struct config_point *point_out)
{
    for (unsigned s = 0; s < c->source_count; s++) {
        const struct config_source *source = &c->source[s];

        if (source->type == CONFIG_MBUS) {
            if (index == 0) {
                *point_out = (struct config_point){
                    .kind = source->measures == CONFIG_HEAT ? POINT_MBUS : POINT_MBUS_ELEC,
                    .id = source->id,
                    .label = source->label,
                    .source = s};
                return true;
            }
            index--;
            continue;
        }
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
    const uint8_t *quantities;
    size_t count = 0;

    for (unsigned i = 0; config_point_get(c, i, &point); i++) {
        count += config_quantities(point.kind, &quantities);
    }
    return count;
}
