/*
 * elster.h: the optical output of an Elster A100C or A1100 electricity meter.
 *
 *   input line ──flashes───▶ ┐
 *   serial port ─characters▶ ┴▶ packets ─▶ gate ─▶ import, export, power ─▶ sink
 *
 * The meter sends by itself. Registers are delivered when the gate lets them through, a few packets
 * late (core/wire/elster.h); power comes from the steps of the registers, over ten seconds at
 * least, import positive. Registers are delivered as they stand; another meter, or a reset, begins
 * a new count of the power. Without a packet the source is stale, and told apart by whether there
 * is light. The serial port is one behind a pulse stretcher; its rate is tried when it is not
 * given. All calls on the loop's thread; nothing blocks.
 */
#ifndef DAEMON_DRIVERS_ELSTER_H
#define DAEMON_DRIVERS_ELSTER_H

#include "daemon/base/clock.h"
#include "daemon/base/status.h"
#include "daemon/drivers/line_events.h"
#include "daemon/drivers/source.h"

struct elster; /* opaque */

struct elster_options {
    const char *id;                  /* for log lines; must outlive it */
    uint16_t source;                 /* that the readings carry */
    const char *port;                /* serial port, or NULL: `line` */
    struct line_events_options line; /* callbacks left out */
    unsigned baud;                   /* 2400, 4800, 9600; 0: to be found */
    unsigned max_w;                  /* W that the supply can deliver */
    unsigned zero_s;                 /* so long after a step of 1 Wh the power is 0 */
    struct status *status;           /* must outlive it */
    reading_sink sink;
    news_sink news; /* who it is; or NULL */
    void *ctx;      /* of both */
};

/* NULL when out of memory, or of another baud. */
struct elster *elster_new(uv_loop_t *loop, struct clock *clock,
                          const struct elster_options *options);
void elster_start(struct elster *e);
/* Of a serial port: leaves it to others; stale with this cause. Until resume. */
void elster_pause(struct elster *e, const char *cause);
void elster_resume(struct elster *e);
/* The clock has advanced. */
void elster_tick(struct elster *e);
/* Closes; the memory goes once the loop has run the close callbacks. NULL is fine. */
void elster_free(struct elster *e);

#endif
