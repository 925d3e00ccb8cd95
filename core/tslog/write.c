/*
 * write.c: append, promote, commit.
 *
 *   append: row ─▶ tail page in memory ─ full ─▶ promote: its final place in the stream's block
 *   commit: sync, if pages were promoted; the tail into the stream's other slot; sync
 *
 * A slot carries the generation of its commit, the set of slots written by it and the newest
 * generation known to be done; open takes a newer commit as done only if its whole set is there.
 * The slot that holds the commit before is never
 * touched, so a commit is there whole or not at all. A page in its final place beyond what the
 * slots tell is not part of the log.
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

/* --- streams --- */

static bool stream_exists(const struct hwt_tslog *log, int stream)
{
    return stream >= 0 && stream < HWT_TSLOG_STREAMS_MAX &&
           log->root.stream[stream].name[0] != '\0';
}

static bool stream_empty(const struct hwt_tslog_stream *st)
{
    return st->tail.first == 1 && st->tail.rows == 0;
}

static int stream_make(struct hwt_tslog *log, int s, const char *name,
                       enum hwt_provenance provenance)
{
    struct hwt_tslog_stream *st = &log->stream[s];

    memset(log->root.stream[s].name, 0, sizeof(log->root.stream[s].name));
    memcpy(log->root.stream[s].name, name, strlen(name));
    log->root.stream[s].provenance = (uint8_t)provenance;
    log->root_dirty = true;
    hwt_tslog_tail_reset(log, s, 1);
    st->block = HWT_TSLOG_NO_BLOCK;
    st->durable_block = HWT_TSLOG_NO_BLOCK;
    st->next_page = 0;
    hwt_tslog_dir_reset(&st->dir, HWT_TSLOG_NO_BLOCK);
    st->schema_placed = false;
    st->columns.count = 0;
    st->durable = 0;
    st->durable_ms = HWT_TIME_UNKNOWN;
    st->ready = true;
    st->dirty = true;
    return s;
}

int hwt_tslog_stream(struct hwt_tslog *log, const char *name, enum hwt_provenance provenance)
{
    bool own = strcmp(name, HWT_TSLOG_OWN) == 0;
    int s;

    if (!hwt_tslog_id_valid(name) || (unsigned)provenance >= HWT_PROVENANCE_COUNT) {
        return HWT_ERR_ARGUMENT;
    }
    for (s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        if (strcmp(log->root.stream[s].name, name) != 0) {
            continue;
        }
        if (log->root.stream[s].provenance == provenance) {
            return s;
        }
        if (!stream_empty(&log->stream[s])) {
            return HWT_ERR_ARGUMENT;
        }
        log->root.stream[s].provenance = (uint8_t)provenance;
        log->root_dirty = true;
        return s;
    }
    for (s = own ? 0 : 1; s < HWT_TSLOG_STREAMS_MAX && stream_exists(log, s); s++) {
    }
    return s < HWT_TSLOG_STREAMS_MAX ? stream_make(log, s, name, provenance) : HWT_ERR_SPACE;
}

int hwt_tslog_boot(struct hwt_tslog *log, uint32_t *boot_out)
{
    if (log->root.boot == UINT32_MAX) {
        return HWT_ERR_SPACE;
    }
    *boot_out = ++log->root.boot;
    log->root_dirty = true;
    return 0;
}

int hwt_tslog_anchor(struct hwt_tslog *log, int stream, const struct hwt_anchor *anchor)
{
    struct hwt_tslog_root *root = &log->root;
    size_t at, oldest = 0;

    if (!stream_exists(log, stream) || anchor->clock >= HWT_CLOCK_COUNT ||
        anchor->unix_ms == HWT_TIME_UNKNOWN) {
        return HWT_ERR_ARGUMENT;
    }
    for (at = 0; at < root->anchors; at++) {
        if (root->anchor[at].stream == stream && root->anchor[at].at.boot == anchor->boot) {
            break;
        }
        oldest = root->anchor[at].at.boot < root->anchor[oldest].at.boot ? at : oldest;
    }
    if (at == HWT_TSLOG_ANCHORS_MAX) {
        at = oldest;
    } else if (at == root->anchors) {
        root->anchors++;
    }
    root->anchor[at].at = *anchor;
    root->anchor[at].stream = (uint8_t)stream;
    log->root_dirty = true;
    return 0;
}

