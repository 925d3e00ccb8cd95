#include "daemon/cli/mbus_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEX_MAX = 3 * 256 };

static size_t hex_text(const uint8_t *p, size_t n, bool turned, char out[HEX_MAX])
{
    static const char digit[] = "0123456789ABCDEF";
    size_t at = 0;

    for (size_t i = 0; i < n && at + 3 <= HEX_MAX; i++) {
        uint8_t octet = p[turned ? n - 1 - i : i];

        if (i > 0) {
            out[at++] = ' ';
        }
        out[at++] = digit[octet >> 4];
        out[at++] = digit[octet & 15];
    }
    return at;
}

static void put_hex(struct hwt_json *j, const char *key, const uint8_t *p, size_t n)
{
    char hex[HEX_MAX];

    hwt_json_bytes(j, key, hex, hex_text(p, n, false, hex));
}

/* Maker's data as sent; a long binary number as people write one, its most significant octet first.
 */
static void put_octets(struct hwt_json *j, const char *key, const struct hwt_mbus_record *r)
{
    bool maker = r->function == HWT_MBUS_MAKER_DATA || r->function == HWT_MBUS_MORE_FOLLOWS;
    char hex[HEX_MAX];

    hwt_json_bytes(j, key, hex, hex_text(r->raw, r->raw_size, !maker && !r->msb_first, hex));
}

static void put_text(struct hwt_json *j, const char *key, const uint8_t *sent, size_t n,
                     bool msb_first)
{
    char text[256];

    hwt_json_bytes(j, key, text, hwt_mbus_text(sent, n, msb_first, text, sizeof(text)));
}

/* digits x 10^exponent as people write it: plain while that stays short. Returns its length. */
static int number_text(const char *digits, int exponent, bool negative, char *out, size_t room)
{
    int n = (int)strlen(digits), whole = n + exponent; /* digits before the point */
    const char *sign = negative ? "-" : "";

    if (whole > 0 && exponent < 0) {
        return snprintf(out, room, "%s%.*s.%s", sign, whole, digits, digits + whole);
    }
    if (whole > 0 && whole <= 18) {
        return snprintf(out, room, "%s%s%.*s", sign, digits, exponent, "00000000000000000000");
    }
    if (whole <= 0 && whole > -9) {
        return snprintf(out, room, "%s0.%.*s%s", sign, -whole, "000000000", digits);
    }
    return snprintf(out, room, "%s%c%s%se%d", sign, digits[0], n > 1 ? "." : "", digits + 1,
                    whole - 1);
}

/*
 * The shortest decimal that a reader's binary64 turns back into the meter's own number; the power
 * of ten of the unit is applied to the digits, so that it rounds nothing.
 */
static void put_real(struct hwt_json *j, const char *key, const struct hwt_mbus_record *r)
{
    char text[40], digits[24], out[64];
    float real;
    double value;
    int count = 1, n = 0;

    memcpy(&real, &r->real_bits, sizeof(real));
    value = (double)real * r->multiplier;
    do {
        snprintf(text, sizeof(text), "%.*e", count - 1, value);
    } while (strtod(text, NULL) != value && ++count <= 17);
    for (const char *c = text; *c != 'e'; c++) {
        if (*c >= '0' && *c <= '9') {
            digits[n++] = *c;
        }
    }
    digits[n] = '\0';
    if (value == 0) {
        hwt_json_int(j, key, 0);
        return;
    }
    n = number_text(digits, atoi(strchr(text, 'e') + 1) - (n - 1) + r->exponent, value < 0, out,
                    sizeof(out));
    hwt_json_raw(j, key, out, (size_t)n);
}

static void put_date(struct hwt_json *j, const char *key, const struct hwt_mbus_record *r)
{
    const struct hwt_mbus_date *d = &r->date;
    char text[64];

    if (r->kind == HWT_MBUS_DATE) {
        snprintf(text, sizeof(text), "%04u-%02u-%02u", d->year, d->month, d->day);
    } else if (r->kind == HWT_MBUS_TIME) {
        snprintf(text, sizeof(text), "%02u:%02u:%02u", d->hour, d->minute, d->second);
    } else { /* Z by the convention of published contents: the meter's clock, whatever its zone */
        snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02uZ", d->year, d->month, d->day,
                 d->hour, d->minute, d->second);
    }
    hwt_json_string(j, key, text);
}

static void put_value(struct hwt_json *j, const struct hwt_mbus_record *r)
{
    static const char key[] = "value";

    switch (r->kind) {
    case HWT_MBUS_NULL:
        hwt_json_null(j, key);
        if (r->raw_size > 0) {
            put_hex(j, "raw", r->raw, r->raw_size);
        }
        break;
    case HWT_MBUS_NUMBER:
        hwt_json_decimal(j, key, r->mantissa, r->exponent);
        break;
    case HWT_MBUS_REAL:
        put_real(j, key, r);
        break;
    case HWT_MBUS_DATE:
    case HWT_MBUS_DATE_TIME:
    case HWT_MBUS_TIME:
        put_date(j, key, r);
        break;
    case HWT_MBUS_TEXT:
        put_text(j, key, r->raw, r->raw_size, r->msb_first);
        break;
    case HWT_MBUS_BYTES:
        put_octets(j, key, r);
        break;
    }
}

