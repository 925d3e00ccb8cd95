/*
 * table.h: the result of a query as columns of integers, and the JSON made of it.
 */
#ifndef DAEMON_HTTP_TABLE_H
#define DAEMON_HTTP_TABLE_H

#include "daemon/http/rows.h"

struct table {
    const struct plan *plan; /* borrowed; its `buckets` are the rows */
    int64_t *values;         /* column by column; PLAN_MISSING */
    size_t bytes;            /* of `values` */
};

/* All values are missing. Errors: SPACE. */
HWT_MUST_CHECK int table_init(struct table *t, const struct plan *plan);
void table_deinit(struct table *t);
/* Bytes that a plan's table takes. */
size_t table_bytes(const struct plan *plan);
/* The values of one bucket; number < plan->buckets. */
void table_put(struct table *t, uint32_t number, const int64_t *value);

/* The bytes at least needed to write the JSON, and the JSON, in `room` bytes; its length, 0 if they
 * are too few. */
size_t table_room(const struct table *t);
size_t table_json(const struct table *t, const struct rows *rows, char *p, size_t room);

#endif
