/*
 * layout.h: the structs of tslog.h that the caller places. All fields are private to core/tslog;
 * nobody but tslog.h includes this.
 */
#ifndef HWT_CORE_TSLOG_LAYOUT_H
#define HWT_CORE_TSLOG_LAYOUT_H

#include "core/tslog/tslog.h"

/* An erase block that holds pages of one stream. Sorted by stream, then by ordinal. */
struct hwt_tslog_segment {
    uint64_t first;         /* sequence of its first record */
    int64_t min_ms, max_ms; /* starts of intervals in it; min > max: none with wall time */
    int64_t first_ms;       /* wall time of its first record, or HWT_TIME_UNKNOWN */
    uint32_t block;
    uint32_t ordinal; /* counts the stream's blocks, from 1 */
    uint32_t index;   /* checksum of its index page; 0: it has none that can be believed */
    uint8_t stream;
    uint8_t flags; /* HWT_TSLOG_UNKNOWN_TIME */
};

/* A page's header; docs/LOG_FORMAT.md has the bytes. */
struct hwt_tslog_head {
    uint64_t first;         /* sequence of the first record */
    uint64_t generation;    /* a slot: of its commit; else the block's ordinal */
    uint64_t settled;       /* a slot: the newest generation known to be durable; 0: none */
    int64_t min_ms, max_ms; /* starts of intervals */
    int64_t first_ms;       /* wall time of the first and last record */
    int64_t last_ms;
    uint32_t log;    /* first four bytes of the UUID */
    uint32_t schema; /* CRC of the schema */
    uint32_t place_block;
    uint32_t next_block; /* where the search for a free block starts */
    uint32_t oldest;     /* a tail's: ordinal of the oldest block that the stream keeps */
    uint32_t index;      /* a tail's: checksum of the index page of its block */
    uint16_t place_page;
    uint16_t members; /* slots of the commit, a bit each */
    uint16_t rows;
    uint16_t used; /* bytes after the header */
    uint8_t version, kind, stream, flags;
};

struct hwt_tslog_rice { /* rice.h */
    uint64_t mean;      /* 1/128, of the last numbers */
    uint32_t run_at;    /* bit of the run's field */
    uint16_t run_n;     /* zeros that the field counts */
    uint16_t run_left;  /* of them not yet read */
    uint8_t run_bits;   /* width of the field, or of the next */
    bool run_open;      /* the field can count more zeros */
};

/* What the row coder knows of a column's values before; all in units of its scale. */
struct hwt_tslog_column {
    struct hwt_tslog_rice rice;
    int64_t last;
    int64_t keep;    /* of the predictor: -1 if it adds to the last value, else 0 */
    int64_t average; /* 1/256, of values or of steps, as the predictor has it */
    uint16_t gain;   /* of the predictor: 256, or 0 if it has no average */
    uint8_t weight;  /* of the predictor: 1/2^weight */
    uint8_t predictor;
    uint8_t level; /* of rice at the page's start */
    uint8_t seen;  /* values in this page, up to 2 */
    uint8_t quality;
    uint32_t scale; /* a value is offset + scale x its number */
    uint32_t offset;
    uint32_t age_ms;   /* of the last value */
    uint32_t carry_ms; /* age of the value that was last carried on first */
};

struct hwt_tslog_rows {
    uint32_t at;    /* bits put or taken; 0: the page's start is still to come */
    uint16_t count; /* columns */
    uint16_t rows;  /* put or taken */
    bool full;      /* a row did not fit: no more are taken */
    uint8_t clock;
    uint16_t flags; /* of the last row that was not regular */
    uint16_t aged;  /* columns whose last value had an age */
    uint32_t boot, span_ms;
    int64_t mono_us;
    int64_t pause_us;              /* the last step of mono_us beyond the span */
    int64_t wall_ms, wall_mono_us; /* a wall time and its mono_us, from which the next are told */
    struct hwt_tslog_rice regular, mono, wall;
    struct hwt_tslog_column column[HWT_CHANNELS_MAX];
};

/* How each predictor would have done on the page's values so far: the next page's is chosen so. */
struct hwt_tslog_trial {
    int64_t average[6];
    int64_t step;     /* the last */
    uint64_t divisor; /* greatest common one of all steps; 0: no step yet */
    uint32_t cost[8]; /* 1/16 bit */
    uint16_t steps;   /* that were not 0 */
};

struct hwt_tslog_columns {
    uint32_t id; /* CRC of the schema as stored; 0 with count 0: none */
    uint16_t count;
    struct hwt_channel channel[HWT_CHANNELS_MAX];
};

struct hwt_tslog_root {
    uint32_t boot;
    uint16_t anchors;
    struct {
        char name[HWT_ID_MAX + 1]; /* "": unused */
        uint8_t provenance;
    } stream[HWT_TSLOG_STREAMS_MAX];
    struct {
        struct hwt_anchor at;
        uint8_t stream;
    } anchor[HWT_TSLOG_ANCHORS_MAX];
};

