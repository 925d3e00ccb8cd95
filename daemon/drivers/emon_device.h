/*
 * emon_device.h: one device of the emon family: what its messages say, and what its status tells.
 * Knows no port; emon.c hands it each line.
 */
#ifndef DAEMON_DRIVERS_EMON_DEVICE_H
#define DAEMON_DRIVERS_EMON_DEVICE_H

#include "core/wire/emon.h"
#include "daemon/drivers/emon.h"

struct emon_state {  /* of an input */
    bool sent;       /* its key came once */
    unsigned absent; /* messages in a row without it */
};

struct emon_device {
    struct emon_device_options o;
    struct emon_state state[EMON_INPUTS_MAX];
    int64_t heard_us;           /* clock: last message, or when listening began */
    bool numbered;              /* a message number came */
    int64_t number;             /* the last */
    uint64_t messages;          /* taken since the port was opened */
    size_t values;              /* of the last message taken */
    unsigned shorter;           /* messages in a row with fewer: cut, or the device has changed */
    char why[STATUS_CAUSE_MAX]; /* what else was heard on the line while it is silent */
};

/* A copy of the options; ARGUMENT if they cannot be. */
HWT_MUST_CHECK int emon_device_init(struct emon_device *d,
                                    const struct emon_device_options *options);
/* The port was opened: what came before says nothing about what comes. */
void emon_device_open(struct emon_device *d, struct clock *clock);
/* A line, without its end. True if it was a message of this device. */
bool emon_device_line(struct emon_device *d, const char *line, size_t n, struct clock *clock);
void emon_device_check_stale(struct emon_device *d, struct clock *clock);

#endif
