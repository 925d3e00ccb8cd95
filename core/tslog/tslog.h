/*
 * tslog.h: the log: records in, cursors and down-sampled reads out, safe against power cuts.
 *
 *   record ──append──▶ tail (memory) ──commit──▶ pages on the block device ──▶ cursor, range,
 * buckets
 *
 * A log is one UUID and several streams; a stream is an ordered run of records (own device, each
 * import) with a provenance, its sequence counting from 1. The schema is an argument of append: a
 * changed schema opens a new epoch inside the stream. Records become durable at commit, all or none
 * of those appended since the commit before; a cut at any write loses at most what was not yet
 * committed, never shows a wrong value, and never doubles a record. Anchors tell the wall time of a
 * boot after the fact; nothing is rewritten.
 *
 * One writer. Readers work on a snapshot: the writer's caller guards hwt_tslog_snapshot() and the
 * writing calls by one lock; after that a reader needs no lock, for committed pages are never
 * changed (a page that retention has dropped reads as HWT_ERR_LOST).
 *
 * No malloc, no clock, no threads. The on-disk form is docs/LOG_FORMAT.md; until that says frozen,
 * it may change.
 */
#ifndef HWT_CORE_TSLOG_TSLOG_H
#define HWT_CORE_TSLOG_TSLOG_H

#include "core/base/err.h"
#include "core/flow.h"

/*
 * The device below, as littlefs's: `block_count` erase blocks of `block_size` bytes. All calls
 * return 0 or a negative enum hwt_err (IO, SPACE) and may block. prog writes within an erased
 * block, at most once per 4 KiB page between erases except for blocks the log uses as slots; what
 * was programmed but not yet synced may, after a power cut, be there, torn, or not, in any order.
 * read of bytes never programmed gives anything.
 */
struct hwt_bd {
    int (*read)(void *ctx, uint32_t block, uint32_t offset, void *buf, size_t n);
    int (*prog)(void *ctx, uint32_t block, uint32_t offset, const void *buf, size_t n);
    int (*erase)(void *ctx, uint32_t block);
    int (*sync)(void *ctx);
    uint32_t block_size;  /* bytes, a multiple of HWT_TSLOG_PAGE */
    uint32_t block_count; /* erase blocks */
    void *ctx;
};

enum {
    HWT_TSLOG_PAGE = 4096,    /* bytes, unit of writing and of damage */
    HWT_TSLOG_STREAMS_MAX = 8 /* streams of one log */
};

struct hwt_stream_info {
    char name[HWT_ID_MAX + 1]; /* "own", "import_1" */
    uint8_t provenance;        /* enum hwt_provenance */
    uint64_t first;            /* sequence of the oldest record kept; first > last: none */
    uint64_t last;             /* sequence of the newest record in this view */
    int64_t first_ms, last_ms; /* wall times of those, or HWT_TIME_UNKNOWN */
};

/* The wall time of a boot, learnt later: unix_ms was the wall time at mono_us of that boot. */
struct hwt_anchor {
    uint32_t boot;
    uint8_t clock; /* enum hwt_clock_quality */
    int64_t mono_us;
    int64_t unix_ms;
};

/* Engine state and iterators. The caller places them; all fields are private (see tslog_private
 * part at the end of this header). */
struct hwt_tslog;
struct hwt_tslog_snapshot;
struct hwt_tslog_cursor;
struct hwt_tslog_buckets;

struct hwt_tslog_config {
    struct hwt_bd bd;
    uint8_t uuid[16]; /* given to a log that is formatted now; an existing log keeps its own */
};

struct hwt_tslog_recovery { /* what open found */
    bool formatted;         /* the device was empty and was formatted */
    uint32_t pages_bad;     /* pages that failed their checksum: gaps, reported, never values */
    uint32_t pages_read;
};

/* Opens the log, formats an empty device. Errors: IO, SPACE, CORRUPT (a foreign or unreadable
 * superblock), UNSUPPORTED (written by a newer version). */
HWT_MUST_CHECK int hwt_tslog_open(struct hwt_tslog *log, const struct hwt_tslog_config *config,
                                  struct hwt_tslog_recovery *recovery_out);
