#include "daemon/drivers/modbus_serial.h"

#include <string.h>

enum {
    ASKED_MAX = 3, /* in one poll: a misread, and two alike */
    SILENT_MAX = 2,
    ILLEGAL_VALUE = 3 /* exceptions up to this say that there is no such register */
};
#define EVERY_US INT64_C(3600000000)

void modbus_serial_init(struct modbus_serial *s, const struct hwt_modbus_field *field)
{
    memset(s, 0, sizeof(*s));
    s->field = *field;
    modbus_serial_renew(s);
}

void modbus_serial_renew(struct modbus_serial *s)
{
    s->wanted = s->field.function != 0;
    s->given_up = !s->wanted;
    s->silent = 0;
}

void modbus_serial_begin(struct modbus_serial *s)
{
    s->asked = 0;
    s->seen[0] = '\0';
}

bool modbus_serial_request(const struct modbus_serial *s, struct hwt_modbus_request *out)
{
    if (!s->wanted || s->asked == ASKED_MAX) {
        return false;
    }
    out->function = s->field.function;
    out->address = s->field.address;
    out->count = (uint16_t)hwt_modbus_field_registers(&s->field);
    return true;
}

static enum modbus_serial_event give_up(struct modbus_serial *s)
{
    s->wanted = false;
    s->given_up = true;
    return MODBUS_SERIAL_NOTHING;
}

/* Nobody answered, or not well; the values had been read. */
static enum modbus_serial_event miss(struct modbus_serial *s)
{
    s->asked = ASKED_MAX;
    return ++s->silent >= SILENT_MAX ? give_up(s) : MODBUS_SERIAL_NOTHING;
}

/* A number other than the known one: the second time in a row it is believed. */
static enum modbus_serial_event take(struct modbus_serial *s, const char *text)
{
    bool first = s->number[0] == '\0';

    if (strcmp(text, s->seen) != 0) {
        memcpy(s->seen, text, sizeof(s->seen));
        return MODBUS_SERIAL_NOTHING;
    }
    s->wanted = false;
    memcpy(s->before, s->number, sizeof(s->before));
    memcpy(s->number, text, sizeof(s->number));
    return first ? MODBUS_SERIAL_FIRST : MODBUS_SERIAL_OTHER;
}

enum modbus_serial_event modbus_serial_answer(struct modbus_serial *s,
                                              const struct hwt_modbus_master *m)
{
    char text[HWT_MODBUS_TEXT_SIZE] = "";

    s->asked++;
    if (m->result == HWT_MODBUS_EXCEPTION && m->exception <= ILLEGAL_VALUE) {
        return give_up(s);
    }
    if (m->result != HWT_MODBUS_OK) {
        return miss(s);
    }
    s->silent = 0;
    if (hwt_modbus_field_text(&s->field, m->registers, text) == 0 || strcmp(text, "0") == 0) {
        return give_up(s); /* the register is there, and empty */
    }
    if (strcmp(text, s->number) != 0) {
        return take(s, text);
    }
    s->wanted = false;
    return MODBUS_SERIAL_SAME;
}

void modbus_serial_end(struct modbus_serial *s, bool good, int64_t now_us)
{
    if (s->asked > 0 || s->read_us == 0) {
        s->read_us = now_us;
    }
    if (!s->given_up && (!good || now_us - s->read_us >= EVERY_US)) {
        s->wanted = true;
    }
}
