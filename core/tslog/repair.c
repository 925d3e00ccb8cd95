/*
 * repair.c: reads every page and mends what is stored twice or can be made anew.
 *
 *   superblock, slots, corrections   the other copy
 *   schema page                      its copy in the block, or the same schema in another block
 *   index page                       the headers, if they still make the same one
 *   page of records                  lost: told with its sequences, as far as the index has them
 *
 * A page is programmed again in place, which flash without erasing cannot do: then the device's
 * answer is what the caller gets, and nothing is worse than it was.
 */
#include "core/tslog/internal.h"

enum { SCHEMA_PARTS_MAX = 3 };

_Static_assert(HWT_CHANNELS_MAX *HWT_TSLOG_CHANNEL_MAX <=
                   SCHEMA_PARTS_MAX *
                       (HWT_TSLOG_ROOM - HWT_TSLOG_CHAIN_ROOM - 4 - HWT_TSLOG_CHANNEL_MAX),
               "the largest schema takes so many pages");

struct repair {
    struct hwt_tslog *log;
    struct hwt_tslog_cursor *work;
    void (*report)(void *ctx, const struct hwt_tslog_page_report *page);
    void *ctx;
    uint32_t segment;
    int damaged; /* that stay so */
};

static void tell(struct repair *r, const struct hwt_tslog_page_report *page)
{
    r->damaged += page->state == HWT_TSLOG_PAGE_DAMAGED;
    r->report(r->ctx, page);
}

/* --- the control area --- */

static int page_good(struct hwt_tslog *log, uint32_t page, bool *good_out)
{
    struct hwt_tslog_head head;
    int err = hwt_tslog_control_read(log, page, log->scratch);

    *good_out = err == 0 && hwt_tslog_page_open(log->scratch, &head) == 0;
    return err;
}

/* Sees to it that the next commit writes both slots of the member. */
static void write_again(struct hwt_tslog *log, int member)
{
    switch (member) {
    case HWT_TSLOG_ROOT_MEMBER:
        log->root_dirty = true;
        break;
    case HWT_TSLOG_AMEND_MEMBER:
        log->amended_dirty = log->amended.count > 0;
        break;
    default:
        log->stream[member].moved = true;
    }
}

static int look_at_member(struct hwt_tslog *log, int member)
{
    unsigned pages = 1;
    int err = 0;

    if (member == HWT_TSLOG_AMEND_MEMBER) {
        pages = hwt_tslog_amend_parts(&log->amended);
    } else if (member != HWT_TSLOG_ROOT_MEMBER && log->root.stream[member].name[0] == '\0') {
        return 0;
    }
    for (unsigned i = 0; err == 0 && i < 2 * pages; i++) {
        bool good;

        err = page_good(log, hwt_tslog_slot_page(member, i % 2) + i / 2, &good);
        if (err == 0 && !good) {
            write_again(log, member);
        }
    }
    return err;
}

static int look_at_index(struct hwt_tslog *log, int stream)
{
    struct hwt_tslog_stream *st = &log->stream[stream];
    bool good;
    int err;

    if (st->block == HWT_TSLOG_NO_BLOCK || (st->index == 0 && !st->index_dirty)) {
        return 0;
    }
    err = page_good(log, hwt_tslog_index_page(stream, st->index_slot), &good);
    if (err == 0 && (!good || hwt_tslog_page_crc(log->scratch) != st->index)) {
        st->index_dirty = true;
        st->dirty = true;
    }
    return err;
}

/* Blanks a damaged page that is in no use any more; tells of it, and of those mended before. */
static int clear_control(struct repair *r, uint32_t page)
{
    struct hwt_tslog *log = r->log;
    struct hwt_tslog_page_report p = {
        .block = page / log->pages, .page = page % log->pages, .state = HWT_TSLOG_PAGE_MENDED};
    bool good, was_bad = (log->control_bad >> page & 1) != 0;
    int err = page_good(log, page, &good);

    if (err == 0 && !good && !hwt_tslog_page_blank(log->scratch)) {
        was_bad = true;
        memset(log->scratch, 0, sizeof(log->scratch));
        log->unsynced = true;
        err = hwt_tslog_control_write(log, page, log->scratch);
    }
    if (err == 0 && was_bad) {
        tell(r, &p);
    }
    return err;
}

