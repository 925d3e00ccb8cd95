/*
 * rows.h: the answer to a plan as rows, one after the other, read at the desk in slices.
 *
 *   raw      the records of all streams, merged by time
 *   buckets  those of the log's down-sampled read
 *
 * Raw rows are the records whose interval begins in the range and whose schema has one of the
 * series, in order of the intervals' starts. Where records of two streams overlap, that of the
 * stream with the lower number (the own device's is 0) is taken and the other left out.
 */
#ifndef DAEMON_HTTP_ROWS_H
#define DAEMON_HTTP_ROWS_H

#include "daemon/http/walk.h"

struct row {
    int64_t time_ms;                           /* start of a bucket, end of a record's interval */
    uint32_t span_ms;                          /* raw: length of the interval */
    unsigned provenance;                       /* bit p: enum hwt_provenance p is in it */
    int64_t value[PLAN_SERIES_MAX * PLAN_FNS]; /* by the plan's columns; PLAN_MISSING */
};

struct rows_origin { /* a stream that has records in the range, and from when to when within it */
    char name[HWT_ID_MAX + 1];
    uint8_t provenance;
    int stream;
    int64_t from_ms, to_ms;
};

struct rows {
    struct plan *plan; /* borrowed */
    struct desk *desk;
    struct rows_origin origin[HWT_TSLOG_STREAMS_MAX];
    unsigned origins;
    int64_t at_ms;  /* buckets: the next one begins here */
    unsigned given; /* buckets: of the log's window */
    struct rows_stream {
        struct walk walk;
        uint8_t provenance;
        bool asked;     /* raw: it may have rows */
        bool has_head;  /* raw: the record in the cursor is still to be given */
        int64_t end_ms; /* raw: of the intervals so far */
        uint64_t first; /* sequence of the oldest record as the query began */
        struct walk_record head;
    } stream[HWT_TSLOG_STREAMS_MAX];
    int streams;
};

/* Begins at the desk as it is; refresh it before. Errors: NOT_FOUND (no stream of the plan's name),
 * and what reading the log says. */
HWT_MUST_CHECK int rows_init(struct rows *rows, struct plan *plan, struct desk *desk);
/* 1: the next row. 0: the end. AGAIN: none in this slice. LOST: records of the range were pruned
 * since rows_init, so rows are missing. Else IO, SPACE. */
HWT_MUST_CHECK int rows_next(struct rows *rows, struct row *row_out);
void rows_deinit(struct rows *rows);
/* Records that were found damaged, between the rows. */
uint64_t rows_damaged(const struct rows *rows);

#endif
