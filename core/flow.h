/*
 * flow.h: every type that crosses a stage of the river, with its units.
 *
 *   sample block ──▶ reading ──▶ record ──▶ (log) ──▶ bucket
 *    meter, wire      heat        tslog               query
 *
 * A source (a clamp, a meter, a sensor) delivers readings: one quantity, one instant. A channel is
 * one series: one quantity of one source; its id is `<source>_<quantity>`. A record holds the
 * values of all channels of one interval. A bucket summarises one channel over a span of records.
 *
 * Values are int64, scaled by the quantity table below. No stage invents a value: what was not
 * measured has quality HWT_QUALITY_MISSING and its number means nothing.
 *
 * This header holds no functions; core/base/quantity.h looks the table up.
 */
#ifndef HWT_CORE_FLOW_H
#define HWT_CORE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The one table of quantities and units. Numbers are stored in logs: append only, never renumber.
 * `per_unit` is how many stored counts make one unit as the API prints it: 10 = stored in tenths;
 * energy is stored in millijoules, 3 600 000 of them a Wh. `digits` are printed after the point.
 *
 *   name             no  id                unit    per_unit  digits kind     what
 */
/* clang-format off */
#define HWT_QUANTITIES(X)                                                                          \
    X(VOLTAGE,          1, "voltage",         "V",     100, 2, GAUGE,   "RMS voltage")                \
    X(CURRENT,          2, "current",         "A",    1000, 3, GAUGE,   "RMS current")                \
    X(POWER,            3, "power",           "W",      10, 1, GAUGE,   "active or heat power")       \
    X(APPARENT_POWER,   4, "apparent_power",  "VA",     10, 1, GAUGE,   "apparent power")             \
    X(REACTIVE_POWER,   5, "reactive_power",  "var",    10, 1, GAUGE,   "fundamental reactive power") \
    X(POWER_FACTOR,     6, "power_factor",    "1",    1000, 3, GAUGE,   "power factor, signed as P")  \
    X(FREQUENCY,        7, "frequency",       "Hz",   1000, 3, GAUGE,   "mains frequency")            \
    X(IMPORT,           8, "import",          "Wh", 3600000, 3, COUNTER, "energy imported")           \
    X(EXPORT,           9, "export",          "Wh", 3600000, 3, COUNTER, "energy exported")           \
    X(ENERGY,          10, "energy",          "Wh", 3600000, 3, COUNTER, "a meter's own register")    \
    X(VOLUME,          11, "volume",          "l",    1000, 3, COUNTER, "a meter's volume register")  \
    X(FLOW_RATE,       12, "flow_rate",       "l/h",    10, 1, GAUGE,   "volume flow")                \
    X(FLOW_T,          13, "flow_t",          "degC",  100, 2, GAUGE,   "flow temperature")           \
    X(RETURN_T,        14, "return_t",        "degC",  100, 2, GAUGE,   "return temperature")         \
    X(DELTA_T,         15, "delta_t",         "K",     100, 2, GAUGE,   "flow minus return")          \
    X(OUTSIDE_T,       16, "outside_t",       "degC",  100, 2, GAUGE,   "outside temperature")        \
    X(ROOM_T,          17, "room_t",          "degC",  100, 2, GAUGE,   "room temperature")           \
    X(DHW_T,           18, "dhw_t",           "degC",  100, 2, GAUGE,   "hot water cylinder")         \
    X(TEMPERATURE,     19, "temperature",     "degC",  100, 2, GAUGE,   "temperature of a sensor")    \
    X(PRESSURE,        20, "pressure",        "Pa",      1, 0, GAUGE,   "pressure")                   \
    X(ELEC_POWER,      21, "elec_power",      "W",      10, 1, GAUGE,   "heat pump electricity")      \
    X(HEAT_POWER,      22, "heat_power",      "W",      10, 1, GAUGE,   "heat to the house, signed")  \
    X(ELEC_ENERGY,     23, "elec_energy",     "Wh", 3600000, 3, COUNTER, "heat pump electricity")     \
    X(HEAT_ENERGY,     24, "heat_energy",     "Wh", 3600000, 3, COUNTER, "positive heat")             \
    X(NEGATIVE_HEAT,   25, "negative_heat",   "Wh", 3600000, 3, COUNTER, "heat drawn, as in defrost") \
    X(COOLING_ENERGY,  26, "cooling_energy",  "Wh", 3600000, 3, COUNTER, "heat removed by cooling")   \
    X(PAIRED_ELEC,     27, "paired_elec",     "Wh", 3600000, 3, COUNTER, "electricity, COP intervals") \
    X(PAIRED_HEAT,     28, "paired_heat",     "Wh", 3600000, 3, COUNTER, "positive heat, COP intervals") \
    X(PAIRED_NEGATIVE, 29, "paired_negative", "Wh", 3600000, 3, COUNTER, "negative heat, COP intervals") \
    X(COP,             30, "cop",             "1",    1000, 3, GAUGE,   "heat/electricity, 30 min")   \
    X(MEASURED,        31, "measured",        "s",    1000, 3, COUNTER, "time measured")              \
    X(GAP,             32, "gap",             "s",    1000, 3, COUNTER, "time not measured")          \
    X(HUMIDITY,        33, "humidity",        "%",      10, 1, GAUGE,   "relative humidity")          \
    X(THD,             34, "thd",             "%",     100, 2, GAUGE,   "all that is not fundamental, over it") \
    X(COS_PHI,         35, "cos_phi",         "1",    1000, 3, GAUGE,   "displacement power factor, signed as P") \
    X(REACTIVE_Q1,     36, "reactive_q1",     "varh", 3600000, 3, COUNTER, "imported, inductive")     \
    X(REACTIVE_Q2,     37, "reactive_q2",     "varh", 3600000, 3, COUNTER, "exported, inductive")     \
    X(REACTIVE_Q3,     38, "reactive_q3",     "varh", 3600000, 3, COUNTER, "exported, capacitive")    \
    X(REACTIVE_Q4,     39, "reactive_q4",     "varh", 3600000, 3, COUNTER, "imported, capacitive")    \
    X(SUMMED_IMPORT,   40, "summed_import",   "Wh", 3600000, 3, COUNTER, "imported, phase by phase")  \
    X(SUMMED_EXPORT,   41, "summed_export",   "Wh", 3600000, 3, COUNTER, "exported, phase by phase")  \
    HWT_HARMONIC(X, 2, 42) HWT_HARMONIC(X, 3, 43) HWT_HARMONIC(X, 4, 44) \
    HWT_HARMONIC(X, 5, 45) HWT_HARMONIC(X, 6, 46) HWT_HARMONIC(X, 7, 47) \
    HWT_HARMONIC(X, 8, 48) HWT_HARMONIC(X, 9, 49) HWT_HARMONIC(X, 10, 50) \
    HWT_HARMONIC(X, 11, 51) HWT_HARMONIC(X, 12, 52) HWT_HARMONIC(X, 13, 53) \
    HWT_HARMONIC(X, 14, 54) HWT_HARMONIC(X, 15, 55) HWT_HARMONIC(X, 16, 56) \
    HWT_HARMONIC(X, 17, 57) HWT_HARMONIC(X, 18, 58) HWT_HARMONIC(X, 19, 59) \
    HWT_HARMONIC(X, 20, 60) HWT_HARMONIC(X, 21, 61) HWT_HARMONIC(X, 22, 62) \
    HWT_HARMONIC(X, 23, 63) HWT_HARMONIC(X, 24, 64) HWT_HARMONIC(X, 25, 65) \
    HWT_HARMONIC(X, 26, 66) HWT_HARMONIC(X, 27, 67) HWT_HARMONIC(X, 28, 68) \
    HWT_HARMONIC(X, 29, 69) HWT_HARMONIC(X, 30, 70) HWT_HARMONIC(X, 31, 71) \
    HWT_HARMONIC(X, 32, 72) HWT_HARMONIC(X, 33, 73) HWT_HARMONIC(X, 34, 74) \
    HWT_HARMONIC(X, 35, 75) HWT_HARMONIC(X, 36, 76) HWT_HARMONIC(X, 37, 77) \
    HWT_HARMONIC(X, 38, 78) HWT_HARMONIC(X, 39, 79) HWT_HARMONIC(X, 40, 80)
