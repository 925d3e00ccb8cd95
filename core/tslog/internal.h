/*
 * internal.h: what the files of core/tslog share.
 *
 *   page.c     header, checksum            recover.c  open: what the device holds
 *   rows*.c    row coder, made of          write.c    append, promote; commit.c; streams.c
 *     bits.h, rice.*, predict.h, trial.c   place.c    blocks: where the next page goes
 *   columns.c  schema, written and read    chain.c    a block tells of those before it
 *   amend.c    corrections, stored; correct.c  made
 *   slots.c    which slots count           drop.c     retention
 *                                          dir.c, index.c   live pages of a block
 *   roll*.c    roll-ups (roll.h)          cursor.c, buckets*.c, verify.c   reading
 */
#ifndef HWT_CORE_TSLOG_INTERNAL_H
#define HWT_CORE_TSLOG_INTERNAL_H

#include "core/base/bytes.h"
#include "core/tslog/tslog.h"

enum {
    HWT_TSLOG_VERSION = 3,
    HWT_TSLOG_HEAD = 96, /* bytes of a page's header */
    HWT_TSLOG_ROOM = HWT_TSLOG_PAGE - HWT_TSLOG_HEAD,
    HWT_TSLOG_ROWS_MAX = 4095,              /* of a page; constant rows take no bits */
    HWT_TSLOG_CHANNEL_MAX = 3 + HWT_ID_MAX, /* bytes of a channel in a schema page */
    HWT_TSLOG_SCHEMA_COPIES = 2,
    HWT_TSLOG_CHAIN_ROOM = 512, /* bytes of a schema page kept free for the chain */
    HWT_TSLOG_FRESH_MAX = 16,   /* pages of blocks programmed between syncs */
    HWT_TSLOG_SEQUENCE_GAP = HWT_TSLOG_ROWS_MAX + 1,
    HWT_TSLOG_LOOKBACK_PAGES = 4096
};

enum hwt_tslog_page_kind {
    HWT_TSLOG_SUPER = 1,
    HWT_TSLOG_ROOT = 2,   /* stream table, boot count, anchors */
    HWT_TSLOG_TAIL = 3,   /* a slot: the newest records of a stream */
    HWT_TSLOG_DATA = 4,   /* a full page of records */
    HWT_TSLOG_SCHEMA = 5, /* channels, for the pages of records in the same block */
    HWT_TSLOG_INDEX = 6,  /* directory of a block: its last page, and for the open one in a slot */
    HWT_TSLOG_AMEND = 7,  /* corrections */
};

enum {                             /* head.flags */
       HWT_TSLOG_UNKNOWN_TIME = 1, /* holds records without wall time */
       HWT_TSLOG_CHAIN = 2,        /* a schema page: the chain is behind the channels */
       HWT_TSLOG_LAST_PART = 4     /* corrections: the last page of a copy */
};

/* The control area, in pages from the start of the device: superblock twice, then pairs of slots,
 * then pairs of index pages, one for each stream, then two copies of the corrections. Member m of a
 * commit: stream m, the root, or the corrections. */
enum {
    HWT_TSLOG_ROOT_MEMBER = HWT_TSLOG_STREAMS_MAX,
    HWT_TSLOG_AMEND_MEMBER,
    HWT_TSLOG_MEMBERS,
    HWT_TSLOG_SUPER_PAGE = 0,
    HWT_TSLOG_SLOT_PAGE = 2,
    HWT_TSLOG_INDEX_PAGE = HWT_TSLOG_SLOT_PAGE + 2 * HWT_TSLOG_AMEND_MEMBER,
    HWT_TSLOG_AMEND_PAGE = HWT_TSLOG_INDEX_PAGE + 2 * HWT_TSLOG_STREAMS_MAX,
    HWT_TSLOG_AMEND_PAGES = 10, /* of one copy */
    HWT_TSLOG_CONTROL_PAGES = HWT_TSLOG_AMEND_PAGE + 2 * HWT_TSLOG_AMEND_PAGES
};

_Static_assert(HWT_TSLOG_CONTROL_PAGES <= 64, "a bit for each page of the control area");

#define HWT_TSLOG_NO_BLOCK     UINT32_MAX
#define HWT_TSLOG_SEQUENCE_MAX (UINT64_MAX / 4) /* sums of sequences cannot overflow */

/* Control page of the index of a stream's open block. */
static inline uint32_t hwt_tslog_index_page(int stream, unsigned slot)
{
    return HWT_TSLOG_INDEX_PAGE + 2 * (uint32_t)stream + slot;
}

