/*
 * import_rows.h: the rows of a CSV file as intervals: an end, a length, values.
 *
 *   labelled by the end (as ours are):     |--a--|--b--|        |--c--|
 *   labelled by the start:                 a-----|b-----|       c-----|
 *
 * The interval of a row ends (starts) at its time and starts (ends) at the row before (behind);
 * where that is more than twice the file's shortest step, there is a gap, and the interval is the
 * shortest step long.
 */
#ifndef DAEMON_STORE_IMPORT_ROWS_H
#define DAEMON_STORE_IMPORT_ROWS_H

#include "daemon/store/csv.h"

struct import_rows {
    struct csv csv;
    int64_t step_ms; /* the file's shortest */
    bool by_start;
    bool holds, ended; /* by start: `held` is a row whose end is not known yet; the file is read */
    int64_t before_ms;
    int64_t held_ms;
    struct hwt_value held[HWT_CHANNELS_MAX], out[HWT_CHANNELS_MAX];
    unsigned held_line;
    /* the row just read */
    int64_t unix_ms; /* end of its interval */
    uint32_t span_ms;
    const struct hwt_value *value;
    unsigned line;
};

/* Reads the file to its end: finds the shortest step, checks each row. Rows that time tells are
 * counted in r->csv. 0, or SANITY with *error_out. */
HWT_MUST_CHECK int import_rows_measure(struct import_rows *r, const struct csv_options *options,
                                       bool by_start, const char *text, size_t n,
                                       struct csv_error *error_out);
/* Back to before the first row. */
HWT_MUST_CHECK int import_rows_rewind(struct import_rows *r, struct csv_error *error_out);
/* 1: a row; 0: the end; SANITY. */
HWT_MUST_CHECK int import_rows_next(struct import_rows *r, struct csv_error *error_out);

#endif
