/*
 * write.c: records in: a row into the stream's tail page in memory; a full one, or one of an older
 * schema, is promoted: it goes to its final place in the stream's block.
 */
#include "core/tslog/internal.h"

static void empty_tail(struct hwt_tslog *log, int stream, uint64_t first)
{
    struct hwt_tslog_stream *st = &log->stream[stream];

    st->tail = hwt_tslog_head_new(log->log, HWT_TSLOG_TAIL, stream);
    st->tail.first = first;
    memset(st->page, 0, sizeof(st->page));
}

void hwt_tslog_tail_reset(struct hwt_tslog *log, int stream, uint64_t first)
{
    struct hwt_tslog_stream *st = &log->stream[stream];

    empty_tail(log, stream, first);
    hwt_tslog_rows_begin(&st->rows, st->trial, &st->columns);
}

/* Takes the tail found at open apart, so that rows can be added to it. */
static int load_tail(struct hwt_tslog *log, struct hwt_tslog_stream *st)
{
    struct hwt_value value[HWT_CHANNELS_MAX];
    struct hwt_record record = {.sequence = 0};
    uint8_t *content = st->page + HWT_TSLOG_HEAD;
    int err = st->block == HWT_TSLOG_NO_BLOCK
                  ? HWT_ERR_NOT_FOUND
                  : hwt_tslog_columns_load(&log->bd, log->log, st->block, st->tail.schema,
                                           log->scratch, &st->columns);

    hwt_tslog_rows_begin(&st->rows, st->trial, &st->columns);
    for (unsigned i = 0; err == 0 && i < st->tail.rows; i++) {
        err = hwt_tslog_row_get(&st->rows, st->trial, content, st->tail.used, value, &record);
    }
    if (err == 0 && !hwt_tslog_rows_whole(&st->rows)) {
        err = HWT_ERR_CORRUPT;
    }
    return err;
}

/* Whether the page of the tail's block was programmed. */
static int page_used(struct hwt_tslog *log, const struct hwt_tslog_stream *st, uint32_t page,
                     bool *used_out)
{
    int err =
        log->bd.read(log->bd.ctx, st->block, page * HWT_TSLOG_PAGE, log->scratch, HWT_TSLOG_PAGE);

    *used_out = err == 0 && !hwt_tslog_page_blank(log->scratch);
    return err;
}

/* Pages behind the tail's place may be left from a commit that was cut: none is programmed twice.
 * Of those that were not synced, at most FRESH_MAX, any may be missing; behind as many blank ones
 * there are no more. The last page is the index's. */
static int skip_used_pages(struct hwt_tslog *log, struct hwt_tslog_stream *st)
{
    uint32_t last = log->pages - 1, blank = 0;
    bool used;
    int err = page_used(log, st, last, &used);

    st->closed = used;
    for (uint32_t p = st->next_page; err == 0 && p < last && blank < HWT_TSLOG_FRESH_MAX; p++) {
        err = page_used(log, st, p, &used);
        blank = used ? 0 : blank + 1;
        st->next_page = used ? p + 1 : st->next_page;
    }
    if (st->closed) {
        st->next_page = log->pages;
    }
    return err;
}

/* The tail, full or of an old schema, goes to its final place. */
static int promote(struct hwt_tslog *log, int stream)
{
    struct hwt_tslog_stream *st = &log->stream[stream];
    struct hwt_tslog_head head = st->tail;
    struct hwt_tslog_segment *segment;
    int err = hwt_tslog_place(log, stream);

    if (err != 0) {
        return err;
    }
    segment = &log->segment[hwt_tslog_segment_find(log, st->block)];
    head.kind = HWT_TSLOG_DATA;
    head.generation = segment->ordinal;
    head.place_block = HWT_TSLOG_NO_BLOCK;
    head.next_block = HWT_TSLOG_NO_BLOCK;
    head.place_page = head.members = 0;
    head.oldest = head.index = 0;
    head.settled = 0;
    hwt_tslog_page_seal(st->page, &head);
    err = hwt_tslog_block_write(log, st->block, st->next_page, st->page);
    if (err != 0) {
        return err;
    }
    hwt_tslog_dir_add(&st->dir, &head, st->next_page);
    st->index_dirty = true;
    segment->first_ms = st->dir.first_ms;
    segment->min_ms = head.min_ms < segment->min_ms ? head.min_ms : segment->min_ms;
    segment->max_ms = head.max_ms > segment->max_ms ? head.max_ms : segment->max_ms;
    segment->flags |= head.flags & HWT_TSLOG_UNKNOWN_TIME;
    st->next_page++;
    st->moved = true;
    empty_tail(log, stream, head.first + head.rows);
    hwt_tslog_rows_next(&st->rows, st->trial);
    st->tail.last_ms = head.last_ms; /* until the next row: the stream's last */
    return 0;
}

