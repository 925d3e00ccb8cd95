/*
 * mbus.h: wired M-Bus (EN 13757-2 link layer, EN 13757-3 application layer): frames, telegrams,
 * records.
 *
 *   octets ──frame_check──▶ frame ──open──▶ telegram ──next──▶ record, record, …
 *            lengths, sum,          header            value, unit, function, storage …
 *            start, stop
 *
 * Strict: lengths, checksum, start and stop octets are always verified; no length inside a telegram
 * is trusted. Nothing is copied: frames, telegrams and records point into the caller's octets,
 * which must outlive them. The decoder knows no maker's meter by name and does not talk
 * (mbus_master.h).
 */
#ifndef HWT_CORE_WIRE_MBUS_H
#define HWT_CORE_WIRE_MBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum {
    HWT_MBUS_FRAME_MAX = 261, /* octets: 68 L L 68, L <= 255, CS, 16 */
    HWT_MBUS_SHORT_SIZE = 5,  /* 10 C A CS 16 */
    HWT_MBUS_CHAIN_MAX = 10   /* DIFEs, and VIFEs, of one record; EN 13757-3, 6.2 */
};

/* C fields, EN 13757-2, 5.5.3. FCB is bit 5 of a request. */
enum {
    HWT_MBUS_SND_NKE = 0x40,
    HWT_MBUS_SND_UD = 0x53,
    HWT_MBUS_REQ_UD2 = 0x5B,
    HWT_MBUS_FCB = 0x20,
    HWT_MBUS_RSP_UD = 0x08
};

/* Addresses, EN 13757-2, 5.5.4; 1..250 are primary addresses, 0 an unconfigured meter. */
enum {
    HWT_MBUS_ADDRESS_MAX = 250,
    HWT_MBUS_ADDRESS_SELECTED = 253, /* the meter chosen by its secondary address */
    HWT_MBUS_ADDRESS_ANY = 254,      /* all answer: for a bus with one meter */
    HWT_MBUS_ADDRESS_ALL = 255       /* none answers */
};

/* Where and why something was refused. */
struct hwt_mbus_fault {
    size_t at;        /* octets from the start of the frame */
    const char *what; /* one phrase, a constant */
};

/* --- link layer ------------------------------------------------------------------------------ */

enum hwt_mbus_shape {
    HWT_MBUS_ACK, /* E5 */
    HWT_MBUS_SHORT /* 10 C A CS 16 */,
    HWT_MBUS_LONG /* 68 L L 68 C A CI data CS 16 */
};

struct hwt_mbus_frame {
    const uint8_t *octets; /* from the start octet to the stop octet */
    size_t size;
    enum hwt_mbus_shape shape;
    uint8_t c, a;        /* SHORT and LONG */
    uint8_t ci;          /* LONG */
    const uint8_t *data; /* LONG: what follows CI */
    size_t data_size;    /* 0..252 */
};

/*
 * Is there a frame at p, with n octets there so far? 0: *frame_out is filled. HWT_ERR_AGAIN: the
 * beginning of one, octets are missing. LENGTH (the two lengths differ, or are below 3), CHECKSUM,
 * SANITY (start or stop octet): no frame starts here. On failure *fault_out tells where and why.
 */
HWT_MUST_CHECK int hwt_mbus_frame_check(const uint8_t *p, size_t n,
                                        struct hwt_mbus_frame *frame_out,
                                        struct hwt_mbus_fault *fault_out);

/*
 * The first whole frame in the n octets, whatever noise stands before it: 0, and *frame_out.
 * HWT_ERR_AGAIN: none. *skip_out octets at the start are noise and can be dropped; *why_out is 0
 * if there are none, else what the best candidate among them was refused for (CHECKSUM, LENGTH,
 * SANITY). With `final` nothing more will come: an unfinished beginning is noise, too (LENGTH).
 */
HWT_MUST_CHECK int hwt_mbus_frame_find(const uint8_t *p, size_t n, bool final,
                                       struct hwt_mbus_frame *frame_out, size_t *skip_out,
                                       int *why_out);

