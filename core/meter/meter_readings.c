/* meter_readings.c: a channel or a group as readings of the quantity table. */
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

/* --- what is asked for --- */

/* clang-format off */
static const struct reading_row more[] = {
    ROW(VOLTAGE, THD,         thd,            thd_quality),
    ROW(CURRENT, THD,         thd,            thd_quality),
    ROW(CURRENT, COS_PHI,     pf1,            pf_quality),
    ROW(CURRENT, REACTIVE_Q1, reactive_mj[0], energy_quality),
    ROW(CURRENT, REACTIVE_Q2, reactive_mj[1], energy_quality),
    ROW(CURRENT, REACTIVE_Q3, reactive_mj[2], energy_quality),
    ROW(CURRENT, REACTIVE_Q4, reactive_mj[3], energy_quality),
};
/* clang-format on */

static const struct reading_row *find_row(uint8_t kind, uint8_t quantity)
{
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        if (more[i].kind == kind && more[i].quantity == quantity) {
            return &more[i];
        }
    }
    return NULL;
}

/* A share as counts of %. */
static int64_t percent_counts(double share, uint8_t quantity)
{
    return (int64_t)llround(100 * share * (double)hwt_quantity_get(quantity)->per_unit);
}

/* False: the spectrum has none of this quantity, or there is none. */
static bool harmonic(const struct hwt_meter_spectrum *spectrum, struct hwt_reading *out)
{
    unsigned order = out->quantity - HWT_Q_HARMONIC_2 + 2u;

    if (spectrum == NULL || out->quantity < HWT_Q_HARMONIC_2 || out->quantity > HWT_Q_HARMONIC_40 ||
        !(spectrum->rms[0] > 0)) {
        return false;
    }
    out->value = percent_counts(spectrum->rms[order - 1] / spectrum->rms[0], out->quantity);
    return true;
}

/* Value and quality of out->quantity; false: it is none of the channel's. */
static bool fill(const struct hwt_meter_channel *c, const struct hwt_meter_spectrum *spectrum,
                 struct hwt_reading *out)
{
    const struct reading_row *row = find_row(c->kind, out->quantity);

    if (row == NULL) {
        out->quality = c->thd_quality;
        return harmonic(spectrum, out);
    }
    out->quality = ((const uint8_t *)c)[row->quality];
    if (row->quantity == HWT_Q_THD) {
        out->value = percent_counts(c->thd, HWT_Q_THD);
    } else if (hwt_quantity_get(row->quantity)->kind == HWT_COUNTER) {
        out->value = counter_counts(c, row);
    } else {
        out->value = gauge_counts(c, row);
    }
    return true;
}

size_t hwt_meter_more_readings(const struct hwt_meter_channel *channel,
                               const struct hwt_meter_spectrum *spectrum, const uint8_t *quantity,
                               size_t n, uint16_t source, int64_t mono_us, struct hwt_reading *out)
{
    size_t written = 0;

    for (size_t i = 0; i < n; i++) {
        struct hwt_reading r = {.mono_us = mono_us, .source = source, .quantity = quantity[i]};

        if (fill(channel, spectrum, &r) && r.quality != HWT_QUALITY_MISSING) {
            out[written++] = r;
        }
    }
    return written;
}

size_t hwt_meter_total_readings(const struct hwt_meter_total *total, uint16_t source,
                                int64_t mono_us, struct hwt_reading out[HWT_METER_TOTAL_READINGS])
{
    const struct {
        uint8_t quantity;
        double value;
    } gauge[] = {{HWT_Q_POWER, total->p_w},
                 {HWT_Q_REACTIVE_POWER, total->q1_var},
                 {HWT_Q_APPARENT_POWER, total->se_va},
                 {HWT_Q_POWER_FACTOR, total->pf}};
    const struct {
        uint8_t quantity;
        int64_t mj;
    } counter[] = {{HWT_Q_IMPORT, total->vector_import_mj},
                   {HWT_Q_EXPORT, total->vector_export_mj},
                   {HWT_Q_SUMMED_IMPORT, total->phase_import_mj},
                   {HWT_Q_SUMMED_EXPORT, total->phase_export_mj}};
    size_t n = 0;

    for (size_t i = 0; i < sizeof(gauge) / sizeof(gauge[0]); i++) {
        bool known = total->quality != HWT_QUALITY_MISSING &&
                     (gauge[i].quantity != HWT_Q_POWER_FACTOR || total->se_va > 0);

        if (known) {
            double per_unit = (double)hwt_quantity_get(gauge[i].quantity)->per_unit;

            out[n++] = (struct hwt_reading){(int64_t)llround(gauge[i].value * per_unit), mono_us,
                                            source, gauge[i].quantity, total->quality};
        }
    }
    for (size_t i = 0; i < sizeof(counter) / sizeof(counter[0]); i++) {
        out[n++] = (struct hwt_reading){counter[i].mj, mono_us, source, counter[i].quantity,
                                        HWT_QUALITY_GOOD};
    }
    return n;
}
