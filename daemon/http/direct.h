/*
 * direct.h: the JSON of a query written straight from the records, where no bucket holds more than
 * one: a step not longer than the records' interval, in one stream. The values are those of the
 * log's down-sampled read, which is for any step and takes several times as long for these.
 *
 *   record ──▶ a text for each column ──▶ pieces: head, column 1, what is between, column 2 …, tail
 */
#ifndef DAEMON_HTTP_DIRECT_H
#define DAEMON_HTTP_DIRECT_H

#include "daemon/http/rows.h"
#include "daemon/http/server.h"

enum { DIRECT_COLUMNS_MAX = 64, DIRECT_PIECES_MAX = 2 * DIRECT_COLUMNS_MAX + 1 };

struct direct {
    struct rows *rows; /* borrowed, with its plan and its place at the desk */
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
    char *memory; /* of all text; only what is written to takes room */
    size_t bytes;
    char *rest; /* behind the columns: for the text between them */
    struct direct_column {
        char *from, *p;  /* what is written */
        uint32_t next;   /* bucket */
        int64_t last_v;  /* the value before, which reads the last_n bytes before p */
        uint32_t last_n; /* 0: there is none */
        bool plain;      /* a record's own value, with `digits` places and no divisor */
        uint8_t digits;
    } column[DIRECT_COLUMNS_MAX];
};

/* False: this plan is not for it, or there is no memory; direct_deinit in both cases. */
bool direct_init(struct direct *d, struct rows *rows);
void direct_deinit(struct direct *d);
/* 1: a slice was read. 0: all is. UNSUPPORTED: the records are not such. Else as walk_next. The
 * desk is taken by `rows`. */
HWT_MUST_CHECK int direct_read(struct direct *d);
/* The answer, when all is read; the number of pieces, in d's memory. */
size_t direct_pieces(struct direct *d, struct http_piece pieces_out[DIRECT_PIECES_MAX]);

#endif
