/*
 * mbus_data.c: the data octets of a record as the low four bits of its DIF say, EN 13757-3, 6.3.
 */
#include "core/wire/mbus_data.h"

enum data_type { INTEGER, REAL, BCD, VARIABLE, NOTHING, SPECIAL };

/* EN 13757-3, table 4: the low four bits of the DIF. */
static const struct {
    uint8_t type;
    uint8_t octets;
} data_types[16] = {
    {NOTHING, 0}, {INTEGER, 1},  {INTEGER, 2}, {INTEGER, 3}, {INTEGER, 4}, {REAL, 4},
    {INTEGER, 6}, {INTEGER, 8},  {NOTHING, 0}, {BCD, 1},     {BCD, 2},     {BCD, 3},
    {BCD, 4},     {VARIABLE, 0}, {BCD, 6},     {SPECIAL, 0},
};

/* The data octets least significant first; `turned` holds them if they were sent otherwise. */
static const uint8_t *in_order(const struct hwt_mbus_record *rec, uint8_t turned[16])
{
    if (!rec->msb_first || rec->raw_size > 16) {
        return rec->raw;
    }
    for (size_t i = 0; i < rec->raw_size; i++) {
        turned[i] = rec->raw[rec->raw_size - 1 - i];
    }
    return turned;
}

/* 1 to 8 octets under a VIF whose integers are signed. What a maker's own VIF means by -2^(n-1) is
 * the maker's business. */
static void take_signed(struct hwt_mbus_record *rec, const uint8_t *p)
{
    rec->mantissa = hwt_mbus_integer(p, rec->raw_size);
    if (rec->mantissa != INT64_MIN >> (64 - 8 * rec->raw_size) ||
        rec->quantity == HWT_MBUS_Q_MANUFACTURER_SPECIFIC) {
        rec->kind = HWT_MBUS_NUMBER;
    }
}

/* Codes and bits; what is beyond an int64 stays octets. */
static void take_unsigned(struct hwt_mbus_record *rec, const uint8_t *p)
{
    rec->mantissa = hwt_mbus_integer(p, rec->raw_size);
    if (rec->raw_size < 8) {
        rec->mantissa &= INT64_MAX >> (63 - 8 * rec->raw_size);
    }
    rec->kind = rec->mantissa >= 0 ? HWT_MBUS_NUMBER : HWT_MBUS_BYTES;
}

void hwt_mbus_data_integer(enum hwt_mbus_form form, struct hwt_mbus_record *rec)
{
    uint8_t turned[16];
    const uint8_t *p = in_order(rec, turned);

    switch (form) {
    case HWT_MBUS_FORM_NUMBER:
        take_signed(rec, p);
        break;
    case HWT_MBUS_FORM_UNSIGNED:
        take_unsigned(rec, p);
        break;
    case HWT_MBUS_FORM_DATE:
        rec->kind = hwt_mbus_date_decode(p, rec->raw_size, &rec->date);
        break;
    }
}

void hwt_mbus_data_bcd(enum hwt_mbus_form form, struct hwt_mbus_record *rec)
{
    uint8_t turned[16];

    if (form != HWT_MBUS_FORM_DATE &&
        hwt_mbus_bcd(in_order(rec, turned), rec->raw_size, &rec->mantissa)) {
        rec->kind = HWT_MBUS_NUMBER;
    }
}

static void take_real(enum hwt_mbus_form form, struct hwt_mbus_record *rec)
{
    uint8_t turned[16];

    rec->real_bits = (uint32_t)(uint64_t)hwt_mbus_integer(in_order(rec, turned), 4);
    if (form != HWT_MBUS_FORM_DATE && (rec->real_bits & 0x7F800000) != 0x7F800000) {
        rec->kind = HWT_MBUS_REAL; /* else infinite or not a number */
    }
}

/* binary64 becomes a NUMBER of 17 or 18 digits; its power of ten goes into the scaling. */
static void take_double(enum hwt_mbus_form form, struct hwt_mbus_record *rec,
                        struct hwt_mbus_scaling *scaling)
{
    uint8_t turned[16];
    uint64_t bits = (uint64_t)hwt_mbus_integer(in_order(rec, turned), 8);
    int exponent;

