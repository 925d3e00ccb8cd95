/*
 * roll_write.c: sheets, written: the columns that roll_code.c makes of rows and entries, head and
 * index.
 *
 * The pages behind the first ones go out as they fill; head and index, with what shares their
 * pages, at the end, so that a sheet whose writing was cut is none.
 */
#include "core/base/crc32c.h"
#include "core/tslog/roll.h"

enum { INDEX_ENTRY = 1 + 1 + 4, BLANK_PIECE = 512 };

/* --- bytes out --- */

static int page_is_blank(const struct hwt_rollup *r, uint32_t page, bool *blank_out)
{
    uint8_t piece[BLANK_PIECE], first = 0;

    *blank_out = true;
    for (uint32_t at = 0; at < HWT_TSLOG_PAGE; at += BLANK_PIECE) {
        int err = r->bd.read(r->bd.ctx, r->out.sheet.block, page * HWT_TSLOG_PAGE + at, piece,
                             sizeof(piece));

        if (err != 0) {
            return err;
        }
        first = at == 0 ? piece[0] : first;
        for (size_t i = 0; i < sizeof(piece); i++) {
            *blank_out = *blank_out && piece[i] == first;
        }
    }
    *blank_out = *blank_out && (first == 0 || first == 0xFF);
    return 0;
}

static int prog(struct hwt_rollup *r, uint32_t index, const uint8_t *page)
{
    uint32_t at = r->out.sheet.page + index;
    bool blank;
    int err;

    if ((uint64_t)(at + 1) * HWT_TSLOG_PAGE > r->bd.block_size) {
        return HWT_ERR_SPACE;
    }
    err = page_is_blank(r, at, &blank);
    if (err == 0 && !blank) {
        err = HWT_ERR_AGAIN;
    }
    if (err == 0) {
        err = r->bd.prog(r->bd.ctx, r->out.sheet.block, at * HWT_TSLOG_PAGE, page, HWT_TSLOG_PAGE);
        r->counters.written++;
    }
    return err;
}

static int put(struct hwt_rollup *r, const uint8_t *p, size_t n)
{
    while (n > 0) {
        uint32_t index = r->out.at / HWT_TSLOG_PAGE, offset = r->out.at % HWT_TSLOG_PAGE;
        size_t take = n < HWT_TSLOG_PAGE - offset ? n : HWT_TSLOG_PAGE - offset;
        bool front = index < r->out.front_pages;
        int err = 0;

        memcpy((front ? r->out.front + (size_t)index * HWT_TSLOG_PAGE : r->out.page) + offset, p,
               take);
        r->out.at += (uint32_t)take;
        p += take;
        n -= take;
        if (!front && offset + take == HWT_TSLOG_PAGE) {
            err = prog(r, index, r->out.page);
        }
        if (err != 0) {
            return err;
        }
    }
    return 0;
}

/* --- heads of channels --- */

static int put_channel_head(struct hwt_roll_coder *w)
{
    const struct hwt_rollup_channel *h = &w->head;
    uint8_t b[96];
    struct hwt_writer out;

    hwt_writer_init(&out, b, sizeof(b));
    hwt_put_u8(&out, (uint8_t)(h->before_state | h->after_state << 2 |
                               (h->counter ? HWT_ROLL_STATE_COUNTER : 0)));
    hwt_put_varint(&out, hwt_zigzag(h->before));
    hwt_put_varint(&out, hwt_zigzag(h->after));
    hwt_put_varint(&out, h->after_at == 0 ? 0 : w->r->out.sheet.last - h->after_at);
    for (int level = HWT_ROLL_LEVELS; level-- > 0;) {
        hwt_put_u8(&out, h->present[level]);
        hwt_put_u8(&out, h->left_out[level]);
        for (int k = 0; k < HWT_ROLL_COLUMNS; k++) {
            if ((h->present[level] >> k & 1) != 0) {
                hwt_put_u16le(&out, h->bytes[level][k]);
            }
        }
    }
    hwt_put_u32le(&out, hwt_crc32c(w->seed, b, out.at));
    return put(w->r, b, out.at);
}

/* Days first; the columns of a level in their order. */
static int put_columns(struct hwt_roll_coder *w)
{
    int err = put_channel_head(w);

    for (int level = HWT_ROLL_LEVELS; err == 0 && level-- > 0;) {
        for (int k = 0; err == 0 && k < HWT_ROLL_COLUMNS; k++) {
            err = put(w->r, w->r->out.bytes + w->start[level][k], w->head.bytes[level][k]);
        }
    }
    return err;
}

static struct hwt_roll_coder begin_coder(struct hwt_rollup *r)
{
    return (struct hwt_roll_coder){.r = r, .seed = hwt_roll_seed(r->log, &r->out.sheet)};
}

/* --- sheets --- */

