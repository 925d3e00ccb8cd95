/*
 * modbus_serial.h: who a device of a Modbus line is: its serial number, read at the end of a poll
 * that went well; again after the line was opened anew, after a poll that failed, and each hour.
 *
 *   "12345678" ─▶ "12345678"            the same meter
 *              ─▶ "9" ─▶ "12345678"     a misread: what is new must be read twice in a row
 *              ─▶ "23456" ─▶ "23456"    another meter
 *
 * A device that does not have the register, or does not answer, is not asked until the line is
 * opened anew; its polls do not suffer. Knows no port and no master; modbus_device.c drives it.
 */
#ifndef DAEMON_DRIVERS_MODBUS_SERIAL_H
#define DAEMON_DRIVERS_MODBUS_SERIAL_H

#include "core/wire/modbus_identity.h"
#include "core/wire/modbus_master.h"

enum modbus_serial_event {
    MODBUS_SERIAL_NOTHING, /* not told, or to be asked for again */
    MODBUS_SERIAL_SAME,
    MODBUS_SERIAL_FIRST, /* `number` is known from now on */
    MODBUS_SERIAL_OTHER  /* `number` is another one than it was */
};

struct modbus_serial {
    char number[HWT_MODBUS_TEXT_SIZE]; /* "": not known */
    char before[HWT_MODBUS_TEXT_SIZE]; /* OTHER: what it was */
    /* private */
    struct hwt_modbus_field field;
    char seen[HWT_MODBUS_TEXT_SIZE]; /* read once, differs from `number` */
    int64_t read_us;                 /* clock */
    bool wanted;                     /* in a poll that goes well */
    bool given_up;                   /* it does not tell, until the line is opened anew */
    unsigned asked, silent;          /* in this poll; polls in a row without an answer */
};

/* field: copied; its function 0: there is none, and nothing is asked. */
void modbus_serial_init(struct modbus_serial *s, const struct hwt_modbus_field *field);
/* The line was opened anew: everything may be different. */
void modbus_serial_renew(struct modbus_serial *s);
/* A poll begins. */
void modbus_serial_begin(struct modbus_serial *s);
/* Whether to send this now, at the end of a good poll; `unit` is the caller's. */
bool modbus_serial_request(const struct modbus_serial *s, struct hwt_modbus_request *out);
/* The master is done with it. */
enum modbus_serial_event modbus_serial_answer(struct modbus_serial *s,
                                              const struct hwt_modbus_master *m);
/* The poll is over. */
void modbus_serial_end(struct modbus_serial *s, bool good, int64_t now_us);

#endif
