/* core/wire/mbus: records, tables, dates, scaling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/wire/mbus.h"
#include "core/wire/mbus_vif.h"

/* A telegram without header around the octets. */
static void wrap(const uint8_t *records, size_t n, struct hwt_mbus_telegram *t)
{
    static uint8_t buf[HWT_MBUS_FRAME_MAX];
    struct hwt_mbus_frame f;
    struct hwt_mbus_fault fault;
    int size = hwt_mbus_long_encode(0x08, 1, 0x78, records, n, buf, sizeof(buf));

    assert_true(size > 0);
    assert_int_equal(hwt_mbus_frame_check(buf, (size_t)size, &f, &fault), 0);
    assert_int_equal(hwt_mbus_open(&f, t, &fault), 0);
}

struct number_row {
    uint8_t octets[16];
    size_t n;
    enum hwt_mbus_quantity q;
    enum hwt_mbus_unit u;
    int64_t mantissa;
    int exponent;
    const char *why;
};

static void check_numbers(const struct number_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct hwt_mbus_telegram t;
        struct hwt_mbus_record r;
        struct hwt_mbus_fault fault;

        wrap(rows[i].octets, rows[i].n, &t);
        if (hwt_mbus_next(&t, &r, &fault) != 1) {
            fail_msg("%s: refused: %s", rows[i].why, fault.what);
        }
        if (r.kind != HWT_MBUS_NUMBER || r.quantity != rows[i].q || r.unit != rows[i].u ||
            r.mantissa != rows[i].mantissa || r.exponent != rows[i].exponent) {
            fail_msg("%s: kind %d %s %lld e%d %s", rows[i].why, (int)r.kind,
                     hwt_mbus_quantity_name(r.quantity), (long long)r.mantissa, r.exponent,
                     hwt_mbus_unit_name(r.unit));
        }
        assert_int_equal(hwt_mbus_next(&t, &r, &fault), 0);
    }
}

#define Q(name) HWT_MBUS_Q_##name
#define U(name) HWT_MBUS_U_##name