/* Control page of member m's slot 0 or 1, or its first. */
static inline uint32_t hwt_tslog_slot_page(int member, unsigned slot)
{
    return member == HWT_TSLOG_AMEND_MEMBER ? HWT_TSLOG_AMEND_PAGE + HWT_TSLOG_AMEND_PAGES * slot
                                            : HWT_TSLOG_SLOT_PAGE + 2 * (uint32_t)member + slot;
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
/* The checksum that a sealed page carries. */
uint32_t hwt_tslog_page_crc(const uint8_t *page);
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

/* [a-z0-9_]{1,32} */
bool hwt_tslog_id_valid(const char *id);
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
    uint32_t pages; /* of a block */
    uint32_t ordinal;
    uint32_t index; /* checksum of its index page; 0: none */
    int stream;
    uint64_t limit; /* pages from this sequence on are dead */
};

/* The live pages of a block: from its index page if that is the one meant, else from the headers. A
 * page of records is live if no later one in the block starts at or before it, and it starts before
 * `limit`. Errors: IO. */
HWT_MUST_CHECK int hwt_tslog_dir_load(struct hwt_tslog_dir *dir, const struct hwt_bd *bd,
                                      const struct hwt_tslog_place *place,
                                      uint8_t scratch[HWT_TSLOG_PAGE]);
void hwt_tslog_dir_reset(struct hwt_tslog_dir *dir, uint32_t block);
/* Only what is in use. */
void hwt_tslog_dir_copy(const struct hwt_tslog_dir *from, struct hwt_tslog_dir *to);
/* A page of records was put behind the others. */
void hwt_tslog_dir_add(struct hwt_tslog_dir *dir, const struct hwt_tslog_head *head, uint32_t page);
/* The place of segment i of a sorted list, told by the list alone. */
/* The limit for segment i of a sorted list: the next segment of the stream or the tail. */
uint64_t hwt_tslog_segment_limit(const struct hwt_tslog_segment *segment, uint32_t count,
                                 uint32_t i, uint64_t tail_first);
/* Time span of a directory's pages into the segment. */
void hwt_tslog_segment_time(struct hwt_tslog_segment *segment, const struct hwt_tslog_dir *dir);

/* --- index.c --- */

/* The directory as a sealed page. Its checksum, or 0: it does not fit, or has none to go by. */
uint32_t hwt_tslog_index_put(const struct hwt_tslog_dir *dir, uint32_t log,
                             const struct hwt_tslog_segment *segment, uint8_t page[HWT_TSLOG_PAGE]);
/* CORRUPT: not the index page of that block with that checksum. */
HWT_MUST_CHECK int hwt_tslog_index_get(struct hwt_tslog_dir *dir_out,
                                       const struct hwt_tslog_place *place,
                                       const uint8_t page[HWT_TSLOG_PAGE]);

/* --- chain.c --- */

/* The segments before segment i, newest first, as many as fit, into a schema page that has its
 * channels; used of the head grows. */
void hwt_tslog_chain_put(const struct hwt_tslog *log, uint32_t i, uint8_t page[HWT_TSLOG_PAGE],
                         struct hwt_tslog_head *head);
/* Lists the segments of all streams, and loads the directories of their newest blocks, by the
 * chains that start at the tails' blocks; lost[s]: the stream has no slot, its newest block is
 * looked for in all. Errors: IO, SPACE. */
HWT_MUST_CHECK int hwt_tslog_chain_walk(struct hwt_tslog *log, const bool *lost);

/* --- slots.c --- */

struct hwt_tslog_slots {
    struct hwt_tslog_slot {
        bool valid;
        uint64_t generation;
        uint64_t settled;
        uint64_t end; /* a tail's: one more than its last sequence */
        uint32_t next_block;
        uint16_t members;
    } of[HWT_TSLOG_MEMBERS][2];
    bool cut[HWT_TSLOG_MEMBERS][2]; /* valid, of a commit that was cut */
    bool damaged[HWT_TSLOG_MEMBERS]
                [2]; /* neither right nor blank; generation 0: no header either */
};

/* Reads all slots; those left valid are of commits that were done. Errors: IO. */
HWT_MUST_CHECK int hwt_tslog_slots_read(struct hwt_tslog *log, struct hwt_tslog_slots *slots);
/* The newer valid slot of a member into `page`. 0 or 1, or NOT_FOUND, IO. */
HWT_MUST_CHECK int hwt_tslog_slots_load(struct hwt_tslog *log, const struct hwt_tslog_slots *slots,
                                        int member, uint8_t *page, struct hwt_tslog_head *head);
