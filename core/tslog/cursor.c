/*
 * cursor.c: records in order of sequence; gaps are told, not skipped.
 */
#include "core/tslog/internal.h"

void hwt_tslog_cursor_init(struct hwt_tslog_cursor *cursor,
                           const struct hwt_tslog_snapshot *snapshot, int stream)
{
    cursor->snapshot = snapshot;
    cursor->stream = stream;
    cursor->sequence = 1;
    cursor->page_end = 0;
    cursor->row = 0;
    cursor->dir.block = HWT_TSLOG_NO_BLOCK;
    cursor->columns.count = 0;
    cursor->fixes = 0;
    cursor->stored = false;
}

void hwt_tslog_cursor_stored(struct hwt_tslog_cursor *cursor, bool stored)
{
    cursor->stored = stored;
    cursor->page_end = 0;
}

/* --- pages --- */

int hwt_tslog_cursor_dir(struct hwt_tslog_cursor *cursor, uint32_t segment)
{
    const struct hwt_tslog_snapshot *s = cursor->snapshot;
    struct hwt_tslog_place place = {
        .log = s->log,
        .block = s->segment[segment].block,
        .pages = s->pages,
        .ordinal = s->segment[segment].ordinal,
        .index = s->segment[segment].index,
        .stream = cursor->stream,
        .limit = hwt_tslog_segment_limit(s->segment, s->segments, segment,
                                         s->stream[cursor->stream].tail.first),
    };

    if (cursor->dir.block == place.block) {
        return 0;
    }
    if (place.block == s->stream[cursor->stream].block) {
        hwt_tslog_dir_copy(&s->dir[cursor->stream], &cursor->dir);
        return 0;
    }
    cursor->page_end = 0;
    return hwt_tslog_dir_load(&cursor->dir, &s->bd, &place, cursor->page);
}

/* The schema, with page[] as work space: call it before the page is read. */
static int need_columns(struct hwt_tslog_cursor *c, uint32_t block, uint32_t id)
{
    int err;

    if (c->columns.count > 0 && c->columns.id == id) {
        return 0;
    }
    err =
        hwt_tslog_columns_load(&c->snapshot->bd, c->snapshot->log, block, id, c->page, &c->columns);
    c->schema = (struct hwt_schema){c->columns.channel, c->columns.count};
    return err == HWT_ERR_NOT_FOUND ? HWT_ERR_CORRUPT : err;
}

static void begin_rows(struct hwt_tslog_cursor *c, uint64_t first, unsigned rows, uint16_t used)
{
    uint64_t end = c->snapshot->stream[c->stream].durable + 1;

    hwt_tslog_rows_begin(&c->rows, NULL, &c->columns);
    c->row = first;
    c->page_end = first + rows < end ? first + rows : end;
    c->used = used;
    hwt_tslog_correct_begin(c, first, c->page_end);
}

int hwt_tslog_cursor_page(struct hwt_tslog_cursor *cursor, const struct hwt_tslog_dir_entry *entry)
{
    const struct hwt_tslog_snapshot *s = cursor->snapshot;
    struct hwt_tslog_head head;
    int err = need_columns(cursor, cursor->dir.block, entry->schema);

    cursor->page_end = 0;
    if (err == 0) {
        err = s->bd.read(s->bd.ctx, cursor->dir.block, (uint32_t)entry->page * HWT_TSLOG_PAGE,
                         cursor->page, HWT_TSLOG_PAGE);
    }
    if (err != 0) {
        return err;
    }
    if (hwt_tslog_page_open(cursor->page, &head) != 0 || head.log != s->log ||
        head.kind != HWT_TSLOG_DATA || head.stream != cursor->stream ||
        head.first != entry->first || head.rows != entry->rows || head.schema != entry->schema) {
        return HWT_ERR_CORRUPT;
    }
    begin_rows(cursor, head.first, head.rows, head.used);
    return 0;
}

int hwt_tslog_cursor_tail(struct hwt_tslog_cursor *cursor)
{
    const struct hwt_tslog_snapshot *s = cursor->snapshot;
    const struct hwt_tslog_head *tail = &s->stream[cursor->stream].tail;
    int err = s->stream[cursor->stream].block == HWT_TSLOG_NO_BLOCK
                  ? HWT_ERR_CORRUPT
                  : need_columns(cursor, s->stream[cursor->stream].block, tail->schema);

    cursor->page_end = 0;
    if (err == 0) {
        memcpy(cursor->page, s->page[cursor->stream], HWT_TSLOG_PAGE);
        begin_rows(cursor, tail->first, tail->rows, tail->used);
    }
    return err;
}

