/*
 * pulses.h: a meter's pulse output (S0, LED, reed contact) on an input line.
 *
 *   edges ──▶ debounced pulses ──▶ import + power, or volume + flow rate, once a second ──▶ sink
 *
 * The count of pulses is the truth and goes on from where the log left it; power and flow rate are
 * for display: from the time between pulses, less as the next one is overdue, 0 in the end. Pulses
 * while the line could not be read are missed, and said so. All calls on the loop's thread.
 */
#ifndef DAEMON_DRIVERS_PULSES_H
#define DAEMON_DRIVERS_PULSES_H

#include "core/wire/pulses.h"
#include "daemon/base/clock.h"
#include "daemon/base/status.h"
#include "daemon/drivers/line_events.h"
#include "daemon/drivers/source.h"

struct pulses; /* opaque */

struct pulses_options {
    const char *id;                     /* for log lines; must outlive it */
    uint16_t source;                    /* that the readings carry */
    struct line_events_options line;    /* callbacks left out */
    struct hwt_pulses_options debounce; /* us */
    bool volume;                        /* litres; else energy */
    double per_unit;                    /* pulses a kWh, or litres a pulse; > 0 */
    int64_t start;                      /* counts of import or volume to go on from */
    unsigned zero_s;                    /* so long after a pulse the power is 0 */
    struct status *status;              /* must outlive it */
    reading_sink sink;
    void *ctx; /* of the sink */
};

/* NULL when out of memory. */
struct pulses *pulses_new(uv_loop_t *loop, struct clock *clock,
                          const struct pulses_options *options);
void pulses_start(struct pulses *p);
/* The clock has advanced. */
void pulses_tick(struct pulses *p);
/* Delivers what it still has and closes; the memory goes once the loop has run the close callbacks.
 * NULL is fine. */
void pulses_free(struct pulses *p);

#endif
