/*
 * index.c: the directory of a block as a page: a cache of its pages' headers.
 *
 *   header │ schemas u8 │ ids u32 each │ entries: page step, flags, sequence step, rows, from, span
 *
 *   header: sequence and ordinal of the block, its first record's wall time, entries
 *   entry:  varints; `page` and `sequence` count from the end of the entry before, `from` (zigzag)
 *           from its last start; flags: 1 unknown times, 2 no wall times, the schema's number x 4
 *
 * A directory that does not fit (wild times, many schemas) is not written: its block is then read
 * header by header.
 */
#include "core/tslog/internal.h"

enum { SCHEMAS_MAX = 60, NO_TIMES = 2, SCHEMA_SHIFT = 2 };

struct schemas {
    uint32_t id[SCHEMAS_MAX];
    unsigned count;
};

/* The schema's number, noted if new; SCHEMAS_MAX: too many. */
static unsigned schema_number(struct schemas *s, uint32_t id)
{
    unsigned i = 0;

    while (i < s->count && s->id[i] != id) {
        i++;
    }
    if (i == s->count && i < SCHEMAS_MAX) {
        s->id[s->count++] = id;
    }
    return i;
}

struct before { /* what an entry counts from */
    uint64_t first;
    int64_t ms;
    uint32_t page;
};

static void put_entry(struct hwt_writer *w, const struct hwt_tslog_dir_entry *e, unsigned schema,
                      struct before *b)
{
    bool timed = e->min_ms <= e->max_ms;

    hwt_put_varint(w, e->page - b->page);
    hwt_put_u8(w, (uint8_t)((e->flags & HWT_TSLOG_UNKNOWN_TIME) | (timed ? 0 : NO_TIMES) |
                            schema << SCHEMA_SHIFT));
    hwt_put_varint(w, e->first - b->first);
    hwt_put_varint(w, e->rows);
    if (timed) {
        hwt_put_varint(w, hwt_zigzag(hwt_wrap_sub(e->min_ms, b->ms)));
        hwt_put_varint(w, (uint64_t)hwt_wrap_sub(e->max_ms, e->min_ms));
        b->ms = e->max_ms;
    }
    b->page = e->page + 1u;
    b->first = e->first + e->rows;
}

uint32_t hwt_tslog_index_put(const struct hwt_tslog_dir *dir, uint32_t log,
                             const struct hwt_tslog_segment *segment, uint8_t page[HWT_TSLOG_PAGE])
{
    struct hwt_tslog_head head = hwt_tslog_head_new(log, HWT_TSLOG_INDEX, segment->stream);
    struct before before = {.first = segment->first};
    struct schemas schemas = {.count = 0};
    struct hwt_writer w;

    hwt_writer_init(&w, page + HWT_TSLOG_HEAD, HWT_TSLOG_ROOM);
    for (size_t i = 0; i < dir->count; i++) {
        if (schema_number(&schemas, dir->entry[i].schema) == SCHEMAS_MAX) {
            return 0;
        }
    }
    hwt_put_u8(&w, (uint8_t)schemas.count);
    for (unsigned i = 0; i < schemas.count; i++) {
        hwt_put_u32le(&w, schemas.id[i]);
    }
    for (size_t i = 0; i < dir->count; i++) {
        put_entry(&w, &dir->entry[i], schema_number(&schemas, dir->entry[i].schema), &before);
    }
    if (!w.ok) {
        return 0;
    }
    head.first = segment->first;
    head.generation = segment->ordinal;
    head.first_ms = dir->first_ms;
    head.rows = dir->count;
    head.used = (uint16_t)w.at;
    hwt_tslog_page_seal(page, &head);
    return hwt_tslog_page_crc(page);
}

static bool get_entry(struct hwt_reader *r, struct hwt_tslog_dir_entry *e,
                      const struct schemas *schemas, struct before *b)
{
    uint64_t page = hwt_get_varint(r);
    uint8_t flags = hwt_get_u8(r);
    uint64_t first = hwt_get_varint(r), rows = hwt_get_varint(r);

    if (!r->ok || page >= HWT_TSLOG_BLOCK_PAGES_MAX - b->page ||
        flags >> SCHEMA_SHIFT >= schemas->count || first > HWT_TSLOG_SEQUENCE_MAX - b->first ||
        rows < 1 || rows > HWT_TSLOG_ROWS_MAX) {
        return false;
    }
    *e = (struct hwt_tslog_dir_entry){
        .first = b->first + first,
        .min_ms = INT64_MAX,
        .max_ms = INT64_MIN,
        .schema = schemas->id[flags >> SCHEMA_SHIFT],
        .rows = (uint16_t)rows,
        .page = (uint16_t)(b->page + page),
        .flags = flags & HWT_TSLOG_UNKNOWN_TIME,
    };
    if ((flags & NO_TIMES) == 0) {
        e->min_ms = hwt_wrap_add(b->ms, hwt_unzigzag(hwt_get_varint(r)));
        e->max_ms = hwt_wrap_add(e->min_ms, (int64_t)hwt_get_varint(r));
        b->ms = e->max_ms;
    }
    b->page = e->page + 1u;
    b->first = e->first + e->rows;
    return r->ok;
}

int hwt_tslog_index_get(struct hwt_tslog_dir *dir_out, const struct hwt_tslog_place *place,
                        const uint8_t page[HWT_TSLOG_PAGE])
{
    struct hwt_tslog_dir *dir = dir_out;
    struct before before;
    struct schemas schemas;
    struct hwt_tslog_head head;
    struct hwt_reader r;

    hwt_tslog_dir_reset(dir, HWT_TSLOG_NO_BLOCK);
    if (place->index == 0 || hwt_tslog_page_crc(page) != place->index ||
        hwt_tslog_page_open(page, &head) != 0 || head.kind != HWT_TSLOG_INDEX ||
        head.log != place->log || head.stream != place->stream ||
        head.generation != place->ordinal || head.rows > HWT_TSLOG_BLOCK_PAGES_MAX) {
        return HWT_ERR_CORRUPT;
    }
    hwt_reader_init(&r, page + HWT_TSLOG_HEAD, head.used);
    schemas.count = hwt_get_u8(&r);
    if (schemas.count > SCHEMAS_MAX) {
        return HWT_ERR_CORRUPT;
    }
    for (unsigned i = 0; i < schemas.count; i++) {
        schemas.id[i] = hwt_get_u32le(&r);
    }
    before = (struct before){.first = head.first};
    for (size_t i = 0; i < head.rows; i++) {
        if (!get_entry(&r, &dir->entry[i], &schemas, &before) || before.first > place->limit ||
            before.page > place->pages) {
            return HWT_ERR_CORRUPT;
        }
    }
    dir->block = place->block;
    dir->count = head.rows;
    dir->first_ms = head.first_ms;
    return 0;
}
