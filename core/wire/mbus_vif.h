/*
 * mbus_vif.h: what the VIF and VIFE codes of EN 13757-3 mean, as tables. Inside core/wire only.
 */
#ifndef HWT_CORE_WIRE_MBUS_VIF_H
#define HWT_CORE_WIRE_MBUS_VIF_H

#include "core/wire/mbus.h"

enum hwt_mbus_vif_table {
    HWT_MBUS_VIF_PRIMARY,
    HWT_MBUS_VIF_FB,
    HWT_MBUS_VIF_FD,
    HWT_MBUS_VIF_FD_FD, /* second level: FD FD */
    HWT_MBUS_VIF_TABLES
};

/* What an integer under the VIF is, EN 13757-3, annex A; BCD and binary32 are numbers under all. */
enum hwt_mbus_form {
    HWT_MBUS_FORM_NUMBER,   /* signed, type B: -2^(n-1) says "invalid" */
    HWT_MBUS_FORM_UNSIGNED, /* a code or bits, types C and D: all patterns are valid */
    HWT_MBUS_FORM_DATE      /* types F, G, I, J, by width */
};

struct hwt_mbus_vif {
    uint32_t multiplier; /* value in unit = data x multiplier x 10^exponent; 0 means 1 */
    uint8_t quantity;    /* enum hwt_mbus_quantity */
    uint8_t unit;        /* enum hwt_mbus_unit */
    int8_t exponent;
    uint8_t form; /* enum hwt_mbus_form */
};

enum hwt_mbus_effect {
    HWT_MBUS_EFFECT_NAMED,    /* changes the meaning, not the number: listed as a modifier */
    HWT_MBUS_EFFECT_ERROR,    /* record error code; 00: none */
    HWT_MBUS_EFFECT_SCALE,    /* x 10^arg */
    HWT_MBUS_EFFECT_OFFSET,   /* + 10^arg in the unit of the VIF */
    HWT_MBUS_EFFECT_DATE,     /* the data are a date, whatever the VIF was */
    HWT_MBUS_EFFECT_DURATION, /* the data are a duration, arg 0..3: s, min, h, d */
    HWT_MBUS_EFFECT_COUNT,    /* the data are a count */
    HWT_MBUS_EFFECT_EXTEND,   /* the next VIFE comes from the further table (FC) */
    HWT_MBUS_EFFECT_MAKER     /* the VIFEs that follow are the maker's */
};

struct hwt_mbus_vife {
    const char *name; /* NULL: not listed */
    uint8_t effect;   /* enum hwt_mbus_effect */
    int8_t arg;
};

/* code: 7 bits; total: reserved codes have quantity HWT_MBUS_Q_RESERVED. */
const struct hwt_mbus_vif *hwt_mbus_vif_get(enum hwt_mbus_vif_table table, uint8_t code);
/* code: 7 bits; total. */
const struct hwt_mbus_vife *hwt_mbus_vife_get(uint8_t code);
/* The table after FC; code: 7 bits; total. */
const struct hwt_mbus_vife *hwt_mbus_vife_extended_get(uint8_t code);
/* The unit codes of the fixed structure (CI 73); code: 6 bits. */
const struct hwt_mbus_vif *hwt_mbus_fixed_unit_get(uint8_t code);
/* s, min, h, d as seconds; code 0..3. */
uint32_t hwt_mbus_seconds(uint8_t code);

/*
 * mbus_date.c: the date of the n data octets, by width: 2 type G, 3 type J, 4 type F, 6 type I (EN
 * 13757-3, annex A). HWT_MBUS_NULL, *date_out untouched, if it is none ("every", invalid bit, day
 * 31 of a short month, another width).
 */
enum hwt_mbus_value_kind hwt_mbus_date_decode(const uint8_t *p, size_t n,
                                              struct hwt_mbus_date *date_out);

#endif
