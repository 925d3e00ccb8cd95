/*
 * direct.h: fills a table straight from the records, where no bucket holds more than one: a step
 * not longer than the records' interval, in one stream. The values are those of the log's
 * down-sampled read, which is for any step and takes several times as long for these.
 */
#ifndef DAEMON_HTTP_DIRECT_H
#define DAEMON_HTTP_DIRECT_H

#include "daemon/http/table.h"

struct direct {
    struct walk walk;
    bool begun;
    bool rises;           /* a column is of a counter's rise */
    uint64_t first;       /* sequence of the stream's oldest record */
    uint64_t expected;    /* sequence of the next record, if none is left out */
    int64_t first_bucket; /* number of the range's first bucket, counted from the plan's origin */
    struct {
        int64_t v;
        bool known;
    } before[PLAN_SERIES_MAX];
};

/* False: this plan is not for it. */
bool direct_init(struct direct *d, const struct rows *rows);
/* 1: a slice was read. 0: all is. UNSUPPORTED: the records are not such; the table is to be filled
 * anew. LOST, IO, SPACE as walk_next. The desk is taken by `rows`. */
HWT_MUST_CHECK int direct_read(struct direct *d, struct rows *rows, struct table *table);

#endif
