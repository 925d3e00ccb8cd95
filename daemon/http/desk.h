/*
 * desk.h: the one place where queries read the log: a snapshot and readers on it, large things of
 * which a server has one set, lent to one query at a time for a slice of its work.
 *
 *   query 1 ──┐
 *   query 2 ──┼── desk_take ──▶ snapshot, a cursor for each stream, a down-sampled read
 *   query 3 ──┘
 *
 * A query that takes the desk and finds that another had it opens its readers anew, at the place it
 * keeps itself (a sequence, an edge). So a slow client costs the server a few bytes of place, not
 * half a megabyte of readers. Snapshots only grow at their end, but for records that were pruned.
 *
 * http's thread only.
 */
#ifndef DAEMON_HTTP_DESK_H
#define DAEMON_HTTP_DESK_H

#include "core/tslog/tslog.h"
#include "daemon/http/http.h"
#include "daemon/http/plan.h"

struct desk_cursor {
    struct hwt_tslog_cursor cursor;
    bool open;
    /* where the series asked for are in the schema `seen` */
    uint16_t seen_count;
    bool has_any;
    int16_t column[PLAN_SERIES_MAX]; /* -1: not there */
    struct hwt_channel seen[HWT_CHANNELS_MAX];
};

struct desk {
    const struct http_hooks *hooks;
    const void *owner;
    struct hwt_tslog_snapshot *snapshot;
    struct hwt_tslog_buckets *buckets;                 /* made when first needed, as the next */
    struct desk_cursor *cursor[HWT_TSLOG_STREAMS_MAX]; /* by stream */
};

void desk_init(struct desk *desk, const struct http_hooks *hooks);
void desk_deinit(struct desk *desk);

/* The log as it is now; nobody owns the desk then. Errors: SPACE, what the hook says. */
HWT_MUST_CHECK int desk_refresh(struct desk *desk);
/* Makes `owner` the owner. True: it was already, its readers are as it left them; false: all of
 * them are to be opened anew. */
bool desk_take(struct desk *desk, const void *owner);
/* The owner is gone. */
void desk_leave(struct desk *desk, const void *owner);

/* Memory for a reader; NULL: there is none. */
struct hwt_tslog_buckets *desk_buckets(struct desk *desk);
struct desk_cursor *desk_cursor(struct desk *desk, int stream);

/* Finds the plan's series in a schema: cheap when it is the one of the record before. */
void desk_map(struct desk_cursor *c, const struct plan *plan, const struct hwt_schema *schema);

#endif
