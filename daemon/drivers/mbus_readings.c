#include "daemon/drivers/mbus_readings.h"

#include <string.h>

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
static const struct row heat_rows[] = {
    {HWT_MBUS_Q_ENERGY,      HWT_MBUS_U_WH,   HWT_Q_ENERGY,    1,    1,    -1000000000000, 1000000000000},
    {HWT_MBUS_Q_ENERGY,      HWT_MBUS_U_J,    HWT_Q_ENERGY,    1,    3600, -1000000000000, 1000000000000},
    {HWT_MBUS_Q_ENERGY,      HWT_MBUS_U_CAL,  HWT_Q_ENERGY,    1163, 1000000, -1000000000000, 1000000000000},
    {HWT_MBUS_Q_POWER,       HWT_MBUS_U_W,    HWT_Q_POWER,     1,    1,    -1000000000,    1000000000},
    {HWT_MBUS_Q_POWER,       HWT_MBUS_U_J_H,  HWT_Q_POWER,     1,    3600, -1000000000,    1000000000},
    {HWT_MBUS_Q_VOLUME,      HWT_MBUS_U_M3,   HWT_Q_VOLUME,    1000, 1,    -1000000000000, 1000000000000},
    {HWT_MBUS_Q_VOLUME_FLOW, HWT_MBUS_U_M3_H, HWT_Q_FLOW_RATE, 1000, 1,    -100000000,     100000000},
    {HWT_MBUS_Q_FLOW_T,      HWT_MBUS_U_DEGC, HWT_Q_FLOW_T,    1,    1,    -100,           300},
    {HWT_MBUS_Q_RETURN_T,    HWT_MBUS_U_DEGC, HWT_Q_RETURN_T,  1,    1,    -100,           300},
    {HWT_MBUS_Q_DELTA_T,     HWT_MBUS_U_K,    HWT_Q_DELTA_T,   1,    1,    -300,           300},
    {HWT_MBUS_Q_EXTERNAL_T,  HWT_MBUS_U_DEGC, HWT_Q_OUTSIDE_T, 1,    1,    -100,           100},
};
static const struct row electricity_rows[] = {
    {HWT_MBUS_Q_ENERGY,         HWT_MBUS_U_WH,  HWT_Q_IMPORT,         1, 1,    -1000000000000, 1000000000000},
    {HWT_MBUS_Q_ENERGY,         HWT_MBUS_U_J,   HWT_Q_IMPORT,         1, 3600, -1000000000000, 1000000000000},
    {HWT_MBUS_Q_POWER,          HWT_MBUS_U_W,   HWT_Q_POWER,          1, 1,    -1000000000,    1000000000},
    {HWT_MBUS_Q_VOLTAGE,        HWT_MBUS_U_V,   HWT_Q_VOLTAGE,        1, 1,    0,              1000000},
    {HWT_MBUS_Q_CURRENT,        HWT_MBUS_U_A,   HWT_Q_CURRENT,        1, 1,    -100000,        100000},
    {HWT_MBUS_Q_FREQUENCY,      HWT_MBUS_U_HZ,  HWT_Q_FREQUENCY,      1, 1,    10,             100},
    {HWT_MBUS_Q_APPARENT_POWER, HWT_MBUS_U_VA,  HWT_Q_APPARENT_POWER, 1, 1,    0,              1000000000},
    {HWT_MBUS_Q_REACTIVE_POWER, HWT_MBUS_U_VAR, HWT_Q_REACTIVE_POWER, 1, 1,    -1000000000,    1000000000},
};
/* What a profile's rule makes of a record: the unit is the quantity's own. */
static const struct row rule_rows[] = {
    {0, 0, HWT_Q_POWER_FACTOR, 1, 1, -1,             1},
    {0, 0, HWT_Q_FREQUENCY,    1, 1, 10,             100},
    {0, 0, HWT_Q_VOLTAGE,      1, 1, 0,              1000000},
    {0, 0, HWT_Q_CURRENT,      1, 1, -100000,        100000},
    {0, 0, HWT_Q_POWER,        1, 1, -1000000000,    1000000000},
    {0, 0, HWT_Q_ENERGY,       1, 1, -1000000000000, 1000000000000},
};
/* clang-format on */

static const struct {
    const struct row *row;
    size_t rows;
} tables[MBUS_KINDS] = {
    [MBUS_HEAT] = {heat_rows, sizeof(heat_rows) / sizeof(heat_rows[0])},
    [MBUS_ELECTRICITY] = {electricity_rows, sizeof(electricity_rows) / sizeof(electricity_rows[0])},
};

enum { POSITIVE_ONLY = 0x3B, NEGATIVE_ONLY = 0x3C };

size_t mbus_quantities(enum mbus_kind kind, const uint8_t **out)
{
    static const uint8_t heat[] = {
        HWT_Q_POWER,  HWT_Q_ENERGY,   HWT_Q_VOLUME,  HWT_Q_FLOW_RATE,
        HWT_Q_FLOW_T, HWT_Q_RETURN_T, HWT_Q_DELTA_T, HWT_Q_OUTSIDE_T,
    };
    static const uint8_t electricity[] = {
        HWT_Q_POWER,          HWT_Q_IMPORT,         HWT_Q_EXPORT,
        HWT_Q_VOLTAGE,        HWT_Q_CURRENT,        HWT_Q_FREQUENCY,
        HWT_Q_APPARENT_POWER, HWT_Q_REACTIVE_POWER, HWT_Q_POWER_FACTOR,
    };

    *out = kind == MBUS_ELECTRICITY ? electricity : heat;
    return kind == MBUS_ELECTRICITY ? sizeof(electricity) : sizeof(heat);
}

