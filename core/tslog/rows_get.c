/*
 * rows_get.c: bits to a row, and the inner loop of all reading. The bits may say anything.
 */
#include "core/tslog/rows.h"

static size_t gap_get(struct hwt_tslog_bits_in *in)
{
    uint64_t v = hwt_tslog_bits_peek(in);
    unsigned width = (unsigned)__builtin_ctzll(v | 1u << 16); /* a count has 9 bits */

    in->at += width + 1;
    return (size_t)(UINT64_C(1) << width | hwt_tslog_bits_get(in, width));
}

static int get_time(struct hwt_tslog_rows *rows, struct hwt_tslog_bits_in *in, unsigned flags,
                    struct hwt_record *record)
{
    uint64_t boot =
        flags & HWT_TSLOG_HAS_BOOT ? hwt_tslog_bits_get(in, HWT_TSLOG_BOOT_BITS) : rows->boot;
    uint64_t clock =
        flags & HWT_TSLOG_HAS_CLOCK ? hwt_tslog_bits_get(in, HWT_TSLOG_CLOCK_BITS) : rows->clock;
    uint64_t span = flags & HWT_TSLOG_HAS_SPAN ? hwt_tslog_wide_get(in) : rows->span_ms;
    uint64_t u;

    if (span < 1 || span > UINT32_MAX || clock >= HWT_CLOCK_COUNT) {
        return HWT_ERR_CORRUPT;
    }
    record->boot = (uint32_t)boot;
    record->clock = (uint8_t)clock;
    record->span_ms = (uint32_t)span;
    record->mono_us = hwt_tslog_expected_mono(rows, record->span_ms);
    if (flags & HWT_TSLOG_HAS_MONO) {
        u = hwt_tslog_golomb_get(in, hwt_tslog_rice_k(&rows->mono));
        hwt_tslog_rice_learn(&rows->mono, u);
        record->mono_us = hwt_wrap_add(record->mono_us, hwt_unzigzag(u));
    }
    record->unix_ms = HWT_TIME_UNKNOWN;
    if ((flags & HWT_TSLOG_NO_WALL) == 0) {
        record->unix_ms = hwt_tslog_expected_wall(rows, record->mono_us);
    }
    if (flags & HWT_TSLOG_HAS_WALL) {
        u = hwt_tslog_golomb_get(in, hwt_tslog_rice_k(&rows->wall));
        hwt_tslog_rice_learn(&rows->wall, u);
        record->unix_ms = hwt_wrap_add(record->unix_ms, hwt_unzigzag(u));
    }
    return 0;
}

/* The next column of a list, from 1; 0: its end. */
static int get_listed(const struct hwt_tslog_rows *rows, struct hwt_tslog_bits_in *in,
                      size_t *column)
{
    *column += gap_get(in);
    if (*column > rows->count + 1u) {
        return HWT_ERR_CORRUPT;
    }
    *column = *column > rows->count ? 0 : *column;
    return 0;
}

static int get_quality(struct hwt_tslog_rows *rows, struct hwt_tslog_bits_in *in)
{
    size_t at = 0;
    int err;

    while ((err = get_listed(rows, in, &at)) == 0 && at > 0) {
        struct hwt_tslog_column *c = &rows->column[at - 1];
        unsigned step = hwt_tslog_bits_get(in, 1) != 0 ? 1 : 2;

        c->quality = (uint8_t)((c->quality + step) % HWT_QUALITY_COUNT);
    }
    return err;
}

static int get_age(struct hwt_tslog_column *c, struct hwt_tslog_bits_in *in, uint32_t *age_out)
{
    uint64_t age;

    *age_out = 0;
    if (hwt_tslog_bits_get(in, 1) == 0) {
        return 0;
    }
    age = hwt_tslog_bits_get(in, 1) == 0 ? c->carry_ms : hwt_tslog_wide_get(in);
    if (age < 1 || age > UINT32_MAX) {
        return HWT_ERR_CORRUPT;
    }
    *age_out = c->carry_ms = (uint32_t)age;
    return 0;
}

static int get_ages(struct hwt_tslog_rows *rows, struct hwt_tslog_bits_in *in, unsigned flags,
                    uint32_t span_ms)
{
    size_t at = 0;
    int err = 0;

    for (size_t i = 0; rows->aged > 0 && i < rows->count; i++) {
        struct hwt_tslog_column *c = &rows->column[i];

        if (c->quality != HWT_QUALITY_MISSING) {
            hwt_tslog_set_age(rows, c, hwt_tslog_expected_age(c, span_ms));
        }
    }
    if ((flags & HWT_TSLOG_HAS_AGE) == 0) {
        return 0;
    }
    while ((err = get_listed(rows, in, &at)) == 0 && at > 0) {
        struct hwt_tslog_column *c = &rows->column[at - 1];
        uint32_t age;

        err = get_age(c, in, &age);
        if (err != 0) {
            return err;
        }
        hwt_tslog_set_age(rows, c, age);
    }
    return err;
}

