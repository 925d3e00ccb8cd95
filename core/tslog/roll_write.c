/*
 * roll_write.c: sheets, written: rows and entries of quarter hours in; they, their hours and their
 * days as columns out.
 *
 * The pages behind the first ones go out as they fill; head and index, with what shares their
 * pages, at the end, so that a sheet whose writing was cut is none.
 */
#include "core/base/crc32c.h"
#include "core/tslog/predict.h"
#include "core/tslog/roll.h"

enum { INDEX_ENTRY = 1 + 1 + 4, STATE_COUNTER = 16, FACTOR_BITS = 38, BLANK_PIECE = 512 };

/* --- rows and entries --- */

int64_t hwt_roll_add_rise(int64_t rise, int64_t more)
{
    int64_t sum;

    return __builtin_add_overflow(rise, more, &sum) ? INT64_MAX : sum;
}

void hwt_roll_entry_add(struct hwt_rollup_entry *a, const struct hwt_rollup_entry *b)
{
    if (b->count == 0) {
        return;
    }
    if (a->count == 0) {
        *a = *b;
        return;
    }
    a->wide = a->wide || b->wide || __builtin_add_overflow(a->sum, b->sum, &a->sum);
    a->min = b->min < a->min ? b->min : a->min;
    a->max = b->max > a->max ? b->max : a->max;
    a->last = b->last;
    a->rise = hwt_roll_add_rise(a->rise, b->rise);
    a->measured_ms += b->measured_ms;
    a->count += b->count;
}

/* The end of the level's row that begins with quarter hour i. */
static size_t row_end(const struct hwt_rollup *r, size_t i, enum hwt_roll_level level)
{
    do {
        i++;
    } while (i < r->rows && (r->row[i].begins >> level & 1) == 0);
    return i;
}

static void mark_rows(struct hwt_rollup *r)
{
    int64_t last[HWT_ROLL_LEVELS] = {0};

    for (size_t i = 0; i < r->rows; i++) {
        r->row[i].begins = 0;
        for (int level = 0; level < HWT_ROLL_LEVELS; level++) {
            int64_t period =
                hwt_roll_floor(r->row[i].quarter, hwt_roll_quarters((enum hwt_roll_level)level));

            r->row[i].begins |= (uint8_t)((i == 0 || period != last[level]) << level);
            last[level] = period;
        }
    }
}

/* The entry of the level's row that begins at *i, which goes to its end. */
static struct hwt_rollup_entry next_entry(const struct hwt_rollup *r,
                                          const struct hwt_rollup_entry *strip, size_t *i,
                                          enum hwt_roll_level level)
{
    struct hwt_rollup_entry e = strip[*i];

    while (++*i < r->rows && (r->row[*i].begins >> level & 1) == 0) {
        hwt_roll_entry_add(&e, &strip[*i]);
    }
    return e;
}

/* Rows without a value take numbers that cost little. */
static void fill_empty(const struct hwt_rollup *r, const struct hwt_roll_sheet_channel *c,
                       struct hwt_rollup_entry *strip)
{
    int64_t last = c->before;

    for (size_t i = 0; i < r->rows; i++) {
        if (strip[i].count == 0) {
            strip[i] = (struct hwt_rollup_entry){.min = last, .max = last, .last = last};
        }
        last = strip[i].last;
    }
}

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

/* --- columns --- */

struct work { /* a channel's columns as they come to be */
    struct hwt_rollup *r;
    struct hwt_rollup_channel head;
    enum hwt_roll_level level;
    size_t rows;                                     /* of the level */
    size_t at;                                       /* bytes in out.bytes */
    size_t start[HWT_ROLL_LEVELS][HWT_ROLL_COLUMNS]; /* of each column there */
    uint32_t seed;
};

static int64_t pick(const struct hwt_rollup_entry *e, unsigned column)
{
    switch (column) {
    case HWT_ROLL_COUNT:
        return e->count;
    case HWT_ROLL_MEASURED:
        return (int64_t)e->measured_ms;
    case HWT_ROLL_SUM:
        return e->sum;
    case HWT_ROLL_MIN:
        return e->min;
    case HWT_ROLL_MAX:
        return e->max;
    case HWT_ROLL_LAST:
        return e->last;
    default:
        return e->rise;
    }
}