static void integers_of_all_widths_are_signed(void **state)
{
    static const struct number_row rows[] = {
        {{0x01, 0x2B, 0xFF}, 3, Q(POWER), U(W), -1, 0, "8 bits"},
        {{0x02, 0x2B, 0x01, 0x80}, 4, Q(POWER), U(W), -32767, 0, "16 bits"},
        {{0x03, 0x13, 0x15, 0x31, 0x00}, 5, Q(VOLUME), U(M3), 12565, -3, "24 bits"},
        {{0x03, 0x2B, 0xFE, 0xFF, 0xFF}, 5, Q(POWER), U(W), -2, 0, "24 bits, negative"},
        {{0x04, 0x06, 0xE7, 0x91, 0, 0}, 6, Q(ENERGY), U(WH), 37351, 3, "32 bits"},
        {{0x06, 0x03, 1, 0, 0, 0, 0, 0x80}, 8, Q(ENERGY), U(WH), -140737488355327, 0, "48 bits"},
        {{0x07, 0x03, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
         10,
         Q(ENERGY),
         U(WH),
         -2,
         0,
         "64 bits"},
    };

    (void)state;
    check_numbers(rows, sizeof(rows) / sizeof(rows[0]));
}

static void codes_and_bits_are_unsigned(void **state)
{
    static const struct number_row rows[] = {
        {{0x02, 0xFD, 0x17, 0x00, 0x80}, 5, Q(ERROR_FLAGS), U(NONE), 0x8000, 0, "flags"},
        {{0x01, 0xFD, 0x1A, 0xFF}, 4, Q(DIGITAL_OUTPUT), U(NONE), 255, 0, "outputs"},
        {{0x01, 0x7A, 0xFA}, 3, Q(BUS_ADDRESS), U(NONE), 250, 0, "bus address 250"},
        {{0x02, 0xFD, 0x1C, 0x00, 0x96}, 5, Q(BAUD_RATE), U(BD), 38400, 0, "38400 Bd"},
        {{0x06, 0xFD, 0x0C, 0, 0, 0, 0, 0, 0x80},
         9,
         Q(MODEL_VERSION),
         U(NONE),
         INT64_C(1) << 47,
         0,
         "48 bits"},
        {{0x02, 0xFF, 0x01, 0x00, 0x80}, 5, Q(MANUFACTURER_SPECIFIC), U(NONE), -32768, 0, "maker"},
    };

    (void)state;
    check_numbers(rows, sizeof(rows) / sizeof(rows[0]));
}

static void bcd_has_its_sign_in_the_top_nibble(void **state)
{
    static const struct number_row rows[] = {
        {{0x09, 0x74, 0x04}, 3, Q(ACTUALITY), U(S), 4, 0, "2 digits"},
        {{0x0A, 0x5A, 0x27, 0x03}, 4, Q(FLOW_T), U(DEGC), 327, -1, "4 digits"},
        {{0x0B, 0x62, 0x02, 0x00, 0xF0}, 5, Q(DELTA_T), U(K), -2, -1, "captured: -0.2 K"},
        {{0x0A, 0x62, 0x15, 0xF0}, 4, Q(DELTA_T), U(K), -15, -1, "captured: -1.5 K, not 1501.5"},
        {{0x0C, 0x2B, 0x87, 0x11, 0x00, 0xF0}, 6, Q(POWER), U(W), -1187, 0, "captured: -1187 W"},
        {{0x0A, 0x62, 0x00, 0xF0}, 4, Q(DELTA_T), U(K), 0, -1, "captured: minus zero"},
        {{0x0E, 0x03, 0x21, 0x43, 0x65, 0x87, 0x09, 0x12},
         8,
         Q(ENERGY),
         U(WH),
         120987654321,
         0,
         "12 digits"},
        {{0x0D, 0x03, 0xC3, 0x56, 0x34, 0x12}, 6, Q(ENERGY), U(WH), 123456, 0, "LVAR C3"},
        {{0x0D, 0x03, 0xD2, 0x34, 0x12}, 5, Q(ENERGY), U(WH), -1234, 0, "LVAR D2: negative"},
        {{0x0D, 0x03, 0xE3, 0xFF, 0xFF, 0xFF}, 6, Q(ENERGY), U(WH), -1, 0, "LVAR E3: binary"},
    };

    (void)state;
    check_numbers(rows, sizeof(rows) / sizeof(rows[0]));
}

/* One row for each line of the VIF tables: its first and its last code. */
static void every_line_of_the_vif_tables_scales_as_the_standard_says(void **state)
{
    static const struct number_row rows[] = {
        {{0x01, 0x00, 5}, 3, Q(ENERGY), U(WH), 5, -3, "mWh"},
        {{0x01, 0x07, 5}, 3, Q(ENERGY), U(WH), 5, 4, "10 kWh"},
        {{0x01, 0x08, 5}, 3, Q(ENERGY), U(J), 5, 0, "J"},
        {{0x01, 0x0F, 5}, 3, Q(ENERGY), U(J), 5, 7, "10 MJ"},
        {{0x01, 0x10, 5}, 3, Q(VOLUME), U(M3), 5, -6, "ml"},
        {{0x01, 0x17, 5}, 3, Q(VOLUME), U(M3), 5, 1, "10 m3"},
        {{0x01, 0x18, 5}, 3, Q(MASS), U(KG), 5, -3, "g"},
        {{0x01, 0x1F, 5}, 3, Q(MASS), U(KG), 5, 4, "10 t"},
        {{0x01, 0x20, 5}, 3, Q(ON_TIME), U(S), 5, 0, "s"},
        {{0x01, 0x23, 5}, 3, Q(ON_TIME), U(S), 432000, 0, "days"},
        {{0x01, 0x25, 5}, 3, Q(OPERATING_TIME), U(S), 300, 0, "min"},
        {{0x01, 0x26, 5}, 3, Q(OPERATING_TIME), U(S), 18000, 0, "h"},
        {{0x01, 0x28, 5}, 3, Q(POWER), U(W), 5, -3, "mW"},
        {{0x01, 0x2F, 5}, 3, Q(POWER), U(W), 5, 4, "10 kW"},
        {{0x01, 0x30, 5}, 3, Q(POWER), U(J_H), 5, 0, "J/h"},
        {{0x01, 0x37, 5}, 3, Q(POWER), U(J_H), 5, 7, "10 MJ/h"},
        {{0x01, 0x38, 5}, 3, Q(VOLUME_FLOW), U(M3_H), 5, -6, "ml/h"},
        {{0x01, 0x3F, 5}, 3, Q(VOLUME_FLOW), U(M3_H), 5, 1, "10 m3/h"},
        {{0x01, 0x40, 5}, 3, Q(VOLUME_FLOW), U(M3_H), 300, -7, "0.1 ml/min"},
        {{0x01, 0x47, 5}, 3, Q(VOLUME_FLOW), U(M3_H), 300, 0, "m3/min"},
        {{0x01, 0x48, 5}, 3, Q(VOLUME_FLOW), U(M3_H), 18000, -9, "mm3/s"},
        {{0x01, 0x4F, 5}, 3, Q(VOLUME_FLOW), U(M3_H), 18000, -2, "10 l/s"},
        {{0x01, 0x50, 5}, 3, Q(MASS_FLOW), U(KG_H), 5, -3, "g/h"},
        {{0x01, 0x57, 5}, 3, Q(MASS_FLOW), U(KG_H), 5, 4, "10 t/h"},
        {{0x01, 0x58, 5}, 3, Q(FLOW_T), U(DEGC), 5, -3, "millikelvin"},
        {{0x01, 0x5B, 5}, 3, Q(FLOW_T), U(DEGC), 5, 0, "degree"},
        {{0x01, 0x5C, 5}, 3, Q(RETURN_T), U(DEGC), 5, -3, "return"},
        {{0x01, 0x63, 5}, 3, Q(DELTA_T), U(K), 5, 0, "difference"},
        {{0x01, 0x65, 5}, 3, Q(EXTERNAL_T), U(DEGC), 5, -2, "external"},
        {{0x01, 0x68, 5}, 3, Q(PRESSURE), U(BAR), 5, -3, "mbar"},
        {{0x01, 0x6B, 5}, 3, Q(PRESSURE), U(BAR), 5, 0, "bar"},
        {{0x01, 0x6E, 5}, 3, Q(HCA), U(HCA), 5, 0, "heat cost units"},
        {{0x01, 0x72, 5}, 3, Q(AVERAGING), U(S), 18000, 0, "h"},
        {{0x01, 0x77, 5}, 3, Q(ACTUALITY), U(S), 432000, 0, "days"},
        {{0x01, 0x78, 5}, 3, Q(FABRICATION_NUMBER), U(NONE), 5, 0, "number"},
        {{0x01, 0x79, 5}, 3, Q(IDENTIFICATION), U(NONE), 5, 0, "identification"},
        {{0x01, 0x7A, 5}, 3, Q(BUS_ADDRESS), U(NONE), 5, 0, "address"},
        {{0x01, 0x7F, 5}, 3, Q(MANUFACTURER_SPECIFIC), U(NONE), 5, 0, "maker's"},
        {{0x01, 0x6F, 5}, 3, Q(RESERVED), U(NONE), 5, 0, "reserved"},
        {{0x01, 0xFB, 0x00, 5}, 4, Q(ENERGY), U(WH), 5, 5, "0.1 MWh"},
        {{0x01, 0xFB, 0x01, 5}, 4, Q(ENERGY), U(WH), 5, 6, "MWh"},
        {{0x01, 0xFB, 0x09, 5}, 4, Q(ENERGY), U(J), 5, 9, "GJ"},
        {{0x01, 0xFB, 0x11, 5}, 4, Q(VOLUME), U(M3), 5, 3, "1000 m3"},
        {{0x01, 0xFB, 0x19, 5}, 4, Q(MASS), U(KG), 5, 6, "1000 t"},
        {{0x01, 0xFB, 0x21, 5}, 4, Q(VOLUME), U(FT3), 5, -1, "0.1 cubic feet"},
        {{0x01, 0xFB, 0x23, 5}, 4, Q(VOLUME), U(GAL), 5, 0, "gallon"},
        {{0x01, 0xFB, 0x24, 5}, 4, Q(VOLUME_FLOW), U(GAL_MIN), 5, -3, "0.001 gallon a minute"},
        {{0x01, 0xFB, 0x25, 5}, 4, Q(VOLUME_FLOW), U(GAL_MIN), 5, 0, "gallon a minute"},
        {{0x01, 0xFB, 0x26, 5}, 4, Q(VOLUME_FLOW), U(GAL_H), 5, 0, "gallon an hour"},
        {{0x01, 0xFB, 0x29, 5}, 4, Q(POWER), U(W), 5, 6, "MW"},
        {{0x01, 0xFB, 0x30, 5}, 4, Q(POWER), U(J_H), 5, 8, "0.1 GJ/h"},
        {{0x01, 0xFB, 0x5B, 5}, 4, Q(FLOW_T), U(DEGF), 5, 0, "Fahrenheit"},
        {{0x01, 0xFB, 0x73, 5}, 4, Q(TEMPERATURE_LIMIT), U(DEGF), 5, 0, "limit"},
        {{0x01, 0xFB, 0x74, 5}, 4, Q(TEMPERATURE_LIMIT), U(DEGC), 5, -3, "limit"},
        {{0x01, 0xFB, 0x7F, 5}, 4, Q(CUMULATED_MAX_POWER), U(W), 5, 4, "cumulated"},
        {{0x01, 0xFB, 0x06, 5}, 4, Q(RESERVED), U(NONE), 5, 0, "reserved"},
        {{0x01, 0xFD, 0x03, 5}, 4, Q(CREDIT), U(CURRENCY), 5, 0, "credit"},
        {{0x01, 0xFD, 0x04, 5}, 4, Q(DEBIT), U(CURRENCY), 5, -3, "debit"},
        {{0x01, 0xFD, 0x0E, 5}, 4, Q(FIRMWARE_VERSION), U(NONE), 5, 0, "firmware"},
        {{0x01, 0xFD, 0x17, 5}, 4, Q(ERROR_FLAGS), U(NONE), 5, 0, "error flags"},
        {{0x01, 0xFD, 0x1C, 5}, 4, Q(BAUD_RATE), U(BD), 5, 0, "speed"},
        {{0x01, 0xFD, 0x27, 2}, 4, Q(STORAGE_INTERVAL), U(S), 172800, 0, "days"},
        {{0x01, 0xFD, 0x28, 2}, 4, Q(STORAGE_INTERVAL), U(MONTH), 2, 0, "months"},
        {{0x01, 0xFD, 0x2C, 5}, 4, Q(SINCE_READOUT), U(S), 5, 0, "s"},
        {{0x01, 0xFD, 0x31, 5}, 4, Q(TARIFF_DURATION), U(S), 300, 0, "min"},
        {{0x01, 0xFD, 0x33, 1}, 4, Q(TARIFF_DURATION), U(S), 86400, 0, "days"},
        {{0x01, 0xFD, 0x34, 5}, 4, Q(TARIFF_PERIOD), U(S), 5, 0, "s"},
        {{0x01, 0xFD, 0x39, 5}, 4, Q(TARIFF_PERIOD), U(YEAR), 5, 0, "years"},
        {{0x01, 0xFD, 0x3A, 5}, 4, Q(DIMENSIONLESS), U(NONE), 5, 0, "dimensionless"},
        {{0x01, 0xFD, 0x40, 5}, 4, Q(VOLTAGE), U(V), 5, -9, "nV"},
        {{0x01, 0xFD, 0x48, 5}, 4, Q(VOLTAGE), U(V), 5, -1, "0.1 V"},
        {{0x01, 0xFD, 0x4F, 5}, 4, Q(VOLTAGE), U(V), 5, 6, "MV"},
        {{0x01, 0xFD, 0x50, 5}, 4, Q(CURRENT), U(A), 5, -12, "pA"},
        {{0x01, 0xFD, 0x59, 5}, 4, Q(CURRENT), U(A), 5, -3, "mA"},
        {{0x01, 0xFD, 0x5F, 5}, 4, Q(CURRENT), U(A), 5, 3, "kA"},
        {{0x01, 0xFD, 0x68, 2}, 4, Q(SINCE_CUMULATION), U(S), 7200, 0, "h"},
        {{0x01, 0xFD, 0x6D, 1}, 4, Q(BATTERY_TIME), U(S), 86400, 0, "days"},
        {{0x01, 0xFD, 0x6F, 1}, 4, Q(BATTERY_TIME), U(YEAR), 1, 0, "years"},
        {{0x01, 0xFD, 0x7C, 1}, 4, Q(RESERVED), U(NONE), 1, 0, "captured: reserved"},
    };

    (void)state;
    check_numbers(rows, sizeof(rows) / sizeof(rows[0]));
}

static void every_code_has_a_row_with_a_name_and_a_unit(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 128; code++) {
        for (unsigned table = 0; table < HWT_MBUS_VIF_TABLES; table++) {
            const struct hwt_mbus_vif *v =
                hwt_mbus_vif_get((enum hwt_mbus_vif_table)table, (uint8_t)code);

            assert_non_null(hwt_mbus_quantity_name((enum hwt_mbus_quantity)v->quantity));
            assert_non_null(hwt_mbus_unit_name((enum hwt_mbus_unit)v->unit));
            assert_in_range(v->exponent + 18, 0, 36);
        }
    }
    for (unsigned code = 0; code < 128; code++) {
        const struct hwt_mbus_vife *v = hwt_mbus_vife_get((uint8_t)code);
        enum hwt_mbus_effect e = (enum hwt_mbus_effect)v->effect;

        /* what changes the meaning is named; what only changes the number is not */
        assert_int_equal(v->name == NULL,
                         e == HWT_MBUS_EFFECT_ERROR || e == HWT_MBUS_EFFECT_SCALE ||
                             e == HWT_MBUS_EFFECT_OFFSET || e == HWT_MBUS_EFFECT_EXTEND);
    }
    assert_null(hwt_mbus_quantity_name(HWT_MBUS_Q_COUNT));
    assert_null(hwt_mbus_unit_name(HWT_MBUS_U_COUNT));
    assert_null(hwt_mbus_function_name(HWT_MBUS_FUNCTIONS));
}