/* Is a part of the VIF unknown here, so that the octets themselves are worth printing? */
static bool has_own_vif(const struct hwt_mbus_record *r)
{
    static const char *const unknown[] = {"extension", "manufacturer_specific", "reserved"};

    for (unsigned i = 0; i < r->modifiers; i++) {
        for (size_t k = 0; k < sizeof(unknown) / sizeof(unknown[0]); k++) {
            if (strcmp(hwt_mbus_modifier_name(r->modifier[i]), unknown[k]) == 0) {
                return true;
            }
        }
    }
    return r->quantity == HWT_MBUS_Q_RESERVED || r->quantity == HWT_MBUS_Q_MANUFACTURER_SPECIFIC;
}

/* What only some records have. */
static void put_extras(struct hwt_json *j, const struct hwt_mbus_record *r)
{
    if (r->error != 0) {
        hwt_json_uint(j, "record_error", r->error);
        hwt_json_string(j, "record_error_text", hwt_mbus_record_error_name(r->error));
    }
    if (r->modifiers > 0) {
        hwt_json_array(j, "modifiers");
        for (unsigned i = 0; i < r->modifiers; i++) {
            hwt_json_string(j, NULL, hwt_mbus_modifier_name(r->modifier[i]));
        }
        hwt_json_end_array(j);
    }
    if (r->vib_size > 0 && has_own_vif(r)) {
        put_hex(j, "vif", r->vib, r->vib_size);
    }
}

static void put_record(struct hwt_json *j, const struct hwt_mbus_record *r)
{
    hwt_json_object(j, NULL);
    if (r->quantity == HWT_MBUS_Q_PLAIN_TEXT) { /* the meter itself names it */
        put_text(j, "quantity", r->plain, r->plain_size, r->msb_first);
    } else {
        hwt_json_string(j, "quantity", hwt_mbus_quantity_name(r->quantity));
    }
    hwt_json_string(j, "unit", hwt_mbus_unit_name(r->unit));
    put_value(j, r);
    hwt_json_string(j, "function", hwt_mbus_function_name(r->function));
    hwt_json_uint(j, "storage", r->storage);
    hwt_json_uint(j, "tariff", r->tariff);
    hwt_json_uint(j, "subunit", r->subunit);
    put_extras(j, r);
    hwt_json_end_object(j);
}

/* Members that the telegram's form does not carry are null. */
static void put_header(struct hwt_json *j, const struct hwt_mbus_telegram *t)
{
    bool variable = t->identified && !t->fixed;
    char id[16], maker[4];

    snprintf(id, sizeof(id), "%08lX", (unsigned long)t->id);
    hwt_mbus_manufacturer_name(t->manufacturer, maker);
    hwt_json_string(j, "protocol", "mbus");
    hwt_json_bool(j, "ok", true);
    hwt_json_uint(j, "address", t->address);
    hwt_json_string(j, "id", t->identified ? id : NULL);
    hwt_json_string(j, "manufacturer", variable ? maker : NULL);
    if (variable) {
        hwt_json_uint(j, "version", t->version);
    } else {
        hwt_json_null(j, "version");
    }
    hwt_json_string(j, "medium", t->identified ? hwt_mbus_medium_name(t->medium, t->fixed) : NULL);
    if (t->has_status) {
        hwt_json_uint(j, "access", t->access);
        hwt_json_uint(j, "status", t->status);
    } else {
        hwt_json_null(j, "access");
        hwt_json_null(j, "status");
    }
}

int mbus_json_telegram(struct hwt_json *j, const struct hwt_mbus_frame *frame,
                       struct hwt_mbus_fault *fault_out)
{
    struct hwt_mbus_telegram t;
    struct hwt_mbus_record record;
    int err = hwt_mbus_open(frame, &t, fault_out);

    if (err == 0) {
        err = hwt_mbus_verify(&t, fault_out);
    }
    if (err != 0) {
        return err;
    }
    hwt_json_object(j, NULL);
    put_header(j, &t);
    hwt_json_array(j, "records");
    while (hwt_mbus_next(&t, &record, fault_out) == 1) {
        put_record(j, &record);
    }
    hwt_json_end_array(j);
    if (t.more) {
        hwt_json_bool(j, "more", true);
    }
    hwt_json_end_object(j);
    return 0;
}

void mbus_json_refusal(struct hwt_json *j, int err, const struct hwt_mbus_fault *fault)
{
    hwt_json_object(j, NULL);
    hwt_json_bool(j, "ok", false);
    hwt_json_string(j, "reason", hwt_err_name(err));
    hwt_json_uint(j, "at", fault->at);
    hwt_json_string(j, "detail", fault->what);
    hwt_json_end_object(j);
}
