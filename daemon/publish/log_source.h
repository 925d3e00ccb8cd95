/*
 * log_source.h: what a publisher needs of the log: a stream read in order, from where it stopped.
 *
 * The publisher's worker thread calls open, seek, next until 0, close; nothing of it is called by
 * two threads at once for one publisher, but several publishers may read at the same time. All
 * calls may block. The wiring fills this with a snapshot and a cursor of core/tslog.
 */
#ifndef DAEMON_PUBLISH_LOG_SOURCE_H
#define DAEMON_PUBLISH_LOG_SOURCE_H

#include "core/base/err.h"
#include "core/flow.h"

struct log_view {
    uint8_t uuid[16]; /* of the log */
    uint64_t last;    /* sequence of the newest durable record; 0: none */
};

struct log_source {
    /* A reading of a stream as it is now. Errors: NOT_FOUND (no such stream), IO, SPACE. */
    int (*open)(void *ctx, const char *stream, struct log_view *view_out, void **reader_out);
    /* Stands before record `sequence`, 1..last + 1. Errors: ARGUMENT, IO. */
    int (*seek)(void *reader, uint64_t sequence);
    /* As hwt_tslog_cursor_next: 1, a record, borrowed until the next call; 0, the end; LOST, with
     * *lost_out records gone, to be called again; IO. */
    int (*next)(void *reader, const struct hwt_schema **schema_out,
                const struct hwt_record **record_out, uint64_t *lost_out);
    void (*close)(void *reader);
    void *ctx;
};

#endif