/* Sequences that were given before, but whose records a damaged slot has lost. */
static int skip_sequences(struct hwt_tslog *log, int stream)
{
    struct hwt_tslog_stream *st = &log->stream[stream];
    int64_t last_ms;
    int err;

    if (st->next <= st->tail.first + st->tail.rows) {
        return 0;
    }
    err = st->tail.rows > 0 ? promote(log, stream) : 0;
    if (err == 0) {
        last_ms = st->tail.last_ms;
        empty_tail(log, stream, st->next);
        st->tail.last_ms = last_ms;
        st->moved = true;
    }
    return err;
}

int hwt_tslog_ready(struct hwt_tslog *log, int stream)
{
    struct hwt_tslog_stream *st = &log->stream[stream];
    int err = 0;

    if (st->ready) {
        return 0;
    }
    st->columns.count = 0;
    st->schema_placed = false;
    if (st->tail.rows > 0) {
        err = load_tail(log, st);
        st->schema_placed = err == 0;
    }
    if (err == HWT_ERR_NOT_FOUND || err == HWT_ERR_CORRUPT) { /* its records are lost */
        log->recovery.pages_bad++;
        st->columns.count = 0;
        hwt_tslog_tail_reset(log, stream, st->tail.first + st->tail.rows);
        st->moved = true;
        err = 0;
    }
    if (err == 0 && st->block != HWT_TSLOG_NO_BLOCK) {
        err = skip_used_pages(log, st);
    }
    err = err == 0 ? skip_sequences(log, stream) : err;
    st->ready = err == 0;
    return err;
}

static int change_schema(struct hwt_tslog *log, int stream, const struct hwt_schema *schema)
{
    struct hwt_tslog_stream *st = &log->stream[stream];
    int err = st->tail.rows > 0 ? promote(log, stream) : 0;

    if (err == 0) {
        err = hwt_tslog_columns_set(&st->columns, schema);
        hwt_tslog_rows_begin(&st->rows, st->trial, &st->columns);
        st->schema_placed = false;
    }
    return err;
}

static bool record_valid(const struct hwt_schema *schema, const struct hwt_record *record)
{
    if (schema->count != record->count || record->count < 1 || record->count > HWT_CHANNELS_MAX ||
        record->span_ms == 0 || record->clock >= HWT_CLOCK_COUNT) {
        return false;
    }
    for (size_t i = 0; i < record->count; i++) {
        if (record->value[i].quality >= HWT_QUALITY_COUNT) {
            return false;
        }
    }
    return true;
}

/* Adds the row to the tail. SPACE: the page is full. */
static int add_row(struct hwt_tslog_stream *st, const struct hwt_record *record)
{
    int err = hwt_tslog_row_put(&st->rows, st->trial, record, st->page + HWT_TSLOG_HEAD);

    if (err != 0) {
        return err;
    }
    hwt_tslog_head_add_time(&st->tail, record);
    st->tail.schema = st->columns.id;
    st->tail.used = (uint16_t)((st->rows.at + 7) / 8);
    st->tail.rows++;
    return 0;
}

int hwt_tslog_append(struct hwt_tslog *log, int stream, const struct hwt_schema *schema,
                     const struct hwt_record *record, uint64_t *sequence_out)
{
    struct hwt_tslog_stream *st;
    int err;

    if (log->read_only || !hwt_tslog_stream_exists(log, stream) || !record_valid(schema, record)) {
        return HWT_ERR_ARGUMENT;
    }
    st = &log->stream[stream];
    err = hwt_tslog_ready(log, stream);
    if (err == 0 && !hwt_tslog_columns_equal(&st->columns, schema)) {
        err = change_schema(log, stream, schema);
    }
    err = err == 0 ? hwt_tslog_place(log, stream) : err;
    if (err != 0) {
        return err;
    }
    err = add_row(st, record);
    if (err == HWT_ERR_SPACE) {
        err = promote(log, stream);
        err = err == 0 ? hwt_tslog_place(log, stream) : err;
        err = err == 0 ? add_row(st, record) : err;
    }
    if (err == 0) {
        st->dirty = true;
        *sequence_out = st->tail.first + st->tail.rows - 1;
    }
    return err;
}
