/*
 * import_match.h: the rows of a file beside the records of a stream that was imported from it.
 *
 *   file     row row row row row row row row
 *   stream   rec rec  x   x  rec rec              x: on pages that are damaged, or pruned
 *            =   =   gone    =   =   the import goes on here
 */
#ifndef DAEMON_STORE_IMPORT_MATCH_H
#define DAEMON_STORE_IMPORT_MATCH_H

#include "core/tslog/tslog.h"
#include "daemon/store/import_rows.h"

struct import_match {
    struct hwt_tslog_cursor cursor;
    const struct hwt_schema *schema;
    const struct hwt_record *record; /* the next to be met; NULL: not read yet */
    bool gap;                        /* records before it are gone */
    uint64_t gone;                   /* rows so far that are gone */
};

/* The snapshot must outlive it. Errors: ARGUMENT, IO. */
HWT_MUST_CHECK int import_match_open(struct import_match *m,
                                     const struct hwt_tslog_snapshot *snapshot, int stream);

/* The row just read: 1: it is in the stream (or was, and is gone); 0: the stream ends before it;
 * NOT_MINE: they differ, `why` says where; IO. */
HWT_MUST_CHECK int import_match_row(struct import_match *m, const struct import_rows *row,
                                    char *why, size_t n);

/* After the last row, if none was beyond the stream: 0; NOT_MINE: the stream has more; IO. */
HWT_MUST_CHECK int import_match_end(struct import_match *m, char *why, size_t n);

#endif
