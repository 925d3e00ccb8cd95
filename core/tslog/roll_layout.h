/*
 * roll_layout.h: the struct of rollup.h that the caller places. All fields are private to
 * core/tslog; nobody but rollup.h includes this.
 */
#ifndef HWT_CORE_TSLOG_ROLL_LAYOUT_H
#define HWT_CORE_TSLOG_ROLL_LAYOUT_H

#include "core/tslog/rollup.h"

enum { HWT_ROLL_CLASSES = 3, HWT_ROLL_BYTES = 40000 }; /* of a channel's columns */

struct hwt_roll_row { /* a run of records whose intervals start in one quarter hour */
    int64_t quarter;
    uint64_t records;     /* sequences, lost ones among them */
    uint64_t measured_ms; /* sum of their spans */
    uint8_t begins;       /* levels of which a row begins here, a bit each; set when written */
};

struct hwt_roll_sheet_channel { /* of the sheet that is written or being filled */
    struct hwt_channel channel;
    bool counter;
    uint8_t before_state, after_state;
    int64_t before, after;
    uint64_t before_at, after_at; /* sequences of those */
    uint32_t offset;              /* once written */
};

struct hwt_rollup {
    struct hwt_bd bd;
    struct hwt_rollup_entry *pool;
    size_t pool_count;
    bool read_only, untidy;
    bool to_end;           /* tails are rolled too, and few rows are worth a sheet: no more come */
    uint32_t log, ordinal; /* of the last sheet */
    struct hwt_rollup_counters counters;
    uint32_t count;
    struct hwt_rollup_sheet sheet[HWT_ROLLUP_SHEETS_MAX];
    struct {
        uint32_t block, page; /* where the next sheet of that class goes */
        uint32_t ordinal;     /* at open: of the sheet before it */
    } head[HWT_ROLL_CLASSES];
    uint8_t used[HWT_ROLLUP_BLOCKS_MAX / 8]; /* blocks that have been written to, a bit each */

    /* the rows being filled, of one stream */
    int stream; /* -1: none */
    uint64_t first, next;
    uint64_t leading; /* records without wall time, no row being open */
    uint8_t flags;
    size_t capacity; /* rows: pool / channels */
    uint32_t schema; /* CRC; of the channels */
    size_t rows;
    struct hwt_roll_row row[HWT_ROLLUP_ROWS_MAX];
    size_t sheet_channels;
    struct hwt_roll_sheet_channel channel[HWT_CHANNELS_MAX];

    struct { /* a merge under way: sheets from, from + 1, ... */
        uint32_t from, n;
        size_t channel; /* the next */
        uint8_t size_class;
    } merge;

    struct { /* a sheet being written */
        struct hwt_rollup_sheet sheet;
        uint32_t at; /* bytes put */
        uint32_t front_pages;
        unsigned size_class;
        uint8_t front[3 * HWT_TSLOG_PAGE];
        uint8_t page[HWT_TSLOG_PAGE];
        uint8_t bytes[HWT_ROLL_BYTES];
    } out;

    int64_t value[HWT_ROLLUP_ROWS_MAX];  /* of one column */
    int64_t number[HWT_ROLLUP_ROWS_MAX]; /* as coded */
    int64_t base[HWT_ROLLUP_ROWS_MAX];   /* what it rests on: sums, or last values */
    struct hwt_tslog_cursor cursor;
    struct hwt_rollup_reader reader;
};

#endif