static void vifes_scale_shift_and_convert(void **state)
{
    static const struct number_row rows[] = {
        {{0x01, 0xAB, 0x70, 5}, 4, Q(POWER), U(W), 5, -6, "x 10^-6"},
        {{0x01, 0xAB, 0x77, 5}, 4, Q(POWER), U(W), 5, 1, "x 10"},
        {{0x01, 0xAB, 0x7D, 5}, 4, Q(POWER), U(W), 5, 3, "x 1000"},
        {{0x01, 0xAB, 0xF0, 0x7D, 5}, 5, Q(POWER), U(W), 5, -3, "both"},
        {{0x01, 0xDB, 0x78, 5}, 4, Q(FLOW_T), U(DEGC), 5001, -3, "+ 0.001"},
        {{0x01, 0xD9, 0x7B, 5}, 4, Q(FLOW_T), U(DEGC), 105, -2, "0.05 + 1"},
        {{0x04, 0xBE, 0x50, 0x71, 0xBB, 0xB0, 0x00},
         7,
         Q(DURATION),
         U(S),
         11582321,
         0,
         "captured: a duration in s, whatever the VIF"},
        {{0x04, 0xBE, 0x58, 0xF4, 0x02, 0, 0}, 7, Q(DURATION), U(S), 756, 0, "captured: upper"},
        {{0x01, 0xBE, 0x5F, 2}, 4, Q(DURATION), U(S), 172800, 0, "days"},
        {{0x01, 0xAB, 0x62, 2}, 4, Q(DURATION), U(S), 7200, 0, "hours of the value"},
        {{0x01, 0xBE, 0x41, 2}, 4, Q(TIMES_EXCEEDED), U(NONE), 2, 0, "a count"},
        {{0x01, 0xBE, 0x49, 2}, 4, Q(TIMES_EXCEEDED), U(NONE), 2, 0, "a count"},
        {{0x01, 0xBE, 0x40, 2}, 4, Q(VOLUME_FLOW), U(M3_H), 2, 0, "a limit keeps the unit"},
        {{0x01, 0x86, 0x00, 2}, 4, Q(ENERGY), U(WH), 2, 3, "record error 0: none"},
        {{0x02, 0xAC, 0xFF, 0x70, 0x4F, 0x00}, 6, Q(POWER), U(W), 79, 1, "after FF: the maker's"},
        {{0x02, 0xFF, 0xF0, 0x70, 0x4F, 0x00},
         6,
         Q(MANUFACTURER_SPECIFIC),
         U(NONE),
         79,
         0,
         "VIF FF: all the maker's"},
        {{0x01, 0xFD, 0xC8, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0x3B, 5},
         13,
         Q(VOLTAGE),
         U(V),
         5,
         -1,
         "ten VIFEs, the first of them the extension"},
        {{0x01, 0xFD, 0xC8, 0x7D, 5}, 5, Q(VOLTAGE), U(V), 5, 2, "after an extension"},
        {{0x01, 0xAB, 0xFC, 0x7D, 5}, 5, Q(POWER), U(W), 5, 0, "FC: the next is of another table"},
    };

    (void)state;
    check_numbers(rows, sizeof(rows) / sizeof(rows[0]));
}

