#include "daemon/http/walk.h"

enum {
    PASSED_MAX = 512, /* records outside the range before AGAIN: about a page */
    FAR_MS = 3600000  /* so far behind the end a record says that a clock may have been wrong */
};

static int64_t start_of(const struct hwt_record *record)
{
    return record->unix_ms == HWT_TIME_UNKNOWN ? HWT_TIME_UNKNOWN
                                               : record->unix_ms - (int64_t)record->span_ms;
}

/* Places the stream's cursor before the next record; the first time that is sought by its time. */
static int open_cursor(const struct walk *w, const struct desk *desk, struct desk_cursor *c,
                       int64_t from_ms)
{
    int err = w->sought ? hwt_tslog_cursor_open(&c->cursor, desk->snapshot, w->stream, w->sequence)
                        : hwt_tslog_cursor_seek(&c->cursor, desk->snapshot, w->stream, from_ms);

    c->open = err == 0;
    return err;
}

/* Records from w->sequence on, `lost` of them, are not there. Pruned since the walk began: LOST. */
static int judge_lost(struct walk *w, struct desk *desk, struct desk_cursor *c, uint64_t lost)
{
    struct hwt_stream_info info;
    int err = desk_refresh(desk);

    if (err == 0) {
        err = hwt_tslog_stream_info(desk->snapshot, w->stream, &info);
    }
    if (err == 0 && desk->waited) { /* that snapshot may be of before the pruning */
        c->open = false;
        return HWT_ERR_AGAIN;
    }
    if (err == 0 && info.first > w->sequence) {
        return HWT_ERR_LOST;
    }
    w->sequence += lost;
    w->damaged += lost;
    return err == 0 ? HWT_ERR_AGAIN : err;
}

/* 1: the record begins before to_ms; 0: it does not, or cannot be read. */
static int is_before(const struct walk *w, const struct desk *desk, struct desk_cursor *c,
                     uint64_t sequence, int64_t to_ms)
{
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost;
    int r = hwt_tslog_cursor_open(&c->cursor, desk->snapshot, w->stream, sequence);

    if (r == 0) {
        r = hwt_tslog_cursor_next(&c->cursor, &schema, &record, &lost);
    }
    if (r < 1) {
        return r == HWT_ERR_LOST ? 0 : r;
    }
    return record->unix_ms != HWT_TIME_UNKNOWN && start_of(record) < to_ms;
}

/* Behind a record that begins long after the range: 1 if some later one may lie in it; `sequence`
 * is then where to go on. */
static int look_ahead(struct walk *w, struct desk *desk, struct desk_cursor *c, int64_t to_ms)
{
    uint64_t left = w->end - 1 - w->sequence; /* records behind that one */

    c->open = false;
    for (uint64_t jump = 1; left > 0; jump *= 2) {
        bool is_last = jump >= left;
        int r = is_before(w, desk, c, w->sequence + (is_last ? left : jump), to_ms);

        if (r < 0) {
            return r;
        }
        if (r == 1) {
            w->sequence += jump / 2 + 1; /* the one in the middle does not */
            return 1;
        }
        if (is_last) {
            break;
        }
    }
    w->sequence = w->end;
    return 0;
}

/* A record that begins behind the range: the end of the walk, or AGAIN. */
static int end_or_go_on(struct walk *w, struct desk *desk, struct desk_cursor *c, int64_t start_ms,
                        int64_t to_ms)
{
    int r;

    w->sequence--; /* of that record */
    if (start_ms - to_ms < FAR_MS) {
        w->sequence = w->end;
        return 0;
    }
    r = look_ahead(w, desk, c, to_ms);
    return r == 1 ? HWT_ERR_AGAIN : r;
}

int walk_next(struct walk *w, struct desk *desk, const struct plan *plan, struct walk_record *out)
{
    struct desk_cursor *c = desk_cursor(desk, w->stream);

    if (c == NULL) {
        return HWT_ERR_SPACE;
    }
    for (unsigned passed = 0; passed < PASSED_MAX; passed++) {
        const struct hwt_schema *schema;
        uint64_t lost = 0;
        int r = 0;

        if (w->sought && w->sequence >= w->end) {
            return 0;
        }
        if (!c->open) {
            r = open_cursor(w, desk, c, plan->from_ms);
        }
        if (r == 0) {
            r = hwt_tslog_cursor_next(&c->cursor, &schema, &out->record, &lost);
        }
        if (r == HWT_ERR_LOST && !w->sought) {
            continue; /* just sought, so damaged, not pruned; the cursor stands behind them */
        }
        if (r == HWT_ERR_LOST) {
            return judge_lost(w, desk, c, lost);
        }
        if (r <= 0) {
            w->sought = true;
            w->sequence = r == 0 ? w->end : w->sequence;
            return r;
        }
        w->sought = true;
        w->sequence = out->record->sequence + 1;
        out->start_ms = start_of(out->record);
        if (out->record->sequence >= w->end) {
            return 0;
        }
        if (out->start_ms >= plan->to_ms) {
            return end_or_go_on(w, desk, c, out->start_ms, plan->to_ms);
        }
        if (out->start_ms != HWT_TIME_UNKNOWN && out->start_ms >= plan->from_ms) {
            desk_map(c, plan, schema);
            out->at = c;
            if (c->has_any) {
                return 1;
            }
        }
    }
    return HWT_ERR_AGAIN;
}
