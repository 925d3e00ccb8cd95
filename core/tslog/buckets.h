/*
 * buckets.h: what the files of the down-sampled reads share.
 */
#ifndef HWT_CORE_TSLOG_BUCKETS_H
#define HWT_CORE_TSLOG_BUCKETS_H

#include "core/tslog/roll.h"

/* Whether the sheet of that place in the view says what the records say. */
bool hwt_buckets_usable(const struct hwt_tslog_buckets *it, uint32_t sheet);
/* The bucket of the window that holds a time within it. */
uint32_t hwt_buckets_at(const struct hwt_tslog_buckets *it, int64_t ms);

/* --- buckets_records.c --- */

/* Records of these sequences are to be taken. */
void hwt_buckets_begin_part(struct hwt_tslog_buckets *it, uint64_t first, uint64_t last);
/* The next page of the part. 1, or IO. */
HWT_MUST_CHECK int hwt_buckets_take_page(struct hwt_tslog_buckets *it);

/* --- buckets_rolled.c --- */

/* Takes the rows of a sheet; for those that an edge cuts parts are to follow. Errors: NOT_FOUND (it
 * does not keep what is asked for, the records do), CORRUPT: it may be taken in part; IO. */
HWT_MUST_CHECK int hwt_buckets_take_sheet(struct hwt_tslog_buckets *it,
                                          const struct hwt_rollup_sheet *sheet);
/* Begins a part for the next row of the sheet that an edge cuts. */
void hwt_buckets_next_part(struct hwt_tslog_buckets *it);

#endif
