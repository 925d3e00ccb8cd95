/*
 * roll_sheet.c: sheets, read. docs/LOG_FORMAT.md has the bytes.
 *
 *   head 96 │ index: id, quantity, offset of each │ common part │ channel │ channel …
 *                                                     head of a channel │ days │ hours │ quarters
 */
#include "core/base/crc32c.h"
#include "core/base/quantity.h"
#include "core/tslog/predict.h"
#include "core/tslog/roll.h"

enum {
    READ_AHEAD = 2048,
    CHANNEL_HEAD_MAX = 1 + 3 * 10 + 3 * (2 + 2 * HWT_ROLL_COLUMNS) + 4,
    STATE_COUNTER = 16,
    FACTOR_BITS = 38
};

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

/* n bytes of the sheet, good until the next call. */
static int fetch(struct hwt_rollup_reader *r, uint32_t at, uint32_t n, const uint8_t **p_out)
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
    err = fetch(reader, 0, sheet->front, &p);
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
    int err = fetch(reader, 0, reader->sheet.front, &p);

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

    c->counter = (state & STATE_COUNTER) != 0;
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
    int err = fetch(reader, offset, n, &p);

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

/* --- columns --- */

/* The numbers of a column as coded. */
static int get_numbers(struct hwt_rollup_reader *r, const struct hwt_rollup_channel *c,
                       enum hwt_roll_level level, unsigned column, size_t rows,
                       struct hwt_roll_form *form, int64_t *to)
{
    const uint8_t *p = NULL;
    int err;

    if ((c->left_out[level] >> column & 1) != 0) {
        return HWT_ERR_NOT_FOUND;
    }
    if ((c->present[level] >> column & 1) == 0) {
        return HWT_ERR_CORRUPT;
    }
    err = fetch(r, c->at[level][column], c->bytes[level][column], &p);
    return err != 0 ? err
                    : hwt_roll_column_get(p, c->bytes[level][column], r->seed + 16 * level + column,
                                          rows, form, to);
}

/* The values of a column that rests on no other. */
static int get_values(struct hwt_rollup_reader *r, const struct hwt_rollup_channel *c,
                      enum hwt_roll_level level, unsigned column, size_t rows, int64_t *to)
{
    struct hwt_roll_form form;
    int err = get_numbers(r, c, level, column, rows, &form, to);
    uint64_t last;

    if (err != 0) {
        return err;
    }
    last = (uint64_t)form.origin;
    for (size_t i = 0; form.steps && i < rows; i++) {
        last += form.scale * (uint64_t)to[i];
        to[i] = (int64_t)last;
    }
    for (size_t i = 0; !form.steps && i < rows; i++) {
        to[i] = (int64_t)(last + form.scale * (uint64_t)to[i]);
    }
    return 0;
}

int hwt_roll_rows_get(struct hwt_rollup_reader *reader, enum hwt_roll_level level)
{
    struct hwt_rollup_channel common;
    size_t rows = reader->sheet.rows[level];
    uint64_t records = 0;
    int err = hwt_roll_channel_get(reader, reader->common, &common);

    reader->rows = rows;
    err =
        err == 0 ? get_values(reader, &common, level, HWT_ROLL_PERIOD, rows, reader->period) : err;
    err = err == 0 ? get_values(reader, &common, level, HWT_ROLL_RECORDS, rows, reader->records)
                   : err;
    err =
        err == 0 ? get_values(reader, &common, level, HWT_ROLL_MEASURED, rows, reader->spans) : err;
    if (err != 0) {
        return err == HWT_ERR_NOT_FOUND ? HWT_ERR_CORRUPT : err;
    }
    for (size_t i = 0; i < rows; i++) {
        records += (uint64_t)reader->records[i];
    }
    return records == reader->sheet.last - reader->sheet.first + 1 ? 0 : HWT_ERR_CORRUPT;
}

/* A column that, where it is not there, is the same as another. */
static int get_like(struct hwt_rollup_reader *r, const struct hwt_rollup_channel *c,
                    enum hwt_roll_level level, unsigned column, const int64_t *like)
{
    int64_t *to = r->column[column];
    int err;

