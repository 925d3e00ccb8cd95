/*
 * roll_code.c: a channel of a sheet as columns: which form of each takes least, and its bytes, into
 * out.bytes. roll_column.c has the bits of one column; roll_write.c puts them where they belong.
 */
#include "core/tslog/predict.h"
#include "core/tslog/roll.h"

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
static size_t take_column(const struct hwt_roll_coder *w, const struct hwt_rollup_entry *strip,
                          unsigned column, int64_t *to)
{
    size_t n = 0;

    for (size_t i = 0; i < w->r->rows; n++) {
        struct hwt_rollup_entry e = hwt_roll_next_entry(w->r, strip, &i, w->level);

        to[n] = pick(&e, column);
    }
    return n;
}

static size_t take_rows(const struct hwt_roll_coder *w, unsigned column, int64_t *to)
{
    const struct hwt_rollup *r = w->r;
    size_t n = 0;

    for (size_t i = 0; i < r->rows; n++) {
        size_t end = hwt_roll_row_end(r, i, w->level);
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
static void put_numbers(struct hwt_roll_coder *w, unsigned column, const struct hwt_roll_form *form,
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
static void put_plain(struct hwt_roll_coder *w, unsigned column, size_t rows)
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
static void put_unless_zero(struct hwt_roll_coder *w, unsigned column)
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
static void put_steps(struct hwt_roll_coder *w, unsigned column)
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
static void put_by_mean(struct hwt_roll_coder *w, unsigned column, uint64_t most_ms)
{
    struct hwt_rollup *r = w->r;
    struct hwt_roll_form form = {.packed = w->level != HWT_ROLL_QUARTER, .origin = r->value[0]};

    form.scale = scale_of(r->value, w->rows, form.origin);
    if (most_ms > 0 && form.scale <= (UINT64_C(1) << HWT_ROLL_FACTOR_BITS) / most_ms) {
        form.factor = ((UINT64_C(1) << HWT_ROLL_FACTOR_BITS) + form.scale * most_ms / 2) /
                      (form.scale * most_ms);
    }
    for (size_t i = 0; i < w->rows; i++) {
        int64_t mean =
            hwt_tslog_shift((int64_t)((uint64_t)r->base[i] * form.factor), HWT_ROLL_FACTOR_BITS);

        r->number[i] =
            hwt_wrap_sub(hwt_wrap_sub(r->value[i], form.origin) / (int64_t)form.scale, mean);
    }
    put_numbers(w, column, &form, r->number, w->rows);
}

/* r->value becomes how far each quarter hour's extreme is from its hour's; 0 of one that is empty.
 */
static void beyond_hour(const struct hwt_roll_coder *w, const struct hwt_rollup_entry *strip,
                        unsigned column)
{
    struct hwt_rollup *r = w->r;

    for (size_t i = 0; i < w->rows;) {
        size_t end = hwt_roll_row_end(r, i, HWT_ROLL_HOUR), from = i;
        struct hwt_rollup_entry hour = hwt_roll_next_entry(r, strip, &from, HWT_ROLL_HOUR);

        for (; i < end; i++) {
            r->value[i] = strip[i].count == 0      ? 0
                          : column == HWT_ROLL_MIN ? hwt_wrap_sub(r->value[i], hour.min)
                                                   : hwt_wrap_sub(hour.max, r->value[i]);
        }
    }
}

/* The same by hours. One of them is 0: if none before was it is the last, and need not be said. */
static void put_by_hour(struct hwt_roll_coder *w, const struct hwt_rollup_entry *strip,
                        unsigned column)
{
    struct hwt_rollup *r = w->r;
    struct hwt_roll_form form = {.bare = true, .by_hour = true};
    size_t n = 0;

    beyond_hour(w, strip, column);
    form.scale = scale_of(r->value, w->rows, 0);
    for (size_t i = 0; i < w->rows;) {
        size_t end = hwt_roll_row_end(r, i, HWT_ROLL_HOUR);
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
static void put_extremes(struct hwt_roll_coder *w, const struct hwt_rollup_entry *strip,
                         unsigned column, uint64_t most_ms)
{
    struct hwt_roll_coder other;
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
static void put_shares(struct hwt_roll_coder *w)
{
    struct hwt_rollup *r = w->r;
    struct hwt_roll_form form = {.scale = scale_of(r->base, w->rows, 0)};
    size_t n = 0;

    for (size_t i = 0; i < w->rows;) {
        size_t end = hwt_roll_row_end(r, i, HWT_ROLL_HOUR), rows = end - i;
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

static void put_counts(struct hwt_roll_coder *w, const struct hwt_rollup_entry *strip)
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
        if (hwt_roll_next_entry(r, strip, &i, HWT_ROLL_DAY).wide) {
            return true;
        }
    }
    return false;
}

static void put_gauge(struct hwt_roll_coder *w, const struct hwt_rollup_entry *strip)
{
    struct hwt_rollup *r = w->r;
    uint64_t most_ms = 0;

    for (size_t i = 0; i < r->rows;) {
        struct hwt_rollup_entry e = hwt_roll_next_entry(r, strip, &i, w->level);

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

static void put_counter(struct hwt_roll_coder *w, const struct hwt_rollup_entry *strip)
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
static void settle_left_out(struct hwt_roll_coder *w)
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

static void put_level(struct hwt_roll_coder *w, const struct hwt_rollup_entry *strip, bool wide)
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

int hwt_roll_code_common(struct hwt_roll_coder *w)
{
    static const unsigned columns[] = {HWT_ROLL_RECORDS, HWT_ROLL_MEASURED, HWT_ROLL_PERIOD};

    for (int level = HWT_ROLL_LEVELS; level-- > 0;) {
        w->level = (enum hwt_roll_level)level;
        for (size_t k = 0; k < sizeof(columns) / sizeof(columns[0]); k++) {
            w->rows = take_rows(w, columns[k], w->r->value);
            if (columns[k] == HWT_ROLL_PERIOD) {
                put_steps(w, columns[k]);
            } else {
                put_plain(w, columns[k], w->rows);
            }
        }
        if (w->head.left_out[level] != 0) {
            return HWT_ERR_SPACE;
        }
    }
    return 0;
}

/* Rows without a value take numbers that cost little. */
static void fill_empty(const struct hwt_roll_coder *w, struct hwt_rollup_entry *strip)
{
    int64_t last = w->head.before;

    for (size_t i = 0; i < w->r->rows; i++) {
        if (strip[i].count == 0) {
            strip[i] = (struct hwt_rollup_entry){.min = last, .max = last, .last = last};
        }
        last = strip[i].last;
    }
}

void hwt_roll_code_channel(struct hwt_roll_coder *w, struct hwt_rollup_entry *strip)
{
    bool wide = any_wide(w->r, strip);

    fill_empty(w, strip);
    for (int level = HWT_ROLL_LEVELS; level-- > 0;) {
        w->level = (enum hwt_roll_level)level;
        put_level(w, strip, wide);
    }
}
