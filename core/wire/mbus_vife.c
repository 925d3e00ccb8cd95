/*
 * mbus_vife.c: the VIFEs that may follow any VIF, EN 13757-3 (clause 6.4.5, tables 15 and 16), and
 * the record errors among them (table 19). One fact a row; every code has an entry.
 */
#include "core/wire/mbus_vif.h"

#define NAMED(code, text)              [code] = {(text), HWT_MBUS_EFFECT_NAMED, 0}
#define E1(code, name, kind, argument) [code] = {(name), HWT_MBUS_EFFECT_##kind, (argument)}
#define E2(code, name, kind, argument) \
    E1(code, name, kind, argument), E1((code) + 1, name, kind, (argument) + 1)
#define E4(code, name, kind, argument) \
    E2(code, name, kind, argument), E2((code) + 2, name, kind, (argument) + 2)
#define ERR1(code) E1(code, NULL, ERROR, code)
#define ERR4(code) E4(code, NULL, ERROR, code) /* arg: the code itself */

/* Combinable VIFEs, EN 13757-3, table 15, and record errors, table 19. */
static const struct hwt_mbus_vife combinable[128] = {
    /* clang-format off */
    ERR4(0x00), ERR4(0x04), ERR4(0x08), ERR4(0x0C), /* table 19 */
    ERR1(0x10), ERR1(0x11),
    NAMED(0x12, "average"),
    NAMED(0x13, "inverse_compact_profile"),
    NAMED(0x14, "relative_deviation"),
    ERR1(0x15), ERR1(0x16), ERR1(0x17), ERR4(0x18), ERR1(0x1C),
    NAMED(0x1D, "standard_conform_content"),
    NAMED(0x1E, "compact_profile_with_registers"),
    NAMED(0x1F, "compact_profile"),
    NAMED(0x20, "per_second"),
    NAMED(0x21, "per_minute"),
    NAMED(0x22, "per_hour"),
    NAMED(0x23, "per_day"),
    NAMED(0x24, "per_week"),
    NAMED(0x25, "per_month"),
    NAMED(0x26, "per_year"),
    NAMED(0x27, "per_revolution"),
    NAMED(0x28, "per_input_pulse_0"),
    NAMED(0x29, "per_input_pulse_1"),
    NAMED(0x2A, "per_output_pulse_0"),
    NAMED(0x2B, "per_output_pulse_1"),
    NAMED(0x2C, "per_l"),
    NAMED(0x2D, "per_m3"),
    NAMED(0x2E, "per_kg"),
    NAMED(0x2F, "per_K"),
    NAMED(0x30, "per_kWh"),
    NAMED(0x31, "per_GJ"),
    NAMED(0x32, "per_kW"),
    NAMED(0x33, "per_K_l"),
    NAMED(0x34, "per_V"),
    NAMED(0x35, "per_A"),
    NAMED(0x36, "times_s"),
    NAMED(0x37, "times_s_per_V"),
    NAMED(0x38, "times_s_per_A"),
    E1(0x39,    "start_of", DATE, 0),
    NAMED(0x3A, "uncorrected"),
    NAMED(0x3B, "positive_only"),
    NAMED(0x3C, "negative_only"),
    NAMED(0x3D, "non_metric"),
    NAMED(0x3E, "base_conditions"),
    NAMED(0x3F, "obis_declaration"),
    NAMED(0x40, "lower_limit"),
    E1(0x41,    "lower_limit", COUNT, 0),
    E1(0x42,    "begin_of_first_lower_exceed", DATE, 0),
    E1(0x43,    "end_of_first_lower_exceed", DATE, 0),
    NAMED(0x44, "times_flow_temperature_per_100"),
    NAMED(0x45, "times_return_temperature_per_100"),
    E1(0x46,    "begin_of_last_lower_exceed", DATE, 0),
    E1(0x47,    "end_of_last_lower_exceed", DATE, 0),
    NAMED(0x48, "upper_limit"),
    E1(0x49,    "upper_limit", COUNT, 0),
    E1(0x4A,    "begin_of_first_upper_exceed", DATE, 0),
    E1(0x4B,    "end_of_first_upper_exceed", DATE, 0),
    NAMED(0x4C, "reserved"),
    NAMED(0x4D, "reserved"),
    E1(0x4E,    "begin_of_last_upper_exceed", DATE, 0),
    E1(0x4F,    "end_of_last_upper_exceed", DATE, 0),
    E4(0x50,    "first_lower_exceed", DURATION, 0),
    E4(0x54,    "last_lower_exceed", DURATION, 0),
    E4(0x58,    "first_upper_exceed", DURATION, 0),
    E4(0x5C,    "last_upper_exceed", DURATION, 0),
    E4(0x60,    "first", DURATION, 0),
    E4(0x64,    "last", DURATION, 0),
    NAMED(0x68, "during_lower_exceed"),
    NAMED(0x69, "leakage"),
    E1(0x6A,    "begin_of_first", DATE, 0),
    E1(0x6B,    "end_of_first", DATE, 0),
    NAMED(0x6C, "during_upper_exceed"),
    NAMED(0x6D, "overflow"),
    E1(0x6E,    "begin_of_last", DATE, 0),
    E1(0x6F,    "end_of_last", DATE, 0),
    E4(0x70,    NULL, SCALE, -6),
    E4(0x74,    NULL, SCALE, -2),
    E4(0x78,    NULL, OFFSET, -3),
    E1(0x7C,    NULL, EXTEND, 0),
    E1(0x7D,    NULL, SCALE, 3),
    NAMED(0x7E, "future"),
    E1(0x7F,    "manufacturer_specific", MAKER, 0),
    /* clang-format on */
};

