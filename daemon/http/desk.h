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
 * A cursor is soon where it was. A window of the down-sampled read is not: what was read for it is
 * lost with the reader. So its owner holds that reader and the snapshot over its slices, until the
 * window is given or the owner was not heard of for DESK_HOLD_US. Whoever is refused meanwhile goes
 * on with the snapshot there is, or comes again.
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

enum { DESK_HOLD_US = 500000 /* real us behind its last slice that an owner's window is kept */ };

struct desk {
    const struct http_hooks *hooks;
    int64_t (*now_us)(void); /* real time; a test has its own */
    const void *owner;       /* of the cursors */
    const void *filler;      /* owner of `buckets` */
    int64_t held_until_us;   /* nobody else gets `buckets`, nor a new snapshot; 0: free */
    bool waited;             /* somebody was refused one of them since */
    struct hwt_tslog_snapshot *snapshot;
    struct hwt_tslog_buckets *buckets;                 /* made when first needed, as the next */
    struct desk_cursor *cursor[HWT_TSLOG_STREAMS_MAX]; /* by stream */
};

void desk_init(struct desk *desk, const struct http_hooks *hooks);
void desk_deinit(struct desk *desk);

/* The log as it is now; nobody owns a reader then. While a window is held the snapshot stays as it
 * is, at most as old as that window, and `waited` is true. Errors: SPACE, what the hook says. */
HWT_MUST_CHECK int desk_refresh(struct desk *desk);
/* Makes `owner` the owner of the cursors. True: it was already, they are as it left them; false:
 * all of them are to be opened anew. */
bool desk_take(struct desk *desk, const void *owner);
/* Makes `owner` the owner of the down-sampled read. 1: it was already; 0: that is to be opened
 * anew. Errors: AGAIN (another holds it), SPACE, what the hook says. */
HWT_MUST_CHECK int desk_take_buckets(struct desk *desk, const void *owner);
/* Its owner has a window that is not wholly given, and has just worked on it. */
void desk_hold(struct desk *desk);
/* The window is given. True: others wait, and it is theirs. */
bool desk_release(struct desk *desk);
/* The owner, of whatever it owns, is gone. */
void desk_leave(struct desk *desk, const void *owner);

/* Memory for a cursor; NULL: there is none. */
struct desk_cursor *desk_cursor(struct desk *desk, int stream);

/* Finds the plan's series in a schema: cheap when it is the one of the record before. */
void desk_map(struct desk_cursor *c, const struct plan *plan, const struct hwt_schema *schema);

#endif
