#include "daemon/drivers/mbus_readings.h"

#include "core/base/fixed.h"
#include "core/base/quantity.h"

/*
 * One fact a row: a record of this quantity and unit is that quantity of the log. `times / per`
 * turns the record's unit into the log's (1 Wh = 3600 J). min and max are in the log's unit: far
 * outside anything a house's meter can mean, so that a broken sensor's filler (-327.68 degC) is not
 * logged as a value.
 */
struct row {
    uint8_t mbus; /* enum hwt_mbus_quantity */
    uint8_t unit; /* enum hwt_mbus_unit */
    uint8_t quantity;
    int32_t times, per;
    int64_t min, max;
};

/* clang-format off */
static const struct row rows[] = {
    {HWT_MBUS_Q_ENERGY,      HWT_MBUS_U_WH,   HWT_Q_ENERGY,    1,    1,    -1000000000000, 1000000000000},
    {HWT_MBUS_Q_ENERGY,      HWT_MBUS_U_J,    HWT_Q_ENERGY,    1,    3600, -1000000000000, 1000000000000},
    {HWT_MBUS_Q_POWER,       HWT_MBUS_U_W,    HWT_Q_POWER,     1,    1,    -1000000000,    1000000000},
    {HWT_MBUS_Q_POWER,       HWT_MBUS_U_J_H,  HWT_Q_POWER,     1,    3600, -1000000000,    1000000000},
    {HWT_MBUS_Q_VOLUME,      HWT_MBUS_U_M3,   HWT_Q_VOLUME,    1000, 1,    -1000000000000, 1000000000000},
    {HWT_MBUS_Q_VOLUME_FLOW, HWT_MBUS_U_M3_H, HWT_Q_FLOW_RATE, 1000, 1,    -100000000,     100000000},
    {HWT_MBUS_Q_FLOW_T,      HWT_MBUS_U_DEGC, HWT_Q_FLOW_T,    1,    1,    -100,           300},
    {HWT_MBUS_Q_RETURN_T,    HWT_MBUS_U_DEGC, HWT_Q_RETURN_T,  1,    1,    -100,           300},
    {HWT_MBUS_Q_DELTA_T,     HWT_MBUS_U_K,    HWT_Q_DELTA_T,   1,    1,    -300,           300},
    {HWT_MBUS_Q_EXTERNAL_T,  HWT_MBUS_U_DEGC, HWT_Q_OUTSIDE_T, 1,    1,    -100,           100},
};
/* clang-format on */

size_t mbus_quantities(const uint8_t **out)
{
    static const uint8_t quantities[] = {
        HWT_Q_POWER,  HWT_Q_ENERGY,   HWT_Q_VOLUME,  HWT_Q_FLOW_RATE,
        HWT_Q_FLOW_T, HWT_Q_RETURN_T, HWT_Q_DELTA_T, HWT_Q_OUTSIDE_T,
    };

    *out = quantities;
    return sizeof(quantities);
}

/* Now, of the whole meter, and not qualified; "positive only" is a heat register beside a cold. */
static bool is_present_value(const struct hwt_mbus_record *r)
{
    enum { POSITIVE_ONLY = 0x3B };

    return r->function == HWT_MBUS_INSTANTANEOUS && r->storage == 0 && r->tariff == 0 &&
           r->subunit == 0 &&
           (r->modifiers == 0 || (r->modifiers == 1 && r->modifier[0] == POSITIVE_ONLY));
}

static const struct row *find_row(const struct hwt_mbus_record *r)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].mbus == r->quantity && rows[i].unit == r->unit) {
            return &rows[i];
        }
    }
    return NULL;
}

/* False if the record holds no number, or one beyond the row's limits (*implausible). */
static bool to_counts(const struct row *row, const struct hwt_mbus_record *r, int64_t *counts,
                      unsigned *implausible)
{
    int64_t per_unit = hwt_quantity_get(row->quantity)->per_unit;
    int64_t mantissa, times = per_unit * row->times, per = row->per, v;
    int exponent;

    if (!hwt_mbus_decimal(r, &mantissa, &exponent)) {
        return false;
    }
    /* times <= 3.6e6 and per <= 3600, so twelve powers of ten fit either; VIFs reach 10^9 */
    for (; exponent > 12 && mantissa < INT64_MAX / 10 && mantissa > -INT64_MAX / 10; exponent--) {
        mantissa *= 10;
    }
    for (; exponent < -12; exponent++) {
        mantissa = hwt_div_round(mantissa, 10);
    }
    times *= exponent > 0 && exponent <= 12 ? hwt_pow10(exponent) : 1;
    per *= exponent < 0 ? hwt_pow10(-exponent) : 1;
    if (exponent > 12 || !hwt_mul_div(mantissa, times, per, &v) || v < row->min * per_unit ||
        v > row->max * per_unit) {
        ++*implausible;
        return false;
    }
    *counts = v;
    return true;
}

static bool is_among(const struct hwt_reading *out, size_t n, uint8_t quantity)
{
    for (size_t i = 0; i < n; i++) {
        if (out[i].quantity == quantity) {
            return true;
        }
    }
    return false;
}

size_t mbus_readings(const struct hwt_mbus_telegram *telegram, uint16_t source, int64_t mono_us,
                     struct hwt_reading out[MBUS_READINGS_MAX], unsigned *implausible_out)
{
    struct hwt_mbus_telegram t = *telegram;
    struct hwt_mbus_record r;
    struct hwt_mbus_fault fault;
    size_t n = 0;

    *implausible_out = 0;
    while (hwt_mbus_next(&t, &r, &fault) == 1) {
        const struct row *row = is_present_value(&r) ? find_row(&r) : NULL;
        int64_t counts;

        if (row == NULL || n == MBUS_READINGS_MAX || is_among(out, n, row->quantity) ||
            !to_counts(row, &r, &counts, implausible_out)) {
            continue;
        }
        out[n++] = (struct hwt_reading){.value = counts,
                                        .mono_us = mono_us,
                                        .source = source,
                                        .quantity = row->quantity,
                                        .quality = HWT_QUALITY_GOOD};
    }
    return n;
}
