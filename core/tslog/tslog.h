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
 * No malloc, no clock, no threads. The on-disk form is docs/LOG_FORMAT.md, frozen from version 3
 * on.
 *
 * Down-sampled reads use roll-ups (rollup.h) where a snapshot has them.
 */
#ifndef HWT_CORE_TSLOG_TSLOG_H
#define HWT_CORE_TSLOG_TSLOG_H

#include "core/base/err.h"
#include "core/flow.h"

enum {
    HWT_TSLOG_PAGE = 4096,           /* bytes, unit of writing and of damage */
    HWT_TSLOG_STREAMS_MAX = 8,       /* streams of one log */
    HWT_TSLOG_BLOCK_PAGES_MIN = 8,   /* pages of an erase block */
    HWT_TSLOG_BLOCK_PAGES_MAX = 256, /* 1 MiB */
    HWT_TSLOG_SEGMENTS_MAX = 4096,   /* erase blocks in use at once: 4 GiB of 1 MiB blocks */
    HWT_TSLOG_ANCHORS_MAX = 128,     /* boots whose wall time was learnt later */
    HWT_TSLOG_DROP_MAX = 8,          /* blocks given up by one call for their age */
    HWT_TSLOG_CORRECTIONS_MAX = 256, /* of one log */
    HWT_TSLOG_QUERY_MAX = 64,        /* channels of one down-sampled read */
    HWT_TSLOG_WINDOW = 1024,         /* buckets x channels worked on at once */
    HWT_ROLLUP_SHEETS_MAX = 1024,    /* roll-ups: rollup.h */
    HWT_ROLLUP_ROWS_MAX = 1664       /* rows of a sheet */
};

/* The own device's stream; always number 0, also when an import was made first. */
#define HWT_TSLOG_OWN "own"

/*
 * The device below, as littlefs's: `block_count` erase blocks of `block_size` bytes. All calls
 * return 0 or a negative enum hwt_err (IO, SPACE) and may block. prog writes one page within an
 * erased block, once between erases, except in the blocks of the control area (the first 56 pages:
 * superblock, slots and their like), which are rewritten in place; a prog that failed may be tried
 * again with the same content. What was programmed or erased but not yet synced may, after a power
 * cut, be there, torn, or not, in any order. read of bytes never programmed gives anything, but an
 * erased page reads as one byte value throughout. read may be called from any thread, the others
 * only from the writer's. discard (may be NULL) says that a block's content is not needed any more;
 * it is erased before it is used again.
 */
