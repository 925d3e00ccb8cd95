/*
 * csv_line.h: lines, fields and numbers of csv.c and csv_head.c.
 */
#ifndef DAEMON_STORE_CSV_LINE_H
#define DAEMON_STORE_CSV_LINE_H

#include "daemon/store/csv.h"

/* [p, end) without quotes and spaces around. */
struct csv_field {
    const char *p, *end;
};

struct csv_line {
    const char *start, *at, *end;
    char separator;
    bool more; /* another field follows */
};

/* Puts the error at `where` in the line; returns SANITY. */
int csv_refuse(const struct csv *c, const struct csv_line *l, const char *where,
               struct csv_error *error, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* How much of a field an error shows, for "%.*s". */
int csv_shown(const struct csv_field *f);

/* The next line that is not empty, without its end; false at the end of the text. */
bool csv_next_line(struct csv *c, struct csv_line *l);
bool csv_next_field(struct csv_line *l, struct csv_field *f);

/* number x 10^exponent; digits beyond the eighteenth are below any resolution and dropped. The
 * field is not empty. */
bool csv_decimal(const struct csv_field *f, int64_t *number, int *exponent);
/* number x 10^exponent x scale, rounded once. Small ones round to nothing, as they should; false:
 * too large. */
bool csv_scaled(const struct csv_scale *scale, int64_t number, int exponent, int64_t *out);

#endif