struct hwt_tslog_dir { /* the live pages of one block, in order of place */
    uint32_t block;    /* or UINT32_MAX */
    uint16_t count;
    int64_t first_ms; /* wall time of the first record, or HWT_TIME_UNKNOWN */
    struct hwt_tslog_dir_entry {
        uint64_t first;
        int64_t min_ms, max_ms;
        uint32_t schema;
        uint16_t rows;
        uint16_t page;
        uint8_t flags;
    } entry[HWT_TSLOG_BLOCK_PAGES_MAX];
};

struct hwt_tslog_amended { /* in the order they were recorded */
    uint16_t count;
    struct hwt_tslog_correction {
        struct hwt_correction what;
        uint8_t stream;
    } at[HWT_TSLOG_CORRECTIONS_MAX];
};

struct hwt_tslog_stream { /* the writer's side of a stream */
    uint64_t durable;     /* last durable sequence */
    int64_t durable_ms;
    bool ready; /* tail and place checked since open */
    bool dirty; /* something to commit */
    bool moved; /* the tail is another page than the slots hold */
    bool schema_placed;
    bool index_dirty;       /* the directory is not the one that index_slot holds */
    bool index_written;     /* … but in the other one, for the commit under way */
    bool closed;            /* the block's last page is taken, mostly by its index */
    bool left;              /* and told to the segment: nothing is added to the block */
    uint8_t slot;           /* 0 or 1: the newest committed */
    uint8_t index_slot;     /* the same of its index */
    uint32_t block;         /* where the tail will go */
    uint32_t next_page;     /* in that block; first never programmed */
    uint32_t durable_block; /* `block` as of the last commit */
    uint32_t index;         /* checksum of the index that the last commit tried has */
    uint32_t oldest;        /* found at open: ordinal of the oldest block kept */
    uint64_t next;          /* found at open: no record may have a lower sequence; 0 */
    struct hwt_tslog_head tail;
    struct hwt_tslog_columns columns;
    struct hwt_tslog_rows rows;
    struct hwt_tslog_trial trial[HWT_CHANNELS_MAX];
    struct hwt_tslog_dir dir; /* of `block` */
    uint8_t page[HWT_TSLOG_PAGE];
};

struct hwt_tslog {
    struct hwt_bd bd;
    uint8_t uuid[16];
    uint32_t log;   /* first four bytes of it */
    uint32_t pages; /* of a block */
    uint32_t control_blocks;
    uint32_t blocks_kept;
    uint32_t next_block; /* where the search for a free one starts */
    uint64_t generation; /* of the last commit tried */
    uint64_t settled;    /* of the last that was done */
    bool read_only, no_format;
    bool unsynced;        /* something was programmed or erased since the last sync */
    unsigned fresh;       /* pages of blocks programmed since then */
    uint64_t control_bad; /* pages of the control area that open found damaged, a bit each */
    bool whole;           /* open found all there was by the chains: other blocks are free */
    bool root_dirty;
    uint8_t root_slot;
    uint32_t segments;
    uint32_t used[(HWT_TSLOG_SEGMENTS_MAX + 64) / 32]; /* a bit for each block of a segment */
    bool amended_dirty;
    uint8_t amended_slot;
    uint16_t amended_durable; /* of `amended` */
    struct hwt_tslog_amended amended;
    struct hwt_tslog_root root, root_durable;
    struct hwt_tslog_recovery recovery;
    uint8_t scratch[HWT_TSLOG_PAGE];
    struct hwt_tslog_dir dir;
    struct hwt_tslog_segment segment[HWT_TSLOG_SEGMENTS_MAX];
    struct hwt_tslog_stream stream[HWT_TSLOG_STREAMS_MAX];
};

/* --- roll-ups (rollup.h) --- */

struct hwt_rollup_sheet {
    uint64_t first, last;   /* sequences */
    uint64_t since;         /* the first that it depends on: of the values before it */
    int64_t min_ms, max_ms; /* from the start of its first to the end of its last quarter hour */
    uint32_t block, ordinal;
    uint32_t revision;  /* hwt_tslog_revision() as of its making */
    uint32_t front;     /* bytes of head and index */
    uint32_t index_crc; /* over the index */
    uint16_t page;      /* in the block */
    uint16_t pages;
    uint16_t channels; /* the common part not counted */
    uint16_t rows[3];  /* quarter hours, hours, days */
    uint8_t stream;
    uint8_t flags;
    bool final;   /* not to be merged; this and the next are not stored */
    bool checked; /* every byte read since open, or written since */
};

struct hwt_rollup_view { /* sorted by stream, then by sequence; no two overlap */
    struct hwt_bd bd;
    uint32_t count;
    struct hwt_rollup_sheet sheet[HWT_ROLLUP_SHEETS_MAX];
};

struct hwt_rollup_channel { /* a channel's head in a sheet */
    bool counter;
    uint8_t before_state, after_state; /* what is known of a counter at the sheet's edges */
    int64_t before, after;
    uint64_t after_at;               /* sequence of the value after */
    uint8_t present[3], left_out[3]; /* columns of each level, a bit each */
    uint16_t bytes[3][7];
    uint32_t at[3][7]; /* in the sheet */
};

