/*
 * roll_sheet.c: sheets, read. docs/LOG_FORMAT.md has the bytes.
 *
 *   head 96 │ index: id, quantity, offset of each │ common part │ channel │ channel …
 *                                                     head of a channel │ days │ hours │ quarters
 */
#include "core/base/crc32c.h"
#include "core/base/quantity.h"
#include "core/tslog/roll.h"

enum { READ_AHEAD = 2048, CHANNEL_HEAD_MAX = 1 + 3 * 10 + 3 * (2 + 2 * HWT_ROLL_COLUMNS) + 4 };

static const uint8_t magic[4] = {'H', 'W', 'T', 'R'};

/* --- head --- */

uint32_t hwt_roll_seed(uint32_t log, const struct hwt_rollup_sheet *sheet)
{
    uint8_t b[8 + 4 + 4];
    struct hwt_writer w;

    hwt_writer_init(&w, b, sizeof(b));
    hwt_put_u32le(&w, log);
    hwt_put_u32le(&w, sheet->ordinal);
    hwt_put_u64le(&w, sheet->first);
    return hwt_crc32c(0, b, sizeof(b));
}

void hwt_roll_head_put(uint8_t head[HWT_ROLL_HEAD], uint32_t log,
                       const struct hwt_rollup_sheet *sheet)
{
    struct hwt_writer w;

    memset(head, 0, HWT_ROLL_HEAD);
    hwt_writer_init(&w, head, HWT_ROLL_HEAD);
    hwt_put_bytes(&w, magic, sizeof(magic));
    hwt_put_u32le(&w, 0);
    hwt_put_u8(&w, HWT_ROLL_VERSION);
    hwt_put_u8(&w, sheet->stream);
    hwt_put_u8(&w, sheet->flags);
    hwt_put_u8(&w, 0);
    hwt_put_u32le(&w, log);
    hwt_put_u64le(&w, sheet->first);
    hwt_put_u64le(&w, sheet->last);
    hwt_put_u64le(&w, (uint64_t)sheet->min_ms);
    hwt_put_u64le(&w, (uint64_t)sheet->max_ms);
    hwt_put_u32le(&w, sheet->ordinal);
    hwt_put_u32le(&w, sheet->revision);
    hwt_put_u32le(&w, sheet->front);
    hwt_put_u32le(&w, sheet->index_crc);
    hwt_put_u16le(&w, sheet->pages);
    hwt_put_u16le(&w, sheet->channels);
    for (int level = 0; level < HWT_ROLL_LEVELS; level++) {
        hwt_put_u16le(&w, sheet->rows[level]);
    }
    hwt_put_u64le(&w, sheet->since);
    hwt_writer_init(&w, head + 4, 4);
    hwt_put_u32le(&w, hwt_crc32c(0, head + 8, HWT_ROLL_HEAD - 8));
}

int hwt_roll_head_get(const uint8_t head[HWT_ROLL_HEAD], uint32_t *log_out,
                      struct hwt_rollup_sheet *sheet_out)
{
    struct hwt_rollup_sheet s = {.final = false};
    struct hwt_reader r;
    unsigned version;