/* Writes 10 C A CS 16 and returns 5. */
size_t hwt_mbus_short_encode(uint8_t c, uint8_t a, uint8_t out[HWT_MBUS_SHORT_SIZE]);

/*
 * Writes 68 L L 68 C A CI data CS 16, as for SND_UD. Returns its size (9 + n), or SPACE if it does
 * not fit `room`, or ARGUMENT if n > 252.
 */
HWT_MUST_CHECK int hwt_mbus_long_encode(uint8_t c, uint8_t a, uint8_t ci, const uint8_t *data,
                                        size_t n, uint8_t *out, size_t room);

/* --- application layer ----------------------------------------------------------------------- */

/*      name                 text, as decode prints it */
/* clang-format off */
#define HWT_MBUS_QUANTITIES(X)                                   \
    X(RESERVED,              "reserved")                         \
    X(MANUFACTURER_SPECIFIC, "manufacturer_specific")            \
    X(PLAIN_TEXT,            "plain_text")                       \
    X(ENERGY,                "energy")                           \
    X(VOLUME,                "volume")                           \
    X(MASS,                  "mass")                             \
    X(ON_TIME,               "on_time")                          \
    X(OPERATING_TIME,        "operating_time")                   \
    X(POWER,                 "power")                            \
    X(VOLUME_FLOW,           "volume_flow")                      \
    X(MASS_FLOW,             "mass_flow")                        \
    X(FLOW_T,                "flow_temperature")                 \
    X(RETURN_T,              "return_temperature")               \
    X(DELTA_T,               "temperature_difference")           \
    X(EXTERNAL_T,            "external_temperature")             \
    X(PRESSURE,              "pressure")                         \
    X(TIME_POINT,            "time_point")                       \
    X(HCA,                   "hca")                              \
    X(AVERAGING,             "averaging_duration")               \
    X(ACTUALITY,             "actuality_duration")               \
    X(FABRICATION_NUMBER,    "fabrication_number")               \
    X(IDENTIFICATION,        "identification")                   \
    X(BUS_ADDRESS,           "bus_address")                      \
    X(DURATION,              "duration")                         \
    X(TIMES_EXCEEDED,        "times_exceeded")                   \
    X(TEMPERATURE_LIMIT,     "temperature_limit")                \
    X(CUMULATED_MAX_POWER,   "cumulated_maximum_power")          \
    X(CREDIT,                "credit")                           \
    X(DEBIT,                 "debit")                            \
    X(ACCESS_NUMBER,         "access_number")                    \
    X(MEDIUM,                "medium")                           \
    X(MANUFACTURER,          "manufacturer")                     \
    X(PARAMETER_SET,         "parameter_set_identification")     \
    X(MODEL_VERSION,         "model_version")                    \
    X(HARDWARE_VERSION,      "hardware_version")                 \
    X(FIRMWARE_VERSION,      "firmware_version")                 \
    X(SOFTWARE_VERSION,      "software_version")                 \
    X(CUSTOMER_LOCATION,     "customer_location")                \
    X(CUSTOMER,              "customer")                         \
    X(ACCESS_CODE,           "access_code")                      \
    X(PASSWORD,              "password")                         \
    X(ERROR_FLAGS,           "error_flags")                      \
    X(ERROR_MASK,            "error_mask")                       \
    X(DIGITAL_OUTPUT,        "digital_output")                   \
    X(DIGITAL_INPUT,         "digital_input")                    \
    X(BAUD_RATE,             "baud_rate")                        \
    X(RESPONSE_DELAY,        "response_delay")                   \
    X(RETRY,                 "retry")                            \
    X(FIRST_STORAGE,         "first_cyclic_storage")             \
    X(LAST_STORAGE,          "last_cyclic_storage")              \
    X(STORAGE_BLOCK_SIZE,    "storage_block_size")               \
    X(STORAGE_INTERVAL,      "storage_interval")                 \
    X(SINCE_READOUT,         "time_since_readout")               \
    X(TARIFF_START,          "tariff_start")                     \
    X(TARIFF_DURATION,       "tariff_duration")                  \
    X(TARIFF_PERIOD,         "tariff_period")                    \
    X(DIMENSIONLESS,         "dimensionless")                    \
    X(VOLTAGE,               "voltage")                          \
    X(CURRENT,               "current")                          \
    X(RESET_COUNTER,         "reset_counter")                    \
    X(CUMULATION_COUNTER,    "cumulation_counter")               \
    X(CONTROL_SIGNAL,        "control_signal")                   \
    X(DAY_OF_WEEK,           "day_of_week")                      \
    X(WEEK_NUMBER,           "week_number")                      \
    X(TIME_OF_DAY_CHANGE,    "time_of_day_change")               \
    X(PARAMETER_ACTIVATION,  "parameter_activation")             \
    X(SUPPLIER_INFORMATION,  "supplier_information")             \
    X(SINCE_CUMULATION,      "time_since_cumulation")            \
    X(BATTERY_TIME,          "battery_operating_time")           \
    X(BATTERY_CHANGE,        "battery_change")                   \
    X(REACTIVE_ENERGY,       "reactive_energy")                  \
    X(APPARENT_ENERGY,       "apparent_energy")                  \
    X(REACTIVE_POWER,        "reactive_power")                   \
    X(APPARENT_POWER,        "apparent_power")                   \
    X(HUMIDITY,              "relative_humidity")                \
    X(PHASE_UU,              "phase_voltage_to_voltage")         \
    X(PHASE_UI,              "phase_voltage_to_current")         \
    X(FREQUENCY,             "frequency")                        \
    X(HCA_FACTOR,            "hca_rating_factor")                \
    X(SECURITY_KEY,          "security_key")                     \
    X(REMOTE_CONTROL,        "remote_control")                   \
    X(TARIFF_DESCRIPTOR,     "tariff_and_subunit_descriptor")    \
    X(OPERATOR_DATA,         "operator_specific_data")           \
    X(SECOND,                "second_of_time_point")             \
    X(RADIO_CONTAINER,       "wireless_mbus_container")          \
    X(TRANSMISSION_PERIOD,   "transmission_period")              \
    X(RF_LEVEL,              "rf_level")                         \
    X(DAYLIGHT_SAVING,       "daylight_saving")                  \
    X(LISTENING_WINDOW,      "listening_window")                 \
    X(BATTERY_LEFT,          "remaining_battery_time")           \
    X(METER_STOPS,           "times_meter_stopped")              \
    X(MAKER_CONTAINER,       "manufacturer_specific_container")  \
    X(APPLICATION,           "selected_application")             \
    X(GLOBAL_READOUT,        "global_readout_request")

