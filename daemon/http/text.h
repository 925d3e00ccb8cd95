/*
 * text.h: the parts of an answer that all its JSON forms share.
 */
#ifndef DAEMON_HTTP_TEXT_H
#define DAEMON_HTTP_TEXT_H

#include "core/base/json.h"
#include "daemon/http/rows.h"

/* "from", "to", "step", "tz" */
void text_put_head(struct hwt_json *j, const struct plan *plan);
/* "series", "fn", "unit" of a column */
void text_put_column(struct hwt_json *j, const struct plan *plan, unsigned column);
/* "[1,2,…]": the starts of the buckets; at most NUMBER_MAX + 1 bytes for each. The new end. */
char *text_put_times(const struct plan *plan, char *p);
/* "columns": all of them, without values */
void text_put_columns(struct hwt_json *j, const struct plan *plan);
/* "provenance": the streams that have records in the range */
void text_put_origins(struct hwt_json *j, const struct rows *rows);

#endif