    hwt_reader_init(&r, head, HWT_ROLL_HEAD);
    if (memcmp(hwt_get_bytes(&r, 4), magic, 4) != 0 ||
        hwt_get_u32le(&r) != hwt_crc32c(0, head + 8, HWT_ROLL_HEAD - 8)) {
        return HWT_ERR_CORRUPT;
    }
    version = hwt_get_u8(&r);
    s.stream = hwt_get_u8(&r);
    s.flags = hwt_get_u8(&r);
    (void)hwt_get_u8(&r);
    *log_out = hwt_get_u32le(&r);
    s.first = hwt_get_u64le(&r);
    s.last = hwt_get_u64le(&r);
    s.min_ms = (int64_t)hwt_get_u64le(&r);
    s.max_ms = (int64_t)hwt_get_u64le(&r);
    s.ordinal = hwt_get_u32le(&r);
    s.revision = hwt_get_u32le(&r);
    s.front = hwt_get_u32le(&r);
    s.index_crc = hwt_get_u32le(&r);
    s.pages = hwt_get_u16le(&r);
    s.channels = hwt_get_u16le(&r);
    for (int level = 0; level < HWT_ROLL_LEVELS; level++) {
        s.rows[level] = hwt_get_u16le(&r);
        if (s.rows[level] == 0 || s.rows[level] > s.rows[0]) {
            return HWT_ERR_CORRUPT;
        }
    }
    s.since = hwt_get_u64le(&r);
    if (version != HWT_ROLL_VERSION) {
        return HWT_ERR_UNSUPPORTED;
    }
    if (s.stream >= HWT_TSLOG_STREAMS_MAX || s.first < 1 || s.last < s.first ||
        s.last > HWT_TSLOG_SEQUENCE_MAX || s.since > s.first || s.pages < 1 ||
        s.channels > HWT_CHANNELS_MAX || s.rows[0] > HWT_ROLLUP_ROWS_MAX ||
        s.front < HWT_ROLL_HEAD || s.front > HWT_ROLL_FRONT_PAGES_MAX * HWT_TSLOG_PAGE ||
        s.front > (uint32_t)s.pages * HWT_TSLOG_PAGE) {
        return HWT_ERR_CORRUPT;
    }
    *sheet_out = s;
    return 0;
}

/* --- bytes --- */

int hwt_roll_fetch(struct hwt_rollup_reader *r, uint32_t at, uint32_t n, const uint8_t **p_out)
{
    uint32_t all = (uint32_t)r->sheet.pages * HWT_TSLOG_PAGE;
    uint32_t want = n > READ_AHEAD ? n : READ_AHEAD;
    int err;

    if (at > all || n > all - at || n > sizeof(r->cache) - HWT_ROLL_SLACK) {
        return HWT_ERR_CORRUPT;
    }
    if (at < r->cached_at || n > r->cached || at - r->cached_at > r->cached - n) {
        want = want > all - at ? all - at : want;
        r->cached = 0;
        err = r->bd.read(r->bd.ctx, r->sheet.block, (uint32_t)r->sheet.page * HWT_TSLOG_PAGE + at,
                         r->cache, want);
        if (err != 0) {
            return err;
        }
        r->cached_at = at;
        r->cached = want;
    }
    *p_out = r->cache + (at - r->cached_at);
    return 0;
}

int hwt_roll_open(struct hwt_rollup_reader *reader, const struct hwt_bd *bd, uint32_t log,
                  const struct hwt_rollup_sheet *sheet)
{
    struct hwt_rollup_sheet there;
    struct hwt_roll_index common;
    const uint8_t *p = NULL;
    uint32_t of;
    size_t at = 0;
    int err;

    reader->bd = *bd;
    reader->log = log;
    reader->sheet = *sheet;
    reader->seed = hwt_roll_seed(log, sheet);
    reader->cached = 0;
    if ((uint64_t)(sheet->page + (uint32_t)sheet->pages) * HWT_TSLOG_PAGE > bd->block_size) {
        return HWT_ERR_CORRUPT;
    }
    err = hwt_roll_fetch(reader, 0, sheet->front, &p);
    if (err != 0) {
        return err;
    }
    err = hwt_roll_head_get(p, &of, &there);
    if (err != 0 || of != log || there.ordinal != sheet->ordinal || there.first != sheet->first ||
        there.last != sheet->last || there.front != sheet->front ||
        hwt_crc32c(reader->seed, p + HWT_ROLL_HEAD, sheet->front - HWT_ROLL_HEAD) !=
            sheet->index_crc) {
        return HWT_ERR_CORRUPT;
    }
    err = hwt_roll_index_next(reader, &at, &common);
    if (err != 1 || common.quantity != HWT_Q_NONE) {
        return err < 0 ? err : HWT_ERR_CORRUPT;
    }
    reader->common = common.offset;
    return 0;
}