/* --- append --- */

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

    if (log->read_only || !stream_exists(log, stream) || !record_valid(schema, record)) {
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

/* --- commit --- */

static uint32_t oldest_ordinal(const struct hwt_tslog *log, int stream)
{
    for (uint32_t i = 0; i < log->segments; i++) {
        if (log->segment[i].stream == stream) {
            return log->segment[i].ordinal;
        }
    }
    return 0;
}

/* The directories of blocks that the tails go to, as pages: a cache, so that open need not read the
 * headers. They are in place before the slots that tell their checksums. */
static int write_indexes(struct hwt_tslog *log, uint16_t members)
{
    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        struct hwt_tslog_stream *st = &log->stream[s];
        int err;

        if ((members >> s & 1) == 0 || !st->index_dirty || st->block == HWT_TSLOG_NO_BLOCK) {
            continue;
        }
        st->index = hwt_tslog_index_put(&st->dir, log->log,
                                        &log->segment[hwt_tslog_segment_find(log, st->block)],
                                        log->scratch);
        if (st->index == 0) {
            continue;
        }
        log->unsynced = true;
        err =
            hwt_tslog_control_write(log, hwt_tslog_index_page(s, 1 - st->index_slot), log->scratch);
        if (err != 0) {
            return err;
        }
        st->index_written = true;
    }
    return 0;
}

static int write_amended(struct hwt_tslog *log, unsigned slot, uint16_t members)
{
    uint32_t page = hwt_tslog_slot_page(HWT_TSLOG_AMEND_MEMBER, slot);
    struct hwt_tslog_head head = {.flags = 0};
    size_t next = 0;
    int err = 0;

    for (unsigned part = 0; err == 0 && (head.flags & HWT_TSLOG_LAST_PART) == 0; part++) {
        head = hwt_tslog_head_new(log->log, HWT_TSLOG_AMEND, 0);
        next = hwt_tslog_amend_put(&log->amended, next, part, log->scratch, &head);
        head.next_block = log->next_block;
        head.generation = log->generation;
        head.settled = log->settled;
        head.members = members;
        hwt_tslog_page_seal(log->scratch, &head);
        err = hwt_tslog_control_write(log, page + part, log->scratch);
    }
    return err;
}

static int write_member(struct hwt_tslog *log, int member, unsigned slot, uint16_t members)
{
    struct hwt_tslog_head head;
    uint8_t *page = log->scratch;

    if (member == HWT_TSLOG_AMEND_MEMBER) {
        return write_amended(log, slot, members);
    }
    if (member == HWT_TSLOG_ROOT_MEMBER) {
        head = hwt_tslog_head_new(log->log, HWT_TSLOG_ROOT, 0);
        hwt_tslog_root_put(&log->root, page, &head);
    } else {
        const struct hwt_tslog_stream *st = &log->stream[member];

        page = log->stream[member].page;
        head = st->tail;
        head.place_block = st->block;
        head.place_page = (uint16_t)st->next_page;
        head.oldest = oldest_ordinal(log, member);
        head.index = st->index;
    }
    head.next_block = log->next_block;
    head.generation = log->generation;
    head.settled = log->settled;
    head.members = members;
    hwt_tslog_page_seal(page, &head);
    return hwt_tslog_control_write(log, hwt_tslog_slot_page(member, slot), page);
}

static uint16_t dirty_members(const struct hwt_tslog *log)
{
    unsigned m = (log->root_dirty ? 1u << HWT_TSLOG_ROOT_MEMBER : 0) |
                 (log->amended_dirty ? 1u << HWT_TSLOG_AMEND_MEMBER : 0);

    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        m |= log->stream[s].dirty || log->stream[s].moved ? 1u << s : 0;
    }
    return (uint16_t)m;
}

