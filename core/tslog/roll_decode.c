/*
 * roll_decode.c: columns of a sheet as values: what roll_code.c made, undone.
 */
#include "core/tslog/predict.h"
#include "core/tslog/roll.h"

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
    err = hwt_roll_fetch(r, c->at[level][column], c->bytes[level][column], &p);
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
        int64_t mean =
            hwt_tslog_shift((int64_t)((uint64_t)sum[i] * form->factor), HWT_ROLL_FACTOR_BITS);

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
