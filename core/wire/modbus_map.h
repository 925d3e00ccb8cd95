/*
 * modbus_map.h: what the registers of a meter mean, and the fewest requests that read them.
 *
 *   map     address 12, f32, power, scale 1        one row a value
 *   plan    4: 0..31   4: 52..75                   groups: runs of rows, read by one request each
 *   value   41 E4 00 00 ─▶ 28.5 W ─▶ 285 counts    scaled exactly, then rounded once
 *
 * A map is a table of the caller, as its file says (docs/PROTOCOLS.md); this module holds none. No
 * floating point: a binary32 or binary64 is a mantissa and an exponent.
 */
#ifndef HWT_CORE_WIRE_MODBUS_MAP_H
#define HWT_CORE_WIRE_MODBUS_MAP_H

#include "core/wire/modbus.h"

enum {
    HWT_MODBUS_ROWS_MAX = 64, /* of a map */
    HWT_MODBUS_GROUPS_MAX = HWT_MODBUS_ROWS_MAX
};

/*       name registers kind */
#define HWT_MODBUS_TYPES(X) \
    X(U16, 1, UNSIGNED)     \
    X(S16, 1, SIGNED)       \
    X(U32, 2, UNSIGNED)     \
    X(S32, 2, SIGNED)       \
    X(U64, 4, UNSIGNED)     \
    X(S64, 4, SIGNED)       \
    X(F32, 2, FLOAT)        \
    X(F64, 4, FLOAT)

enum hwt_modbus_type {
#define HWT_X(name, registers, kind) HWT_MODBUS_##name,
    HWT_MODBUS_TYPES(HWT_X)
#undef HWT_X
        HWT_MODBUS_TYPE_COUNT
};

/* Order of the octets of 12 34 56 78 (hex) on the line; longer and shorter values alike. */
enum hwt_modbus_order {
    HWT_MODBUS_ABCD, /* 12 34 56 78: as the standard has it within a register */
    HWT_MODBUS_CDAB, /* 56 78 12 34: low register first */
    HWT_MODBUS_BADC, /* 34 12 78 56: low octet first in each register */
    HWT_MODBUS_DCBA, /* 78 56 34 12 */
    HWT_MODBUS_ORDER_COUNT
};

/* What of the installation a value is of: the whole, or one phase. */
enum hwt_modbus_part {
    HWT_MODBUS_TOTAL,
    HWT_MODBUS_L1,
    HWT_MODBUS_L2,
    HWT_MODBUS_L3,
    HWT_MODBUS_PART_COUNT
};

struct hwt_modbus_row {
    uint16_t address; /* from 0, as on the wire */
    uint8_t function; /* 3 holding, 4 input */
    uint8_t type;     /* enum hwt_modbus_type */
    uint8_t order;    /* enum hwt_modbus_order */
    uint8_t quantity; /* enum hwt_quantity */
    uint8_t part;     /* enum hwt_modbus_part */
    int32_t scale;    /* value in the quantity's API unit = number x scale x 10^exponent; not 0 */
    int8_t exponent;  /* -9..9 */
};

struct hwt_modbus_map {
    struct hwt_modbus_row row[HWT_MODBUS_ROWS_MAX];
    unsigned rows;
    uint16_t registers_max; /* of one request, 1..125 */
    uint16_t gap_max;       /* registers of no row that may be read along; 0: none */
};

/* One request and the rows it answers. */
struct hwt_modbus_group {
    uint8_t function;
    uint16_t address, count;
    uint8_t row[HWT_MODBUS_ROWS_MAX]; /* indices in the map */
    uint8_t rows;
};

enum hwt_modbus_presence {
    HWT_MODBUS_PRESENT,
    HWT_MODBUS_ABSENT,     /* NaN, infinity, or the type's "not available" */
    HWT_MODBUS_IMPLAUSIBLE /* beyond what the quantity can be in a house */
};

/* "u16" .. "f64", "total", "l1" ..; "?" for a number that is none. */
const char *hwt_modbus_type_name(unsigned type);
const char *hwt_modbus_part_name(unsigned part);
/* Registers of a value; 0 for no type. */
unsigned hwt_modbus_type_registers(unsigned type);

/*
 * Merges the rows into groups in ascending order. Returns how many; `groups` holds
 * HWT_MODBUS_GROUPS_MAX. A row that is read twice (two rows of one address) is in one group.
 */
unsigned hwt_modbus_plan(const struct hwt_modbus_map *map, struct hwt_modbus_group *groups);
/*
 * Parts a group that a device refuses in two, as even as rows go; false if it has one row or all
 * its rows begin at one address. *first may be the group itself.
 */
bool hwt_modbus_split(const struct hwt_modbus_map *map, const struct hwt_modbus_group *group,
                      struct hwt_modbus_group *first, struct hwt_modbus_group *second);

/*
 * The value of a row in counts of its quantity. p: the octets of its registers as they came.
 * "Not available" of an integer is its largest value: unsigned all ones, signed 7FFF.., and
 * 8000.., which no meter measures. *counts_out is written when present.
 */
enum hwt_modbus_presence hwt_modbus_value(const struct hwt_modbus_row *row, const uint8_t *p,
                                          int64_t *counts_out);

/* The bare number in these octets of a type and order, a float rounded to a whole one. False: not
 * available, or 2^63 and more. */
bool hwt_modbus_number(unsigned type, unsigned order, const uint8_t *p, int64_t *out);

#endif
