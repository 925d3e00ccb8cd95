/*
 * log_dump.h: a stream as CSV, in the form that `log import` reads.
 */
#ifndef DAEMON_CLI_LOG_DUMP_H
#define DAEMON_CLI_LOG_DUMP_H

#include <stdio.h>

#include "core/tslog/tslog.h"

/* Records whose interval starts in [from_ms, to_ms), labelled by its end; INT64_MIN: from the
 * first. One column for each channel that any of them has. Records without wall time are left out
 * and counted in a line to `errors`, as are lost ones. 0, or 1. */
int log_dump(const struct hwt_tslog_snapshot *snapshot, int stream, int64_t from_ms, int64_t to_ms,
             FILE *out, FILE *errors);

#endif