static uint32_t front_bytes(const struct hwt_rollup *r)
{
    uint32_t n = HWT_ROLL_HEAD + INDEX_ENTRY;

    for (size_t i = 0; i < r->sheet_channels; i++) {
        n += INDEX_ENTRY + (uint32_t)strlen(r->channel[i].channel.id);
    }
    return n;
}

int hwt_roll_write_begin(struct hwt_rollup *r, struct hwt_rollup_sheet sheet, uint32_t pages)
{
    struct hwt_roll_coder w;
    int err;

    sheet.front = front_bytes(r);
    sheet.channels = (uint16_t)r->sheet_channels;
    sheet.ordinal = ++r->ordinal;
    hwt_roll_mark_rows(r);
    hwt_roll_describe_rows(r, &sheet);
    r->out.front_pages = (sheet.front + HWT_TSLOG_PAGE - 1) / HWT_TSLOG_PAGE;
    if (r->out.front_pages > HWT_ROLL_FRONT_PAGES_MAX) {
        return HWT_ERR_SPACE;
    }
    r->out.size_class = hwt_roll_class(sheet.rows[0]);
    err = hwt_roll_place(r, r->out.size_class, pages);
    if (err != 0) {
        return err;
    }
    sheet.block = r->head[r->out.size_class].block;
    sheet.page = (uint16_t)r->head[r->out.size_class].page;
    r->out.sheet = sheet;
    r->out.at = sheet.front;
    memset(r->out.front, 0, sizeof(r->out.front));
    w = begin_coder(r);
    err = hwt_roll_code_common(&w);
    return err == 0 ? put_columns(&w) : err;
}

int hwt_roll_write_channel(struct hwt_rollup *r, size_t channel, struct hwt_rollup_entry *strip)
{
    struct hwt_roll_sheet_channel *c = &r->channel[channel];
    struct hwt_roll_coder w = begin_coder(r);

    c->offset = r->out.at;
    w.head.counter = c->counter;
    w.head.before_state = c->before_state;
    w.head.after_state = c->after_state;
    w.head.before = c->before;
    w.head.after = c->after;
    w.head.after_at = c->after_at;
    hwt_roll_code_channel(&w, strip);
    return put_columns(&w);
}

static void put_index(struct hwt_rollup *r)
{
    struct hwt_writer w;

    hwt_writer_init(&w, r->out.front + HWT_ROLL_HEAD, r->out.sheet.front - HWT_ROLL_HEAD);
    hwt_put_u8(&w, HWT_Q_NONE);
    hwt_put_u8(&w, 0);
    hwt_put_u32le(&w, r->out.sheet.front);
    for (size_t i = 0; i < r->sheet_channels; i++) {
        const struct hwt_roll_sheet_channel *c = &r->channel[i];
        size_t n = strlen(c->channel.id);

        hwt_put_u8(&w, c->channel.quantity);
        hwt_put_u8(&w, (uint8_t)n);
        hwt_put_bytes(&w, c->channel.id, n);
        hwt_put_u32le(&w, c->offset);
    }
    r->out.sheet.index_crc =
        hwt_crc32c(hwt_roll_seed(r->log, &r->out.sheet), r->out.front + HWT_ROLL_HEAD,
                   r->out.sheet.front - HWT_ROLL_HEAD);
}

/* A large sheet replaces others whose records may be gone: it must be whole before its head is. */
static int put_front(struct hwt_rollup *r)
{
    int err = 0;

    for (uint32_t i = r->out.front_pages; err == 0 && i-- > 1;) {
        err = prog(r, i, r->out.front + (size_t)i * HWT_TSLOG_PAGE);
    }
    if (err == 0 && r->merge.n > 0) {
        err = r->bd.sync(r->bd.ctx);
    }
    return err == 0 ? prog(r, 0, r->out.front) : err;
}

int hwt_roll_write_end(struct hwt_rollup *r)
{
    uint32_t pages = (r->out.at + HWT_TSLOG_PAGE - 1) / HWT_TSLOG_PAGE;
    uint32_t offset = r->out.at % HWT_TSLOG_PAGE;
    int err = 0;

    if (pages > r->out.front_pages && offset != 0) {
        memset(r->out.page + offset, 0, HWT_TSLOG_PAGE - offset);
        err = prog(r, pages - 1, r->out.page);
    }
    r->out.sheet.pages = (uint16_t)(pages > r->out.front_pages ? pages : r->out.front_pages);
    put_index(r);
    hwt_roll_head_put(r->out.front, r->log, &r->out.sheet);
    err = err == 0 ? put_front(r) : err;
    if (err == 0) {
        r->head[r->out.size_class].page += r->out.sheet.pages;
        r->out.sheet.checked = true;
        err = hwt_roll_table_add(r, &r->out.sheet);
    }
    return err;
}

void hwt_roll_write_drop(struct hwt_rollup *r)
{
    r->head[r->out.size_class].page = r->bd.block_size / HWT_TSLOG_PAGE; /* elsewhere next time */
}