    r->value[column] = like;
    if ((c->present[level] >> column & 1) == 0) {
        return 0;
    }
    err = get_values(r, c, level, column, r->rows, to);
    for (size_t i = 0; err == 0 && i < r->rows; i++) {
        to[i] = hwt_wrap_add(to[i], like[i]);
    }
    r->value[column] = to;
    return err;
}

/* The end of the hour that quarter hour i is in. */
static size_t hour_end(const struct hwt_rollup_reader *r, size_t i)
{
    int64_t hour = hwt_tslog_shift(r->period[i++], 2);

    while (i < r->rows && hwt_tslog_shift(r->period[i], 2) == hour) {
        i++;
    }
    return i;
}

/* Sums of quarter hours: of each hour all but the last, as differences from an even share. The
 * hours' sums are in work[0] then. */
static int get_shares(struct hwt_rollup_reader *r, const struct hwt_rollup_channel *c)
{
    const int64_t *number = r->work[1];
    int64_t *hour = r->work[0], *to = r->column[HWT_ROLL_SUM];
    size_t hours = r->sheet.rows[HWT_ROLL_HOUR], h = 0;
    struct hwt_roll_form form;
    int err = get_values(r, c, HWT_ROLL_HOUR, HWT_ROLL_SUM, hours, hour);

    err = err == 0 ? get_numbers(r, c, HWT_ROLL_QUARTER, HWT_ROLL_SUM, r->rows - hours, &form,
                                 r->work[1])
                   : err;
    if (err == 0 && (form.scale == 0 || form.scale > INT64_MAX)) {
        err = HWT_ERR_CORRUPT;
    }
    for (size_t i = 0; err == 0 && i < r->rows; h++) {
        size_t end = hour_end(r, i);
        uint64_t left;
        int64_t share;

        if (h == hours) {
            return HWT_ERR_CORRUPT;
        }
        left = (uint64_t)hour[h];
        share = hour[h] / (int64_t)form.scale / (int64_t)(end - i);
        for (; i + 1 < end; i++) {
            to[i] = (int64_t)(form.scale * (uint64_t)hwt_wrap_add(*number++, share));
            left -= (uint64_t)to[i];
        }
        to[i++] = (int64_t)left;
    }
    return err != 0 || h == hours ? err : HWT_ERR_CORRUPT;
}

static int get_sum(struct hwt_rollup_reader *r, const struct hwt_rollup_channel *c,
                   enum hwt_roll_level level)
{
    r->value[HWT_ROLL_SUM] = r->column[HWT_ROLL_SUM];
    return level == HWT_ROLL_QUARTER
               ? get_shares(r, c)
               : get_values(r, c, level, HWT_ROLL_SUM, r->rows, r->column[HWT_ROLL_SUM]);
}

/* Numbers, as coded, become extremes: they are differences from about the mean. */
static void add_means(const struct hwt_roll_form *form, const int64_t *sum, size_t rows,
                      int64_t *to)
{
    for (size_t i = 0; i < rows; i++) {
        int64_t mean = hwt_tslog_shift((int64_t)((uint64_t)sum[i] * form->factor), FACTOR_BITS);

        to[i] =
            (int64_t)((uint64_t)form->origin + form->scale * (uint64_t)hwt_wrap_add(to[i], mean));
    }
}

/* The same by hours: the numbers, in work[1], say how far each is from its hour's. */
static void add_hours(struct hwt_rollup_reader *r, const struct hwt_roll_form *form,
                      const int64_t *hour, bool minimum, int64_t *to)
{
    const int64_t *number = r->work[1];

    for (size_t i = 0; i < r->rows; hour++) {
        size_t end = hour_end(r, i);
        bool seen = false;

        for (; i < end; i++) {
            uint64_t beyond = 0;

            if (i + 1 < end || seen) {
                beyond = form->scale * (uint64_t)*number++;
            }
            seen = seen || beyond == 0;
            to[i] = (int64_t)(minimum ? (uint64_t)*hour + beyond : (uint64_t)*hour - beyond);
        }
    }
}

