/* meter_readings.c: a channel as readings of the quantity table. */
#include <math.h>
#include <string.h>

#include "core/base/quantity.h"
#include "core/meter/meter.h"

/* One row: a number of a channel, what it is and which quality it has. */
struct reading_row {
    uint8_t kind; /* enum hwt_slot_kind */
    uint8_t quantity;
    size_t number, quality; /* offsets in struct hwt_meter_channel */
};

#define ROW(kind, quantity, number, quality)                                           \
    {                                                                                  \
        HWT_SLOT_##kind, HWT_Q_##quantity, offsetof(struct hwt_meter_channel, number), \
            offsetof(struct hwt_meter_channel, quality)                                \
    }

/* clang-format off */
static const struct reading_row gauges[] = {
    ROW(VOLTAGE, VOLTAGE,        rms,    rms_quality),
    ROW(VOLTAGE, FREQUENCY,      hz,     hz_quality),
    ROW(CURRENT, CURRENT,        rms,    rms_quality),
    ROW(CURRENT, POWER,          p_w,    power_quality),
    ROW(CURRENT, APPARENT_POWER, s_va,   power_quality),
    ROW(CURRENT, REACTIVE_POWER, q1_var, power_quality),
    ROW(CURRENT, POWER_FACTOR,   pf,     pf_quality),
};

static const struct reading_row counters[] = {
    ROW(CURRENT, IMPORT, import_mj, energy_quality),
    ROW(CURRENT, EXPORT, export_mj, energy_quality),
};
/* clang-format on */

static int64_t gauge_counts(const struct hwt_meter_channel *c, const struct reading_row *row)
{
    double value;

    memcpy(&value, (const uint8_t *)c + row->number, sizeof(value));
    return (int64_t)llround(value * (double)hwt_quantity_get(row->quantity)->per_unit);
}

static int64_t counter_counts(const struct hwt_meter_channel *c, const struct reading_row *row)
{
    int64_t value; /* mJ, the counts of the table */

    memcpy(&value, (const uint8_t *)c + row->number, sizeof(value));
    return value;
}

size_t hwt_meter_readings(const struct hwt_meter_channel *channel, uint16_t source, int64_t mono_us,
                          struct hwt_reading out[HWT_METER_READINGS_MAX])
{
    size_t gauge_rows = sizeof(gauges) / sizeof(gauges[0]);
    size_t rows = gauge_rows + sizeof(counters) / sizeof(counters[0]);
    size_t n = 0;

    for (size_t i = 0; i < rows; i++) {
        const struct reading_row *row = i < gauge_rows ? &gauges[i] : &counters[i - gauge_rows];
        uint8_t quality = ((const uint8_t *)channel)[row->quality];

        if (row->kind == channel->kind && quality != HWT_QUALITY_MISSING) {
            out[n++] = (struct hwt_reading){
                .value = i < gauge_rows ? gauge_counts(channel, row) : counter_counts(channel, row),
                .mono_us = mono_us,
                .source = source,
                .quantity = row->quantity,
                .quality = quality,
            };
        }
    }
    return n;
}