int hwt_roll_index_next(struct hwt_rollup_reader *reader, size_t *at, struct hwt_roll_index *out)
{
    const uint8_t *p = NULL;
    struct hwt_reader r;
    int err = hwt_roll_fetch(reader, 0, reader->sheet.front, &p);

    if (err != 0) {
        return err;
    }
    hwt_reader_init(&r, p + HWT_ROLL_HEAD, reader->sheet.front - HWT_ROLL_HEAD);
    r.at = *at;
    if (r.at == r.n) {
        return 0;
    }
    out->quantity = hwt_get_u8(&r);
    out->id_length = hwt_get_u8(&r);
    out->id = hwt_get_bytes(&r, out->id_length);
    out->offset = hwt_get_u32le(&r);
    if (!r.ok || out->id_length > HWT_ID_MAX) {
        return HWT_ERR_CORRUPT;
    }
    *at = r.at;
    return 1;
}

/* --- heads of channels --- */

/* Sets where the columns are; days come first. */
static void place_columns(struct hwt_rollup_channel *c, uint32_t at)
{
    for (int level = HWT_ROLL_LEVELS; level-- > 0;) {
        for (int k = 0; k < HWT_ROLL_COLUMNS; k++) {
            c->at[level][k] = at;
            at += c->bytes[level][k];
        }
    }
}

static int get_channel_head(struct hwt_reader *r, uint64_t last, struct hwt_rollup_channel *c)
{
    unsigned state = hwt_get_u8(r);

    c->counter = (state & HWT_ROLL_STATE_COUNTER) != 0;
    c->before_state = state & 3;
    c->after_state = state >> 2 & 3;
    c->before = hwt_unzigzag(hwt_get_varint(r));
    c->after = hwt_unzigzag(hwt_get_varint(r));
    c->after_at = last - hwt_get_varint(r);
    for (int level = HWT_ROLL_LEVELS; level-- > 0;) {
        c->present[level] = hwt_get_u8(r);
        c->left_out[level] = hwt_get_u8(r);
        for (int k = 0; k < HWT_ROLL_COLUMNS; k++) {
            c->bytes[level][k] = (c->present[level] >> k & 1) != 0 ? hwt_get_u16le(r) : 0;
        }
    }
    return r->ok ? 0 : HWT_ERR_CORRUPT;
}

int hwt_roll_channel_get(struct hwt_rollup_reader *reader, uint32_t offset,
                         struct hwt_rollup_channel *out)
{
    uint32_t all = (uint32_t)reader->sheet.pages * HWT_TSLOG_PAGE;
    uint32_t n = offset > all || all - offset > CHANNEL_HEAD_MAX ? CHANNEL_HEAD_MAX : all - offset;
    const uint8_t *p = NULL;
    struct hwt_reader r;
    size_t length;
    int err = hwt_roll_fetch(reader, offset, n, &p);

    if (err != 0) {
        return err;
    }
    hwt_reader_init(&r, p, n);
    err = get_channel_head(&r, reader->sheet.last, out);
    length = r.at;
    if (err != 0 || hwt_get_u32le(&r) != hwt_crc32c(reader->seed, p, length) || !r.ok) {
        return HWT_ERR_CORRUPT;
    }
    place_columns(out, offset + (uint32_t)r.at);
    return 0;
}

/* --- all of it --- */

static int check_channel(struct hwt_rollup_reader *r, uint32_t offset)
{
    struct hwt_rollup_channel c;
    int err = hwt_roll_channel_get(r, offset, &c);

    for (int level = 0; err == 0 && level < HWT_ROLL_LEVELS; level++) {
        unsigned kept = c.counter ? 0x63u : 0x1Fu;

        err = hwt_roll_rows_get(r, (enum hwt_roll_level)level);
        err = err == 0 ? hwt_roll_columns_get(r, &c, (enum hwt_roll_level)level,
                                              kept & ~(unsigned)c.left_out[level])
                       : err;
    }
    return err == HWT_ERR_NOT_FOUND ? 0 : err;
}

int hwt_roll_check(struct hwt_rollup_reader *reader, const struct hwt_bd *bd, uint32_t log,
                   const struct hwt_rollup_sheet *sheet)
{
    struct hwt_roll_index entry;
    size_t at = 0;
    int err = hwt_roll_open(reader, bd, log, sheet);
    int more = err == 0 ? hwt_roll_index_next(reader, &at, &entry) : err; /* the common part */

    while (more == 1) {
        more = hwt_roll_index_next(reader, &at, &entry);
        if (more == 1) {
            err = check_channel(reader, entry.offset);
            more = err == 0 ? 1 : err;
        }
    }
    return more;
}