static void qualifying_vifes_are_listed_as_modifiers(void **state)
{
    static const uint8_t octets[] = {0x04, 0x86, 0xF5, 0x80, 0xBC, 0x22, 1, 0, 0, 0};
    struct hwt_mbus_telegram t;
    struct hwt_mbus_record r;
    struct hwt_mbus_fault fault;

    (void)state;
    wrap(octets, sizeof(octets), &t);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(r.modifiers, 2);
    assert_string_equal(hwt_mbus_modifier_name(r.modifier[0]), "negative_only");
    assert_string_equal(hwt_mbus_modifier_name(r.modifier[1]), "per_hour");
    assert_int_equal(r.vib_size, 5);
}

static void storage_tariff_subunit_and_function_come_from_the_dib(void **state)
{
    static const struct {
        uint8_t octets[16];
        size_t n;
        enum hwt_mbus_function f;
        uint64_t storage;
        uint32_t tariff;
        uint16_t subunit;
        const char *why;
    } rows[] = {
        {{0x41, 0x2B, 0}, 3, HWT_MBUS_INSTANTANEOUS, 1, 0, 0, "storage bit of the DIF"},
        {{0x11, 0x2B, 0}, 3, HWT_MBUS_MAXIMUM, 0, 0, 0, "maximum"},
        {{0x21, 0x2B, 0}, 3, HWT_MBUS_MINIMUM, 0, 0, 0, "minimum"},
        {{0x31, 0x2B, 0}, 3, HWT_MBUS_ERROR, 0, 0, 0, "error state"},
        {{0xC1, 0x00, 0x2B, 0}, 4, HWT_MBUS_INSTANTANEOUS, 1, 0, 0, "captured: an empty DIFE"},
        {{0x81, 0x80, 0x40, 0x2B, 0}, 5, HWT_MBUS_INSTANTANEOUS, 0, 0, 2, "subunit 2"},
        {{0x81, 0x60, 0x2B, 0}, 4, HWT_MBUS_INSTANTANEOUS, 0, 2, 1, "captured: tariff 2"},
        {{0x81, 0x90, 0x10, 0x2B, 0}, 5, HWT_MBUS_INSTANTANEOUS, 0, 5, 0, "captured: tariff 5"},
        {{0x81, 0x8F, 0x0F, 0x2B, 0}, 5, HWT_MBUS_INSTANTANEOUS, 510, 0, 0, "captured: 510"},
        {{0xC1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x2B, 0},
         13,
         HWT_MBUS_INSTANTANEOUS,
         0x1FFFFFFFFFF,
         0xFFFFF,
         0x3FF,
         "ten DIFEs, all bits"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_mbus_telegram t;
        struct hwt_mbus_record r;
        struct hwt_mbus_fault fault;

        wrap(rows[i].octets, rows[i].n, &t);
        if (hwt_mbus_next(&t, &r, &fault) != 1 || r.function != rows[i].f ||
            r.storage != rows[i].storage || r.tariff != rows[i].tariff ||
            r.subunit != rows[i].subunit) {
            fail_msg("%s: storage %llu tariff %u subunit %u", rows[i].why,
                     (unsigned long long)r.storage, (unsigned)r.tariff, (unsigned)r.subunit);
        }
    }
}

static void dates_are_decoded_by_width_and_null_if_they_are_none(void **state)
{
    static const struct {
        uint8_t octets[10];
        size_t n;
        enum hwt_mbus_value_kind kind;
        struct hwt_mbus_date date;
        const char *why;
    } rows[] = {
        {{0x02, 0x6C, 0x5F, 0x1C}, 4, HWT_MBUS_DATE, {2010, 12, 31, 0, 0, 0, false}, "G"},
        {{0x02, 0x6C, 0x01, 0x36}, 4, HWT_MBUS_DATE, {2024, 6, 1, 0, 0, 0, false}, "G"},
        {{0x02, 0x6C, 0x1D, 0x32}, 4, HWT_MBUS_DATE, {2024, 2, 29, 0, 0, 0, false}, "leap day"},
        {{0x02, 0x6C, 0x3D, 0x32}, 4, HWT_MBUS_NULL, {0}, "29 February 2025"},
        {{0x02, 0x6C, 0x1F, 0x36}, 4, HWT_MBUS_NULL, {0}, "31 June"},
        {{0x02, 0x6C, 0x00, 0x36}, 4, HWT_MBUS_NULL, {0}, "day 0: every day"},
        {{0x02, 0x6C, 0x01, 0x3F}, 4, HWT_MBUS_NULL, {0}, "month 15: every month"},
        {{0x02, 0x6C, 0x01, 0x30}, 4, HWT_MBUS_NULL, {0}, "month 0"},
        {{0x02, 0x6C, 0xE1, 0xF6}, 4, HWT_MBUS_NULL, {0}, "year 127: every year"},
        {{0x02, 0x6C, 0xFF, 0xFF}, 4, HWT_MBUS_NULL, {0}, "never set"},
        {{0x02, 0x6C, 0x61, 0xC6}, 4, HWT_MBUS_DATE, {1999, 6, 1, 0, 0, 0, false}, "year 99"},
        {{0x02, 0x6C, 0x21, 0xA6}, 4, HWT_MBUS_DATE, {1981, 6, 1, 0, 0, 0, false}, "year 81"},
        {{0x02, 0x6C, 0x01, 0xA6}, 4, HWT_MBUS_DATE, {2080, 6, 1, 0, 0, 0, false}, "year 80"},
        {{0x04, 0x6D, 0x10, 0x09, 0x05, 0xC5},
         6,
         HWT_MBUS_DATE_TIME,
         {1996, 5, 5, 9, 16, 0, false},
         "F, year 96 without a century"},
        {{0x04, 0x6D, 0x10, 0x29, 0x05, 0xC5},
         6,
         HWT_MBUS_DATE_TIME,
         {2096, 5, 5, 9, 16, 0, false},
         "F, year 96 of century 1"},
        {{0x04, 0x6D, 0x1A, 0x2F, 0x65, 0x11},
         6,
         HWT_MBUS_DATE_TIME,
         {2011, 1, 5, 15, 26, 0, false},
         "F, captured; century 1"},
        {{0x04, 0x6D, 0x2A, 0x0C, 0xB6, 0x2C},
         6,
         HWT_MBUS_DATE_TIME,
         {2021, 12, 22, 12, 42, 0, false},
         "F, captured; century 0"},
        {{0x04, 0x6D, 0x2A, 0x8C, 0xB6, 0x2C},
         6,
         HWT_MBUS_DATE_TIME,
         {2021, 12, 22, 12, 42, 0, true},
         "summer time"},
        {{0x04, 0x6D, 0xA1, 0x15, 0xE9, 0x17}, 6, HWT_MBUS_NULL, {0}, "invalid bit, captured"},
        {{0x04, 0x6D, 0x00, 0x40, 0x1D, 0x02}, 6, HWT_MBUS_NULL, {0}, "2100 is no leap year"},
        {{0x04, 0x6D, 0x00, 0x40, 0x1C, 0x02},
         6,
         HWT_MBUS_DATE_TIME,
         {2100, 2, 28, 0, 0, 0, false},
         "century 2"},
        {{0x04, 0x6D, 0x3C, 0x0C, 0xB6, 0x2C}, 6, HWT_MBUS_NULL, {0}, "minute 60"},
        {{0x04, 0x6D, 0x2A, 0x18, 0xB6, 0x2C}, 6, HWT_MBUS_NULL, {0}, "hour 24"},
        {{0x04, 0x6D, 0x00, 0x00, 0xE1, 0xF1}, 6, HWT_MBUS_NULL, {0}, "year 127, captured"},
        {{0x06, 0x6D, 0x1E, 0x2A, 0x0C, 0xB6, 0x2C, 0x00},
         8,
         HWT_MBUS_DATE_TIME,
         {2021, 12, 22, 12, 42, 30, false},
         "I"},
        {{0x06, 0x6D, 0x5E, 0x2A, 0x0C, 0xB6, 0x2C, 0x00},
         8,
         HWT_MBUS_DATE_TIME,
         {2021, 12, 22, 12, 42, 30, true},
         "I, summer time"},
        {{0x06, 0x6D, 0x1E, 0xAA, 0x0C, 0xB6, 0x2C, 0x00}, 8, HWT_MBUS_NULL, {0}, "I, invalid"},
        {{0x03, 0x6D, 0x1E, 0x2A, 0x0C}, 5, HWT_MBUS_TIME, {0, 0, 0, 12, 42, 30, false}, "J"},
        {{0x03, 0x6D, 0x3F, 0x3F, 0x1F}, 5, HWT_MBUS_NULL, {0}, "J, every"},
        {{0x01, 0x6C, 0x01}, 3, HWT_MBUS_NULL, {0}, "no date has 8 bits"},
        {{0x0C, 0x6D, 0x1A, 0x2F, 0x65, 0x11}, 6, HWT_MBUS_NULL, {0}, "no date is BCD"},
        {{0x02, 0xFD, 0x70, 0x5F, 0x1C},
         5,
         HWT_MBUS_DATE,
         {2010, 12, 31, 0, 0, 0, false},
         "battery change"},
        {{0x04, 0xDA, 0x6F, 0x32, 0x14, 0x7A, 0x18},
         7,
         HWT_MBUS_DATE_TIME,
         {2011, 8, 26, 20, 50, 0, false},
         "VIFE 6F on a temperature, captured"},
        {{0x02, 0xBE, 0x4B, 0x5F, 0x1C},
         5,
         HWT_MBUS_DATE,
         {2010, 12, 31, 0, 0, 0, false},
         "VIFE 4B on a flow"},
        {{0x02, 0xBE, 0x39, 0x5F, 0x1C},
         5,
         HWT_MBUS_DATE,
         {2010, 12, 31, 0, 0, 0, false},
         "VIFE 39: start of"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct hwt_mbus_date *d = &rows[i].date;
        struct hwt_mbus_telegram t;
        struct hwt_mbus_record r;
        struct hwt_mbus_fault fault;

        wrap(rows[i].octets, rows[i].n, &t);
        assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
        if (r.kind != rows[i].kind || r.date.year != d->year || r.date.month != d->month ||
            r.date.day != d->day || r.date.hour != d->hour || r.date.minute != d->minute ||
            r.date.second != d->second || r.date.summer != d->summer) {
            fail_msg("%s: kind %d %u-%u-%u %u:%u:%u", rows[i].why, (int)r.kind, r.date.year,
                     r.date.month, r.date.day, r.date.hour, r.date.minute, r.date.second);
        }
        assert_ptr_equal(r.raw + r.raw_size, t.p + t.n);
    }
}

static void invalid_data_are_null_and_keep_their_octets(void **state)
{
    static const struct {
        uint8_t octets[20];
        size_t n, raw;
        const char *why;
    } rows[] = {
        {{0x0A, 0x5A, 0xFF, 0xFF}, 4, 2, "all F"},
        {{0x0A, 0x5A, 0x0A, 0x00}, 4, 2, "nibble A"},
        {{0x0A, 0x5A, 0x00, 0xEE}, 4, 2, "top nibble E"},
        {{0x0A, 0x5A, 0xF0, 0x00}, 4, 2, "F not at the top"},
        {{0x01, 0x2B, 0x80}, 3, 1, "invalid, 8 bits"},
        {{0x02, 0x5A, 0x00, 0x80}, 4, 2, "invalid, 16 bits"},
        {{0x03, 0x13, 0x00, 0x00, 0x80}, 5, 3, "invalid, 24 bits"},
        {{0x04, 0x06, 0x00, 0x00, 0x00, 0x80}, 6, 4, "invalid, 32 bits"},
        {{0x06, 0x06, 0, 0, 0, 0, 0, 0x80}, 8, 6, "invalid, 48 bits"},
        {{0x07, 0x06, 0, 0, 0, 0, 0, 0, 0, 0x80}, 10, 8, "invalid, 64 bits"},
        {{0x0D, 0x06, 0xE3, 0x00, 0x00, 0x80}, 6, 3, "invalid, LVAR E3"},
        {{0x05, 0x5B, 0x00, 0x00, 0xC0, 0x7F}, 6, 4, "not a number"},
        {{0x05, 0x5B, 0x00, 0x00, 0x80, 0xFF}, 6, 4, "minus infinity"},
        {{0x00, 0x5B}, 2, 0, "no data"},
        {{0x08, 0x5B}, 2, 0, "selection for readout"},
        {{0x02, 0xDB, 0x15, 0x01, 0x00}, 5, 2, "record error: no data available"},
        {{0x0D, 0x03, 0xCA, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x10}, 13, 10, "20 digits do not fit"},
        {{0x07, 0x23, 0, 0, 0, 0, 0, 0, 0, 0x40}, 10, 8, "days in seconds do not fit"},
        {{0x01, 0xAB, 0xF0, 0xF0, 0xF0, 0x70, 5}, 7, 1, "x 10^-24"},
        {{0x0D, 0x03, 0xE0}, 3, 0, "binary of no octets"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_mbus_telegram t;
        struct hwt_mbus_record r;
        struct hwt_mbus_fault fault;
        int64_t m;
        int e;

        wrap(rows[i].octets, rows[i].n, &t);
        assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
        if (r.kind != HWT_MBUS_NULL || r.raw_size != rows[i].raw || hwt_mbus_decimal(&r, &m, &e)) {
            fail_msg("%s: kind %d, %zu octets", rows[i].why, (int)r.kind, r.raw_size);
        }
    }
}

static void texts_and_octets_are_kept_as_sent(void **state)
{
    static const uint8_t octets[] = {
        0x0D, 0xFD, 0x0B, 0x06, 0x35, 0x33, 0x32, 0x44, 0x56, 0x52,       /* RVD235 */
        0x02, 0xFC, 0x03, 0x48, 0x52, 0x25, 0x74, 0xD4, 0x11,             /* %RH, x 0.01 */
        0x0D, 0x7F, 0xE9, 1,    2,    3,    4,    5,    6,    7,    8, 9, /* 9 octets */
        0x2F, 0x2F, 0x0D, 0x7C, 0x00, 0x00, 0x0F, 0x03, 0x20,             /* rest */
    };
    struct hwt_mbus_telegram t;
    struct hwt_mbus_record r;
    struct hwt_mbus_fault fault;
    char text[8] = "";

    (void)state;
    wrap(octets, sizeof(octets), &t);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(r.kind, HWT_MBUS_TEXT);
    assert_int_equal(hwt_mbus_text(r.raw, r.raw_size, false, text, sizeof(text)), 6);
    assert_string_equal(text, "RVD235");
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(r.quantity, HWT_MBUS_Q_PLAIN_TEXT);
    assert_int_equal(r.plain_size, 3);
    assert_int_equal(hwt_mbus_text(r.plain, r.plain_size, false, text, 2), 2);
    assert_memory_equal(text, "%R", 2);
    assert_int_equal(r.mantissa, 4564);
    assert_int_equal(r.exponent, -2);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(r.kind, HWT_MBUS_BYTES);
    assert_int_equal(r.raw_size, 9);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(r.kind, HWT_MBUS_TEXT);
    assert_int_equal(r.raw_size, 0);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(r.function, HWT_MBUS_MAKER_DATA);
    assert_int_equal(r.raw_size, 2);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 0);
    assert_false(t.more);
}

static void plain_texts_stand_before_or_after_the_vifes(void **state)
{
    static const struct {
        uint8_t octets[16];
        size_t n;
        const char *text;
        int64_t mantissa;
        int exponent;
        const char *why;
    } rows[] = {
        {{0x02, 0xFC, 0x03, 0x48, 0x52, 0x25, 0x74, 0xD4, 0x11}, 9, "%RH", 4564, -2, "before"},
        {{0x03, 0xFC, 0x20, 0x03, 0x43, 0x42, 0x41, 0x15, 0x31, 0x00},
         10,
         "ABC",
         12565,
         0,
         "after"},
        {{0x02, 0xFC, 0xBB, 0x74, 0x03, 0x48, 0x52, 0x25, 0xD4, 0x11}, 10, "%RH", 4564, -2, "two"},
        {{0x01, 0xFC, 0x01, 0x02, 0x42, 0x41, 0x05},
         7,
         "AB",
         5,
         0,
         "VIFE 01 is no length of a text"},
        {{0x01, 0xFC, 0x01, 0x42, 0x74, 0x05}, 6, "B", 5, -2, "a text of one letter"},
        {{0x01, 0xFC, 0x74, 0x00, 0x05}, 5, "", 5, -2, "no text"},
        {{0x01, 0x7C, 0x02, 0x42, 0x41, 0x05}, 6, "AB", 5, 0, "no VIFE"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_mbus_telegram t;
        struct hwt_mbus_record r;
        struct hwt_mbus_fault fault;
        char text[16] = "";

        wrap(rows[i].octets, rows[i].n, &t);
        if (hwt_mbus_next(&t, &r, &fault) != 1) {
            fail_msg("%s: refused: %s", rows[i].why, fault.what);
        }
        hwt_mbus_text(r.plain, r.plain_size, false, text, sizeof(text) - 1);
        if (r.quantity != HWT_MBUS_Q_PLAIN_TEXT || strcmp(text, rows[i].text) != 0 ||
            r.mantissa != rows[i].mantissa || r.exponent != rows[i].exponent) {
            fail_msg("%s: '%s' %lld e%d", rows[i].why, text, (long long)r.mantissa, r.exponent);
        }
        assert_int_equal(hwt_mbus_next(&t, &r, &fault), 0);
    }
}

static void more_to_follow_is_told_by_verify_and_next(void **state)
{
    static const uint8_t octets[] = {0x01, 0x2B, 0x05, 0x1F};
    struct hwt_mbus_telegram t;
    struct hwt_mbus_record r;
    struct hwt_mbus_fault fault;

    (void)state;
    wrap(octets, sizeof(octets), &t);
    assert_int_equal(hwt_mbus_verify(&t, &fault), 0);
    assert_true(t.more);
    assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
    assert_int_equal(r.mantissa, 5);
}

static void broken_records_are_refused_with_reason_and_place(void **state)
{
    static const struct {
        uint8_t octets[20];
        size_t n;
        int err;
        size_t at;
        const char *why;
    } rows[] = {
        {{0x8B}, 1, HWT_ERR_LENGTH, 8, "DIFE missing"},
        {{0x04}, 1, HWT_ERR_LENGTH, 8, "VIF missing"},
        {{0x04, 0x84}, 2, HWT_ERR_LENGTH, 9, "VIFE missing"},
        {{0x04, 0xFB}, 2, HWT_ERR_LENGTH, 9, "extension missing"},
        {{0x04, 0x04, 1, 2, 3}, 5, HWT_ERR_LENGTH, 12, "data missing"},
        {{0x0D, 0x04, 0x05, 1}, 4, HWT_ERR_LENGTH, 11, "variable data missing"},
        {{0x0D, 0x04}, 2, HWT_ERR_LENGTH, 9, "LVAR missing"},
        {{0x02, 0xFC, 0x13, 0x48, 0x52}, 5, HWT_ERR_LENGTH, 12, "text of the VIF missing"},
        {{0x0D, 0x04, 0xF7, 1}, 4, HWT_ERR_UNSUPPORTED, 10, "LVAR reserved"},
        {{0x3F}, 1, HWT_ERR_UNSUPPORTED, 8, "DIF reserved"},
        {{0x8F, 0x00}, 2, HWT_ERR_UNSUPPORTED, 8, "DIF 0F with a DIFE"},
        {{0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x2B, 0},
         14,
         HWT_ERR_SANITY,
         19,
         "eleven DIFEs"},
        {{0x01, 0xAB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0x3B, 0},
         14,
         HWT_ERR_SANITY,
         20,
         "eleven VIFEs"},
        {{0x01, 0xFD, 0xC8, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0xBB, 0x3B, 0},
         14,
         HWT_ERR_SANITY,
         20,
         "eleven VIFEs, the first of them the extension"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_mbus_telegram t;
        struct hwt_mbus_record r;
        struct hwt_mbus_fault fault = {0};
        int err;

        wrap(rows[i].octets, rows[i].n, &t);
        err = hwt_mbus_next(&t, &r, &fault);
        if (err != rows[i].err || fault.at != rows[i].at) {
            fail_msg("%s: %s at %zu", rows[i].why, hwt_err_name(err), fault.at);
        }
        assert_int_equal(hwt_mbus_next(&t, &r, &fault), err);
        assert_int_equal(hwt_mbus_verify(&t, &fault), err);
    }
}

static void reals_become_decimals_without_floating_point(void **state)
{
    static const struct {
        uint8_t vif, octets[4];
        int64_t mantissa;
        int exponent;
        const char *why;
    } rows[] = {
        {0x2B, {0xD3, 0x9F, 0x90, 0x46}, 18511912109375, -9, "captured: 18511.912109375 W"},
        {0x5B, {0x00, 0x00, 0xB8, 0x42}, 92, 0, "captured: 92 degC"},
        {0x5B, {0x00, 0x00, 0xC0, 0xBF}, -15, -1, "-1.5"},
        {0x5B, {0x00, 0x00, 0x00, 0x80}, 0, 0, "minus zero"},
        {0x2E, {0xB1, 0xD1, 0x2E, 0xBE}, -17072178423405, -11, "captured: -170.721784 W, in kW"},
        {0x00, {0x00, 0x00, 0x80, 0x00}, 0, -18, "1.2e-38 is 0 at 18 places"},
        {0x5B, {0x28, 0x6B, 0x6E, 0x4E}, 1000000000, 0, "1e9"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t octets[6] = {0x05, rows[i].vif};
        struct hwt_mbus_telegram t;
        struct hwt_mbus_record r;
        struct hwt_mbus_fault fault;
        int64_t m = 0;
        int e = 0;

        memcpy(octets + 2, rows[i].octets, 4);
        wrap(octets, 6, &t);
        assert_int_equal(hwt_mbus_next(&t, &r, &fault), 1);
        assert_int_equal(r.kind, HWT_MBUS_REAL);
        if (!hwt_mbus_decimal(&r, &m, &e) || m != rows[i].mantissa || e != rows[i].exponent) {
            fail_msg("%s: %lld e%d", rows[i].why, (long long)m, e);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_all_widths_are_signed),
        cmocka_unit_test(codes_and_bits_are_unsigned),
        cmocka_unit_test(bcd_has_its_sign_in_the_top_nibble),
        cmocka_unit_test(every_line_of_the_vif_tables_scales_as_the_standard_says),
        cmocka_unit_test(every_code_has_a_row_with_a_name_and_a_unit),
        cmocka_unit_test(vifes_scale_shift_and_convert),
        cmocka_unit_test(qualifying_vifes_are_listed_as_modifiers),
        cmocka_unit_test(storage_tariff_subunit_and_function_come_from_the_dib),
        cmocka_unit_test(dates_are_decoded_by_width_and_null_if_they_are_none),
        cmocka_unit_test(invalid_data_are_null_and_keep_their_octets),
        cmocka_unit_test(texts_and_octets_are_kept_as_sent),
        cmocka_unit_test(plain_texts_stand_before_or_after_the_vifes),
        cmocka_unit_test(more_to_follow_is_told_by_verify_and_next),
        cmocka_unit_test(broken_records_are_refused_with_reason_and_place),
        cmocka_unit_test(reals_become_decimals_without_floating_point),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
