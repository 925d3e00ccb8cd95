/*
 * internal.h: what the files of core/tslog share.
 *
 *   page.c     header, checksum            recover.c  open: what the device holds
 *   rows*.c    row coder, made of          write.c    append, promote, commit
 *     bits.h, rice.*, predict.h, trial.c   place.c    blocks: where the next page goes
 *   columns.c  schema, written and read    dir.c      live pages of a block
 *                                          cursor.c, buckets*.c, verify.c  reading
 *   roll*.c    roll-ups (roll.h)
 */
#ifndef HWT_CORE_TSLOG_INTERNAL_H
#define HWT_CORE_TSLOG_INTERNAL_H

#include "core/base/bytes.h"
#include "core/tslog/tslog.h"

enum {
    HWT_TSLOG_VERSION = 2,
    HWT_TSLOG_HEAD = 96, /* bytes of a page's header */
    HWT_TSLOG_ROOM = HWT_TSLOG_PAGE - HWT_TSLOG_HEAD,
    HWT_TSLOG_ROWS_MAX = 4095,              /* of a page; constant rows take no bits */
    HWT_TSLOG_CHANNEL_MAX = 3 + HWT_ID_MAX, /* bytes of a channel in a schema page */
    HWT_TSLOG_SCHEMA_COPIES = 2,
    HWT_TSLOG_SEQUENCE_GAP = HWT_TSLOG_ROWS_MAX + 1,
    HWT_TSLOG_LOOKBACK_PAGES = 4096
};

enum hwt_tslog_page_kind {
    HWT_TSLOG_SUPER = 1,
    HWT_TSLOG_ROOT = 2,   /* stream table, boot count, anchors */
    HWT_TSLOG_TAIL = 3,   /* a slot: the newest records of a stream */
    HWT_TSLOG_DATA = 4,   /* a full page of records */
    HWT_TSLOG_SCHEMA = 5, /* channels, for the pages of records in the same block */
};

enum {                            /* head.flags */
       HWT_TSLOG_UNKNOWN_TIME = 1 /* holds records without wall time */
};

/* The control area, in pages from the start of the device: superblock twice, then pairs of slots.
 * Member m of a commit: stream m, or the root. */
enum {
    HWT_TSLOG_ROOT_MEMBER = HWT_TSLOG_STREAMS_MAX,
    HWT_TSLOG_MEMBERS = HWT_TSLOG_STREAMS_MAX + 1,
    HWT_TSLOG_SUPER_PAGE = 0,
    HWT_TSLOG_SLOT_PAGE = 2,
    HWT_TSLOG_CONTROL_PAGES = HWT_TSLOG_SLOT_PAGE + 2 * HWT_TSLOG_MEMBERS
};

#define HWT_TSLOG_NO_BLOCK     UINT32_MAX
#define HWT_TSLOG_SEQUENCE_MAX (UINT64_MAX / 4) /* sums of sequences cannot overflow */

/* Control page of member m's slot 0 or 1. */
static inline uint32_t hwt_tslog_slot_page(int member, unsigned slot)
{
    return HWT_TSLOG_SLOT_PAGE + 2 * (uint32_t)member + slot;
}

