/*
 * modbus_identity.h: which model of meter a Modbus device is, and its serial number, by registers
 * that say so.
 *
 *   mark    FC02, u16, one of 0020            every mark fits ─▶ it is that model
 *           8960, text of six, begins "B23"
 *   serial  FC00, u32  00 BC 61 4E ─▶ "12345678"
 *
 * Who is what is a table of the caller (data/modbus); this module holds none. It reads nothing.
 */
#ifndef HWT_CORE_WIRE_MODBUS_IDENTITY_H
#define HWT_CORE_WIRE_MODBUS_IDENTITY_H

#include "core/wire/modbus_map.h"

enum {
    HWT_MODBUS_MARKS_MAX = 4,
    HWT_MODBUS_EXPECTED_MAX = 24,       /* values of a mark */
    HWT_MODBUS_TEXT_REGISTERS_MAX = 20, /* of a text */
    HWT_MODBUS_TEXT_SIZE = 2 * HWT_MODBUS_TEXT_REGISTERS_MAX + 1,
    HWT_MODBUS_WORD_SIZE = 24 /* octets of an expected text's beginning, with the NUL */
};

/* Registers that hold a number, or a text. */
struct hwt_modbus_field {
    uint16_t address;
    uint8_t function; /* 3 holding, 4 input; 0: there is no such field */
    uint8_t type;     /* of a number, enum hwt_modbus_type; a float is rounded */
    uint8_t order;    /* enum hwt_modbus_order */
    uint8_t length;   /* of a text, registers; 0: a number */
};

/* One of these, ends included; for a text its beginning, which is not empty. */
struct hwt_modbus_expected {
    int64_t min, max;
    char text[HWT_MODBUS_WORD_SIZE];
};

struct hwt_modbus_mark {
    struct hwt_modbus_field field;
    struct hwt_modbus_expected expected[HWT_MODBUS_EXPECTED_MAX];
    uint8_t n; /* how many of expected[] */
};

struct hwt_modbus_identity {
    struct hwt_modbus_mark mark[HWT_MODBUS_MARKS_MAX]; /* all must fit */
    uint8_t marks;                                     /* 0: nothing tells this model */
    struct hwt_modbus_field serial;
};

/* Registers of the field. */
unsigned hwt_modbus_field_registers(const struct hwt_modbus_field *field);
/*
 * What the field's registers say, p as they came: a number in decimal, or the printable ASCII
 * without spaces at its ends. Returns the length of text_out; 0, and "": not available, or no text.
 */
size_t hwt_modbus_field_text(const struct hwt_modbus_field *field, const uint8_t *p,
                             char text_out[HWT_MODBUS_TEXT_SIZE]);
/* Whether these octets of its registers are among what the mark expects. */
bool hwt_modbus_mark_fits(const struct hwt_modbus_mark *mark, const uint8_t *p);

#endif