void hwt_tslog_uuid(const struct hwt_tslog *log, uint8_t uuid_out[16]);
/* How often the own device has been started on this log; counts one up, durable with the next
 * commit. */
HWT_MUST_CHECK int hwt_tslog_boot(struct hwt_tslog *log, uint32_t *boot_out);

/* Finds or creates a stream. Returns its number (0..STREAMS_MAX-1). Errors: SPACE, IO, ARGUMENT
 * (same name, other provenance). */
HWT_MUST_CHECK int hwt_tslog_stream(struct hwt_tslog *log, const char *name,
                                    enum hwt_provenance provenance);

/* Appends; gives the record its sequence in *sequence_out. Not durable before hwt_tslog_commit.
 * Errors: ARGUMENT (counts differ, channel repeated), SPACE, IO; then nothing was appended. */
HWT_MUST_CHECK int hwt_tslog_append(struct hwt_tslog *log, int stream,
                                    const struct hwt_schema *schema,
                                    const struct hwt_record *record, uint64_t *sequence_out);
HWT_MUST_CHECK int hwt_tslog_anchor(struct hwt_tslog *log, int stream,
                                    const struct hwt_anchor *anchor);
/* Makes all appended records durable. On error (IO, SPACE) they stay appended and the next commit
 * tries again; appends fail with SPACE when the memory of the tail is full. */
HWT_MUST_CHECK int hwt_tslog_commit(struct hwt_tslog *log);

/* --- reading: any thread, on a snapshot of its own --- */

/* Copies what a reader needs, durable records only. Under the writer's lock. */
void hwt_tslog_snapshot(const struct hwt_tslog *log, struct hwt_tslog_snapshot *snapshot_out);
/* Number of streams, and one of them. */
int hwt_tslog_streams(const struct hwt_tslog_snapshot *snapshot);
HWT_MUST_CHECK int hwt_tslog_stream_info(const struct hwt_tslog_snapshot *snapshot, int stream,
                                         struct hwt_stream_info *info_out);

/* A cursor stands before record `sequence` of a stream (1 = from the start; last + 1 = wait for the
 * next). The snapshot must outlive it. Errors: ARGUMENT. */
HWT_MUST_CHECK int hwt_tslog_cursor_open(struct hwt_tslog_cursor *cursor,
                                         const struct hwt_tslog_snapshot *snapshot, int stream,
                                         uint64_t sequence);
/* The same, before the first record whose interval starts at or after from_ms. */
HWT_MUST_CHECK int hwt_tslog_cursor_seek(struct hwt_tslog_cursor *cursor,
                                         const struct hwt_tslog_snapshot *snapshot, int stream,
                                         int64_t from_ms);
/*
 * The next record. 1: *record_out and *schema_out are filled, borrowed until the next call. 0: the
 * end of the snapshot. HWT_ERR_LOST: *lost_out records are gone (pruned or damaged), the cursor
 * stands behind them, call again. HWT_ERR_IO.
 */
HWT_MUST_CHECK int hwt_tslog_cursor_next(struct hwt_tslog_cursor *cursor,
                                         const struct hwt_schema **schema_out,
                                         const struct hwt_record **record_out, uint64_t *lost_out);

/*
 * Down-sampled read of n channels (by id, n <= 64) over [from_ms, to_ms) in steps of step_ms (>=
 * 1). Merges all streams: where two hold a channel in the same bucket, the stream with the lower
 * number wins (the own device is opened first and is 0).
 */
HWT_MUST_CHECK int hwt_tslog_buckets_open(struct hwt_tslog_buckets *it,
                                          const struct hwt_tslog_snapshot *snapshot,
                                          const char *const *ids, size_t n, int64_t from_ms,
                                          int64_t to_ms, int64_t step_ms);
/* The next bucket of each channel, n of them. 1: filled; count 0 where nothing is known. 0: the
 * end. */
HWT_MUST_CHECK int hwt_tslog_buckets_next(struct hwt_tslog_buckets *it,
                                          struct hwt_bucket *buckets_out);

#endif
