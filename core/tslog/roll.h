/*
 * roll.h: what the files of the roll-ups share.
 *
 *   rollup.c       records into rows                 roll_table.c  which sheets there are
 *   roll_level.c   rows into hours and days          roll_merge.c  small sheets into larger ones
 *   roll_code.c    rows into columns                 roll_sheet.c  sheets, read
 *   roll_column.c  a column of numbers as bits       roll_decode.c columns into rows
 *   roll_write.c   sheets, written                   buckets_rolled.c   sheets into buckets
 */
#ifndef HWT_CORE_TSLOG_ROLL_H
#define HWT_CORE_TSLOG_ROLL_H

#include "core/tslog/internal.h"
#include "core/tslog/rollup.h"

enum hwt_roll_level { HWT_ROLL_QUARTER, HWT_ROLL_HOUR, HWT_ROLL_DAY, HWT_ROLL_LEVELS };

/* Columns of a channel. The common part of a sheet has the first three, in other meanings. */
enum hwt_roll_column {
    HWT_ROLL_COUNT,    /* beyond the row's records */
    HWT_ROLL_MEASURED, /* beyond the row's time */
    HWT_ROLL_SUM,      /* of a gauge */
    HWT_ROLL_MIN,
    HWT_ROLL_MAX,
    HWT_ROLL_LAST, /* of a counter */
    HWT_ROLL_RISE, /* beyond the step from last to last */
    HWT_ROLL_COLUMNS,
    HWT_ROLL_NOT_KEPT = HWT_ROLL_COLUMNS,
    HWT_ROLL_RECORDS = HWT_ROLL_COUNT, /* of the common part */
    HWT_ROLL_PERIOD = HWT_ROLL_SUM
};

enum {
    HWT_ROLL_VERSION = 1,
    HWT_ROLL_HEAD = 96,           /* bytes of a sheet's head */
    HWT_ROLL_COLUMN_MAX = 14000,  /* bytes of a column; a longer one is left out */
    HWT_ROLL_FRONT_PAGES_MAX = 3, /* of head and index */
    HWT_ROLL_SMALL_ROWS = 96,     /* sheets with fewer rows are merged to have that many */
    HWT_ROLL_LARGE_ROWS = 1536,   /* and these, to have so many */
    HWT_ROLL_SLACK = 8,           /* bytes */
    HWT_ROLL_STATE_COUNTER = 16,  /* in the first byte of a channel's head */
    HWT_ROLL_FACTOR_BITS = 38,    /* of a column's factor, behind the point */
    HWT_ROLL_UNKNOWN_TIME = 1     /* flag: its content depends on anchors */
};

enum { /* what is known of a counter at a row's end */
       HWT_ROLL_KNOWN = 1,
       HWT_ROLL_UNSURE = 2 /* a record without wall time came after */
};

