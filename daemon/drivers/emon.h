/*
 * emon.h: one line on which devices of the emon family send by themselves: a serial port or a TCP
 * gateway, and the devices that are heard on it (an emonTx, or radio nodes behind a receiver).
 *
 *   port ──▶ octets ──▶ lines ──▶ message ──▶ device of its node ──▶ inputs ──▶ sink
 *
 * Nothing is sent. A line ends with LF or CR; what is longer than a message can be is noise. What a
 * message holds and no input names is passed over. A device without a message for three intervals
 * is stale, and so is one whose messages lack a key that an input names; both say why. A port that
 * cannot be used is failed and opened again after 1, 2, 4 … 30 s. All calls on the loop's thread;
 * nothing blocks.
 */
#ifndef DAEMON_DRIVERS_EMON_H
#define DAEMON_DRIVERS_EMON_H

#include <uv.h>

#include "core/base/err.h"
#include "daemon/base/clock.h"
#include "daemon/base/status.h"
#include "daemon/drivers/serial.h"
#include "daemon/drivers/source.h"

enum { EMON_INPUTS_MAX = 32, EMON_LINE_DEVICES_MAX = 32 };

struct emon_line; /* opaque */

struct emon_line_options {
    const char *port; /* serial port, or NULL; copied */
    unsigned baud;
    enum serial_framing framing;
    const char *host; /* TCP, if port is NULL; copied */
    uint16_t tcp_port;
};

/* A number of the messages. Registers are handed on as they stand; that of energy_key, which is
 * signed, as the quantity import, behind the power. */
struct emon_input {
    int source;             /* index that its readings carry */
    const char *id;         /* for log lines; must outlive the line, as must the keys */
    const char *key;        /* "P1" */
    const char *energy_key; /* "E1", or "" */
    enum hwt_quantity quantity;
    int64_t num, den; /* counts of the quantity = thousandths sent x num / den */
    int64_t energy_num, energy_den;
};

struct emon_device_options {
    const char *id;     /* for log lines; must outlive the line */
    int node;           /* of the radio network, or HWT_EMON_NODE_NONE: lines without a node */
    const char *layout; /* of its radio messages, or NULL: by node and length; as id */
    unsigned interval_s;
    struct emon_input input[EMON_INPUTS_MAX];
    unsigned inputs;
    struct status *status; /* must outlive the line */
    reading_sink sink;
    news_sink news; /* that it began anew, for each input; or NULL */
    void *ctx;      /* of both */
};

/* NULL when out of memory or the speed is not standard. */
struct emon_line *emon_line_new(uv_loop_t *loop, struct clock *clock,
                                const struct emon_line_options *options);
/* Adds a device before start; 0, ARGUMENT (no interval, too many inputs), or SPACE. */
HWT_MUST_CHECK int emon_line_add(struct emon_line *line, const struct emon_device_options *options);
/* Opens the port, or says in the devices' status why not and keeps trying. */
void emon_line_start(struct emon_line *line);
/* Leaves the line to others; its devices are stale with this cause. Until resume. */
void emon_line_pause(struct emon_line *line, const char *cause);
void emon_line_resume(struct emon_line *line);
/* The clock has advanced: silent devices become stale. */
void emon_line_tick(struct emon_line *line);
/* Closes; the memory goes once the loop has run the close callbacks. NULL is fine. */
void emon_line_free(struct emon_line *line);

#endif