    if (form != HWT_MBUS_FORM_DATE && hwt_mbus_binary64(bits, &rec->mantissa, &exponent)) {
        rec->kind = HWT_MBUS_NUMBER;
        scaling->exponent += exponent;
    }
}

enum lvar_kind { LVAR_TEXT, LVAR_BCD, LVAR_MINUS_BCD, LVAR_BINARY, LVAR_REAL, LVAR_RESERVED };

/*
 * What LVAR says of the octets after it, EN 13757-3, 6.3.3, table 6. F4 means 32 octets since 2013,
 * a binary32 before (the M-Bus user group's text of 1998, as F8 a binary64): where fewer than 32
 * octets are left only the older meaning can be meant.
 */
static enum lvar_kind lvar_meaning(uint8_t lvar, size_t left, size_t *size_out)
{
    static const uint8_t large[] = {16, 20, 24, 28, 32, 48, 64}; /* F0 to F6 */

    if (lvar < 0xC0) {
        *size_out = lvar;
        return LVAR_TEXT;
    }
    if (lvar < 0xF0) {
        *size_out = lvar & 0x0F;
        return lvar < 0xD0 ? LVAR_BCD : lvar < 0xE0 ? LVAR_MINUS_BCD : LVAR_BINARY;
    }
    if (lvar == 0xF8 || (lvar == 0xF4 && left < 32)) {
        *size_out = lvar & 0x0F;
        return LVAR_REAL;
    }
    if (lvar - 0xF0u < sizeof(large)) {
        *size_out = large[lvar - 0xF0];
        return LVAR_BINARY;
    }
    return LVAR_RESERVED;
}

static void take_variable(enum lvar_kind kind, enum hwt_mbus_form form, struct hwt_mbus_record *rec,
                          struct hwt_mbus_scaling *scaling)
{
    if (kind == LVAR_TEXT) {
        rec->kind = HWT_MBUS_TEXT;
    } else if (kind == LVAR_REAL && rec->raw_size == 4) {
        take_real(form, rec);
    } else if (kind == LVAR_REAL) {
        take_double(form, rec, scaling);
    } else if (kind == LVAR_BINARY && rec->raw_size > 8) {
        rec->kind = HWT_MBUS_BYTES;
    } else if (kind == LVAR_BINARY && rec->raw_size > 0) {
        hwt_mbus_data_integer(form, rec);
    } else if (kind != LVAR_BINARY && rec->raw_size > 0) {
        hwt_mbus_data_bcd(form, rec);
        rec->mantissa = kind == LVAR_MINUS_BCD ? -rec->mantissa : rec->mantissa;
    }
}

/* Variable length: the first data octet is LVAR. False: reserved. */
static bool read_variable(struct hwt_reader *r, enum hwt_mbus_form form,
                          struct hwt_mbus_record *rec, struct hwt_mbus_scaling *scaling)
{
    uint8_t lvar = hwt_get_u8(r);
    enum lvar_kind kind = lvar_meaning(lvar, hwt_reader_left(r), &rec->raw_size);

    if (kind == LVAR_RESERVED) {
        return false;
    }
    rec->raw = hwt_get_bytes(r, rec->raw_size);
    if (r->ok) {
        take_variable(kind, form, rec, scaling);
    }
    return true;
}

bool hwt_mbus_data_read(struct hwt_reader *r, uint8_t dif, enum hwt_mbus_form form,
                        struct hwt_mbus_record *rec, struct hwt_mbus_scaling *scaling)
{
    enum data_type type = (enum data_type)data_types[dif & 0x0F].type;

    if (type == VARIABLE) {
        return read_variable(r, form, rec, scaling);
    }
    rec->raw_size = data_types[dif & 0x0F].octets;
    rec->raw = hwt_get_bytes(r, rec->raw_size);
    if (!r->ok) {
        return true;
    }
    if (type == INTEGER) {
        hwt_mbus_data_integer(form, rec);
    } else if (type == BCD) {
        hwt_mbus_data_bcd(form, rec);
    } else if (type == REAL) {
        take_real(form, rec);
    }
    return true;
}