static int get_scales(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                      struct hwt_tslog_bits_in *in)
{
    size_t at = 0;
    int err;

    while ((err = get_listed(rows, in, &at)) == 0 && at > 0) {
        struct hwt_tslog_column *c = &rows->column[at - 1];
        unsigned width = (unsigned)hwt_tslog_bits_get(in, HWT_TSLOG_WIDTH_BITS) + 1;
        uint32_t scale = (uint32_t)hwt_tslog_bits_get(in, width);

        if (scale == 0 || c->scale % scale != 0) {
            return HWT_ERR_CORRUPT;
        }
        hwt_tslog_column_rescale(c, trial == NULL ? NULL : &trial[at - 1], scale);
    }
    return err;
}

/* One of the first two numbers of a column. */
static int64_t get_early(struct hwt_tslog_column *c, struct hwt_tslog_bits_in *in)
{
    return c->seen == 0 ? hwt_unzigzag(hwt_tslog_wide_get(in))
                        : hwt_wrap_add(hwt_tslog_expected(c),
                                       hwt_unzigzag(hwt_tslog_rice_get(&c->rice, in)));
}

/* Returns the bit behind the values. */
static uint32_t get_values(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                           struct hwt_tslog_bits_in in, struct hwt_value *value)
{
    bool judge = rows->rows % HWT_TSLOG_JUDGE_EACH == 0;

    for (size_t i = 0; i < rows->count; i++) {
        struct hwt_tslog_column *c = &rows->column[i];
        int64_t number;

        value[i].quality = c->quality;
        value[i].age_ms = 0;
        if (c->quality == HWT_QUALITY_MISSING) {
            value[i].v = 0;
            continue;
        }
        if (c->seen < 2) {
            struct hwt_tslog_bits_in early = in;

            number = get_early(c, &early);
            in.at = early.at;
        } else {
            number = hwt_wrap_add(hwt_tslog_expected(c),
                                  hwt_unzigzag(hwt_tslog_rice_get(&c->rice, &in)));
        }
        value[i].v = hwt_wrap_add(hwt_tslog_scale_up(number, c->scale), c->offset);
        if (trial != NULL) {
            hwt_tslog_trial_add(&trial[i], c, number, judge);
        }
        if (c->seen < 2) {
            hwt_tslog_column_start(c, number);
        } else {
            hwt_tslog_column_advance(c, number);
        }
    }
    return in.at;
}

static void give_ages(const struct hwt_tslog_rows *rows, struct hwt_value *value)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (value[i].quality != HWT_QUALITY_MISSING) {
            value[i].age_ms = rows->column[i].age_ms;
        }
    }
}

/* The flags of the next row. */
static unsigned get_flags(struct hwt_tslog_rows *rows, struct hwt_tslog_bits_in *in)
{
    uint64_t symbol =
        rows->rows == 0 ? HWT_TSLOG_FLAGS_NEW : hwt_tslog_rice_get(&rows->regular, in);

    if (symbol == HWT_TSLOG_REGULAR) {
        return 0;
    }
    if (symbol != HWT_TSLOG_FLAGS_AGAIN) {
        rows->flags = (uint16_t)hwt_tslog_bits_get(in, HWT_TSLOG_FLAG_BITS);
    }
    return rows->flags;
}

int hwt_tslog_row_get(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                      const uint8_t *content, size_t used, struct hwt_value *value,
                      struct hwt_record *record_out)
{
    struct hwt_tslog_bits_in in = {content, used, rows->at};
    struct hwt_record record = {.count = rows->count, .value = value};
    unsigned flags;
    int err = 0;

    if (rows->at == 0) {
        err = hwt_tslog_start_get(rows, &in);
        hwt_tslog_rows_fresh(rows);
    }
    flags = get_flags(rows, &in);
    if ((flags & (HWT_TSLOG_HAS_WALL | HWT_TSLOG_NO_WALL)) ==
        (HWT_TSLOG_HAS_WALL | HWT_TSLOG_NO_WALL)) {
        return HWT_ERR_CORRUPT;
    }
    err = err == 0 ? get_time(rows, &in, flags, &record) : err;
    err = err == 0 && (flags & HWT_TSLOG_HAS_QUALITY) != 0 ? get_quality(rows, &in) : err;
    err = err == 0 && (flags & HWT_TSLOG_HAS_SCALE) != 0 ? get_scales(rows, trial, &in) : err;
    err = err == 0 ? get_ages(rows, &in, flags, record.span_ms) : err;
    if (err != 0) {
        return err;
    }
    in.at = get_values(rows, trial, in, value);
    if (hwt_tslog_bits_over(&in)) {
        return HWT_ERR_CORRUPT;
    }
    if (rows->aged > 0) {
        give_ages(rows, value);
    }
    rows->at = in.at;
    hwt_tslog_advance_time(rows, &record, flags);
    record.sequence = record_out->sequence;
    *record_out = record;
    return 0;
}
