/*
 * table.h: the result of a query as columns of integers, and the JSON made of it piece by piece
 * while it is sent, so that the text is never whole in memory.
 */
#ifndef DAEMON_HTTP_TABLE_H
#define DAEMON_HTTP_TABLE_H

#include <sys/types.h>

#include "core/base/json.h"
#include "core/tslog/tslog.h"
#include "daemon/http/plan.h"

enum { TABLE_CHUNK = 2048, TABLE_ITEM_MAX = 512 /* bytes of JSON one step may write */ };

#define TABLE_MISSING INT64_MIN

struct table_origin { /* a stream that has records in the range */
    char name[HWT_ID_MAX + 1];
    uint8_t provenance;
    int64_t from_ms, to_ms;
};

struct table {
    struct plan plan;
    int64_t *values; /* column by column; a mean is in tenths of its counts */
    struct table_origin origin[HWT_TSLOG_STREAMS_MAX];
    unsigned origins;
    /* where the JSON stands */
    struct hwt_json json;
    char chunk[TABLE_CHUNK];
    size_t sent; /* of the chunk */
    unsigned phase, column, item;
};

/* Takes the plan; all values are missing. Errors: SPACE. */
HWT_MUST_CHECK int table_init(struct table *t, const struct plan *plan);
void table_deinit(struct table *t);
/* The buckets of all series at one time; number < plan.buckets. */
void table_put(struct table *t, uint32_t number, const struct hwt_bucket *buckets);
/* Whether a series has any value. */
bool table_has_values(const struct table *t, unsigned series);
/* The next bytes of the JSON; 0 at its end. */
size_t table_read(struct table *t, char *p, size_t n);

#endif
