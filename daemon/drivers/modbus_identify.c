#include "daemon/drivers/modbus_identify.h"

#include <string.h>

#include "core/base/quantity.h"

enum step { BASIC, REGULAR, MARKS, SERIAL, VALUES, OVER };
enum { TRIES = 3 };

/* What a person knows a meter by, next to its number. */
static const uint8_t wanted[MODBUS_FOUND_VALUES] = {HWT_Q_POWER, HWT_Q_IMPORT, HWT_Q_VOLTAGE};

bool modbus_is_damage(enum hwt_modbus_reason reason)
{
    return reason == HWT_MODBUS_CRC || reason == HWT_MODBUS_SHORT || reason == HWT_MODBUS_NOISE ||
           reason == HWT_MODBUS_BABBLE;
}

void modbus_identify_begin(struct modbus_identify *d, const struct modbus_kind *kind,
                           unsigned kinds, struct modbus_found *found)
{
    memset(d, 0, sizeof(*d));
    d->found = found;
    d->kind = kind;
    d->kinds = kinds;
}

/* --- its own identification ------------------------------------------------------------------ */

static char *object_text(struct modbus_found *f, unsigned id)
{
    switch (id) {
    case HWT_MODBUS_VENDOR:
        return f->vendor;
    case HWT_MODBUS_PRODUCT_CODE:
        return f->product;
    case HWT_MODBUS_REVISION:
        return f->revision;
    case HWT_MODBUS_PRODUCT_NAME: /* the model's name, which follows, is the better one */
    case HWT_MODBUS_MODEL_NAME:
        return f->model;
    default:
        return NULL;
    }
}

static void take_object(struct modbus_found *f, const struct hwt_modbus_object *o)
{
    char *out = object_text(f, o->id);
    size_t n = 0;

    if (out == NULL) {
        return;
    }
    for (unsigned i = 0; i < o->n && n < MODBUS_FOUND_TEXT - 1; i++) {
        if (o->p[i] > ' ' || (o->p[i] == ' ' && n > 0)) {
            out[n++] = o->p[i] <= '~' ? (char)o->p[i] : '?';
        }
    }
    while (n > 0 && out[n - 1] == ' ') {
        n--;
    }
    out[n] = '\0';
}

static void take_objects(struct modbus_identify *d, const struct hwt_modbus_objects *objects)
{
    struct hwt_modbus_object o;
    size_t at = 0;

    while (hwt_modbus_object_next(objects, &at, &o)) {
        take_object(d->found, &o);
    }
    if (objects->next > d->request.address) { /* the rest did not fit */
        d->request.address = objects->next;
    } else if (d->step == BASIC && (objects->conformity & 0x7F) >= HWT_MODBUS_REGULAR) {
        d->step = REGULAR;
        d->request.address = HWT_MODBUS_VENDOR_URL;
    } else {
        d->step = MARKS;
    }
}

/* --- registers ------------------------------------------------------------------------------- */

static void ask_for(struct modbus_identify *d, const struct hwt_modbus_field *f)
{
    d->request.function = f->function;
    d->request.address = f->address;
    d->request.count = (uint16_t)hwt_modbus_field_registers(f);
}

