/*
 * modbus_device.h: one device of a Modbus line: which registers to ask for next, what the answers
 * say, and what its status tells. Knows no port and no master; modbus.c drives it.
 */
#ifndef DAEMON_DRIVERS_MODBUS_DEVICE_H
#define DAEMON_DRIVERS_MODBUS_DEVICE_H

#include "core/wire/modbus_master.h"
#include "daemon/drivers/modbus.h"
#include "daemon/drivers/modbus_serial.h"

enum { MODBUS_WHY_MAX = 128 };

struct modbus_device {
    struct modbus_device_options o;
    struct hwt_modbus_group group[HWT_MODBUS_GROUPS_MAX]; /* what is left of the plan */
    unsigned groups;
    unsigned at;                      /* group that is asked for */
    unsigned failed;                  /* groups of this poll without an answer */
    unsigned missed;                  /* polls without success since the last that was good */
    int64_t due_us;                   /* clock: next poll */
    int64_t good_us;                  /* clock: last good poll, or when polling began */
    bool due;                         /* waits for its turn */
    bool bad;                         /* the last poll failed */
    bool refusing;                    /* answers were refused in the last poll; it was logged */
    char why[MODBUS_WHY_MAX];         /* of the last failure */
    uint8_t row[HWT_MODBUS_ROWS_MAX]; /* rows read in this poll, and their counts */
    int64_t counts[HWT_MODBUS_ROWS_MAX];
    unsigned rows;
    struct modbus_serial serial;
    bool told, exchanged; /* in this poll: the serial number; that it is another one */
};

/* A copy of the options; ARGUMENT if they cannot be polled. */
HWT_MUST_CHECK int modbus_device_init(struct modbus_device *d,
                                      const struct modbus_device_options *options);
/* All registers of the map are asked for again: another device may be there now. */
void modbus_device_plan(struct modbus_device *d);
/* The same, and who it is: the line was opened. */
void modbus_device_renew(struct modbus_device *d);
/* A poll begins. False if there is nothing to ask for. */
bool modbus_device_begin(struct modbus_device *d);
/* The request to send next; false: the poll is over. */
bool modbus_device_request(const struct modbus_device *d, struct hwt_modbus_request *out);
/* The master is done with it. */
void modbus_device_answer(struct modbus_device *d, const struct hwt_modbus_master *m);
/* The poll is over: status, and what was read goes to the sink. True if it was good. */
bool modbus_device_end(struct modbus_device *d, struct clock *clock);
/* Says so if three polls went by without a good one. in_doubt: the poll under way does badly. */
void modbus_device_check_stale(struct modbus_device *d, struct clock *clock, bool in_doubt);
/* When to poll it after a poll that was due now. */
void modbus_device_schedule(struct modbus_device *d, int64_t now_us);
/* Whether it has been silent for long: then no attempt is repeated. */
bool modbus_device_is_lost(const struct modbus_device *d);

#endif