#define HWT_MBUS_UNITS(X)                                        \
    X(NONE,                  "")                                 \
    X(POINT,                 "-") /* time points, plain text */  \
    X(WH,                    "Wh")                               \
    X(J,                     "J")                                \
    X(M3,                    "m3")                               \
    X(KG,                    "kg")                               \
    X(S,                     "s")                                \
    X(W,                     "W")                                \
    X(J_H,                   "J/h")                              \
    X(M3_H,                  "m3/h")                             \
    X(KG_H,                  "kg/h")                             \
    X(DEGC,                  "degC")                             \
    X(K,                     "K")                                \
    X(BAR,                   "bar")                              \
    X(HCA,                   "Units for H.C.A.")                 \
    X(V,                     "V")                                \
    X(A,                     "A")                                \
    X(MONTH,                 "month")                            \
    X(YEAR,                  "year")                             \
    X(CURRENCY,              "currency")                         \
    X(BD,                    "Bd")                               \
    X(BIT_TIME,              "bit times")                        \
    X(DEGF,                  "degF")                             \
    X(FT3,                   "ft3")                              \
    X(GAL,                   "gal")                              \
    X(GAL_MIN,               "gal/min")                          \
    X(GAL_H,                 "gal/h")                            \
    X(CAL,                   "cal")                              \
    X(VARH,                  "varh")                             \
    X(VAH,                   "VAh")                              \
    X(VAR,                   "var")                              \
    X(VA,                    "VA")                               \
    X(HZ,                    "Hz")                               \
    X(DEG,                   "deg")                              \
    X(PERCENT,               "%")                                \
    X(DBM,                   "dBm")