/* What was answered to the request before; -1: it has not been asked. */
static int find_asked(const struct modbus_identify *d)
{
    for (unsigned i = 0; i < d->askeds; i++) {
        if (memcmp(&d->asked[i].request, &d->request, sizeof(d->request)) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* Goes through marks as far as what was answered goes. True: a mark is to be asked for. */
static bool next_mark(struct modbus_identify *d)
{
    for (; d->at_kind < d->kinds; d->at_kind++, d->at_mark = 0) {
        const struct hwt_modbus_identity *id = d->kind[d->at_kind].identity;

        for (; d->at_mark < id->marks; d->at_mark++) {
            const struct hwt_modbus_mark *mark = &id->mark[d->at_mark];
            int asked;

            ask_for(d, &mark->field);
            asked = find_asked(d);
            if (asked < 0) {
                return d->askeds < MODBUS_IDENTIFY_ASKED_MAX;
            }
            if (!d->asked[asked].answered || !hwt_modbus_mark_fits(mark, d->asked[asked].p)) {
                break;
            }
        }
        if (id->marks > 0 && d->at_mark == id->marks) {
            d->found->kind = &d->kind[d->at_kind];
            return false;
        }
    }
    return false;
}

/* The row of the quantity: of the whole, or else of L1. */
static const struct hwt_modbus_row *find_row(const struct hwt_modbus_map *map, unsigned quantity)
{
    for (unsigned part = HWT_MODBUS_TOTAL; part <= HWT_MODBUS_L1; part++) {
        for (unsigned i = 0; i < map->rows; i++) {
            if (map->row[i].quantity == quantity && map->row[i].part == part) {
                return &map->row[i];
            }
        }
    }
    return NULL;
}

static bool next_value(struct modbus_identify *d)
{
    for (; d->at_value < MODBUS_FOUND_VALUES; d->at_value++) {
        const struct hwt_modbus_row *row = find_row(d->found->kind->rows, wanted[d->at_value]);

        if (row != NULL) {
            d->request.function = row->function;
            d->request.address = row->address;
            d->request.count = (uint16_t)hwt_modbus_type_registers(row->type);
            return true;
        }
    }
    return false;
}

static void take_value(struct modbus_identify *d, const uint8_t *registers)
{
    const struct hwt_modbus_row *row = find_row(d->found->kind->rows, wanted[d->at_value]);
    int64_t counts;

    if (hwt_modbus_value(row, registers, &counts) == HWT_MODBUS_PRESENT) {
        d->found->value[d->found->values].quantity = row->quantity;
        d->found->value[d->found->values++].counts = counts;
    }
}

/* --- the order of things --------------------------------------------------------------------- */

bool modbus_identify_request(struct modbus_identify *d, struct hwt_modbus_request *out)
{
    d->request.unit = d->found->unit;
    if (d->step == BASIC || d->step == REGULAR) {
        d->request.function = HWT_MODBUS_IDENTIFY;
        d->request.count = d->step == BASIC ? HWT_MODBUS_BASIC : HWT_MODBUS_REGULAR;
    }
    if (d->step == MARKS && !next_mark(d)) {
        d->step = d->found->kind == NULL ? OVER : SERIAL;
    }
    if (d->step == SERIAL && d->found->kind->identity->serial.function == 0) {
        d->step = VALUES;
    }
    if (d->step == SERIAL) {
        ask_for(d, &d->found->kind->identity->serial);
    }
    if (d->step == VALUES && !next_value(d)) {
        d->step = OVER;
    }
    *out = d->request;
    return d->step != OVER;
}

static void take_registers(struct modbus_identify *d, const uint8_t *registers)
{
    bool ok = registers != NULL;

    if (d->step == MARKS) {
        d->asked[d->askeds].request = d->request;
        d->asked[d->askeds].answered = ok;
        if (ok) {
            memcpy(d->asked[d->askeds].p, registers, 2 * (size_t)d->request.count);
        }
        d->askeds++;
    } else if (d->step == SERIAL) {
        if (ok) {
            hwt_modbus_field_text(&d->found->kind->identity->serial, registers, d->found->serial);
        }
        d->step = VALUES;
    } else {
        if (ok) {
            take_value(d, registers);
        }
        d->at_value++;
    }
}

void modbus_identify_answer(struct modbus_identify *d, const struct hwt_modbus_master *m)
{
    bool ok = m->result == HWT_MODBUS_OK;

    if (modbus_is_damage(m->result)) {
        if (++d->tries < TRIES) {
            return;
        }
        if (d->step >= MARKS) { /* what cannot 2B may send anything */
            d->found->collision = true;
            d->found->damage = m->result;
            d->step = OVER;
            return;
        }
    }
    d->tries = 0;
    if (d->step == BASIC || d->step == REGULAR) {
        if (ok) {
            take_objects(d, &m->objects);
        } else {
            d->step = MARKS;
        }
        return;
    }
    take_registers(d, ok ? m->registers : NULL);
}