/* A record without wall time gets it from its boot's anchor, if there is one. */
static void resolve_time(const struct hwt_tslog_cursor *c, struct hwt_record *record)
{
    const struct hwt_tslog_root *root = &c->snapshot->root;

    for (size_t i = 0; record->unix_ms == HWT_TIME_UNKNOWN && i < root->anchors; i++) {
        const struct hwt_anchor *a = &root->anchor[i].at;

        if (root->anchor[i].stream == c->stream && a->boot == record->boot) {
            record->unix_ms =
                hwt_wrap_add(a->unix_ms, hwt_wrap_sub(record->mono_us, a->mono_us) / 1000);
            record->clock = a->clock;
        }
    }
}

int hwt_tslog_cursor_row(struct hwt_tslog_cursor *cursor)
{
    if (cursor->row >= cursor->page_end) {
        return 0;
    }
    if (hwt_tslog_row_get(&cursor->rows, NULL, cursor->page + HWT_TSLOG_HEAD, cursor->used,
                          cursor->value, &cursor->record) != 0) {
        cursor->page_end = 0;
        return HWT_ERR_CORRUPT;
    }
    cursor->record.sequence = cursor->row++;
    resolve_time(cursor, &cursor->record);
    if (cursor->fixes > 0) {
        hwt_tslog_correct_row(cursor);
    }
    return 1;
}

/* --- by sequence --- */

int hwt_tslog_cursor_open(struct hwt_tslog_cursor *cursor,
                          const struct hwt_tslog_snapshot *snapshot, int stream, uint64_t sequence)
{
    bool has = hwt_tslog_snapshot_has(snapshot, stream);
    uint64_t last = has ? snapshot->stream[stream].durable : 0;

    if ((!has && stream != 0) || sequence < 1 || sequence > last + 1) {
        return HWT_ERR_ARGUMENT;
    }
    hwt_tslog_cursor_init(cursor, snapshot, stream);
    cursor->sequence = sequence;
    return 0;
}

/* The stream's last segment that starts at or before the sequence; `segments` if none does.
 * *after_out is the first sequence of the one behind it, or of the tail. */