/* clang-format on */

enum hwt_mbus_quantity {
#define HWT_X(name, text) HWT_MBUS_Q_##name,
    HWT_MBUS_QUANTITIES(HWT_X)
#undef HWT_X
        HWT_MBUS_Q_COUNT
};

enum hwt_mbus_unit {
#define HWT_X(name, text) HWT_MBUS_U_##name,
    HWT_MBUS_UNITS(HWT_X)
#undef HWT_X
        HWT_MBUS_U_COUNT
};

/* Bits 4-5 of the DIF, EN 13757-3, table 5; the last two are the special DIFs 0F and 1F. */
enum hwt_mbus_function {
    HWT_MBUS_INSTANTANEOUS,
    HWT_MBUS_MAXIMUM,
    HWT_MBUS_MINIMUM,
    HWT_MBUS_ERROR, /* the value while the meter was in an error state */
    HWT_MBUS_MAKER_DATA,
    HWT_MBUS_MORE_FOLLOWS, /* maker's data, and another telegram is to be asked for */
    HWT_MBUS_FUNCTIONS
};

enum hwt_mbus_value_kind {
    HWT_MBUS_NULL,   /* none, or invalid: only `raw` holds what was sent */
    HWT_MBUS_NUMBER, /* mantissa x 10^exponent */
    HWT_MBUS_REAL,   /* binary32 `real_bits` x multiplier x 10^exponent, finite */
    HWT_MBUS_DATE,   /* year, month, day */
    HWT_MBUS_DATE_TIME,
    HWT_MBUS_TIME, /* hour, minute, second */
    HWT_MBUS_TEXT, /* Latin-1: hwt_mbus_text */
    HWT_MBUS_BYTES /* maker's data; else bits or a number beyond int64: raw, least significant octet
                    * first but in mode 2 (msb_first) */
};

/* A meter's local time; the telegram tells no zone. */
struct hwt_mbus_date {
    uint16_t year;
    uint8_t month, day, hour, minute, second;
    bool summer; /* the meter says: summer time */
};

struct hwt_mbus_record {
    enum hwt_mbus_quantity quantity;
    enum hwt_mbus_unit unit; /* values are in this unit, without prefix */
    enum hwt_mbus_function function;
    enum hwt_mbus_value_kind kind;
    int64_t mantissa;          /* NUMBER */
    int exponent;              /* NUMBER, REAL: -18..18 */
    uint32_t real_bits;        /* REAL */
    uint32_t multiplier;       /* REAL: 1, or 60, 3600, 86400 where the unit was min, h, d */
    struct hwt_mbus_date date; /* DATE, DATE_TIME, TIME */
    uint64_t storage;          /* 41 bits */
    uint32_t tariff;           /* 20 bits */
    uint16_t subunit;          /* 10 bits */
    uint8_t error;     /* record error code of a VIFE 01..1F, 0 none; EN 13757-3, table 19 */
    uint8_t modifiers; /* how many of modifier[] */
    uint8_t modifier[HWT_MBUS_CHAIN_MAX]; /* VIFEs that change what the value means; of those after
                                           * FC, bit 7 is set: hwt_mbus_modifier_name knows both */
    uint8_t vib_size;
    uint8_t plain_size;
    const uint8_t *vib;   /* VIF and VIFEs (with a plain text between or after), as sent */
    const uint8_t *plain; /* PLAIN_TEXT: the text, as sent */
    const uint8_t *raw;   /* the data octets */
    size_t raw_size;
    bool msb_first; /* mode 2: numbers and texts were sent from their beginning */
    size_t at;      /* octets from the start of the frame to the DIF */
};