/* a - b and a + b as the row coder wants them: modulo 2^64. */
static inline int64_t hwt_wrap_sub(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t hwt_wrap_add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* --- page.c --- */

/* Writes the header into the page, checksums last. Bytes after head->used are set to 0. */
void hwt_tslog_page_seal(uint8_t page[HWT_TSLOG_PAGE], const struct hwt_tslog_head *head);
/* Takes the header apart. Errors: CORRUPT (not a header, or its checksum is wrong), UNSUPPORTED
 * (right, of another version). */
HWT_MUST_CHECK int hwt_tslog_head_get(const uint8_t *page, struct hwt_tslog_head *head_out);
/* The same, and the checksum over the whole page. */
HWT_MUST_CHECK int hwt_tslog_page_open(const uint8_t page[HWT_TSLOG_PAGE],
                                       struct hwt_tslog_head *head_out);
/* One byte value throughout. */
bool hwt_tslog_page_blank(const uint8_t page[HWT_TSLOG_PAGE]);
/* A header of a page of this log. min_ms > max_ms, no times, no place. */
struct hwt_tslog_head hwt_tslog_head_new(uint32_t log, enum hwt_tslog_page_kind kind, int stream);
/* Widens the time span of the header by a record. */
void hwt_tslog_head_add_time(struct hwt_tslog_head *head, const struct hwt_record *record);
/* Start of the record's interval, or HWT_TIME_UNKNOWN. */
int64_t hwt_tslog_start_ms(const struct hwt_record *record);

/* --- rows.c, rows_put.c, rows_get.c --- */

/* A page of these columns begins, to be written or to be read. trial[HWT_CHANNELS_MAX] is what the
 * writer keeps to choose the next page's predictors by; a reader has none: NULL. */
void hwt_tslog_rows_begin(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                          const struct hwt_tslog_columns *columns);
/* The writer's next page of the same columns. */
void hwt_tslog_rows_next(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial);
/* Adds a row behind those put or got before; bits behind them are 0. Counts and qualities are
 * checked by the caller. SPACE: it does not fit, and the page takes no more; its rows are as
 * before. A first row fits always. */
HWT_MUST_CHECK int hwt_tslog_row_put(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                                     const struct hwt_record *record,
                                     uint8_t content[HWT_TSLOG_ROOM]);
/* Decodes the next row of `used` bytes into *record_out and value[rows->count]. Leaves sequence
 * alone. Errors: CORRUPT; the rows behind cannot be read either. */
HWT_MUST_CHECK int hwt_tslog_row_get(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                                     const uint8_t *content, size_t used, struct hwt_value *value,
                                     struct hwt_record *record_out);
/* Whether rows can be put behind those got: no run says that there are more. */
bool hwt_tslog_rows_whole(const struct hwt_tslog_rows *rows);

/* --- columns.c --- */

/* ARGUMENT: an id that is none, an unknown quantity, a channel repeated, too many. */
HWT_MUST_CHECK int hwt_tslog_columns_set(struct hwt_tslog_columns *columns,
                                         const struct hwt_schema *schema);
bool hwt_tslog_columns_equal(const struct hwt_tslog_columns *columns,
                             const struct hwt_schema *schema);
/* How many pages one copy of the schema takes, and page `part` of it (not sealed): sets rows and
 * used of the head. */
unsigned hwt_tslog_columns_parts(const struct hwt_tslog_columns *columns);
void hwt_tslog_columns_put(const struct hwt_tslog_columns *columns, unsigned part,
                           uint8_t page[HWT_TSLOG_PAGE], struct hwt_tslog_head *head);
/* Finds schema `id` among the schema pages of a block. Errors: NOT_FOUND, IO; *columns_out is then
 * empty. */
HWT_MUST_CHECK int hwt_tslog_columns_load(const struct hwt_bd *bd, uint32_t log, uint32_t block,
                                          uint32_t id, uint8_t scratch[HWT_TSLOG_PAGE],
                                          struct hwt_tslog_columns *columns_out);

/* --- dir.c --- */

struct hwt_tslog_place {
    uint32_t log; /* whose pages count */
    uint32_t block;
    int stream;
    uint64_t limit; /* pages from this sequence on are dead */
};

/* Reads the headers of a block. A page of records is live if no later one in the block starts at
 * or before it, and it starts before `limit`. Errors: IO. */
HWT_MUST_CHECK int hwt_tslog_dir_load(struct hwt_tslog_dir *dir, const struct hwt_bd *bd,
                                      const struct hwt_tslog_place *place);
/* The limit for segment i of a sorted list: the next segment of the stream or the tail. */
uint64_t hwt_tslog_segment_limit(const struct hwt_tslog_segment *segment, uint32_t count,
                                 uint32_t i, uint64_t tail_first);
/* Time span of a directory's pages into the segment. */
void hwt_tslog_segment_time(struct hwt_tslog_segment *segment, const struct hwt_tslog_dir *dir);

/* --- place.c --- */

HWT_MUST_CHECK int hwt_tslog_control_read(struct hwt_tslog *log, uint32_t page, uint8_t *buf);
HWT_MUST_CHECK int hwt_tslog_control_write(struct hwt_tslog *log, uint32_t page,
                                           const uint8_t *buf);
HWT_MUST_CHECK int hwt_tslog_sync(struct hwt_tslog *log);
/* Puts a segment into the sorted list. SPACE: the list is full. */
HWT_MUST_CHECK int hwt_tslog_segment_add(struct hwt_tslog *log,
                                         const struct hwt_tslog_segment *segment);
/* The place of segment of that block, or `segments`. */
uint32_t hwt_tslog_segment_find(const struct hwt_tslog *log, uint32_t block);
/* Makes sure that the stream's tail has a page to go to, in a block that holds its schema; takes a
 * new block if need be, the oldest one when the device is full. Errors: SPACE, IO. */
HWT_MUST_CHECK int hwt_tslog_place(struct hwt_tslog *log, int stream);

/* --- write.c --- */

/* An empty tail that starts with sequence `first`. */
void hwt_tslog_tail_reset(struct hwt_tslog *log, int stream, uint64_t first);

/* --- root.c --- */

HWT_MUST_CHECK int hwt_tslog_root_get(struct hwt_tslog_root *root_out, const uint8_t *page,
                                      const struct hwt_tslog_head *head);
/* Reads both superblocks; formats a device that has none and never had. Errors: CORRUPT,
 * UNSUPPORTED, NOT_FOUND (blank, and the log is read-only), IO. */
HWT_MUST_CHECK int hwt_tslog_super_open(struct hwt_tslog *log, const uint8_t uuid[16]);
/* Sets rows and used of the head. */
void hwt_tslog_root_put(const struct hwt_tslog_root *root, uint8_t page[HWT_TSLOG_PAGE],
                        struct hwt_tslog_head *head);

/* --- cursor.c, for buckets and verify --- */

bool hwt_tslog_snapshot_has(const struct hwt_tslog_snapshot *snapshot, int stream);
void hwt_tslog_cursor_init(struct hwt_tslog_cursor *cursor,
                           const struct hwt_tslog_snapshot *snapshot, int stream);
/* Loads the directory of segment i, unless it is the one loaded. Errors: IO. */
HWT_MUST_CHECK int hwt_tslog_cursor_dir(struct hwt_tslog_cursor *cursor, uint32_t segment);
/* Opens a page of the directory, or the tail. Errors: CORRUPT (damaged, pruned, or its schema is),
 * IO. */
HWT_MUST_CHECK int hwt_tslog_cursor_page(struct hwt_tslog_cursor *cursor,
                                         const struct hwt_tslog_dir_entry *entry);
HWT_MUST_CHECK int hwt_tslog_cursor_tail(struct hwt_tslog_cursor *cursor);
/* The next row of the open page into cursor->record, wall time resolved. 1, 0 at its end, CORRUPT.
 */
HWT_MUST_CHECK int hwt_tslog_cursor_row(struct hwt_tslog_cursor *cursor);

#endif