/* clang-format on */

/* Harmonics 2 to 40, over the fundamental. */
#define HWT_HARMONIC(X, n, no) \
    X(HARMONIC_##n, no, "harmonic_" #n, "%", 100, 2, GAUGE, "harmonic " #n ", over the fundamental")

enum hwt_quantity {
    HWT_Q_NONE = 0,
#define HWT_X(name, no, id, unit, per_unit, digits, kind, what) HWT_Q_##name = (no),
    HWT_QUANTITIES(HWT_X)
#undef HWT_X
        HWT_Q_COUNT /* one past the last */
};

enum hwt_kind { HWT_GAUGE, HWT_COUNTER };

/* How far a value can be trusted. Stored in logs: append only. */
enum hwt_quality {
    HWT_QUALITY_MISSING = 0, /* not measured: the number means nothing */
    HWT_QUALITY_GOOD = 1,
    HWT_QUALITY_SUSPECT = 2, /* measured, with a doubt: clipped, noisy, open clamp */
    HWT_QUALITY_COUNT
};

/* What the wall time of a record rests on. Stored in logs: append only. */
enum hwt_clock_quality {
    HWT_CLOCK_UNKNOWN = 0,  /* no wall time: unix_ms is HWT_TIME_UNKNOWN */
    HWT_CLOCK_UNSYNCED = 1, /* the system clock, not known to be synchronised */
    HWT_CLOCK_SYNCED = 2,   /* the system clock, synchronised (NTP) */
    HWT_CLOCK_PLANT = 3,    /* the virtual plant's clock */
    HWT_CLOCK_COUNT
};

/* Where a stream's records come from. Stored in logs: append only. */
enum hwt_provenance {
    HWT_PROVENANCE_MEASURED = 0,  /* this device, real inputs */
    HWT_PROVENANCE_SIMULATED = 1, /* the virtual plant, live or as imported history */
    HWT_PROVENANCE_IMPORTED = 2,  /* another system's data */
    HWT_PROVENANCE_COUNT
};

#define HWT_TIME_UNKNOWN    INT64_MIN
#define HWT_ID_MAX          32  /* channel and source ids: [a-z0-9_]{1,32} */
#define HWT_CHANNELS_MAX    256 /* channels of one stream */
#define HWT_SLOTS_MAX       24
#define HWT_BLOCK_CODES_MAX 32768 /* scans x slots of one sample block: 65536 octets of 2 */

enum hwt_slot_kind {
    HWT_SLOT_UNUSED = 0,
    HWT_SLOT_VOLTAGE = 1,
    HWT_SLOT_CURRENT = 2,
    HWT_SLOT_ANALOG = 3
};

struct hwt_slot {
    uint8_t kind;      /* enum hwt_slot_kind */
    uint8_t input;     /* number of the input of that kind, from 0 */
    uint16_t time_q16; /* when in the scan it is converted, 1/65536 of the scan period */
};

/* A run of whole scans without a gap inside. docs/SAMPLE_STREAM.md */
struct hwt_block {
    uint64_t device_us;      /* us, device clock at slot 0 of the first scan */
    int64_t wall_us;         /* us, unix time of the same instant, or HWT_TIME_UNKNOWN */
    uint32_t sequence;       /* one more than the block before, modulo 2^32 */
    uint32_t dropped;        /* scans lost by the device just before this block */
    uint32_t scan_period_ps; /* ps, nominal time from scan to scan */
    uint16_t scans;
    uint8_t slots; /* 1..HWT_SLOTS_MAX */
    uint8_t bits;  /* 8..24: a code is in [-2^(bits-1), 2^(bits-1)) */
    struct hwt_slot slot[HWT_SLOTS_MAX];
    const int32_t *codes; /* scans x slots, scan by scan, mid-scale is 0; borrowed */
};

struct hwt_reading {
    int64_t value;    /* counts of the quantity table */
    int64_t mono_us;  /* us, the clock's monotonic time of the measurement */
    uint16_t source;  /* index in the installation's list of sources */
    uint8_t quantity; /* enum hwt_quantity */
    uint8_t quality;  /* enum hwt_quality */
};

struct hwt_channel {
    char id[HWT_ID_MAX + 1]; /* "<source>_<quantity>", NUL terminated */
    uint8_t quantity;        /* enum hwt_quantity */
};

/* The columns of a record. Two schemas are equal if their channels are, in order. */
struct hwt_schema {
    const struct hwt_channel *channel;
    uint16_t count; /* 1..HWT_CHANNELS_MAX */
};

struct hwt_value {
    int64_t v; /* counts of the quantity table: a gauge's mean, a counter's reading at the end */
    uint8_t quality; /* enum hwt_quality */
    uint32_t age_ms; /* ms, how old it was at the end of the interval; 0: measured within it, as
                      * every gauge is; more: a counter's last reading, carried on */
};

/* All channels of one interval, labelled by the interval's end. */
struct hwt_record {
    uint64_t sequence; /* of its stream, from 1; given by the log */
    int64_t mono_us;   /* us, clock's monotonic time, end of interval; comparable within one boot */
    int64_t unix_ms;   /* ms, wall time at the end of the interval, or HWT_TIME_UNKNOWN */
    uint32_t boot;     /* counts starts of the daemon on this log */
    uint32_t span_ms;  /* ms, length of the interval; of the wall clock where it is known */
    uint8_t clock;     /* enum hwt_clock_quality */
    uint16_t count;    /* values; the schema's count */
    const struct hwt_value *value; /* borrowed */
};

/* One channel summarised over [from_ms, to_ms). A record belongs to the bucket that holds the start
 * of its interval, unix_ms - span_ms. */
struct hwt_bucket {
    int64_t from_ms;
    int64_t to_ms;
    uint32_t count;      /* values present; 0: all else means nothing */
    int64_t min, max;    /* counts */
    double mean;         /* counts; each record weighs its span */
    int64_t first, last; /* counts */
    int64_t delta; /* counts; a counter's rise since the record before the bucket, so deltas of
                    * adjoining buckets add up; a step down (a reset) counts nothing */
    uint64_t measured_ms; /* ms, sum of the spans present */
};

#endif
