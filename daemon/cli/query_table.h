/*
 * query_table.h: the answer to a query as a table for people.
 */
#ifndef DAEMON_CLI_QUERY_TABLE_H
#define DAEMON_CLI_QUERY_TABLE_H

#include <stdio.h>

#include "daemon/http/rows.h"

/* Two lines of head: the series; function and unit. */
void query_table_head(const struct plan *plan, FILE *out);
/* One line; times are local, with the zone's offset. What is missing is a dash. */
void query_table_row(const struct plan *plan, const struct row *row, FILE *out);
/* Which streams it came from. */
void query_table_end(const struct rows *rows, FILE *out);

#endif