struct hwt_mbus_telegram {
    uint8_t address;
    uint8_t ci;
    bool identified; /* id, manufacturer, version, medium are there */
    bool has_status; /* access and status are there */
    bool fixed;      /* fixed structure (CI 73, 77): no manufacturer, no version */
    bool msb_first;  /* mode 2 (CI 76, 77): most significant octets come first */
    uint32_t id;     /* eight BCD digits, as %08X prints them */
    uint16_t manufacturer;
    uint8_t version;
    uint8_t medium; /* device type; fixed: 4 bits */
    uint8_t access;
    uint8_t status;
    uint16_t signature;
    uint8_t report; /* on HWT_ERR_APPLICATION: the meter's code */
    bool more;      /* set by next and verify: another telegram is to be asked for */
    /* private */
    const uint8_t *start; /* of the frame */
    const uint8_t *p;     /* of the records */
    size_t n, done;
    uint8_t fixed_unit[2];
};

/*
 * The header of a reply: CI 72 (variable structure, 12 octets), 7A (4 octets), 78 (none), 73 (fixed
 * structure); 76 and 77: 72 and 73 in mode 2, most significant octets first. NOT_MINE: an
 * acknowledgement or a request. APPLICATION: the meter's error report (CI 70, 6E, 6F) or alarm (71,
 * 74, 75), fault_out->what is its text. UNSUPPORTED: another CI, named in fault_out->what, or
 * encrypted. LENGTH: header cut off.
 */
HWT_MUST_CHECK int hwt_mbus_open(const struct hwt_mbus_frame *frame,
                                 struct hwt_mbus_telegram *telegram_out,
                                 struct hwt_mbus_fault *fault_out);

/*
 * The next record: 1, and *record_out; 0 after the last; LENGTH (cut off), SANITY (chain too long),
 * UNSUPPORTED (reserved DIF or LVAR, so the record's length is not known). After a failure the
 * telegram stays failed, and *record_out means nothing.
 */
HWT_MUST_CHECK int hwt_mbus_next(struct hwt_mbus_telegram *telegram,
                                 struct hwt_mbus_record *record_out,
                                 struct hwt_mbus_fault *fault_out);

/* Walks the records without taking them, and sets `more`: 0 if all are whole, else as next. */
HWT_MUST_CHECK int hwt_mbus_verify(struct hwt_mbus_telegram *telegram,
                                   struct hwt_mbus_fault *fault_out);

/*
 * A NUMBER or REAL as mantissa x 10^exponent, -18 <= exponent <= 18; a REAL with at least
 * 13 significant digits, in integers. False for the other kinds and where it does not fit.
 */
HWT_MUST_CHECK bool hwt_mbus_decimal(const struct hwt_mbus_record *record, int64_t *mantissa_out,
                                     int *exponent_out);

/*
 * Text of n octets as people read it: sent last character first, in mode 2 (`msb_first`) first
 * character first. Latin-1. Returns the octets written, at most `room`.
 */
size_t hwt_mbus_text(const uint8_t *sent, size_t n, bool msb_first, char *out, size_t room);

/* Texts as decode prints them; NULL for a code that is none. */
const char *hwt_mbus_quantity_name(enum hwt_mbus_quantity q);
const char *hwt_mbus_unit_name(enum hwt_mbus_unit u);
const char *hwt_mbus_function_name(enum hwt_mbus_function f);
const char *hwt_mbus_modifier_name(uint8_t modifier);
const char *hwt_mbus_record_error_name(uint8_t error);
/* "reserved" where EN 13757-3 has none. `fixed`: the short list of the fixed structure. */
const char *hwt_mbus_medium_name(uint8_t medium, bool fixed);
/* Three letters and NUL; a code that holds no letters gives "?". */
void hwt_mbus_manufacturer_name(uint16_t code, char out[4]);

#endif
