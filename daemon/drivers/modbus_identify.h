/*
 * modbus_identify.h: the questions to one device that tell what it is, one request after the other.
 * Knows no port and no master; modbus_search.c drives it.
 *
 *   2B basic ─▶ 2B regular ─▶ marks of the maps, until one fits ─▶ serial number ─▶ some values
 */
#ifndef DAEMON_DRIVERS_MODBUS_IDENTIFY_H
#define DAEMON_DRIVERS_MODBUS_IDENTIFY_H

#include "core/wire/modbus_master.h"
#include "daemon/drivers/modbus_search.h"

enum { MODBUS_IDENTIFY_ASKED_MAX = 16 };

struct modbus_identify {
    struct modbus_found *found; /* what is learnt goes there */
    const struct modbus_kind *kind;
    unsigned kinds;
    /* private */
    uint8_t step;
    unsigned at_kind, at_mark, at_value, tries;
    struct hwt_modbus_request request;
    struct { /* registers that several maps' marks are in: read once */
        struct hwt_modbus_request request;
        bool answered;
        uint8_t p[2 * HWT_MODBUS_TEXT_REGISTERS_MAX];
    } asked[MODBUS_IDENTIFY_ASKED_MAX];
    unsigned askeds;
};

/* Begins with a device that has answered; found->unit is set. */
void modbus_identify_begin(struct modbus_identify *d, const struct modbus_kind *kind,
                           unsigned kinds, struct modbus_found *found);
/* The next request; false: it is over. */
bool modbus_identify_request(struct modbus_identify *d, struct hwt_modbus_request *out);
/* The master is done with it. Answers that stay damaged make found->collision. */
void modbus_identify_answer(struct modbus_identify *d, const struct hwt_modbus_master *m);

/* Whether the reason is damage to what was sent: checksum, length, no Modbus at all. */
bool modbus_is_damage(enum hwt_modbus_reason reason);

#endif