/* Open has mended the superblock and blanked torn slots; what has one copy now gets two. Damaged
 * pages left are in no use: they are blanked. */
static int mend_control(struct repair *r)
{
    struct hwt_tslog *log = r->log;
    int err = 0;

    for (int m = 0; err == 0 && m < HWT_TSLOG_MEMBERS; m++) {
        err = look_at_member(log, m);
    }
    for (int s = 0; err == 0 && s < HWT_TSLOG_STREAMS_MAX; s++) {
        err = look_at_index(log, s);
    }
    err = err == 0 ? hwt_tslog_commit(log) : err;
    for (uint32_t n = 0; err == 0 && n < HWT_TSLOG_CONTROL_PAGES; n++) {
        err = clear_control(r, n);
    }
    log->control_bad = err == 0 ? 0 : log->control_bad;
    return err;
}

/* --- blocks --- */

static int read_into(struct hwt_tslog *log, uint32_t block, uint32_t page, uint8_t *buf)
{
    return log->bd.read(log->bd.ctx, block, page * HWT_TSLOG_PAGE, buf, HWT_TSLOG_PAGE);
}

static int write_mended(struct repair *r, uint32_t page, const uint8_t *buf, uint8_t *state_out)
{
    int err = hwt_tslog_block_write(r->log, r->log->segment[r->segment].block, page, buf);

    if (err == 0) {
        *state_out = HWT_TSLOG_PAGE_MENDED;
    }
    return err;
}

/* A good schema page of this block's life into log->scratch, with all its columns in the cursor. */
static bool schema_at(struct repair *r, uint32_t page)
{
    struct hwt_tslog *log = r->log;
    const struct hwt_tslog_segment *s = &log->segment[r->segment];
    struct hwt_tslog_head head;

    if (page >= log->pages || read_into(log, s->block, page, log->scratch) != 0 ||
        hwt_tslog_page_open(log->scratch, &head) != 0 || head.kind != HWT_TSLOG_SCHEMA ||
        head.log != log->log || head.stream != s->stream || head.generation != s->ordinal) {
        return false;
    }
    if (hwt_tslog_columns_load(&log->bd, log->log, s->block, head.schema, r->work->page,
                               &r->work->columns) != 0) {
        return false;
    }
    return read_into(log, s->block, page, log->scratch) == 0;
}

/* The copy of schema page `page` is as many pages before or behind it as the schema has. */
static int mend_schema(struct repair *r, uint32_t page, uint8_t *state_out)
{
    for (uint32_t parts = 1; parts <= SCHEMA_PARTS_MAX; parts++) {
        const uint32_t at[2] = {page - parts, page + parts};

        for (unsigned k = 0; k < 2; k++) {
            if (schema_at(r, at[k]) && hwt_tslog_columns_parts(&r->work->columns) == parts) {
                return write_mended(r, page, r->log->scratch, state_out);
            }
        }
    }
    return 0;
}

/* Both copies at the start of a block are lost: the records behind them tell the schema's name, and
 * another block of the stream may have it. */
static int remake_schema(struct repair *r, uint32_t page, uint8_t *state_out)
{
    struct hwt_tslog *log = r->log;
    const struct hwt_tslog_segment *s = &log->segment[r->segment];
    struct hwt_tslog_head head = hwt_tslog_head_new(log->log, HWT_TSLOG_SCHEMA, s->stream);
    int err = HWT_ERR_NOT_FOUND;
    unsigned parts;

    for (uint32_t i = 0; r->work->dir.count > 0 && err == HWT_ERR_NOT_FOUND && i < log->segments;
         i++) {
        if (log->segment[i].stream == s->stream) {
            err = hwt_tslog_columns_load(&log->bd, log->log, log->segment[i].block,
                                         r->work->dir.entry[0].schema, r->work->page,
                                         &r->work->columns);
        }
    }
    if (err != 0) {
        return err == HWT_ERR_NOT_FOUND ? 0 : err;
    }
    parts = hwt_tslog_columns_parts(&r->work->columns);
    if (page >= HWT_TSLOG_SCHEMA_COPIES * parts) {
        return 0;
    }
    head.first = s->first;
    head.generation = s->ordinal;
    hwt_tslog_columns_put(&r->work->columns, page % parts, log->scratch, &head);
    if (page % parts == 0) {
        hwt_tslog_chain_put(log, r->segment, log->scratch, &head);
    }
    hwt_tslog_page_seal(log->scratch, &head);
    return write_mended(r, page, log->scratch, state_out);
}

