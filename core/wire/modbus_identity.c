#include "core/wire/modbus_identity.h"

#include <string.h>

enum { DIGITS_MAX = 20 };

unsigned hwt_modbus_field_registers(const struct hwt_modbus_field *field)
{
    return field->length > 0 ? field->length : hwt_modbus_type_registers(field->type);
}

/* Of a number below 2^63; the sign included. */
static size_t print_number(int64_t v, char *out)
{
    char digits[DIGITS_MAX];
    uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    size_t n = 0, at = 0;

    do {
        digits[n++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (v < 0) {
        out[at++] = '-';
    }
    while (n > 0) {
        out[at++] = digits[--n];
    }
    out[at] = '\0';
    return at;
}

/* Two characters a register, the high octet first (BADC, DCBA: the low one). NULs are left out:
 * some fill up with them, some have one character a register. */
static size_t read_text(const struct hwt_modbus_field *field, const uint8_t *p, char *out)
{
    bool swapped = field->order == HWT_MODBUS_BADC || field->order == HWT_MODBUS_DCBA;
    size_t n = 0;

    for (unsigned i = 0; i < 2u * field->length; i++) {
        uint8_t c = p[swapped ? i ^ 1u : i];

        if (c == '\0') {
            continue;
        }
        if (c < ' ' || c > '~') {
            n = 0;
            break;
        }
        if (c != ' ' || n > 0) {
            out[n++] = (char)c;
        }
    }
    while (n > 0 && out[n - 1] == ' ') {
        n--;
    }
    out[n] = '\0';
    return n;
}

size_t hwt_modbus_field_text(const struct hwt_modbus_field *field, const uint8_t *p,
                             char text_out[HWT_MODBUS_TEXT_SIZE])
{
    int64_t v;

    text_out[0] = '\0';
    if (field->length > 0) {
        return read_text(field, p, text_out);
    }
    return hwt_modbus_number(field->type, field->order, p, &v) ? print_number(v, text_out) : 0;
}

static bool begins(const char *text, const char *beginning)
{
    size_t n = strlen(beginning);

    return n > 0 && strncmp(text, beginning, n) == 0;
}

bool hwt_modbus_mark_fits(const struct hwt_modbus_mark *mark, const uint8_t *p)
{
    char text[HWT_MODBUS_TEXT_SIZE];
    int64_t v = 0;

    if (hwt_modbus_field_text(&mark->field, p, text) == 0 ||
        (mark->field.length == 0 &&
         !hwt_modbus_number(mark->field.type, mark->field.order, p, &v))) {
        return false;
    }
    for (unsigned i = 0; i < mark->n; i++) {
        const struct hwt_modbus_expected *e = &mark->expected[i];

        if (mark->field.length > 0 ? begins(text, e->text) : v >= e->min && v <= e->max) {
            return true;
        }
    }
    return false;
}
