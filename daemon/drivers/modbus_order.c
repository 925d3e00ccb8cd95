#include "daemon/drivers/modbus_order.h"

#include <string.h>

enum { LIKELY_MAX = 16 };

static void add_unit(struct modbus_order *r, unsigned unit)
{
    for (unsigned i = 0; i < r->units; i++) {
        if (r->unit[i] == unit) {
            return;
        }
    }
    r->unit[r->units++] = (uint8_t)unit;
}

static void list_units(struct modbus_order *r)
{
    bool rtu = r->o->port != NULL || r->o->rtu_over_tcp;
    bool usual = r->o->from == 0 && r->o->to == 0;
    unsigned from = usual ? 1 : r->o->from, to = usual ? HWT_MODBUS_UNIT_MAX : r->o->to;

    for (unsigned u = from; u <= to && u <= LIKELY_MAX; u++) {
        add_unit(r, u);
        if (!rtu && u == from && (usual || to == HWT_MODBUS_UNIT_DEVICE)) {
            add_unit(r, HWT_MODBUS_UNIT_DEVICE);
        }
    }
    r->likely = r->units;
    for (unsigned u = from; u <= to; u++) {
        add_unit(r, u);
    }
}

void modbus_order_init(struct modbus_order *r, const struct modbus_search_options *o)
{
    memset(r, 0, sizeof(*r));
    r->o = o;
    r->lines = o->port != NULL ? o->speeds * o->framings : 1;
    list_units(r);
}

unsigned modbus_order_baud(const struct modbus_order *r)
{
    return r->o->port != NULL ? r->o->baud[r->line / r->o->framings] : 0;
}

enum serial_framing modbus_order_framing(const struct modbus_order *r)
{
    return r->o->port != NULL ? r->o->framing[r->line % r->o->framings] : SERIAL_8N1;
}

uint8_t modbus_order_unit(const struct modbus_order *r)
{
    return r->unit[r->at];
}

/* --- what is left ---------------------------------------------------------------------------- */

/* Whether a line's unlikely units are asked, as far as is known now. */
static bool goes_on(const struct modbus_order *r, unsigned line)
{
    return !r->left_out[line] && (r->o->every_line || r->found == 0 || r->found_on[line] > 0);
}

static unsigned pass_end(const struct modbus_order *r)
{
    return r->rest ? r->units : r->likely;
}

unsigned modbus_order_left(const struct modbus_order *r)
{
    unsigned n = 0;

    for (unsigned l = 0; l < r->lines; l++) {
        bool later = l > r->line || (l == r->line && !r->rest);

        if (goes_on(r, l) && (!r->rest || later)) {
            n += r->units - r->likely;
        }
        if (!r->rest && l > r->line && !r->left_out[l]) {
            n += r->likely;
        }
    }
    return n + pass_end(r) - r->at;
}

/* --- what was found -------------------------------------------------------------------------- */

void modbus_order_found(struct modbus_order *r, const struct modbus_found *found)
{
    if (r->knowns < MODBUS_KNOWN_MAX) {
        r->known[r->knowns++] = (struct modbus_place){found->baud, found->framing, found->unit};
    }
    r->found++;
    r->found_on[r->line]++;
}

static bool has_no_parity(enum serial_framing f)
{
    return f == SERIAL_8N1 || f == SERIAL_8N2;
}

/* A device hears one stop bit and two alike: it was found already. */
static bool is_known(const struct modbus_order *r, uint8_t unit)
{
    enum serial_framing framing = modbus_order_framing(r);

    for (unsigned i = 0; i < r->knowns; i++) {
        const struct modbus_place *k = &r->known[i];

        if (k->unit == unit && k->baud == modbus_order_baud(r) &&
            (k->framing == framing || (has_no_parity(k->framing) && has_no_parity(framing)))) {
            return true;
        }
    }
    return false;
}

/* --- the order ------------------------------------------------------------------------------- */

/* From unit[at] on, the first of the pass that is not known; false: there is none. */
static bool skip_known(struct modbus_order *r)
{
    while (r->at < pass_end(r) && is_known(r, r->unit[r->at])) {
        r->at++;
        r->done++;
    }
    return r->at < pass_end(r);
}

bool modbus_order_seek(struct modbus_order *r)
{
    for (;; r->line++) {
        if (r->line == r->lines) {
            if (r->rest) {
                return false;
            }
            r->rest = true;
            r->line = 0;
        }
        r->at = r->rest ? r->likely : 0;
        if (!r->left_out[r->line] && (!r->rest || goes_on(r, r->line)) && skip_known(r)) {
            return true;
        }
    }
}

bool modbus_order_next(struct modbus_order *r)
{
    r->at++;
    r->done++;
    return skip_known(r);
}

void modbus_order_end_line(struct modbus_order *r)
{
    r->line++;
}

void modbus_order_leave_out(struct modbus_order *r)
{
    r->left_out[r->line] = true;
}
