/*
 * export_rows.h: the records of a range as lines of text.
 */
#ifndef DAEMON_STORE_EXPORT_ROWS_H
#define DAEMON_STORE_EXPORT_ROWS_H

#include "daemon/store/csv_text.h"
#include "daemon/store/export.h"

enum { EXPORT_LINE_MAX = CSV_NUMBER_MAX + EXPORT_COLUMNS_MAX * (CSV_NUMBER_MAX + HWT_ID_MAX + 1) };

struct export_rows {
    const struct log_export_options *o;
    uint64_t lost, untimed;
    uint64_t first, last; /* sequences of the stream */
    size_t columns;
    char column[EXPORT_COLUMNS_MAX][HWT_ID_MAX + 1];
    /* of the schema at hand: */
    int16_t place[EXPORT_COLUMNS_MAX]; /* of each column; -1: not there */
    int64_t per_unit[EXPORT_COLUMNS_MAX];
    const struct hwt_schema *schema;
    const struct hwt_record *record; /* the last read */
    struct hwt_tslog_cursor cursor;
};

HWT_MUST_CHECK int export_rows_init(struct export_rows *e, const struct log_export_options *o);

/* Stands before the first record of the range; before that sequence; before the first record whose
 * interval starts at or after from_ms. Counts from there. */
HWT_MUST_CHECK int export_rows_rewind(struct export_rows *e);
HWT_MUST_CHECK int export_rows_seek(struct export_rows *e, uint64_t sequence);
HWT_MUST_CHECK int export_rows_seek_ms(struct export_rows *e, int64_t from_ms);
/* The next record of the range: 1; 0: the end; IO. */
HWT_MUST_CHECK int export_rows_next(struct export_rows *e);

/* Whether there is room for one more; a column that is there already is not added again. */
bool export_rows_add_column(struct export_rows *e, const char *id);
/* A channel of the record just read that has no column; NULL: all have. */
const char *export_rows_stranger(const struct export_rows *e);

/* The first line; the record just read. Returns the bytes put, at most EXPORT_LINE_MAX. */
size_t export_rows_head(const struct export_rows *e, char *p);
size_t export_rows_line(struct export_rows *e, char *p);

#endif
