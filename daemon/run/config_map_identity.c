/* Of a Modbus map: how its device is told, and where its serial number is. */
#include "daemon/run/config_bind.h"
#include "daemon/run/config_map.h"

#include <stdlib.h>
#include <string.h>

/* A decimal or 0x number; *at goes behind it. */
static bool read_number(const char **at, int64_t *out)
{
    bool hex = strncmp(*at, "0x", 2) == 0;
    const char *digits = *at + (hex ? 2 : **at == '-');
    char *end;
    long long v = strtoll(*at, &end, hex ? 16 : 10);

    if (strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") == 0 || v == INT64_MAX) {
        return false;
    }
    *at = end;
    *out = v;
    return true;
}

/* "32", "0x20", "100..104" */
static bool read_range(const char *text, struct hwt_modbus_expected *out)
{
    if (!read_number(&text, &out->min)) {
        return false;
    }
    out->max = out->min;
    if (strncmp(text, "..", 2) == 0) {
        text += 2;
        if (!read_number(&text, &out->max)) {
            return false;
        }
    }
    return *text == '\0' && out->min <= out->max;
}

static struct hwt_modbus_field make_field(struct config_build *b, const struct config_map *m,
                                          struct config_map_field *f)
{
    struct hwt_modbus_field out;
    unsigned registers;

    f->function = config_given(b, &f->function) ? f->function : m->function;
    f->type = config_given(b, &f->type) ? f->type : m->type;
    f->order = config_given(b, &f->order) ? f->order : m->order;
    out = (struct hwt_modbus_field){
        .address = (uint16_t)f->address,
        .function = (uint8_t)(HWT_MODBUS_READ_HOLDING + f->function),
        .type = (uint8_t)f->type,
        .order = (uint8_t)f->order,
        .length = (uint8_t)f->length,
    };
    registers = hwt_modbus_field_registers(&out);
    if (f->address + registers > 0x10000) {
        config_complain(b, &f->address, "address", "%u and %u registers reach beyond 65535",
                        f->address, registers);
    }
    if (registers > m->registers_max) {
        config_complain(b, f->length > 0 ? (const void *)&f->length : &f->type,
                        f->length > 0 ? "length" : "type",
                        "has %u registers, more than registers_max", registers);
    }
    if (f->length > 0 && config_given(b, &f->type)) {
        config_complain(b, &f->type, "type", "is of a number, but length makes it a text");
    }
    return out;
}

static void check_mark(struct config_build *b, struct config_map *m, unsigned i)
{
    struct config_map_mark *mark = &m->mark[i];
    struct hwt_modbus_mark *out = &m->identity.mark[i];

    out->field = make_field(b, m, &mark->field);
    out->n = (uint8_t)mark->values;
    for (unsigned k = 0; k < mark->values; k++) {
        struct hwt_modbus_expected *e = &out->expected[k];

        if (mark->field.length > 0) {
            memcpy(e->text, mark->value[k], sizeof(e->text));
        } else if (!read_range(mark->value[k], e)) {
            config_complain(b, mark->value[k], "values",
                            "%s is no number such as 32, 0x20 or 100..104", mark->value[k]);
        }
    }
}

void config_map_check_identity(struct config_build *b, struct config_map *m)
{
    struct config_map_field *s = &m->serial;

    m->identity.marks = (uint8_t)m->marks;
    for (unsigned i = 0; i < m->marks; i++) {
        check_mark(b, m, i);
    }
    if (config_given(b, &s->address)) {
        m->identity.serial = make_field(b, m, s);
    } else if (config_given(b, &s->length) || config_given(b, &s->type) ||
               config_given(b, &s->source)) {
        config_complain(b, &s->address, "serial.address", "is required");
    }
}
