/*
 * mbus.h: one M-Bus: a serial port with a level converter and the meters behind it.
 *
 *   tick (clock time) ──▶ due polls ──▶ master (real time) ⇄ port ──▶ readings ──▶ sink
 *
 * When a meter is polled follows the clock object, which may run a hundred times real time; how
 * long a reply may take is real time. One request is on the bus at a time. A meter that does not
 * answer three polls is stale; a port that cannot be used is failed and opened again after 1, 2, 4
 * … 30 s. Then readings simply stop. All calls on the loop's thread; nothing blocks.
 */
#ifndef DAEMON_DRIVERS_MBUS_H
#define DAEMON_DRIVERS_MBUS_H

#include <uv.h>

#include "daemon/base/clock.h"
#include "daemon/base/status.h"
#include "daemon/drivers/mbus_readings.h"
#include "daemon/drivers/source.h"

struct mbus_bus; /* opaque */

struct mbus_meter_options {
    const char *id;        /* for log lines; must outlive the bus */
    uint16_t source;       /* index that the readings carry */
    uint8_t address;       /* 0..250, or 254: the only meter on the bus */
    unsigned poll_s;       /* s of the clock, >= 1 */
    unsigned timeout_ms;   /* real ms from the request's end to the reply's first octet */
    unsigned retries;      /* attempts after the first */
    struct status *status; /* must outlive the bus */
    reading_sink sink;
    void *ctx; /* of the sink */
};

/* port is copied. NULL when out of memory or when baud is not standard. */
struct mbus_bus *mbus_bus_new(uv_loop_t *loop, struct clock *clock, const char *port,
                              unsigned baud);
/* Adds a meter before start; 0, ARGUMENT (address, poll_s), or SPACE. */
HWT_MUST_CHECK int mbus_bus_add(struct mbus_bus *bus, const struct mbus_meter_options *options);
/* Opens the port, or says in the meters' status why not and keeps trying. */
void mbus_bus_start(struct mbus_bus *bus);
/* The clock has advanced: polls that have fallen due begin. */
void mbus_bus_tick(struct mbus_bus *bus);
/* Closes; the memory goes once the loop has run the close callbacks. NULL is fine. */
void mbus_bus_free(struct mbus_bus *bus);

#endif
