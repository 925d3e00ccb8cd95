/*
 * rollup.h: quarter hours, hours and days of every channel, kept beside the log.
 *
 *   full pages of a stream ──hwt_rollup_step──▶ entries of the open rows (pool)
 *                                                  │ enough rows
 *                                                  ▼
 *                                            sheet on the device ──merged──▶ larger sheet
 *                                                  │
 *                          hwt_rollup_view ──▶ snapshot ──▶ hwt_tslog_buckets_*
 *
 * A row is a run of records whose intervals start in the same quarter hour (UTC multiples of 900 s,
 * which divide every zone's offset); a sheet holds the rows of a run of sequences of one stream,
 * and the same again as hours and as days. docs/LOG_FORMAT.md has the bytes.
 *
 * Sheets are derivable: they live on a block device of their own, are written for durable records
 * only, and whatever is missing, damaged or outdated is rolled again from the records; until then
 * queries take the records. Only what retention has dropped lives in sheets alone.
 *
 * Kept are, of each channel: how many values and their time; of a gauge the minimum, the maximum
 * and the sum of value x span; of a counter the last value and the rise. First, last of a gauge,
 * and mean, minimum, maximum of a counter are not kept: who asks for them is given the records'.
 *
 * One writer, the log's; no malloc, no clock. Readers need nothing but their snapshot.
 */
#ifndef HWT_CORE_TSLOG_ROLLUP_H
#define HWT_CORE_TSLOG_ROLLUP_H

#include "core/tslog/tslog.h"

/* State of the writer, about 450 KiB; the caller places it. All fields are private. */
struct hwt_rollup;

/* One channel in one row; the caller gives memory for some, their fields are private. */
struct hwt_rollup_entry {
    int64_t sum; /* counts x ms; of a gauge */
    int64_t min, max;
    int64_t last, rise; /* of a counter, since the row before */
    uint64_t measured_ms;
    uint32_t count;
    bool wide; /* the sum does not fit */
};

enum {
    HWT_ROLLUP_POOL_MIN = HWT_ROLLUP_ROWS_MAX,
    HWT_ROLLUP_POOL = 4096, /* entries that let 30 channels have a day and a half in one go */
    HWT_ROLLUP_BLOCKS_MAX = 8192
};

struct hwt_rollup_config {
    struct hwt_bd bd; /* its own, all blocks alike: no control area */
    struct hwt_rollup_entry *pool;
    size_t pool_count; /* at least HWT_ROLLUP_POOL_MIN; of a reader: 0 */
    bool read_only;    /* never calls prog, erase, discard or sync; step does nothing */
};

struct hwt_rollup_counters {
    uint32_t sheets;     /* in use */
    uint32_t damaged;    /* sheets found damaged since open */
    uint64_t written;    /* pages */
    uint64_t pages_read; /* at open, of sheets' heads */
};

/* Finds the sheets of the snapshot's log on the device; a blank device is as good as any. Errors:
 * IO, ARGUMENT (geometry, pool too small). */
HWT_MUST_CHECK int hwt_rollup_open(struct hwt_rollup *rollup,
                                   const struct hwt_rollup_config *config,
                                   const struct hwt_tslog_snapshot *snapshot);
/*
 * A bounded piece of work: one page of records, one sheet, or one channel of a sheet that others
 * are merged into; a millisecond or so. 1: there may be more to do; 0: all full pages are rolled
 * up. The snapshot is the newest, and not needed after the call. Errors: IO, SPACE; the step may be
 * tried again.
 */
HWT_MUST_CHECK int hwt_rollup_step(struct hwt_rollup *rollup,
                                   const struct hwt_tslog_snapshot *snapshot);
/* Rolls up all there is, tails too, into few sheets: for the end of an import. As long as it takes;
 * returns 0, or as step. */
HWT_MUST_CHECK int hwt_rollup_flush(struct hwt_rollup *rollup,
                                    const struct hwt_tslog_snapshot *snapshot);
/* Lets the snapshot's readers use the sheets there are now. */
void hwt_rollup_view(const struct hwt_rollup *rollup, struct hwt_tslog_snapshot *snapshot);
void hwt_rollup_counters(const struct hwt_rollup *rollup, struct hwt_rollup_counters *out);

#include "core/tslog/roll_layout.h"

#endif
