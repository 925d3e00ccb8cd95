/*
 * log_view.h: a snapshot of the log with a cursor on it, on the heap because both are large; and
 * the channels that the log holds.
 */
#ifndef DAEMON_HTTP_LOG_VIEW_H
#define DAEMON_HTTP_LOG_VIEW_H

#include "core/tslog/tslog.h"
#include "daemon/http/http.h"

struct log_view {
    struct hwt_tslog_snapshot snapshot;
    struct hwt_tslog_cursor cursor;
};

/* NULL: *err_out is SPACE (no memory) or what the hook said. */
struct log_view *log_view_new(const struct http_hooks *hooks, int *err_out);
void log_view_free(struct log_view *view);

/*
 * The channels that the log's records hold, each with the streams that hold it. Seventeen records
 * spread evenly over each stream are looked at, and between two with different schemas the one in
 * the middle, and so on: a schema that came and went between two equal ones is not seen.
 */
struct log_channel {
    struct hwt_channel channel;
    uint32_t streams; /* bit s: stream s */
};

struct log_channels {
    struct log_channel *channel;
    size_t count, room;
    struct hwt_stream_info stream[HWT_TSLOG_STREAMS_MAX];
    int streams;
};

/* 0 or a negative enum hwt_err; log_channels_free in both cases. `cursor` is for use by it. */
HWT_MUST_CHECK int log_channels_read(struct log_channels *out,
                                     const struct hwt_tslog_snapshot *snapshot,
                                     struct hwt_tslog_cursor *cursor);
void log_channels_free(struct log_channels *channels);
/* NULL: no stream holds it. */
const struct log_channel *log_channels_find(const struct log_channels *channels, const char *id);

#endif