struct hwt_bd {
    int (*read)(void *ctx, uint32_t block, uint32_t offset, void *buf, size_t n);
    int (*prog)(void *ctx, uint32_t block, uint32_t offset, const void *buf, size_t n);
    int (*erase)(void *ctx, uint32_t block);
    int (*sync)(void *ctx);
    int (*discard)(void *ctx, uint32_t block);
    uint32_t block_size;  /* bytes, BLOCK_PAGES_MIN..BLOCK_PAGES_MAX pages */
    uint32_t block_count; /* erase blocks, at most SEGMENTS_MAX + the control area */
    void *ctx;
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

/*
 * A correction, made later: for records first..last of a stream,
 *   value' = (gain_q30 x value + cross_q30 x value of another channel of the record) / 2^30 +
 * offset rounded half away from zero, at the limits of int64. Corrections follow each other in the
 * order they were recorded; those recorded one after the other with the same unix_ms and id are one
 * act, and all of it sees the values before the act (a phase correction turns P and Q into each
 * other). A missing value stays missing; where the other value is missing or suspect the result is
 * suspect. A counter corrected in part of its life makes a step where that part starts or ends,
 * unless `offset` takes it out: a step up counts as a rise.
 */
struct hwt_correction {
    char channel[HWT_ID_MAX + 1]; /* id */
    char cross[HWT_ID_MAX + 1];   /* id of the other channel; "": none */
    char id[HWT_ID_MAX + 1];      /* what made it: text without control characters, may be "" */
    uint64_t first, last;         /* sequences, from 1 */
    int64_t gain_q30, cross_q30;  /* 2^30 = 1; up to +-2^40 */
    int64_t offset;               /* counts */
    int64_t unix_ms;              /* ms, when it was made */
};

/* Engine state and iterators, about 790, 420, 51 and 430 KiB: the caller places them (not on a
 * small stack); all fields are private (layout.h). */
struct hwt_tslog;
struct hwt_tslog_snapshot;
struct hwt_tslog_cursor;
struct hwt_tslog_buckets;

struct hwt_tslog_config {
    struct hwt_bd bd;
    uint8_t uuid[16]; /* given to a log that is formatted now; an existing log keeps its own */
    uint32_t
        blocks_kept; /* erase blocks of records kept before the oldest goes; 0: all there are */
    bool read_only;  /* never calls prog, erase, discard or sync; an empty device is NOT_FOUND */
    bool no_format;  /* an empty device is NOT_FOUND: its owner knows that it held a log */
};

struct hwt_tslog_recovery { /* what open found */
    bool formatted;         /* the device was empty and was formatted */
    uint32_t pages_bad;     /* pages that failed their checksum: gaps, reported, never values; the
                             * torn last write of a power cut counts too */
    uint32_t pages_read;    /* reads of a page or of a page's header */
};

/* Opens the log, formats an empty device. Errors: IO, SPACE, CORRUPT (a foreign or unreadable
 * superblock, or both copies of the stream table), UNSUPPORTED (of another version),
 * NOT_FOUND (empty, and not to be formatted), ARGUMENT (geometry; not the block size the log was
 * made with). */
HWT_MUST_CHECK int hwt_tslog_open(struct hwt_tslog *log, const struct hwt_tslog_config *config,
                                  struct hwt_tslog_recovery *recovery_out);
void hwt_tslog_uuid(const struct hwt_tslog *log, uint8_t uuid_out[16]);
/* How often the own device has been started on this log; counts one up, durable with the next
 * commit. */
HWT_MUST_CHECK int hwt_tslog_boot(struct hwt_tslog *log, uint32_t *boot_out);

/* Finds or creates a stream. Returns its number (0..STREAMS_MAX-1): 0 for HWT_TSLOG_OWN, from 1 for
 * others. Durable with the next commit. Errors: SPACE, ARGUMENT (a name that is no id; same name,
 * other provenance, and it holds records). */
HWT_MUST_CHECK int hwt_tslog_stream(struct hwt_tslog *log, const char *name,
                                    enum hwt_provenance provenance);

/* Appends; gives the record its sequence in *sequence_out. Not durable before hwt_tslog_commit.
 * Errors: ARGUMENT (counts differ, channel repeated or no id, span 0), SPACE, IO; then nothing was
 * appended. When the device is full the oldest block of the stream goes; SPACE then means that all
 * of it is taken by records not yet committed: commit and try again. */
HWT_MUST_CHECK int hwt_tslog_append(struct hwt_tslog *log, int stream,
                                    const struct hwt_schema *schema,
                                    const struct hwt_record *record, uint64_t *sequence_out);
/* Retention by age: gives up the oldest blocks of all streams, as long as all their records start
 * before unix_ms, at most DROP_MAX of them; a stream's newest block stays, and so does what the
 * last commit needs. Durable with the next commit; readers are told of the records as LOST. Returns
 * how many: call again if it is DROP_MAX. Errors: ARGUMENT (read-only), IO. */
HWT_MUST_CHECK int hwt_tslog_drop_before(struct hwt_tslog *log, int64_t unix_ms);
/* Records a correction, durable with the next commit; what is stored stays as it is. Errors:
 * ARGUMENT (ids, range, gains beyond 2^40, the same channel and record twice in one act), SPACE. */
HWT_MUST_CHECK int hwt_tslog_correct(struct hwt_tslog *log, int stream,
                                     const struct hwt_correction *correction);
/* Corrections that are recorded, of all streams; CORRECTIONS_MAX is the most. */
size_t hwt_tslog_corrections(const struct hwt_tslog *log);
/* A later anchor of the same boot replaces the earlier; beyond ANCHORS_MAX the oldest boot's goes.
 * Readers give records of that boot without wall time the anchor's. Errors: ARGUMENT. */
HWT_MUST_CHECK int hwt_tslog_anchor(struct hwt_tslog *log, int stream,
                                    const struct hwt_anchor *anchor);
/* Makes all appended records durable. On error (IO, SPACE) they stay appended and the next commit
 * tries again; appends fail with SPACE when the memory of the tail is full. */
HWT_MUST_CHECK int hwt_tslog_commit(struct hwt_tslog *log);
/* Sequence of the last durable record of a stream; 0: none. */
uint64_t hwt_tslog_durable(const struct hwt_tslog *log, int stream);
/* Records appended and not yet durable, in all streams. */
uint64_t hwt_tslog_pending(const struct hwt_tslog *log);

/* --- reading: any thread, on a snapshot of its own --- */

/* Copies what a reader needs, durable records only. Under the writer's lock. */
void hwt_tslog_snapshot(const struct hwt_tslog *log, struct hwt_tslog_snapshot *snapshot_out);
/* The same as copying the struct, but moves only what is in use. */
void hwt_tslog_snapshot_copy(const struct hwt_tslog_snapshot *from,
                             struct hwt_tslog_snapshot *snapshot_out);
/* Number of streams, at least 1, and one of them. Reads one page header. Errors: ARGUMENT, IO. */
int hwt_tslog_streams(const struct hwt_tslog_snapshot *snapshot);
HWT_MUST_CHECK int hwt_tslog_stream_info(const struct hwt_tslog_snapshot *snapshot, int stream,
                                         struct hwt_stream_info *info_out);

/* A number for what was amended of records first..last of a stream: it changes when a correction
 * that touches them comes in, and if unknown_time (some of them have no wall time) when an anchor
 * of the stream does. 0 if nothing was. */
uint32_t hwt_tslog_revision(const struct hwt_tslog_snapshot *snapshot, int stream, uint64_t first,
                            uint64_t last, bool unknown_time);

/* A cursor stands before record `sequence` of a stream (1 = from the start; last + 1 = wait for the
 * next). The snapshot must outlive it. Errors: ARGUMENT (no such stream, sequence 0 or beyond last
 * + 1). */
HWT_MUST_CHECK int hwt_tslog_cursor_open(struct hwt_tslog_cursor *cursor,
                                         const struct hwt_tslog_snapshot *snapshot, int stream,
                                         uint64_t sequence);
/* The same, before the first record, by sequence, whose interval starts at or after from_ms;
 * records without wall time are passed over. Errors: ARGUMENT, IO. */
HWT_MUST_CHECK int hwt_tslog_cursor_seek(struct hwt_tslog_cursor *cursor,
                                         const struct hwt_tslog_snapshot *snapshot, int stream,
                                         int64_t from_ms);
/* Values as stored, not as corrected, or back; from the next page on, so call it right after open.
 */
void hwt_tslog_cursor_stored(struct hwt_tslog_cursor *cursor, bool stored);
/*
 * The next record. 1: *record_out and *schema_out are filled, borrowed until the next call. 0: the
 * end of the snapshot. HWT_ERR_LOST: *lost_out records are gone (pruned or damaged), the cursor
 * stands behind them, call again. HWT_ERR_IO.
 */
HWT_MUST_CHECK int hwt_tslog_cursor_next(struct hwt_tslog_cursor *cursor,
                                         const struct hwt_schema **schema_out,
                                         const struct hwt_record **record_out, uint64_t *lost_out);

/* Fields of buckets that are asked for. */
enum {
    HWT_BUCKET_MEAN = 1,
    HWT_BUCKET_MIN = 2,
    HWT_BUCKET_MAX = 4,
    HWT_BUCKET_FIRST = 8,
    HWT_BUCKET_LAST = 16,
    HWT_BUCKET_DELTA = 32,
    HWT_BUCKET_ALL = 63
};

/* [from_ms, to_ms), how it is cut, and what is asked of it. */
struct hwt_tslog_range {
    int64_t from_ms, to_ms;
    int64_t step_ms; /* >= 1, the length of each bucket; not used with `next` */
    /* Buckets of unlike length, as local days are: the edge that follows edge_ms, greater than it.
     * NULL: step_ms. */
    int64_t (*next)(void *ctx, int64_t edge_ms);
    void *ctx;
    uint8_t fields;  /* HWT_BUCKET_*; others of a bucket mean nothing, but for count, measured_ms
                      * and the edges; 0: all */
    bool unrolled;   /* take records only, no roll-ups */
    uint32_t budget; /* pages or sheets read before AGAIN is returned; 0: no limit */
};

/*
 * Down-sampled read of n channels (by id, n <= 64) over a range cut into steps; the last bucket
 * ends at to_ms. Merges all streams: where two hold a channel in the same bucket, the stream with
 * the lower number wins (the own device is 0). `delta` is 0 for a gauge; a
 * counter's rise is reckoned in the order of sequence within one stream, from the last value before
 * the range, looked for in up to 4096 pages. Records without wall time and damaged pages give
 * nothing.
 *
 * Whole quarter hours, hours and days come from roll-ups where the snapshot has them, with the same
 * result, but for what they do not keep: a gauge's first and last, a counter's first, mean, min and
 * max. Where those are asked for, and for edges within a quarter hour, records are read. Where the
 * records are gone, a quarter hour counts in the bucket that holds its start, and what is not kept
 * gives nothing. Errors: ARGUMENT.
 */
HWT_MUST_CHECK int hwt_tslog_buckets_open(struct hwt_tslog_buckets *it,
                                          const struct hwt_tslog_snapshot *snapshot,
                                          const char *const *ids, size_t n,
                                          const struct hwt_tslog_range *range);
/* The next bucket of each channel, n of them. 1: filled; count 0 where nothing is known. 0: the
 * end. Errors: AGAIN (the budget is used up: call again to go on), IO. */
HWT_MUST_CHECK int hwt_tslog_buckets_next(struct hwt_tslog_buckets *it,
                                          struct hwt_bucket *buckets_out);

/* --- verifying --- */

enum hwt_tslog_page_state {
    HWT_TSLOG_PAGE_GOOD,    /* checksum right, every row decodes */
    HWT_TSLOG_PAGE_BLANK,   /* never written */
    HWT_TSLOG_PAGE_DEAD,    /* right, but superseded: written by a commit that was cut */
    HWT_TSLOG_PAGE_DAMAGED, /* checksum wrong, or content impossible: its records are lost */
    HWT_TSLOG_PAGE_MENDED,  /* was damaged; by repair only */
    HWT_TSLOG_PAGE_STATES
};

struct hwt_tslog_page_report {
    uint32_t block;
    uint32_t page;  /* in the block */
    uint8_t state;  /* enum hwt_tslog_page_state */
    uint8_t stream; /* these three only if the page's header or its block's index can be read */
    uint16_t rows;  /* 0: not a page of records */
    uint64_t first; /* sequence of its first record */
};

/* Reads every page of the log once and reports each. The cursor's memory serves as work space.
 * Returns the number of damaged pages, or IO. */
HWT_MUST_CHECK int
hwt_tslog_verify(const struct hwt_tslog_snapshot *snapshot, struct hwt_tslog_cursor *work,
                 void (*report)(void *ctx, const struct hwt_tslog_page_report *page), void *ctx);

/*
 * After open for writing: commits, reads every page of the log, mends those that are stored twice
 * or can be made anew (slots, stream table, corrections, schemas, indexes; open itself mends the
 * superblock) and reports those mended and those lost. A page is programmed again in place: not for
 * devices that have to erase first. The cursor's memory serves as work space; the log must be
 * opened anew by its readers. Safe against cuts: only what is damaged is written over. Returns the
 * number of pages that stay damaged, or ARGUMENT (read-only), IO, SPACE.
 */
HWT_MUST_CHECK int
hwt_tslog_repair(struct hwt_tslog *log, struct hwt_tslog_cursor *work,
                 void (*report)(void *ctx, const struct hwt_tslog_page_report *page), void *ctx);

#include "core/tslog/layout.h"

#endif