/* Now, and of the whole meter. */
static bool is_present_value(const struct hwt_mbus_record *r)
{
    return r->function == HWT_MBUS_INSTANTANEOUS && r->storage == 0 && r->tariff == 0 &&
           r->subunit == 0;
}

static const struct row *row_of(enum mbus_kind kind, const struct hwt_mbus_record *r)
{
    for (size_t i = 0; i < tables[kind].rows; i++) {
        if (tables[kind].row[i].mbus == r->quantity && tables[kind].row[i].unit == r->unit) {
            return &tables[kind].row[i];
        }
    }
    return NULL;
}

/* By the standard's meaning. *row_out is a copy: an export register is an import one turned round.
 */
static bool find_row(enum mbus_kind kind, const struct hwt_mbus_record *r, struct row *row_out)
{
    const struct row *row = row_of(kind, r);

    if (row == NULL || r->modifiers > 1) {
        return false;
    }
    *row_out = *row;
    if (r->modifiers == 1 && r->modifier[0] == NEGATIVE_ONLY && row->quantity == HWT_Q_IMPORT) {
        row_out->quantity = HWT_Q_EXPORT;
        return true;
    }
    return r->modifiers == 0 || r->modifier[0] == POSITIVE_ONLY;
}

/* The profile's rule for this record, or NULL. `seen` counts records for each rule. */
static const struct mbus_rule *find_rule(const struct mbus_profile *p,
                                         const struct hwt_mbus_record *r,
                                         unsigned seen[MBUS_RULES_MAX])
{
    const struct mbus_rule *found = NULL;

    for (unsigned i = 0; p != NULL && i < p->rules; i++) {
        const struct mbus_rule *rule = &p->rule[i];

        if (r->vib_size >= rule->vif_size && memcmp(r->vib, rule->vif, rule->vif_size) == 0) {
            seen[i]++;
            found = rule->nth == 0 || rule->nth == seen[i] ? rule : found;
        }
    }
    return found;
}

/* By the profile: the number as sent, in the quantity's unit x 10^exponent. */
static bool apply_rule(const struct mbus_rule *rule, struct hwt_mbus_record *r, struct row *row_out)
{
    for (size_t i = 0; i < sizeof(rule_rows) / sizeof(rule_rows[0]); i++) {
        if (rule_rows[i].quantity == rule->quantity) {
            *row_out = rule_rows[i];
            r->exponent += rule->exponent;
            return true;
        }
    }
    return false;
}

/* False if the record holds no number, or one beyond the row's limits. Counts the latter, and where
 * the meter sent octets that it calls invalid itself. */
static bool to_counts(const struct row *row, const struct hwt_mbus_record *r, int64_t *counts,
                      unsigned *implausible)
{
    int64_t per_unit = hwt_quantity_get(row->quantity)->per_unit;
    int64_t mantissa, times = per_unit * row->times, per = row->per, v;
    int exponent;

    if (!hwt_mbus_decimal(r, &mantissa, &exponent)) {
        *implausible += r->kind == HWT_MBUS_NULL && r->raw_size > 0;
        return false;
    }
    /* times <= 3.6e6 x 1163 takes nine powers of ten, per <= 10^6 twelve */
    for (; exponent > 9 && mantissa < INT64_MAX / 10 && mantissa > -INT64_MAX / 10; exponent--) {
        mantissa *= 10;
    }
    for (; exponent < -12; exponent++) {
        mantissa = hwt_div_round(mantissa, 10);
    }
    times *= exponent > 0 && exponent <= 9 ? hwt_pow10(exponent) : 1;
    per *= exponent < 0 ? hwt_pow10(-exponent) : 1;
    if (exponent > 9 || !hwt_mul_div(mantissa, times, per, &v) || v < row->min * per_unit ||
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

size_t mbus_readings(const struct hwt_mbus_telegram *telegram, enum mbus_kind kind,
                     const struct mbus_profile *profile, uint16_t source, int64_t mono_us,
                     struct hwt_reading out[MBUS_READINGS_MAX], unsigned *implausible_out)
{
    struct hwt_mbus_telegram t = *telegram;
    unsigned seen[MBUS_RULES_MAX] = {0};
    struct hwt_mbus_record r;
    struct hwt_mbus_fault fault;
    size_t n = 0;

    *implausible_out = 0;
    while (hwt_mbus_next(&t, &r, &fault) == 1) {
        const struct mbus_rule *rule = is_present_value(&r) ? find_rule(profile, &r, seen) : NULL;
        struct row row;
        int64_t counts;

        if (!is_present_value(&r) ||
            !(rule != NULL ? apply_rule(rule, &r, &row) : find_row(kind, &r, &row)) ||
            n == MBUS_READINGS_MAX || is_among(out, n, row.quantity) ||
            !to_counts(&row, &r, &counts, implausible_out)) {
            continue;
        }
        out[n++] = (struct hwt_reading){.value = counts,
                                        .mono_us = mono_us,
                                        .source = source,
                                        .quantity = row.quantity,
                                        .quality = HWT_QUALITY_GOOD};
    }
    return n;
}