/* A column of the level; how many rows that is. */
static size_t take_column(const struct work *w, const struct hwt_rollup_entry *strip,
                          unsigned column, int64_t *to)
{
    size_t n = 0;

    for (size_t i = 0; i < w->r->rows; n++) {
        struct hwt_rollup_entry e = next_entry(w->r, strip, &i, w->level);

        to[n] = pick(&e, column);
    }
    return n;
}

static size_t take_rows(const struct work *w, unsigned column, int64_t *to)
{
    const struct hwt_rollup *r = w->r;
    size_t n = 0;

    for (size_t i = 0; i < r->rows; n++) {
        size_t end = row_end(r, i, w->level);
        uint64_t records = 0, measured_ms = 0;

        to[n] = hwt_roll_floor(r->row[i].quarter, hwt_roll_quarters(w->level));
        for (; i < end; i++) {
            records += r->row[i].records;
            measured_ms += r->row[i].measured_ms;
        }
        to[n] = column == HWT_ROLL_RECORDS    ? (int64_t)records
                : column == HWT_ROLL_MEASURED ? (int64_t)measured_ms
                                              : to[n];
    }
    return n;
}

/* The numbers of a column and its form go out, or are left out. */
static void put_numbers(struct work *w, unsigned column, const struct hwt_roll_form *form,
                        const int64_t *number, size_t rows)
{
    struct hwt_rollup *r = w->r;
    size_t room = sizeof(r->out.bytes) - w->at;
    size_t n = hwt_roll_column_put(form, number, rows, w->seed + 16 * (unsigned)w->level + column,
                                   r->out.bytes + w->at,
                                   room < HWT_ROLL_COLUMN_MAX ? room : HWT_ROLL_COLUMN_MAX);

    if (n == 0) {
        w->head.left_out[w->level] |= (uint8_t)(1u << column);
        return;
    }
    w->head.present[w->level] |= (uint8_t)(1u << column);
    w->head.bytes[w->level][column] = (uint16_t)n;
    w->start[w->level][column] = w->at;
    w->at += n;
}

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

/* The greatest scale that all differences from origin are multiples of. */
static uint64_t scale_of(const int64_t *value, size_t rows, int64_t origin)
{
    uint64_t scale = 0;

    for (size_t i = 0; i < rows && scale != 1; i++) {
        scale = hwt_tslog_divisor(scale, magnitude(hwt_wrap_sub(value[i], origin)));
    }
    return scale == 0 || scale > INT64_MAX ? 1 : scale;
}

/* r->value: as differences from the first. */
static void put_plain(struct work *w, unsigned column, size_t rows)
{
    struct hwt_rollup *r = w->r;
    struct hwt_roll_form form = {.packed = w->level != HWT_ROLL_QUARTER, .origin = r->value[0]};

    form.scale = scale_of(r->value, rows, form.origin);
    for (size_t i = 0; i < rows; i++) {
        r->number[i] = hwt_wrap_sub(r->value[i], form.origin) / (int64_t)form.scale;
    }
    put_numbers(w, column, &form, r->number, rows);
}

/* The same, if any is not 0. */
static void put_unless_zero(struct work *w, unsigned column)
{
    size_t i = 0;

    while (i < w->rows && w->r->value[i] == 0) {
        i++;
    }
    if (i < w->rows) {
        put_plain(w, column, w->rows);
    }
}

/* r->value: as steps from row to row; value[] is changed. */
static void put_steps(struct work *w, unsigned column)
{
    struct hwt_rollup *r = w->r;
    struct hwt_roll_form form = {.steps = true, .packed = w->level != HWT_ROLL_QUARTER};
    int64_t first = w->rows > 1 ? hwt_wrap_sub(r->value[1], r->value[0]) : 0;

    form.origin = hwt_wrap_sub(r->value[0], first);
    for (size_t i = w->rows; i-- > 1;) {
        r->value[i] = hwt_wrap_sub(r->value[i], r->value[i - 1]);
    }
    r->value[0] = first;
    form.scale = scale_of(r->value, w->rows, 0);
    for (size_t i = 0; i < w->rows; i++) {
        r->number[i] = r->value[i] / (int64_t)form.scale;
    }
    put_numbers(w, column, &form, r->number, w->rows);
}