static inline int64_t hwt_roll_floor(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Quarter hours in a row of that level. */
static inline int64_t hwt_roll_quarters(enum hwt_roll_level level)
{
    return level == HWT_ROLL_QUARTER ? 1 : level == HWT_ROLL_HOUR ? 4 : 96;
}

#define HWT_ROLL_QUARTER_MS INT64_C(900000)

/* Size class of a sheet: 0 small, 1 medium, 2 large. */
static inline unsigned hwt_roll_class(uint32_t rows)
{
    return rows < HWT_ROLL_SMALL_ROWS * 2 / 3 ? 0 : rows < HWT_ROLL_LARGE_ROWS * 2 / 3 ? 1 : 2;
}

/* --- roll_column.c --- */

struct hwt_roll_form {
    bool steps;      /* numbers are differences from row to row */
    bool packed;     /* blocks of one width: read fast; else Rice */
    bool bare;       /* none is below 0, and no average helps */
    bool by_hour;    /* of extremes of quarter hours: beyond the hour's */
    uint64_t factor; /* of the mean base; 0: none. By hours: how many numbers there are */
    uint64_t scale;
    int64_t origin; /* value = origin + scale x number, or the one before the first row */
};

/* Writes a column of numbers with its form and checksum; returns its bytes, 0 if there is no room.
 */
size_t hwt_roll_column_put(const struct hwt_roll_form *form, const int64_t *number, size_t rows,
                           uint32_t seed, uint8_t *out, size_t room);
/* HWT_ROLL_SLACK bytes behind the n are readable, whatever they are. Errors: CORRUPT. */
HWT_MUST_CHECK int hwt_roll_column_get(const uint8_t *p, size_t n, uint32_t seed, size_t rows,
                                       struct hwt_roll_form *form_out, int64_t *number_out);

/* --- roll_sheet.c --- */

/* Checksums of a sheet's parts begin with this, so that no other sheet's parts pass. */
uint32_t hwt_roll_seed(uint32_t log, const struct hwt_rollup_sheet *sheet);
void hwt_roll_head_put(uint8_t head[HWT_ROLL_HEAD], uint32_t log,
                       const struct hwt_rollup_sheet *sheet);
/* Errors: CORRUPT, UNSUPPORTED. Does not set the sheet's place. */
HWT_MUST_CHECK int hwt_roll_head_get(const uint8_t head[HWT_ROLL_HEAD], uint32_t *log_out,
                                     struct hwt_rollup_sheet *sheet_out);

struct hwt_roll_index { /* a channel in a sheet's index */
    const uint8_t *id;
    uint8_t id_length;
    uint8_t quantity; /* HWT_Q_NONE: the common part */
    uint32_t offset;  /* in the sheet */
};

/* Opens a sheet and checks its index. Errors: CORRUPT (also: another sheet is there now), IO. */
HWT_MUST_CHECK int hwt_roll_open(struct hwt_rollup_reader *reader, const struct hwt_bd *bd,
                                 uint32_t log, const struct hwt_rollup_sheet *sheet);
/* The next of the index, *at beginning with 0. 1, 0 at its end, CORRUPT, IO. What it points to is
 * good until the next call of any of these. */
HWT_MUST_CHECK int hwt_roll_index_next(struct hwt_rollup_reader *reader, size_t *at,
                                       struct hwt_roll_index *out);
/* The head of a channel. Errors: CORRUPT, IO. */
HWT_MUST_CHECK int hwt_roll_channel_get(struct hwt_rollup_reader *reader, uint32_t offset,
                                        struct hwt_rollup_channel *out);
/* Reads every byte of a sheet. Errors: CORRUPT, IO. */
HWT_MUST_CHECK int hwt_roll_check(struct hwt_rollup_reader *reader, const struct hwt_bd *bd,
                                  uint32_t log, const struct hwt_rollup_sheet *sheet);

/* n bytes of the sheet, good until the next call. Errors: CORRUPT (beyond it), IO. */
HWT_MUST_CHECK int hwt_roll_fetch(struct hwt_rollup_reader *r, uint32_t at, uint32_t n,
                                  const uint8_t **p_out);

/* --- roll_decode.c --- */

/* The rows of a level: reader->period, records, spans, rows. */
HWT_MUST_CHECK int hwt_roll_rows_get(struct hwt_rollup_reader *reader, enum hwt_roll_level level);
/*
 * Columns of a channel (bits 1 << enum hwt_roll_column) at the level whose rows were got, into
 * reader->column[]; those they rest on too. Errors: NOT_FOUND (one is left out in this sheet),
 * CORRUPT, IO.
 */
HWT_MUST_CHECK int hwt_roll_columns_get(struct hwt_rollup_reader *reader,
                                        const struct hwt_rollup_channel *channel,
                                        enum hwt_roll_level level, unsigned columns);
/* --- roll_level.c --- */

/* b's rows follow a's, and are of the same row. */
void hwt_roll_entry_add(struct hwt_rollup_entry *a, const struct hwt_rollup_entry *b);
/* Their sum, or the greatest number there is. */
int64_t hwt_roll_add_rise(int64_t rise, int64_t more);
/* Notes with which quarter hours the rows of each level begin: the calls below rest on it. */
void hwt_roll_mark_rows(struct hwt_rollup *r);
/* The end of the level's row that begins with quarter hour i. */
size_t hwt_roll_row_end(const struct hwt_rollup *r, size_t i, enum hwt_roll_level level);
/* The entry of the level's row that begins at *i, which goes to its end. */
struct hwt_rollup_entry hwt_roll_next_entry(const struct hwt_rollup *r,
                                            const struct hwt_rollup_entry *strip, size_t *i,
                                            enum hwt_roll_level level);
/* How many rows there are of each level, and the time they span, into the sheet. */
void hwt_roll_describe_rows(const struct hwt_rollup *r, struct hwt_rollup_sheet *sheet);

/* --- roll_code.c --- */

struct hwt_roll_coder { /* a channel's columns, or those that all share, as they come to be */
    struct hwt_rollup *r;
    struct hwt_rollup_channel head;
    enum hwt_roll_level level;
    size_t rows;                                     /* of the level */
    size_t at;                                       /* bytes in out.bytes */
    size_t start[HWT_ROLL_LEVELS][HWT_ROLL_COLUMNS]; /* of each column there */
    uint32_t seed;
};

/* The columns that all channels share. Errors: SPACE (one is too long). */
HWT_MUST_CHECK int hwt_roll_code_common(struct hwt_roll_coder *w);
/* A channel's; columns that are too long are left out. Empty entries of the strip are changed. */
void hwt_roll_code_channel(struct hwt_roll_coder *w, struct hwt_rollup_entry *strip);

/* --- roll_write.c --- */

/* A sheet of r->sheet_channels channels and r->rows rows begins, where there are `pages` blank
 * pages; channels follow in order, then the end. Errors: IO, SPACE (does not fit the device, or
 * those pages), AGAIN (the place is not blank: begin anew, it will be elsewhere). */
HWT_MUST_CHECK int hwt_roll_write_begin(struct hwt_rollup *r, struct hwt_rollup_sheet sheet,
                                        uint32_t pages);
HWT_MUST_CHECK int hwt_roll_write_channel(struct hwt_rollup *r, size_t channel,
                                          struct hwt_rollup_entry *strip);
HWT_MUST_CHECK int hwt_roll_write_end(struct hwt_rollup *r);
/* Gives up the sheet begun. */
void hwt_roll_write_drop(struct hwt_rollup *r);

/* --- roll_table.c --- */

/* The place of the first sheet of the stream that ends at or behind the sequence. */
uint32_t hwt_roll_find(const struct hwt_rollup_sheet *sheet, uint32_t count, int stream,
                       uint64_t sequence);
/* Takes up a sheet; those that it overlaps go. Blocks without sheets are discarded. SPACE: the
 * table is full. */
HWT_MUST_CHECK int hwt_roll_table_add(struct hwt_rollup *r, const struct hwt_rollup_sheet *sheet);
void hwt_roll_table_remove(struct hwt_rollup *r, uint32_t i);
/* Room for so many pages, for a sheet of that class; erases a block if need be. */
HWT_MUST_CHECK int hwt_roll_place(struct hwt_rollup *r, unsigned size_class, uint32_t pages);
/* Gives blocks back that hold no sheet any more. */
HWT_MUST_CHECK int hwt_roll_tidy(struct hwt_rollup *r);
/* The first record of the stream that is kept. */
uint64_t hwt_roll_kept(const struct hwt_tslog_snapshot *snapshot, int stream);
/* Whether the sheet says what the records say now. */
bool hwt_roll_current(const struct hwt_tslog_snapshot *snapshot,
                      const struct hwt_rollup_sheet *sheet);

/* --- roll_merge.c --- */

/* Looks for sheets to merge. 1: a merge has begun; 0: none. */
HWT_MUST_CHECK int hwt_roll_merge_find(struct hwt_rollup *r,
                                       const struct hwt_tslog_snapshot *snapshot);
/* A bit of the merge under way. 1. */
HWT_MUST_CHECK int hwt_roll_merge_step(struct hwt_rollup *r,
                                       const struct hwt_tslog_snapshot *snapshot);

#endif
