/*
 * csv.h: records as comma-separated values, in memory.
 *
 *   time,hp_power,hp_import,heatmeter_flow_t      a time, then channel ids
 *   1795162430000,812.4,1336479.25,34.62          in the quantity's unit (W, Wh, degC …)
 *   1795162440000,811,,34.6                       empty, or null: missing
 *
 * The quantity of a channel is the ending of its id. Values are rounded to the log's resolution.
 * Fields may be quoted (RFC 4180, but a line's end ends it), lines may end in CR LF, a byte order
 * mark may come first; the separator is what the first line has: semicolon, else tab, else comma.
 * Decimals have a point.
 *
 * Times are unix milliseconds, unix seconds or ISO 8601. Which of the first two it is the first row
 * tells: from 10^11 on milliseconds (March 1973), from 10^8 on seconds; below, it must be said.
 * Times rise, unless the options say what to do where they do not.
 *
 * Every error names line and column (in bytes, from 1); line 0 is the options' list of columns.
 */
#ifndef DAEMON_STORE_CSV_H
#define DAEMON_STORE_CSV_H

#include "core/base/err.h"
#include "core/flow.h"
#include "daemon/base/time_text.h"

enum { CSV_COLUMNS_MAX = 1024 };

enum csv_time { CSV_TIME_AUTO, CSV_TIME_MS, CSV_TIME_S };

/* A row whose time is not later than that of the row before. */
enum csv_backward {
    CSV_BACKWARD_REFUSE,
    CSV_BACKWARD_SKIP, /* it is left out, and counted */
    CSV_BACKWARD_KEEP
};

struct csv_pair {
    const char *name, *value;
};

/* Another system's file. All zero: a file of our own. The texts are borrowed. */
struct csv_options {
    /* a column's name in the file; the channel id it gets, "time", or "-": left out. The name "*"
     * with "-": all that no other row names */
    const struct csv_pair *map;
    size_t maps;
    /* a channel id; the unit its column has (csv_units.h) */
    const struct csv_pair *unit;
    size_t units;
    /* channel ids whose column holds amounts of each interval: summed up, they are the counter */
    const char *const *sum;
    size_t sums;
    const char *columns; /* the names, "time,a,b", of a file that begins with values; or NULL */
    enum csv_time time;
    enum csv_backward backward;
    time_text_zone zone; /* of ISO times without one; NULL: refused */
    void *zone_ctx;
};

struct csv_error {
    unsigned line, column;
    char text[200];
};

/* What a column's numbers become: counts x 10^exponent for a one. */
struct csv_scale {
    int64_t counts;
    int8_t exponent;
};

struct csv {
    const char *at, *end;
    const char *begin;
    const struct csv_options *options;
    char separator;
    uint8_t time;    /* enum csv_time, as found */
    unsigned line;   /* of the row just read */
    int64_t unix_ms; /* of the row just read, or HWT_TIME_UNKNOWN before the first */
    int64_t rows;    /* read so far */
    int64_t skipped; /* rows left out so far */
    struct hwt_schema schema;
    struct hwt_channel channel[HWT_CHANNELS_MAX];
    struct hwt_value value[HWT_CHANNELS_MAX]; /* of that row */
    struct csv_scale scale[HWT_CHANNELS_MAX];
    int64_t total[HWT_CHANNELS_MAX]; /* counts, of those that are summed up */
    bool sum[HWT_CHANNELS_MAX];
    unsigned columns;               /* behind the time */
    int16_t place[CSV_COLUMNS_MAX]; /* channel of each, -1: left out */
};

/* Reads the first line. 0, or SANITY with *error_out. Text and options (NULL: all zero) must
 * outlive it. */
HWT_MUST_CHECK int csv_open(struct csv *c, const struct csv_options *options, const char *text,
                            size_t n, struct csv_error *error_out);
/* The next row: 1; 0 at the end; SANITY with *error_out. */
HWT_MUST_CHECK int csv_next(struct csv *c, struct csv_error *error_out);

#endif