/* A stream's records end before this sequence as far as the slots that count tell; what sequence
 * the next record must not be below, since damaged slots may have held records that somebody knows.
 */
uint64_t hwt_tslog_slots_next(const struct hwt_tslog_slots *slots, int stream, uint64_t generation,
                              uint64_t end);
/* Blanks those of cut commits. Torn ones too: the next write of the slot, torn at other sectors,
 * could make them whole. */
HWT_MUST_CHECK int hwt_tslog_slots_blank(struct hwt_tslog *log,
                                         const struct hwt_tslog_slots *slots);

/* --- place.c --- */

HWT_MUST_CHECK int hwt_tslog_control_read(struct hwt_tslog *log, uint32_t page, uint8_t *buf);
HWT_MUST_CHECK int hwt_tslog_control_write(struct hwt_tslog *log, uint32_t page,
                                           const uint8_t *buf);
HWT_MUST_CHECK int hwt_tslog_sync(struct hwt_tslog *log);
/* Programs a page of a block; syncs first if FRESH_MAX pages wait for it, so that what a cut
 * leaves ends within so many pages. */
HWT_MUST_CHECK int hwt_tslog_block_write(struct hwt_tslog *log, uint32_t block, uint32_t page,
                                         const uint8_t *buf);
/* Whether a segment has the block. */
bool hwt_tslog_block_used(const struct hwt_tslog *log, uint32_t block);
void hwt_tslog_block_mark(struct hwt_tslog *log, uint32_t block, bool used);
/* Puts a segment into the sorted list. SPACE: the list is full. */
HWT_MUST_CHECK int hwt_tslog_segment_add(struct hwt_tslog *log,
                                         const struct hwt_tslog_segment *segment);
/* The place of segment of that block, or `segments`. */
uint32_t hwt_tslog_segment_find(const struct hwt_tslog *log, uint32_t block);
/* Makes sure that the stream's tail has a page to go to, in a block that holds its schema; takes a
 * new block if need be, the oldest one when the device is full. Errors: SPACE, IO. */
HWT_MUST_CHECK int hwt_tslog_place(struct hwt_tslog *log, int stream);

/* --- amend.c --- */

/* Corrections from number `from` on into page `part` of a copy: sets the head but generation and
 * the like. Returns the number of the first that is not in it. */
size_t hwt_tslog_amend_put(const struct hwt_tslog_amended *amended, size_t from, unsigned part,
                           uint8_t page[HWT_TSLOG_PAGE], struct hwt_tslog_head *head);
/* Pages of a copy. */
unsigned hwt_tslog_amend_parts(const struct hwt_tslog_amended *amended);
/* Adds those of a page. CORRUPT. */
HWT_MUST_CHECK int hwt_tslog_amend_get(struct hwt_tslog_amended *amended,
                                       const uint8_t page[HWT_TSLOG_PAGE],
                                       const struct hwt_tslog_head *head);
/* Whether two corrections, recorded one after the other, are of one act. */
bool hwt_tslog_one_act(const struct hwt_correction *a, const struct hwt_correction *b);

/* --- correct.c --- */

int64_t hwt_tslog_corrected(const struct hwt_correction *c, int64_t value, int64_t cross);
/* Finds the corrections that touch the open page, records `first` to before `end`. */
void hwt_tslog_correct_begin(struct hwt_tslog_cursor *cursor, uint64_t first, uint64_t end);
/* Makes them in the row just read. */
void hwt_tslog_correct_row(struct hwt_tslog_cursor *cursor);

/* --- drop.c --- */

/* Gives up the oldest block of the stream, or of the one with most. SPACE: none can go. */
HWT_MUST_CHECK int hwt_tslog_drop_oldest(struct hwt_tslog *log, int stream);

/* --- streams.c --- */

static inline bool hwt_tslog_stream_exists(const struct hwt_tslog *log, int stream)
{
    return stream >= 0 && stream < HWT_TSLOG_STREAMS_MAX &&
           log->root.stream[stream].name[0] != '\0';
}

/* --- write.c --- */

/* Makes sure that the stream's tail can be written on: loads it, leaves out sequences that may have
 * been given. Errors: SPACE, IO. */
HWT_MUST_CHECK int hwt_tslog_ready(struct hwt_tslog *log, int stream);
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