/* r->value, as differences from about the mean; r->base are the sums, most_ms the longest time. */
static void put_by_mean(struct work *w, unsigned column, uint64_t most_ms)
{
    struct hwt_rollup *r = w->r;
    struct hwt_roll_form form = {.packed = w->level != HWT_ROLL_QUARTER, .origin = r->value[0]};

    form.scale = scale_of(r->value, w->rows, form.origin);
    if (most_ms > 0 && form.scale <= (UINT64_C(1) << FACTOR_BITS) / most_ms) {
        form.factor =
            ((UINT64_C(1) << FACTOR_BITS) + form.scale * most_ms / 2) / (form.scale * most_ms);
    }
    for (size_t i = 0; i < w->rows; i++) {
        int64_t mean = hwt_tslog_shift((int64_t)((uint64_t)r->base[i] * form.factor), FACTOR_BITS);

        r->number[i] =
            hwt_wrap_sub(hwt_wrap_sub(r->value[i], form.origin) / (int64_t)form.scale, mean);
    }
    put_numbers(w, column, &form, r->number, w->rows);
}

/* r->value becomes how far each quarter hour's extreme is from its hour's; 0 of one that is empty.
 */
static void beyond_hour(const struct work *w, const struct hwt_rollup_entry *strip, unsigned column)
{
    struct hwt_rollup *r = w->r;

    for (size_t i = 0; i < w->rows;) {
        size_t end = row_end(r, i, HWT_ROLL_HOUR), from = i;
        struct hwt_rollup_entry hour = next_entry(r, strip, &from, HWT_ROLL_HOUR);

        for (; i < end; i++) {
            r->value[i] = strip[i].count == 0      ? 0
                          : column == HWT_ROLL_MIN ? hwt_wrap_sub(r->value[i], hour.min)
                                                   : hwt_wrap_sub(hour.max, r->value[i]);
        }
    }
}

/* The same by hours. One of them is 0: if none before was it is the last, and need not be said. */
static void put_by_hour(struct work *w, const struct hwt_rollup_entry *strip, unsigned column)
{
    struct hwt_rollup *r = w->r;
    struct hwt_roll_form form = {.bare = true, .by_hour = true};
    size_t n = 0;

    beyond_hour(w, strip, column);
    form.scale = scale_of(r->value, w->rows, 0);
    for (size_t i = 0; i < w->rows;) {
        size_t end = row_end(r, i, HWT_ROLL_HOUR);
        bool seen = false;

        for (; i < end; i++) {
            if (i + 1 < end || seen) {
                r->number[n++] = (int64_t)((uint64_t)r->value[i] / form.scale);
            }
            seen = seen || r->value[i] == 0;
        }
    }
    put_numbers(w, column, &form, r->number, n);
}

/* Whichever is smaller. */
static void put_extremes(struct work *w, const struct hwt_rollup_entry *strip, unsigned column,
                         uint64_t most_ms)
{
    struct work other;
    size_t n;

    (void)take_column(w, strip, column, w->r->value);
    other = *w;
    put_by_mean(w, column, most_ms);
    n = w->at - other.at;
    if (w->level != HWT_ROLL_QUARTER || (w->head.left_out[HWT_ROLL_HOUR] >> column & 1) != 0) {
        return;
    }
    other.at = w->at;
    put_by_hour(&other, strip, column);
    if (other.at > w->at && (n == 0 || other.at - w->at < n)) {
        memmove(w->r->out.bytes + w->at - n, w->r->out.bytes + w->at, other.at - w->at);
        other.start[w->level][column] -= n;
        other.at -= n;
        *w = other;
    }
}

/* Sums of quarter hours as differences from an even share of the hour's, the last of each hour
 * being what is left. */
