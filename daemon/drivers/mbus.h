/*
 * mbus.h: one M-Bus: a line with a level converter and the meters behind it.
 *
 *   tick (clock time) ──▶ due polls ──▶ master (real time) ⇄ line ──▶ readings ──▶ sink
 *
 * When a meter is polled follows the clock object, which may run a hundred times real time; how
 * long a reply may take is real time. One request is on the bus at a time. A meter that does not
 * answer three polls is stale, and is asked more and more rarely; a line that cannot be used is
 * failed and opened again after 1, 2, 4 … 30 s. Then readings simply stop. Never changes a meter.
 * All calls on the loop's thread; nothing blocks.
 *
 * Counters of a meter's status: polls, good, retries; attempts without a good answer by reason:
 * TIMEOUT, LENGTH, SANITY, CHECKSUM, NOT_MINE; telegrams refused: LENGTH, SANITY, UNSUPPORTED,
 * APPLICATION; what else was noticed: ECHO, LATE, FOREIGN, COLLISION, BABBLE; implausible (values
 * left out), exchanged (another identity at the same address), page (an order not acknowledged).
 */
#ifndef DAEMON_DRIVERS_MBUS_H
#define DAEMON_DRIVERS_MBUS_H

#include <uv.h>

#include "daemon/base/clock.h"
#include "daemon/base/status.h"
#include "daemon/drivers/mbus_readings.h"
#include "daemon/drivers/source.h"

struct mbus_bus; /* opaque */

enum { MBUS_BAUD_FIND = 0 };

struct mbus_bus_options {
    const char *port; /* serial port, or NULL; copied */
    const char *tcp;  /* "host:port" of a transparent gateway, or NULL; copied */
};

struct mbus_meter_options {
    const char *id;  /* for log lines; must outlive the bus */
    uint16_t source; /* index that the readings carry */
    uint8_t address; /* 0..250; 254: the only meter on the bus; 253: the one of `select` */
    uint8_t select[HWT_MBUS_SELECT_SIZE]; /* 253: as sent, see mbus_master.h */
    unsigned baud;                        /* one of the standard speeds, or MBUS_BAUD_FIND */
    enum mbus_kind kind;
    const struct mbus_profile *profile; /* NULL: by what the meter says of itself */
    bool mains_powered;
    unsigned poll_s;       /* s of the clock, >= 1; a profile may ask for more */
    unsigned timeout_ms;   /* real ms from the request's end to the reply's first octet */
    unsigned retries;      /* attempts after the first */
    struct status *status; /* must outlive the bus */
    reading_sink sink;
    news_sink news; /* who it is; or NULL */
    void *ctx;      /* of both */
};

/*
 * A secondary address as people write it: 8 digits, or 16 hex digits with manufacturer, version and
 * device type behind (72337193 2D2C 34 04, blanks allowed); F is a wildcard. False: it is none.
 */
HWT_MUST_CHECK bool mbus_select_parse(const char *text, uint8_t select_out[HWT_MBUS_SELECT_SIZE]);

/* NULL when out of memory, or when the host cannot be. */
struct mbus_bus *mbus_bus_new(uv_loop_t *loop, struct clock *clock,
                              const struct mbus_bus_options *options);
/* Adds a meter before start; 0, ARGUMENT (address, poll_s, baud), or SPACE. */
HWT_MUST_CHECK int mbus_bus_add(struct mbus_bus *bus, const struct mbus_meter_options *options);
/* Opens the line, or says in the meters' status why not and keeps trying. */
void mbus_bus_start(struct mbus_bus *bus);
/* Leaves the line to others; its meters are stale with this cause. Until resume. */
void mbus_bus_pause(struct mbus_bus *bus, const char *cause);
void mbus_bus_resume(struct mbus_bus *bus);
/* The clock has advanced: polls that have fallen due begin. */
void mbus_bus_tick(struct mbus_bus *bus);
/* Closes; the memory goes once the loop has run the close callbacks. NULL is fine. */
void mbus_bus_free(struct mbus_bus *bus);

#endif
