/*
 * walk.h: the records of one stream whose interval begins in a range, in order of sequence, read at
 * the desk. It keeps its place over slices in which others had the desk.
 *
 * The end of the range is the first record that begins at or after it. If that one begins much
 * later, the clock may have been wrong and set back: then records behind it are looked at, 1, 2, 4,
 * 8 … on and the last, and if one of them lies before the end, reading goes on from there.
 */
#ifndef DAEMON_HTTP_WALK_H
#define DAEMON_HTTP_WALK_H

#include "daemon/http/desk.h"

struct walk { /* begins with stream and end set, the rest 0 */
    int stream;
    bool sought;       /* `sequence` is known */
    uint64_t sequence; /* of the next record */
    uint64_t end;      /* one after the last durable one as the walk began */
    uint64_t damaged;  /* records that could not be read */
};

struct walk_record {
    int64_t start_ms;
    const struct hwt_record *record; /* the cursor's: until the next call */
    const struct desk_cursor *at;    /* where its columns are */
};

/*
 * The next record, the desk being the caller's. 1: *out is filled. 0: the end. HWT_ERR_AGAIN: a
 * slice's worth of records was passed over, call again. HWT_ERR_LOST: records that were there when
 * the walk began have been pruned. Else IO, SPACE. The desk may have been refreshed: then it is the
 * caller's no more.
 */
HWT_MUST_CHECK int walk_next(struct walk *w, struct desk *desk, const struct plan *plan,
                             struct walk_record *out);

#endif