/* Extremes of quarter hours beyond those of hours, of which the sums are in work[0]. */
static int get_by_hour(struct hwt_rollup_reader *r, const struct hwt_rollup_channel *c,
                       const struct hwt_roll_form *form, unsigned column)
{
    size_t hours = r->sheet.rows[HWT_ROLL_HOUR];
    int64_t *to = r->column[column], *hour = r->column[HWT_ROLL_LAST]; /* not a gauge's */
    struct hwt_roll_form of_hour;
    int err = get_numbers(r, c, HWT_ROLL_HOUR, column, hours, &of_hour, hour);

    if (err == 0) {
        memcpy(r->work[1], to, r->rows * sizeof(*to));
        add_means(&of_hour, r->work[0], hours, hour);
        add_hours(r, form, hour, column == HWT_ROLL_MIN, to);
    }
    return err;
}

static int get_extremes(struct hwt_rollup_reader *r, const struct hwt_rollup_channel *c,
                        enum hwt_roll_level level, unsigned column)
{
    int64_t *to = r->column[column];
    struct hwt_roll_form form;
    int err = get_numbers(r, c, level, column, r->rows, &form, to);

    r->value[column] = to;
    if (err != 0 || (form.by_hour && level != HWT_ROLL_QUARTER)) {
        return err != 0 ? err : HWT_ERR_CORRUPT;
    }
    if (form.by_hour) {
        return get_by_hour(r, c, &form, column);
    }
    add_means(&form, r->value[HWT_ROLL_SUM], r->rows, to);
    return 0;
}

static int get_gauge(struct hwt_rollup_reader *r, const struct hwt_rollup_channel *c,
                     enum hwt_roll_level level, unsigned columns)
{
    unsigned extremes = 1u << HWT_ROLL_MIN | 1u << HWT_ROLL_MAX;
    int err = 0;

    if ((columns & (extremes | 1u << HWT_ROLL_SUM)) != 0) {
        err = get_sum(r, c, level);
    }
    if (err == 0 && (columns >> HWT_ROLL_MIN & 1) != 0) {
        err = get_extremes(r, c, level, HWT_ROLL_MIN);
    }
    if (err == 0 && (columns >> HWT_ROLL_MAX & 1) != 0) {
        err = get_extremes(r, c, level, HWT_ROLL_MAX);
    }
    return err;
}

static int get_counter(struct hwt_rollup_reader *r, const struct hwt_rollup_channel *c,
                       enum hwt_roll_level level, unsigned columns)
{
    const int64_t *last = r->column[HWT_ROLL_LAST];
    int64_t *rise = r->column[HWT_ROLL_RISE], before = c->before;
    bool beyond = (c->present[level] >> HWT_ROLL_RISE & 1) != 0;
    int err = get_values(r, c, level, HWT_ROLL_LAST, r->rows, r->column[HWT_ROLL_LAST]);

    r->value[HWT_ROLL_LAST] = last;
    r->value[HWT_ROLL_RISE] = rise;
    if (err != 0 || (columns >> HWT_ROLL_RISE & 1) == 0) {
        return err;
    }
    err = beyond ? get_values(r, c, level, HWT_ROLL_RISE, r->rows, rise) : 0;
    for (size_t i = 0; err == 0 && i < r->rows; i++) {
        int64_t step = hwt_wrap_sub(last[i], before);

        rise[i] = beyond ? hwt_wrap_add(rise[i], step) : step;
        before = last[i];
    }
    return err;
}

int hwt_roll_columns_get(struct hwt_rollup_reader *reader, const struct hwt_rollup_channel *channel,
                         enum hwt_roll_level level, unsigned columns)
{
    static const unsigned of_gauge = 1u << HWT_ROLL_SUM | 1u << HWT_ROLL_MIN | 1u << HWT_ROLL_MAX;
    static const unsigned of_counter = 1u << HWT_ROLL_LAST | 1u << HWT_ROLL_RISE;
    static const unsigned of_all = 1u << HWT_ROLL_COUNT | 1u << HWT_ROLL_MEASURED;
    int err;

    if ((columns & ~(of_all | (channel->counter ? of_counter : of_gauge))) != 0 ||
        (columns & channel->left_out[level]) != 0) {
        return HWT_ERR_NOT_FOUND;
    }
    err = get_like(reader, channel, level, HWT_ROLL_COUNT, reader->records);
    err = err == 0 ? get_like(reader, channel, level, HWT_ROLL_MEASURED, reader->spans) : err;
    if (err != 0 || (columns & ~of_all) == 0) {
        return err;
    }
    return channel->counter ? get_counter(reader, channel, level, columns)
                            : get_gauge(reader, channel, level, columns);
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