struct hwt_rollup_reader {
    struct hwt_bd bd;
    uint32_t log, seed;
    struct hwt_rollup_sheet sheet;
    uint32_t common;            /* where the common part is */
    uint32_t cached_at, cached; /* bytes of the sheet in cache[] */
    size_t rows;                /* of the level got */
    const int64_t *value[7];    /* a column each: column[], or the common part's */
    int64_t period[HWT_ROLLUP_ROWS_MAX], records[HWT_ROLLUP_ROWS_MAX], spans[HWT_ROLLUP_ROWS_MAX];
    int64_t column[7][HWT_ROLLUP_ROWS_MAX];
    int64_t work[2][HWT_ROLLUP_ROWS_MAX]; /* hours, while quarter hours are got */
    uint8_t cache[4 * HWT_TSLOG_PAGE + 8];
};

struct hwt_tslog_snapshot {
    struct hwt_bd bd;
    uint32_t log;
    uint32_t pages;
    uint32_t control_blocks;
    uint32_t segments;
    struct hwt_tslog_root root;
    struct hwt_tslog_amended amended;
    struct {
        uint64_t durable;
        int64_t durable_ms;
        uint32_t block; /* holds the tail's schema */
        struct hwt_tslog_head tail;
    } stream[HWT_TSLOG_STREAMS_MAX];
    struct hwt_tslog_dir dir[HWT_TSLOG_STREAMS_MAX]; /* of `block` */
    struct hwt_tslog_segment segment[HWT_TSLOG_SEGMENTS_MAX];
    uint8_t page[HWT_TSLOG_STREAMS_MAX][HWT_TSLOG_PAGE];
    struct hwt_rollup_view roll;
};

/* Reads pages and takes them apart, row by row. */
struct hwt_tslog_cursor {
    const struct hwt_tslog_snapshot *snapshot;
    int stream;
    uint64_t sequence; /* of the next record */
    uint64_t page_end; /* the page open now holds records up to before this; 0: none is open */
    uint64_t row;      /* sequence of the next row of the open page */
    bool stored;       /* values as stored, not as corrected */
    uint16_t fixes;    /* corrections that touch the open page */
    uint16_t used;     /* bytes of the open page's rows */
    uint32_t block;    /* the open page's, for its schema */
    struct hwt_tslog_fix {
        struct hwt_value value; /* what it makes of the row */
        uint16_t correction;    /* in snapshot->amended */
        uint16_t act;           /* those of one are made at once */
        int16_t column, cross;  /* cross -1: none, or not in this schema */
    } fix[HWT_TSLOG_CORRECTIONS_MAX];
    struct hwt_tslog_dir dir;
    struct hwt_tslog_columns columns;
    struct hwt_schema schema;
    struct hwt_tslog_rows rows;
    struct hwt_record record;
    struct hwt_value value[HWT_CHANNELS_MAX];
    uint8_t page[HWT_TSLOG_PAGE];
};

struct hwt_tslog_before { /* a counter's value before a page */
    int64_t v;
    uint8_t state; /* not yet sought, none, known */
};

struct hwt_tslog_own {   /* a bucket of one stream, while it fills */
    struct hwt_bucket b; /* mean: the sum of (value - base) x span */
    int64_t base;
    uint64_t first_at, last_at; /* sequences of first and last */
};

struct hwt_tslog_buckets {
    struct hwt_tslog_range range;
    uint32_t window, given;               /* buckets in the window; handed out of it */
    int64_t window_from_ms, window_to_ms; /* what `bucket` holds */
    bool filled;                          /* the window is */
    uint16_t n;
    char id[HWT_TSLOG_QUERY_MAX][HWT_ID_MAX + 1];

    int stream;             /* that is being read */
    uint64_t at;            /* its sequences before are done */
    uint64_t kept;          /* its first record that is there */
    uint64_t part, part_to; /* sequences to be taken from records; part > part_to: none */
    uint32_t segment;       /* of `part`, at the latest */
    size_t row, rows;       /* quarter hours of the sheet that records are to be looked at for */
    uint64_t row_at;        /* sequence of that row's first record */

    struct hwt_tslog_cursor read;
    uint64_t mapped; /* one more than the schema that column[] is for; 0: none */
    int16_t column[HWT_TSLOG_QUERY_MAX];
    bool counter[HWT_TSLOG_QUERY_MAX];
    uint64_t follows; /* the sequence that before[] is for; 0: none */
    struct hwt_tslog_before before[HWT_TSLOG_QUERY_MAX];
    struct {            /* `before` at the start and at the end of the page last read, by stream */
        uint64_t first; /* the sequence it is for; 0: none */
        struct hwt_tslog_before before[HWT_TSLOG_QUERY_MAX];
    } kept_before[HWT_TSLOG_STREAMS_MAX][2];
    struct hwt_rollup_reader roll;
    uint8_t bad[HWT_ROLLUP_SHEETS_MAX / 8];     /* sheets that records are taken for, a bit each */
    struct hwt_bucket bucket[HWT_TSLOG_WINDOW]; /* merged */
    struct hwt_tslog_own own[HWT_TSLOG_WINDOW]; /* of one stream */
};

#endif