/* After FC: EN 13757-3, table 16. Codes that its editions disagree on are left out. */
static const struct hwt_mbus_vife extended[128] = {
    /* clang-format off */
    NAMED(0x01, "phase_L1"),
    NAMED(0x02, "phase_L2"),
    NAMED(0x03, "phase_L3"),
    NAMED(0x04, "neutral"),
    NAMED(0x05, "between_L1_L2"),
    NAMED(0x06, "between_L2_L3"),
    NAMED(0x07, "between_L3_L1"),
    NAMED(0x08, "quadrant_Q1"),
    NAMED(0x09, "quadrant_Q2"),
    NAMED(0x0A, "quadrant_Q3"),
    NAMED(0x0B, "quadrant_Q4"),
    NAMED(0x0C, "import_minus_export"),
    NAMED(0x0D, "non_metric"),
    NAMED(0x0E, "secondary_sensor"),
    NAMED(0x0F, "higher_resolution"),
    NAMED(0x10, "positive_and_negative"),
    NAMED(0x11, "as_type_C"),
    NAMED(0x12, "as_type_D"),
    NAMED(0x16, "liquid_pressure"),
    NAMED(0x17, "gas_pressure"),
    NAMED(0x18, "outdoors"),
    NAMED(0x25, "from_L1_to_L2"),
    NAMED(0x26, "from_L2_to_L3"),
    NAMED(0x27, "from_L3_to_L1"),
    /* clang-format on */
};

const struct hwt_mbus_vife *hwt_mbus_vife_get(uint8_t code)
{
    return &combinable[code & 0x7F];
}

const struct hwt_mbus_vife *hwt_mbus_vife_extended_get(uint8_t code)
{
    static const struct hwt_mbus_vife unknown = {"extension", HWT_MBUS_EFFECT_NAMED, 0};
    const struct hwt_mbus_vife *row = &extended[code & 0x7F];

    return row->name != NULL ? row : &unknown;
}

uint32_t hwt_mbus_seconds(uint8_t code)
{
    static const uint32_t seconds[4] = {1, 60, 3600, 86400};

    return seconds[code & 3];
}