static void put_shares(struct work *w)
{
    struct hwt_rollup *r = w->r;
    struct hwt_roll_form form = {.scale = scale_of(r->base, w->rows, 0)};
    size_t n = 0;

    for (size_t i = 0; i < w->rows;) {
        size_t end = row_end(r, i, HWT_ROLL_HOUR), rows = end - i;
        int64_t hour = 0;

        for (size_t k = i; k < end; k++) {
            hour = hwt_wrap_add(hour, r->base[k]);
        }
        hour = hour / (int64_t)form.scale / (int64_t)rows;
        for (; i + 1 < end; i++) {
            r->number[n++] = hwt_wrap_sub(r->base[i] / (int64_t)form.scale, hour);
        }
        i = end;
    }
    put_numbers(w, HWT_ROLL_SUM, &form, r->number, n);
}

/* --- a level of a channel --- */

static void subtract(int64_t *from, const int64_t *what, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        from[i] = hwt_wrap_sub(from[i], what[i]);
    }
}

static void put_counts(struct work *w, const struct hwt_rollup_entry *strip)
{
    struct hwt_rollup *r = w->r;

    for (unsigned column = HWT_ROLL_COUNT; column <= HWT_ROLL_MEASURED; column++) {
        w->rows = take_column(w, strip, column, r->value);
        (void)take_rows(w, column, r->number);
        subtract(r->value, r->number, w->rows);
        put_unless_zero(w, column);
    }
}

static bool any_wide(const struct hwt_rollup *r, const struct hwt_rollup_entry *strip)
{
    for (size_t i = 0; i < r->rows;) {
        if (next_entry(r, strip, &i, HWT_ROLL_DAY).wide) {
            return true;
        }
    }
    return false;
}

static void put_gauge(struct work *w, const struct hwt_rollup_entry *strip)
{
    struct hwt_rollup *r = w->r;
    uint64_t most_ms = 0;

    for (size_t i = 0; i < r->rows;) {
        struct hwt_rollup_entry e = next_entry(r, strip, &i, w->level);

        most_ms = e.measured_ms > most_ms ? e.measured_ms : most_ms;
    }
    (void)take_column(w, strip, HWT_ROLL_SUM, r->base);
    if (w->level == HWT_ROLL_QUARTER) {
        put_shares(w);
    } else {
        memcpy(r->value, r->base, w->rows * sizeof(r->value[0]));
        put_plain(w, HWT_ROLL_SUM, w->rows);
    }
    put_extremes(w, strip, HWT_ROLL_MIN, most_ms);
    put_extremes(w, strip, HWT_ROLL_MAX, most_ms);
}

static void put_counter(struct work *w, const struct hwt_rollup_entry *strip)
{
    struct hwt_rollup *r = w->r;
    int64_t before = w->head.before;

    (void)take_column(w, strip, HWT_ROLL_LAST, r->base);
    memcpy(r->value, r->base, w->rows * sizeof(r->value[0]));
    put_steps(w, HWT_ROLL_LAST);
    (void)take_column(w, strip, HWT_ROLL_RISE, r->value);
    for (size_t i = 0; i < w->rows; i++) {
        r->value[i] = hwt_wrap_sub(r->value[i], hwt_wrap_sub(r->base[i], before));
        before = r->base[i];
    }
    put_unless_zero(w, HWT_ROLL_RISE);
}

/* What rests on a column left out is not there either. */
static void settle_left_out(struct work *w)
{
    uint8_t *out = &w->head.left_out[w->level];

    if ((*out & (1u << HWT_ROLL_COUNT | 1u << HWT_ROLL_MEASURED)) != 0) {
        *out = 0xFF;
    }
    if (w->level == HWT_ROLL_QUARTER) {
        *out |= w->head.left_out[HWT_ROLL_HOUR] & 1u << HWT_ROLL_SUM;
    }
    if ((*out >> HWT_ROLL_SUM & 1) != 0) {
        *out |= 1u << HWT_ROLL_MIN | 1u << HWT_ROLL_MAX;
    }
    if ((*out >> HWT_ROLL_LAST & 1) != 0) {
        *out |= 1u << HWT_ROLL_RISE;
    }
}

static void put_level(struct work *w, const struct hwt_rollup_entry *strip, bool wide)
{
    put_counts(w, strip);
    if (w->head.counter) {
        put_counter(w, strip);
    } else if (!wide) {
        put_gauge(w, strip);
    } else {
        w->head.left_out[w->level] = 1u << HWT_ROLL_SUM;
    }
    settle_left_out(w);
}

