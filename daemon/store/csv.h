/*
 * csv.h: records as comma-separated values, in memory.
 *
 *   time,hp_power,hp_import,heatmeter_flow_t      unix ms at the interval's end, then channel ids
 *   1795162430000,812.4,1336479.25,34.62          in the quantity's unit (W, Wh, degC …)
 *   1795162440000,811,,34.6                       empty: missing
 *
 * The quantity of a channel is the ending of its id. Times rise. Values are rounded to the log's
 * resolution. No quotes. Every error names line and column (in characters, from 1).
 */
#ifndef DAEMON_STORE_CSV_H
#define DAEMON_STORE_CSV_H

#include "core/base/err.h"
#include "core/flow.h"

struct csv_error {
    unsigned line, column;
    char text[128];
};

struct csv {
    const char *at, *end;
    const char *begin;
    unsigned line;
    int64_t unix_ms; /* of the row just read, or HWT_TIME_UNKNOWN before the first */
    int64_t rows;    /* read so far */
    struct hwt_schema schema;
    struct hwt_channel channel[HWT_CHANNELS_MAX];
    struct hwt_value value[HWT_CHANNELS_MAX]; /* of that row */
};

/* Reads the first line. 0, or SANITY with *error_out. The text must outlive it. */
HWT_MUST_CHECK int csv_open(struct csv *c, const char *text, size_t n, struct csv_error *error_out);
/* The next row: 1; 0 at the end; SANITY with *error_out. */
HWT_MUST_CHECK int csv_next(struct csv *c, struct csv_error *error_out);

#endif
