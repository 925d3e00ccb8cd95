/*
 * modbus.h: one Modbus line: a serial port, or a TCP connection, and the devices behind it.
 *
 *   tick (clock time) ──▶ due polls ──▶ master (real time) ⇄ port ──▶ registers ──▶ sink
 *
 * A poll reads all registers of a device's map, by as few requests as the map's limits allow. A
 * range that the device refuses is parted until what it does not have stands alone; that is left
 * out. Devices of one serial line may differ in speed and framing. What was read in a poll is
 * handed on with one instant; a poll in which something failed hands on the rest.
 *
 * When a device is polled follows the clock object, which may run a hundred times real time; how
 * long a reply may take is real time. A device without a good poll for three is stale, and from
 * then on asked less often, so that it does not hold up the others; a port that cannot be used is
 * failed and opened again after 1, 2, 4 … 30 s. The serial number (modbus_serial.h) goes to the
 * status; another one than before is counted, `exchanged`, and said. Registers are handed on as
 * they stand. All calls on the loop's thread; nothing blocks.
 */
#ifndef DAEMON_DRIVERS_MODBUS_H
#define DAEMON_DRIVERS_MODBUS_H

#include <uv.h>

#include "core/wire/modbus_identity.h"
#include "daemon/base/clock.h"
#include "daemon/base/status.h"
#include "daemon/drivers/serial.h"
#include "daemon/drivers/source.h"

struct modbus_line; /* opaque */

struct modbus_line_options {
    const char *port; /* serial port, or NULL; copied */
    const char *host; /* TCP, if port is NULL; copied */
    uint16_t tcp_port;
    bool rtu_over_tcp; /* RTU frames through a transparent gateway */
};

struct modbus_device_options {
    const char *id;                    /* for log lines; must outlive the line */
    int source[HWT_MODBUS_PART_COUNT]; /* index that the readings of a part carry; -1: left out */
    uint8_t unit;
    unsigned baud; /* of a serial line */
    enum serial_framing framing;
    const struct hwt_modbus_map *map;      /* must outlive the line */
    const char *model;                     /* maker and model, as the map says; or NULL; as long */
    const struct hwt_modbus_field *serial; /* where its serial number is, or NULL; copied */
    unsigned poll_s;                       /* s of the clock, >= 1 */
    unsigned timeout_ms;                   /* real ms from the request's end to the reply */
    unsigned retries;                      /* attempts after the first, of each request */
    struct status *status;                 /* must outlive the line */
    reading_sink sink;
    news_sink news; /* who it is, where that can be read; or NULL */
    void *ctx;      /* of both */
};

/* NULL when out of memory. */
struct modbus_line *modbus_line_new(uv_loop_t *loop, struct clock *clock,
                                    const struct modbus_line_options *options);
/* Adds a device before start; 0, ARGUMENT (unit, poll_s, baud, an empty map), or SPACE. */
HWT_MUST_CHECK int modbus_line_add(struct modbus_line *line,
                                   const struct modbus_device_options *options);
/* Opens the port, or says in the devices' status why not and keeps trying. */
void modbus_line_start(struct modbus_line *line);
/* Leaves the line to others; its devices are stale with this cause. Until resume. */
void modbus_line_pause(struct modbus_line *line, const char *cause);
void modbus_line_resume(struct modbus_line *line);
/* The clock has advanced: polls that have fallen due begin. */
void modbus_line_tick(struct modbus_line *line);
/* Closes; the memory goes once the loop has run the close callbacks. NULL is fine. */
void modbus_line_free(struct modbus_line *line);

#endif
