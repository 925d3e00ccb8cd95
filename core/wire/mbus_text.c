/*
 * mbus_text.c: the names of what M-Bus codes mean, as people and `decode` read them.
 */
#include "core/wire/mbus_vif.h"

const char *hwt_mbus_quantity_name(enum hwt_mbus_quantity q)
{
    static const char *const names[HWT_MBUS_Q_COUNT] = {
#define HWT_X(name, text) [HWT_MBUS_Q_##name] = (text),
        HWT_MBUS_QUANTITIES(HWT_X)
#undef HWT_X
    };

    return (unsigned)q < HWT_MBUS_Q_COUNT ? names[q] : NULL;
}

const char *hwt_mbus_unit_name(enum hwt_mbus_unit u)
{
    static const char *const names[HWT_MBUS_U_COUNT] = {
#define HWT_X(name, text) [HWT_MBUS_U_##name] = (text),
        HWT_MBUS_UNITS(HWT_X)
#undef HWT_X
    };

    return (unsigned)u < HWT_MBUS_U_COUNT ? names[u] : NULL;
}

const char *hwt_mbus_function_name(enum hwt_mbus_function f)
{
    static const char *const names[HWT_MBUS_FUNCTIONS] = {
        [HWT_MBUS_INSTANTANEOUS] = "instantaneous",
        [HWT_MBUS_MAXIMUM] = "maximum",
        [HWT_MBUS_MINIMUM] = "minimum",
        [HWT_MBUS_ERROR] = "error",
        [HWT_MBUS_MAKER_DATA] = "manufacturer_specific",
        [HWT_MBUS_MORE_FOLLOWS] = "more_records_follow",
    };

    return (unsigned)f < HWT_MBUS_FUNCTIONS ? names[f] : NULL;
}

const char *hwt_mbus_modifier_name(uint8_t modifier)
{
    return (modifier & 0x80) != 0 ? hwt_mbus_vife_extended_get(modifier)->name
                                  : hwt_mbus_vife_get(modifier)->name;
}

/* EN 13757-3, table 19: errors of the data sent to a meter, and of those it sends. */
const char *hwt_mbus_record_error_name(uint8_t error)
{
    static const char *const names[0x20] = {
        [0x00] = "none",
        [0x01] = "too_many_difes",
        [0x02] = "storage_not_implemented",
        [0x03] = "unit_not_implemented",
        [0x04] = "tariff_not_implemented",
        [0x05] = "function_not_implemented",
        [0x06] = "data_class_not_implemented",
        [0x07] = "data_size_not_implemented",
        [0x0B] = "too_many_vifes",
        [0x0C] = "illegal_vif_group",
        [0x0D] = "illegal_vif_exponent",
        [0x0E] = "vif_dif_mismatch",
        [0x0F] = "action_not_implemented",
        [0x15] = "no_data_available",
        [0x16] = "data_overflow",
        [0x17] = "data_underflow",
        [0x18] = "data_error",
        [0x1C] = "premature_end_of_record",
    };

    return error < 0x20 && names[error] != NULL ? names[error] : "reserved";
}

/* Device types, EN 13757-3, table 3 (5.7). */
static const char *const device_types[0x38] = {
    [0x00] = "other",
    [0x01] = "oil",
    [0x02] = "electricity",
    [0x03] = "gas",
    [0x04] = "heat_outlet",
    [0x05] = "steam",
    [0x06] = "warm_water",
    [0x07] = "water",
    [0x08] = "heat_cost_allocator",
    [0x09] = "compressed_air",
    [0x0A] = "cooling_outlet",
    [0x0B] = "cooling_inlet",
    [0x0C] = "heat_inlet",
    [0x0D] = "heat_cooling",
    [0x0E] = "bus_system",
    [0x0F] = "unknown",
    [0x14] = "calorific_value",
    [0x15] = "hot_water",
    [0x16] = "cold_water",
    [0x17] = "dual_water",
    [0x18] = "pressure",
    [0x19] = "ad_converter",
    [0x1A] = "smoke_detector",
    [0x1B] = "room_sensor",
    [0x1C] = "gas_detector",
    [0x20] = "breaker",
    [0x21] = "valve",
    [0x25] = "customer_display",
    [0x28] = "waste_water",
    [0x29] = "garbage",
    [0x31] = "communication_controller",
    [0x32] = "repeater",
    [0x33] = "repeater",
    [0x36] = "radio_converter",
    [0x37] = "radio_converter",
};

/* Media of the fixed structure, 4 bits. */
static const char *const fixed_media[16] = {
    "other",      "oil",   "electricity",         "gas",      "heat", "steam",
    "warm_water", "water", "heat_cost_allocator", "reserved", "gas",  "heat",
    "warm_water", "water", "heat_cost_allocator", "reserved",
};

const char *hwt_mbus_medium_name(uint8_t medium, bool fixed)
{
    if (fixed) {
        return fixed_media[medium & 15];
    }
    if (medium < sizeof(device_types) / sizeof(device_types[0]) && device_types[medium] != NULL) {
        return device_types[medium];
    }
    return "reserved";
}

void hwt_mbus_manufacturer_name(uint16_t code, char out[4])
{
    for (unsigned i = 0; i < 3; i++) {
        unsigned letter = (code >> (5 * (2 - i))) & 0x1F;

        if (letter < 1 || letter > 26) {
            out[0] = '?';
            out[1] = '\0';
            return;
        }
        out[i] = (char)('A' + letter - 1);
    }
    out[3] = '\0';
}

size_t hwt_mbus_text(const uint8_t *sent, size_t n, bool msb_first, char *out, size_t room)
{
    size_t done;

    for (done = 0; done < n && done < room; done++) {
        out[done] = (char)sent[msb_first ? done : n - 1 - done];
    }
    return done;
}
