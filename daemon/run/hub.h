/*
 * hub.h: where all readings meet, on the loop's thread: recorder, ledger, time measured, today's
 * energies.
 *
 *   readings ──put──▶ [ recorder | ledger ] ──▶ record ──▶ sink (the store's queue)
 *                                            └▶ live view, each second
 *
 * Readings of different drivers may come a little out of order: a record is closed only when the
 * clock is a slack behind its end, so that a window measured before the end is in it.
 */
#ifndef DAEMON_RUN_HUB_H
#define DAEMON_RUN_HUB_H

#include "core/tslog/tslog.h"
#include "daemon/run/installation.h"
#include "daemon/run/live.h"

struct hub; /* opaque */

typedef void (*hub_record_sink)(void *ctx, const struct hwt_schema *schema,
                                const struct hwt_record *record);

struct hub_options {
    const struct installation *site; /* must outlive the hub */
    struct clock *clock;
    uint32_t boot;
    hub_record_sink sink;
    void *ctx;
};

/* What the counters of a clamp, or of a group of clamps, go on from, mJ. */
struct hub_clamp_start {
    int64_t import_mj;
    int64_t export_mj;
    int64_t reactive_mj[4]; /* by quadrant */
};

struct hub *hub_new(const struct hub_options *options);
void hub_free(struct hub *h);
/* Where the log left off. Before the first reading, on a snapshot of the log. */
void hub_restore(struct hub *h, const struct hwt_tslog_snapshot *snapshot);
struct hub_clamp_start hub_clamp_start(const struct hub *h, unsigned source);
/*
 * Where the log left a source's counter, and when, on this run's clock (negative: before its zero;
 * as long ago as the clock can tell if the wall time is unknown). False, *value_out 0, if it never
 * recorded one.
 */
bool hub_counter_start(const struct hub *h, unsigned source, enum hwt_quantity quantity,
                       int64_t *value_out, int64_t *since_us_out);

/* Whether it can be told how long ago the newest record was, or there is none. */
bool hub_is_dated(const struct hub *h);

/* The past was corrected: where the counters stood at midnight is read again. */
void hub_refresh(struct hub *h, const struct hwt_tslog_snapshot *snapshot);

/* Readings of one driver, in the order of their time. */
void hub_put(struct hub *h, const struct hwt_reading *readings, size_t n);
/*
 * The sampler's totals since its start at the end of a window, as readings of the device in us:
 * MEASURED, then GAP of the same instant.
 */
void hub_time(struct hub *h, const struct hwt_reading *total);
/* The clock has advanced: closes records that are due. */
void hub_tick(struct hub *h);
/* Closes the open record, shorter than the others. */
void hub_flush(struct hub *h);
/* Fills what the hub knows of the view: values, ages, today's rises, books, now. */
void hub_view(struct hub *h, struct live_view *view_out);

#endif