static unsigned member_slot(const struct hwt_tslog *log, int member)
{
    switch (member) {
    case HWT_TSLOG_ROOT_MEMBER:
        return log->root_slot;
    case HWT_TSLOG_AMEND_MEMBER:
        return log->amended_slot;
    default:
        return log->stream[member].slot;
    }
}

static int write_members(struct hwt_tslog *log, uint16_t members, uint16_t which)
{
    for (int m = 0; m < HWT_TSLOG_MEMBERS; m++) {
        if ((which >> m & 1) != 0) {
            int err = write_member(log, m, 1 - member_slot(log, m), members);

            if (err != 0) {
                return err;
            }
        }
    }
    return 0;
}

/* Notes that the members are durable in their other slot. Returns those to be written twice: the
 * root, the corrections, and streams whose tail is a new page, since without this one bad slot
 * would hide the page before it too. The second copy also tells that the commit is done. */
static uint16_t settle(struct hwt_tslog *log, uint16_t members)
{
    unsigned twice = 0;

    log->settled = log->generation;

    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        struct hwt_tslog_stream *st = &log->stream[s];

        if ((members >> s & 1) != 0) {
            st->slot = 1 - st->slot;
            st->durable = st->tail.first + st->tail.rows - 1;
            st->durable_ms = st->tail.last_ms;
            st->durable_block = st->block;
            twice |= st->moved ? 1u << s : 0;
            st->index_slot = st->index_written ? 1 - st->index_slot : st->index_slot;
            st->index_dirty = false;
            st->index_written = false;
            st->dirty = false;
            st->moved = false;
        }
    }
    if ((members >> HWT_TSLOG_ROOT_MEMBER & 1) != 0) {
        log->root_slot = 1 - log->root_slot;
        log->root_durable = log->root;
        log->root_dirty = false;
        twice |= 1u << HWT_TSLOG_ROOT_MEMBER;
    }
    if ((members >> HWT_TSLOG_AMEND_MEMBER & 1) != 0) {
        log->amended_slot = 1 - log->amended_slot;
        log->amended_durable = log->amended.count;
        log->amended_dirty = false;
        twice |= 1u << HWT_TSLOG_AMEND_MEMBER;
    }
    return (uint16_t)twice;
}

int hwt_tslog_commit(struct hwt_tslog *log)
{
    uint16_t members = dirty_members(log), twice;
    int err = 0;

    if (members == 0) {
        return 0;
    }
    err = write_indexes(log, members);
    if (err == 0 && log->unsynced) {
        err = hwt_tslog_sync(log);
    }
    if (err != 0) {
        return err;
    }
    log->generation++; /* also after a failure: no two attempts share one */
    err = write_members(log, members, members);
    err = err == 0 ? hwt_tslog_sync(log) : err;
    if (err != 0) {
        return err;
    }
    twice = settle(log, members);
    if (twice != 0 && (write_members(log, members, twice) != 0 || hwt_tslog_sync(log) != 0)) {
        /* The commit stands on its first copy; the next commit tries the second again. */
        for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
            log->stream[s].moved = log->stream[s].moved || (twice >> s & 1) != 0;
        }
        log->root_dirty = log->root_dirty || (twice >> HWT_TSLOG_ROOT_MEMBER & 1) != 0;
        log->amended_dirty = log->amended_dirty || (twice >> HWT_TSLOG_AMEND_MEMBER & 1) != 0;
    }
    return 0;
}

uint64_t hwt_tslog_durable(const struct hwt_tslog *log, int stream)
{
    return stream_exists(log, stream) ? log->stream[stream].durable : 0;
}

uint64_t hwt_tslog_pending(const struct hwt_tslog *log)
{
    uint64_t n = 0;

    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        const struct hwt_tslog_stream *st = &log->stream[s];

        n += stream_exists(log, s) ? st->tail.first + st->tail.rows - 1 - st->durable : 0;
    }
    return n;
}