/* --- heads of channels --- */

static int put_channel_head(struct work *w)
{
    const struct hwt_rollup_channel *h = &w->head;
    uint8_t b[96];
    struct hwt_writer out;

    hwt_writer_init(&out, b, sizeof(b));
    hwt_put_u8(&out,
               (uint8_t)(h->before_state | h->after_state << 2 | (h->counter ? STATE_COUNTER : 0)));
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
static int put_columns(struct work *w)
{
    int err = put_channel_head(w);

    for (int level = HWT_ROLL_LEVELS; err == 0 && level-- > 0;) {
        for (int k = 0; err == 0 && k < HWT_ROLL_COLUMNS; k++) {
            err = put(w->r, w->r->out.bytes + w->start[level][k], w->head.bytes[level][k]);
        }
    }
    return err;
}

static struct work begin_channel(struct hwt_rollup *r)
{
    return (struct work){.r = r, .seed = hwt_roll_seed(r->log, &r->out.sheet)};
}

static int put_common(struct hwt_rollup *r)
{
    static const unsigned columns[] = {HWT_ROLL_RECORDS, HWT_ROLL_MEASURED, HWT_ROLL_PERIOD};
    struct work w = begin_channel(r);

    for (int level = HWT_ROLL_LEVELS; level-- > 0;) {
        w.level = (enum hwt_roll_level)level;
        for (size_t k = 0; k < sizeof(columns) / sizeof(columns[0]); k++) {
            w.rows = take_rows(&w, columns[k], r->value);
            if (columns[k] == HWT_ROLL_PERIOD) {
                put_steps(&w, columns[k]);
            } else {
                put_plain(&w, columns[k], w.rows);
            }
        }
        if (w.head.left_out[level] != 0) {
            return HWT_ERR_SPACE;
        }
    }
    return put_columns(&w);
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

/* How many rows there are of each level, and the time they span. */
static void describe_rows(const struct hwt_rollup *r, struct hwt_rollup_sheet *sheet)
{
    sheet->min_ms = INT64_MAX;
    sheet->max_ms = INT64_MIN;
    for (size_t i = 0; i < r->rows; i++) {
        int64_t from_ms = r->row[i].quarter * HWT_ROLL_QUARTER_MS;

        if (r->row[i].measured_ms > 0) {
            sheet->min_ms = from_ms < sheet->min_ms ? from_ms : sheet->min_ms;
            sheet->max_ms = from_ms + HWT_ROLL_QUARTER_MS > sheet->max_ms
                                ? from_ms + HWT_ROLL_QUARTER_MS
                                : sheet->max_ms;
        }
    }
    for (int level = 0; level < HWT_ROLL_LEVELS; level++) {
        sheet->rows[level] = 0;
        for (size_t i = 0; i < r->rows; i = row_end(r, i, (enum hwt_roll_level)level)) {
            sheet->rows[level]++;
        }
    }
}

int hwt_roll_write_begin(struct hwt_rollup *r, struct hwt_rollup_sheet sheet, uint32_t pages)
{
    int err;

    sheet.front = front_bytes(r);
    sheet.channels = (uint16_t)r->sheet_channels;
    sheet.ordinal = ++r->ordinal;
    mark_rows(r);
    describe_rows(r, &sheet);
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
    return put_common(r);
}

int hwt_roll_write_channel(struct hwt_rollup *r, size_t channel, struct hwt_rollup_entry *strip)
{
    struct hwt_roll_sheet_channel *c = &r->channel[channel];
    struct work w = begin_channel(r);
    bool wide = any_wide(r, strip);

    c->offset = r->out.at;
    fill_empty(r, c, strip);
    w.head.counter = c->counter;
    w.head.before_state = c->before_state;
    w.head.after_state = c->after_state;
    w.head.before = c->before;
    w.head.after = c->after;
    w.head.after_at = c->after_at;
    for (int level = HWT_ROLL_LEVELS; level-- > 0;) {
        w.level = (enum hwt_roll_level)level;
        put_level(&w, strip, wide);
    }
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
