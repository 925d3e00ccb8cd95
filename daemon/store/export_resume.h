/*
 * export_resume.h: where a file that was exported before ends in the log.
 *
 *   time,a_power      the columns
 *   …
 *   1795162430000,1   ┐ the tail: these lines, in a row, are looked for in the log
 *   1795162440000,2   ┘ and the export goes on behind them
 *   17951624          half a line: to be cut off
 */
#ifndef DAEMON_STORE_EXPORT_RESUME_H
#define DAEMON_STORE_EXPORT_RESUME_H

#include <sys/types.h>

#include "daemon/store/export_rows.h"

struct export_resume {
    off_t length;    /* bytes of whole lines; 0: nothing worth keeping, begin anew */
    int64_t last_ms; /* time of the last row; INT64_MIN: only the first line is there */
};

/* Reads the columns into e and puts e behind the last row, or before the first record if there is
 * no row. Errors: SANITY with `why`: the file is not this log's; IO with `why`; IO of the log with
 * `why` empty. */
HWT_MUST_CHECK int export_resume(struct export_resume *r, struct export_rows *e, int fd, char *why,
                                 size_t n);

#endif