static uint32_t find_segment(const struct hwt_tslog_cursor *c, uint64_t *after_out)
{
    const struct hwt_tslog_snapshot *s = c->snapshot;
    uint32_t found = s->segments, low = 0, high = s->segments;

    while (low < high) { /* the first segment behind (stream, sequence) */
        uint32_t mid = low + (high - low) / 2;
        const struct hwt_tslog_segment *m = &s->segment[mid];

        if (m->stream < c->stream || (m->stream == c->stream && m->first <= c->sequence)) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    if (low > 0 && s->segment[low - 1].stream == c->stream) {
        found = low - 1;
    }
    *after_out = low < s->segments && s->segment[low].stream == c->stream
                     ? s->segment[low].first
                     : s->stream[c->stream].tail.first;
    return found;
}

/* Opens the page that holds the sequence. NOT_FOUND: there is none; *after_out is where to go on.
 */
static int open_at(struct hwt_tslog_cursor *c, uint64_t *after_out)
{
    const struct hwt_tslog_head *tail = &c->snapshot->stream[c->stream].tail;
    uint32_t segment;
    int err;

    if (c->sequence >= tail->first) {
        *after_out = tail->first + tail->rows;
        return c->sequence < *after_out ? hwt_tslog_cursor_tail(c) : HWT_ERR_NOT_FOUND;
    }
    segment = find_segment(c, after_out);
    if (segment == c->snapshot->segments) {
        return HWT_ERR_NOT_FOUND;
    }
    err = hwt_tslog_cursor_dir(c, segment);
    for (size_t i = 0; err == 0 && i < c->dir.count; i++) {
        const struct hwt_tslog_dir_entry *e = &c->dir.entry[i];

        if (e->first > c->sequence) {
            *after_out = e->first;
            return HWT_ERR_NOT_FOUND;
        }
        if (c->sequence - e->first < e->rows) {
            *after_out = e->first + e->rows;
            return hwt_tslog_cursor_page(c, e);
        }
    }
    return err == 0 ? HWT_ERR_NOT_FOUND : err;
}

/* Records up to before `after` cannot be had. */
static int tell_lost(struct hwt_tslog_cursor *c, uint64_t after, uint64_t *lost_out)
{
    uint64_t end = c->snapshot->stream[c->stream].durable + 1;

    after = after < end && after > c->sequence ? after : end;
    *lost_out = after - c->sequence;
    c->sequence = after;
    c->page_end = 0;
    return HWT_ERR_LOST;
}

int hwt_tslog_cursor_next(struct hwt_tslog_cursor *cursor, const struct hwt_schema **schema_out,
                          const struct hwt_record **record_out, uint64_t *lost_out)
{
    struct hwt_tslog_cursor *c = cursor;
    uint64_t after = c->page_end;
    int err;

    if (!hwt_tslog_snapshot_has(c->snapshot, c->stream) ||
        c->sequence > c->snapshot->stream[c->stream].durable) {
        return 0;
    }
    if (c->sequence < c->row || c->sequence >= c->page_end) {
        err = open_at(c, &after);
        if (err == HWT_ERR_NOT_FOUND || err == HWT_ERR_CORRUPT) {
            return tell_lost(c, after, lost_out);
        }
        if (err != 0) {
            return err;
        }
    }
    do {
        err = hwt_tslog_cursor_row(c);
    } while (err == 1 && c->record.sequence < c->sequence);
    if (err != 1) {
        return tell_lost(c, after, lost_out);
    }
    c->sequence++;
    *schema_out = &c->schema;
    *record_out = &c->record;
    return 1;
}

/* --- by time --- */

static bool may_hold(const struct hwt_tslog_cursor *c, int64_t max_ms, unsigned flags,
                     int64_t from_ms)
{
    return max_ms >= from_ms ||
           ((flags & HWT_TSLOG_UNKNOWN_TIME) != 0 && c->snapshot->root.anchors > 0);
}

/* The first record of the open page that starts at or after from_ms; false if none does. */
static bool seek_in_page(struct hwt_tslog_cursor *c, int64_t from_ms)
{
    while (hwt_tslog_cursor_row(c) == 1) {
        int64_t start = hwt_tslog_start_ms(&c->record);

        if (start != HWT_TIME_UNKNOWN && start >= from_ms) {
            return true;
        }
    }
    return false;
}

/* 1: found; 0: not in this segment. */
static int seek_in_segment(struct hwt_tslog_cursor *c, uint32_t segment, int64_t from_ms)
{
    int err = hwt_tslog_cursor_dir(c, segment);

    for (size_t i = 0; err == 0 && i < c->dir.count; i++) {
        const struct hwt_tslog_dir_entry *e = &c->dir.entry[i];

        if (may_hold(c, e->max_ms, e->flags, from_ms)) {
            err = hwt_tslog_cursor_page(c, e);
            if (err == 0 && seek_in_page(c, from_ms)) {
                return 1;
            }
            err = err == HWT_ERR_CORRUPT ? 0 : err;
        }
    }
    return err;
}

int hwt_tslog_cursor_seek(struct hwt_tslog_cursor *cursor,
                          const struct hwt_tslog_snapshot *snapshot, int stream, int64_t from_ms)
{
    int found = 0, err = hwt_tslog_cursor_open(cursor, snapshot, stream, 1);

    if (err != 0) {
        return err;
    }
    for (uint32_t i = 0; found == 0 && i < snapshot->segments; i++) {
        const struct hwt_tslog_segment *s = &snapshot->segment[i];

        if (s->stream == stream && may_hold(cursor, s->max_ms, s->flags, from_ms)) {
            found = seek_in_segment(cursor, i, from_ms);
        }
    }
    if (found == 0 && snapshot->stream[stream].tail.rows > 0) {
        err = hwt_tslog_cursor_tail(cursor);
        found = err == 0 && seek_in_page(cursor, from_ms);
    }
    if (found < 0) {
        return found;
    }
    cursor->page_end = 0;
    cursor->sequence = found == 1 ? cursor->record.sequence : snapshot->stream[stream].durable + 1;
    return err == HWT_ERR_CORRUPT ? 0 : err;
}
