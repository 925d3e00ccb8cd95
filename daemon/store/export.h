/*
 * export.h: a stream of the log as CSV, in the form that import.h reads.
 *
 *   time,hp_power,hp_import          unix ms at the interval's end, then a column for each channel
 *   1795162430000,812.4,1336479.25   every digit that the log has; empty: missing
 *
 * Records come in order of sequence, so times fall where the clock was put back. Records without
 * wall time are left out and counted, as are lost ones.
 *
 * A file that exists is only ever added to: resumed, its first line and its last rows must be those
 * of the log; half a line at its end, as a power cut may leave, is cut off. So a file kept up night
 * by night outlives the log's own retention.
 */
#ifndef DAEMON_STORE_EXPORT_H
#define DAEMON_STORE_EXPORT_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "core/tslog/tslog.h"

enum { EXPORT_COLUMNS_MAX = 1024 };

struct log_export_options {
    const struct hwt_tslog_snapshot *snapshot;
    int stream;
    /* interval starts in [from_ms, to_ms); INT64_MIN, INT64_MAX: all */
    int64_t from_ms, to_ms;
    /* ids, in that order; 0: every channel that a record of the range has, in order of appearance
     */
    const char *const *series;
    size_t series_count;
    const char *file; /* must not be there, or be empty, unless resumed; NULL: `out` */
    FILE *out;
    bool resume;
    void (*progress)(void *ctx, uint64_t done, uint64_t all); /* records; may be NULL */
    void *ctx;
    const volatile sig_atomic_t *stop; /* turns true: end behind a whole line; may be NULL */
};

struct log_export_result {
    bool ok, stopped;
    uint64_t rows;      /* written now */
    uint64_t lost;      /* records on damaged or pruned pages, from the range's first record on */
    uint64_t untimed;   /* records without wall time, left out */
    int64_t resumed_ms; /* time of the last row that the file had; INT64_MIN: none */
    size_t columns;
    char why[512]; /* if not ok, in one line */
};

/* True: the whole range is out, and, in a file, on the disk. */
bool log_export(const struct log_export_options *options, struct log_export_result *result_out);

#endif
