/*
 * mbus_vif.c: the VIF tables of EN 13757-3 (clause 6.4, tables 10 to 14), one fact a row. Those of
 * the VIFEs that may follow any VIF are in mbus_vife.c.
 *
 * A row N2/N4/N8/N16 stands for as many successive codes; each is ten times the one before. A row T
 * stands for four: seconds, minutes, hours, days. The tables have an entry for every code, so that
 * decoding is one look-up; what no row names is reserved. Two rows for one code do not compile.
 */
#include "core/wire/mbus_vif.h"

#define ROW(code, q, u, mul, exp, f) \
    [code] = {(mul), HWT_MBUS_Q_##q, HWT_MBUS_U_##u, (exp), HWT_MBUS_FORM_##f}
#define N1M(code, q, u, mul, exp) ROW(code, q, u, mul, exp, NUMBER)
#define N2M(code, q, u, mul, exp) N1M(code, q, u, mul, exp), N1M((code) + 1, q, u, mul, (exp) + 1)
#define N4M(code, q, u, mul, exp) N2M(code, q, u, mul, exp), N2M((code) + 2, q, u, mul, (exp) + 2)
#define N8M(code, q, u, mul, exp) N4M(code, q, u, mul, exp), N4M((code) + 4, q, u, mul, (exp) + 4)
#define N1(code, q, u, exp)       N1M(code, q, u, 1, exp)
#define N2(code, q, u, exp)       N2M(code, q, u, 1, exp)
#define N4(code, q, u, exp)       N4M(code, q, u, 1, exp)
#define N8(code, q, u, exp)       N8M(code, q, u, 1, exp)
#define N16(code, q, u, exp)      N8(code, q, u, exp), N8((code) + 8, q, u, (exp) + 8)
#define T3(code, q)               /* min, h, d */ \
    N1M(code, q, S, 60, 0), N1M((code) + 1, q, S, 3600, 0), N1M((code) + 2, q, S, 86400, 0)
#define T(code, q)     N1M(code, q, S, 1, 0), T3((code) + 1, q)
#define U1(code, q, u) ROW(code, q, u, 1, 0, UNSIGNED) /* codes, bits */
#define D1(code, q, u) ROW(code, q, u, 1, 0, DATE)

/* Primary VIFs, EN 13757-3, table 10. */
static const struct hwt_mbus_vif primary[128] = {
    /* clang-format off */
    N8(0x00,  ENERGY,             WH,    -3),
    N8(0x08,  ENERGY,             J,      0),
    N8(0x10,  VOLUME,             M3,    -6),
    N8(0x18,  MASS,               KG,    -3),
    T(0x20,   ON_TIME),
    T(0x24,   OPERATING_TIME),
    N8(0x28,  POWER,              W,     -3),
    N8(0x30,  POWER,              J_H,    0),
    N8(0x38,  VOLUME_FLOW,        M3_H,  -6),
    N8M(0x40, VOLUME_FLOW,        M3_H,  60, -7),   /* per minute */
    N8M(0x48, VOLUME_FLOW,        M3_H,  3600, -9), /* per second */
    N8(0x50,  MASS_FLOW,          KG_H,  -3),
    N4(0x58,  FLOW_T,             DEGC,  -3),
    N4(0x5C,  RETURN_T,           DEGC,  -3),
    N4(0x60,  DELTA_T,            K,     -3),
    N4(0x64,  EXTERNAL_T,         DEGC,  -3),
    N4(0x68,  PRESSURE,           BAR,   -3),
    D1(0x6C,  TIME_POINT,         POINT), /* date, type G */
    D1(0x6D,  TIME_POINT,         POINT), /* date and time, type F; I and J by width */
    N1(0x6E,  HCA,                HCA,    0),
    T(0x70,   AVERAGING),
    T(0x74,   ACTUALITY),
    U1(0x78,  FABRICATION_NUMBER, NONE),
    U1(0x79,  IDENTIFICATION,     NONE),
    U1(0x7A,  BUS_ADDRESS,        NONE),
    N1(0x7C,  PLAIN_TEXT,         POINT,  0), /* 6.4.5: the text follows */
    N1(0x7F,  MANUFACTURER_SPECIFIC, NONE, 0),
    /* clang-format on */
};

/*
 * First extension, after FB: EN 13757-3, table 14. The rows in degF, gal and ft3 were withdrawn in
 * 2004; meters made before still send them.
 */
static const struct hwt_mbus_vif extension_fb[128] = {
    /* clang-format off */
    N2(0x00, ENERGY,              WH,       5), /* 0.1 MWh, 1 MWh */
    N2(0x02, REACTIVE_ENERGY,     VARH,     3), /* 1 kvarh, 10 kvarh */
    N2(0x04, APPARENT_ENERGY,     VAH,      3), /* 1 kVAh, 10 kVAh */
    N2(0x08, ENERGY,              J,        8), /* 0.1 GJ, 1 GJ */
    N4(0x0C, ENERGY,              CAL,      5), /* 0.1 Mcal … 100 Mcal */
    N2(0x10, VOLUME,              M3,       2),
    N4(0x14, REACTIVE_POWER,      VAR,      0), /* 0.001 kvar … 1 kvar */
    N2(0x18, MASS,                KG,       5), /* 100 t, 1000 t */
    N2(0x1A, HUMIDITY,            PERCENT, -1),
    N1(0x20, VOLUME,              FT3,      0),
    N1(0x21, VOLUME,              FT3,     -1),
    N2(0x22, VOLUME,              GAL,     -1),
    N1(0x24, VOLUME_FLOW,         GAL_MIN, -3),
    N1(0x25, VOLUME_FLOW,         GAL_MIN,  0),
    N1(0x26, VOLUME_FLOW,         GAL_H,    0),
    N2(0x28, POWER,               W,        5), /* 0.1 MW, 1 MW */
    N1(0x2A, PHASE_UU,            DEG,     -1),
    N1(0x2B, PHASE_UI,            DEG,     -1),
    N4(0x2C, FREQUENCY,           HZ,      -3),
    N2(0x30, POWER,               J_H,      8), /* 0.1 GJ/h, 1 GJ/h */
    N4(0x34, APPARENT_POWER,      VA,       0), /* 0.001 kVA … 1 kVA */
    N4(0x58, FLOW_T,              DEGF,    -3),
    N4(0x5C, RETURN_T,            DEGF,    -3),
    N4(0x60, DELTA_T,             DEGF,    -3),
    N4(0x64, EXTERNAL_T,          DEGF,    -3),
    N1(0x68, HCA_FACTOR,          NONE,     0), /* K, resulting */
    N1(0x69, HCA_FACTOR,          NONE,     0), /* Kq */
    N1(0x6A, HCA_FACTOR,          NONE,     0), /* Kc */
    N1(0x6B, HCA_FACTOR,          NONE,     0), /* Kcr */
    N1(0x6C, HCA_FACTOR,          NONE,     0), /* Kch */
    N1(0x6D, HCA_FACTOR,          NONE,     0), /* Kt */
    N1(0x6E, HCA_FACTOR,          NONE,     0), /* KD */
    N4(0x70, TEMPERATURE_LIMIT,   DEGF,    -3),
    N4(0x74, TEMPERATURE_LIMIT,   DEGC,    -3),
    N8(0x78, CUMULATED_MAX_POWER, W,       -3),
    /* clang-format on */
};

/* Second extension, after FD: EN 13757-3, table 12. */
static const struct hwt_mbus_vif extension_fd[128] = {
    /* clang-format off */
    N4(0x00,  CREDIT,               CURRENCY, -3),
    N4(0x04,  DEBIT,                CURRENCY, -3),
    U1(0x08,  ACCESS_NUMBER,        NONE),
    U1(0x09,  MEDIUM,               NONE),
    U1(0x0A,  MANUFACTURER,         NONE),
    U1(0x0B,  PARAMETER_SET,        NONE),
    U1(0x0C,  MODEL_VERSION,        NONE),
    U1(0x0D,  HARDWARE_VERSION,     NONE),
    U1(0x0E,  FIRMWARE_VERSION,     NONE),
    U1(0x0F,  SOFTWARE_VERSION,     NONE),
    U1(0x10,  CUSTOMER_LOCATION,    NONE),
    U1(0x11,  CUSTOMER,             NONE),
    U1(0x12,  ACCESS_CODE,          NONE), /* user */
    U1(0x13,  ACCESS_CODE,          NONE), /* operator */
    U1(0x14,  ACCESS_CODE,          NONE), /* system operator */
    U1(0x15,  ACCESS_CODE,          NONE), /* developer */
    U1(0x16,  PASSWORD,             NONE),
    U1(0x17,  ERROR_FLAGS,          NONE),
    U1(0x18,  ERROR_MASK,           NONE),
    U1(0x19,  SECURITY_KEY,         NONE),
    U1(0x1A,  DIGITAL_OUTPUT,       NONE),
    U1(0x1B,  DIGITAL_INPUT,        NONE),
    U1(0x1C,  BAUD_RATE,            BD),
    N1(0x1D,  RESPONSE_DELAY,       BIT_TIME,  0),
    U1(0x1E,  RETRY,                NONE),
    U1(0x1F,  REMOTE_CONTROL,       NONE),
    U1(0x20,  FIRST_STORAGE,        NONE),
    U1(0x21,  LAST_STORAGE,         NONE),
    U1(0x22,  STORAGE_BLOCK_SIZE,   NONE),
    U1(0x23,  TARIFF_DESCRIPTOR,    NONE),
    T(0x24,   STORAGE_INTERVAL),
    N1(0x28,  STORAGE_INTERVAL,     MONTH,     0),
    N1(0x29,  STORAGE_INTERVAL,     YEAR,      0),
    N1(0x2A,  OPERATOR_DATA,        NONE,      0),
    N1(0x2B,  SECOND,               S,         0),
    T(0x2C,   SINCE_READOUT),
    D1(0x30,  TARIFF_START,         POINT),
    T3(0x31,  TARIFF_DURATION),
    T(0x34,   TARIFF_PERIOD),
    N1(0x38,  TARIFF_PERIOD,        MONTH,     0),
    N1(0x39,  TARIFF_PERIOD,        YEAR,      0),
    N1(0x3A,  DIMENSIONLESS,        NONE,      0),
    N1(0x3B,  RADIO_CONTAINER,      NONE,      0),
    T(0x3C,   TRANSMISSION_PERIOD),
    N16(0x40, VOLTAGE,              V,        -9),
    N16(0x50, CURRENT,              A,       -12),
    N1(0x60,  RESET_COUNTER,        NONE,      0),
    N1(0x61,  CUMULATION_COUNTER,   NONE,      0),
    U1(0x62,  CONTROL_SIGNAL,       NONE),
    U1(0x63,  DAY_OF_WEEK,          NONE),
    U1(0x64,  WEEK_NUMBER,          NONE),
    N1(0x65,  TIME_OF_DAY_CHANGE,   NONE,      0),
    N1(0x66,  PARAMETER_ACTIVATION, NONE,      0),
    U1(0x67,  SUPPLIER_INFORMATION, NONE),
    N1M(0x68, SINCE_CUMULATION,     S,         3600, 0),
    N1M(0x69, SINCE_CUMULATION,     S,         86400, 0),
    N1(0x6A,  SINCE_CUMULATION,     MONTH,     0),
    N1(0x6B,  SINCE_CUMULATION,     YEAR,      0),
    N1M(0x6C, BATTERY_TIME,         S,         3600, 0),
    N1M(0x6D, BATTERY_TIME,         S,         86400, 0),
    N1(0x6E,  BATTERY_TIME,         MONTH,     0),
    N1(0x6F,  BATTERY_TIME,         YEAR,      0),
    D1(0x70,  BATTERY_CHANGE,       POINT),
    N1(0x71,  RF_LEVEL,             DBM,       0),
    U1(0x72,  DAYLIGHT_SAVING,      NONE), /* type K */
    U1(0x73,  LISTENING_WINDOW,     NONE), /* type L */
    N1M(0x74, BATTERY_LEFT,         S,         86400, 0),
    N1(0x75,  METER_STOPS,          NONE,      0),
    N1(0x76,  MAKER_CONTAINER,      NONE,      0),
    /* clang-format on */
};

/* Second level of the second extension, after FD FD: EN 13757-3, table 13. */
static const struct hwt_mbus_vif extension_fd_fd[128] = {
    /* clang-format off */
    N1(0x00, APPLICATION,  NONE,  0),
    N1(0x02, BATTERY_LEFT, MONTH, 0),
    N1(0x03, BATTERY_LEFT, YEAR,  0),
    /* clang-format on */
};

/*
 * Unit codes of the fixed structure, EN 13757-3 annex (CI 73). 29 as litres is confirmed by a real
 * telegram of a Pollusonic meter. 3E (as the other counter) is resolved by the caller.
 */
static const struct hwt_mbus_vif fixed_unit[64] = {
    /* clang-format off */
    D1(0x00, TIME_POINT,  POINT), /* h, m, s */
    D1(0x01, TIME_POINT,  POINT), /* D, M, Y */
    N8(0x02, ENERGY,      WH,    0), N1(0x0A, ENERGY,      WH,    8),
    N8(0x0B, ENERGY,      J,     3), N1(0x13, ENERGY,      J,    11),
    N8(0x14, POWER,       W,     0), N1(0x1C, POWER,       W,     8),
    N8(0x1D, POWER,       J_H,   3), N1(0x25, POWER,       J_H,  11),
    N8(0x26, VOLUME,      M3,   -6), N1(0x2E, VOLUME,      M3,    2),
    N8(0x2F, VOLUME_FLOW, M3_H, -6), N1(0x37, VOLUME_FLOW, M3_H,  2),
    N1(0x38, EXTERNAL_T,  DEGC, -3), /* a temperature, without saying which */
    N1(0x39, HCA,         HCA,   0),
    N1(0x3F, DIMENSIONLESS, NONE, 0),
    /* clang-format on */
};

const struct hwt_mbus_vif *hwt_mbus_vif_get(enum hwt_mbus_vif_table table, uint8_t code)
{
    static const struct hwt_mbus_vif *const tables[] = {
        [HWT_MBUS_VIF_PRIMARY] = primary,
        [HWT_MBUS_VIF_FB] = extension_fb,
        [HWT_MBUS_VIF_FD] = extension_fd,
        [HWT_MBUS_VIF_FD_FD] = extension_fd_fd,
    };

    return &tables[table][code & 0x7F];
}

const struct hwt_mbus_vif *hwt_mbus_fixed_unit_get(uint8_t code)
{
    return &fixed_unit[code & 0x3F];
}