/* The directory from the headers, if it makes the index that is meant. */
static int mend_index(struct repair *r, struct hwt_tslog_place *place, uint8_t *state_out)
{
    struct hwt_tslog *log = r->log;
    const struct hwt_tslog_segment *s = &log->segment[r->segment];
    int err;

    place->index = 0;
    err = hwt_tslog_dir_load(&r->work->dir, &log->bd, place, log->scratch);
    place->index = s->index;
    if (err == 0 && s->index != 0 &&
        hwt_tslog_index_put(&r->work->dir, log->log, s, log->scratch) == s->index) {
        err = write_mended(r, log->pages - 1, log->scratch, state_out);
    }
    return err;
}

static const struct hwt_tslog_dir_entry *entry_of(const struct hwt_tslog_dir *dir, uint32_t page)
{
    for (size_t i = 0; i < dir->count; i++) {
        if (dir->entry[i].page == page) {
            return &dir->entry[i];
        }
    }
    return NULL;
}

/* Tries to mend a page that verify found damaged. */
static int mend_page(struct repair *r, struct hwt_tslog_place *place,
                     struct hwt_tslog_page_report *p)
{
    const struct hwt_tslog_dir_entry *entry = entry_of(&r->work->dir, p->page);
    int err = 0;

    if (entry != NULL) {
        p->stream = (uint8_t)place->stream;
        p->first = entry->first;
        p->rows = entry->rows;
        return 0;
    }
    if (p->page == r->log->pages - 1) {
        return mend_index(r, place, &p->state);
    }
    err = mend_schema(r, p->page, &p->state);
    if (err == 0 && p->state == HWT_TSLOG_PAGE_DAMAGED) {
        err = remake_schema(r, p->page, &p->state);
    }
    return err;
}

static int page_state(struct repair *r, uint32_t block, uint32_t page, bool *damaged_out)
{
    struct hwt_tslog_head head;
    uint8_t *buf = r->work->page;
    int err = read_into(r->log, block, page, buf);

    *damaged_out = err == 0 && hwt_tslog_page_open(buf, &head) != 0 && !hwt_tslog_page_blank(buf);
    return err;
}

static int mend_segment(struct repair *r)
{
    struct hwt_tslog *log = r->log;
    const struct hwt_tslog_segment *s = &log->segment[r->segment];
    struct hwt_tslog_place place = {
        .log = log->log,
        .block = s->block,
        .pages = log->pages,
        .ordinal = s->ordinal,
        .index = s->index,
        .stream = s->stream,
        .limit = hwt_tslog_segment_limit(log->segment, log->segments, r->segment,
                                         log->stream[s->stream].tail.first),
    };
    int err = 0;

    if (s->block == log->stream[s->stream].block) {
        hwt_tslog_dir_copy(&log->stream[s->stream].dir, &r->work->dir);
    } else {
        err = hwt_tslog_dir_load(&r->work->dir, &log->bd, &place, log->scratch);
    }
    for (uint32_t n = 0; err == 0 && n < log->pages; n++) {
        struct hwt_tslog_page_report p = {
            .block = s->block, .page = n, .state = HWT_TSLOG_PAGE_DAMAGED};
        bool damaged;

        err = page_state(r, s->block, n, &damaged);
        if (err == 0 && damaged) {
            err = mend_page(r, &place, &p);
            if (err == 0) {
                tell(r, &p);
            }
        }
    }
    return err;
}

int hwt_tslog_repair(struct hwt_tslog *log, struct hwt_tslog_cursor *work,
                     void (*report)(void *ctx, const struct hwt_tslog_page_report *page), void *ctx)
{
    struct repair r = {.log = log, .work = work, .report = report, .ctx = ctx};
    int err;

    if (log->read_only) {
        return HWT_ERR_ARGUMENT;
    }
    err = mend_control(&r);
    for (r.segment = 0; err == 0 && r.segment < log->segments; r.segment++) {
        err = mend_segment(&r);
    }
    if (err == 0 && log->unsynced) {
        err = hwt_tslog_sync(log);
    }
    return err == 0 ? r.damaged : err;
}
