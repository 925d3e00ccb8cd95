/*
 * sheet.h: rows as CSV, as JSON or as binary columns, written piece by piece into one buffer.
 *
 *   head │ row row row … flush │ (sent) │ row row … flush │ … │ end
 *
 * The forms are in docs/HTTP_API.md.
 */
#ifndef DAEMON_HTTP_SHEET_H
#define DAEMON_HTTP_SHEET_H

#include "daemon/http/rows.h"

enum { SHEET_BUFFER = 32 * 1024 /* holds any head, and at least one row */ };

struct sheet {
    const struct plan *plan; /* borrowed, as the next */
    const struct rows *rows;
    char *p;  /* SHEET_BUFFER bytes */
    size_t n; /* ready to be sent */
    bool any; /* rows were written */
    /* binary: the block that fills behind the n bytes */
    unsigned block_rows, block_room;
    /* CSV: the zone's offset and when it holds */
    int32_t offset_s;
    int64_t offset_from_s, offset_until_s;
};

void sheet_init(struct sheet *s, const struct plan *plan, const struct rows *rows, char *buffer);
const char *sheet_type(enum plan_format format);
/* False: the buffer does not hold it; a bug. */
bool sheet_put_head(struct sheet *s);
bool sheet_has_room(const struct sheet *s);
/* One row, where there is room. */
void sheet_put(struct sheet *s, const struct row *row);
/* Makes what was put ready to be sent; n = 0 begins the next piece. */
void sheet_flush(struct sheet *s);
/* The end, into an empty buffer; `cut`: rows are missing before it. */
void sheet_put_end(struct sheet *s, bool cut);

#endif
