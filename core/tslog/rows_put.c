/*
 * rows_put.c: a row to bits. It is measured first: it is in the page as a whole or not at all.
 */
#include "core/tslog/rows.h"

struct plan { /* a row, measured */
    unsigned flags, symbol;
    uint32_t bits;
    uint64_t mono, wall; /* to be put, if flagged */
    int64_t number[HWT_CHANNELS_MAX];
    uint64_t miss[HWT_CHANNELS_MAX];
    bool rescaled[HWT_CHANNELS_MAX];
};

static unsigned time_flags(const struct hwt_tslog_rows *rows, const struct hwt_record *r)
{
    unsigned f = 0;

    f |= r->boot != rows->boot ? HWT_TSLOG_HAS_BOOT : 0;
    f |= r->clock != rows->clock ? HWT_TSLOG_HAS_CLOCK : 0;
    f |= r->span_ms != rows->span_ms ? HWT_TSLOG_HAS_SPAN : 0;
    f |= r->mono_us != hwt_tslog_expected_mono(rows, r->span_ms) ? HWT_TSLOG_HAS_MONO : 0;
    if (r->unix_ms == HWT_TIME_UNKNOWN) {
        f |= HWT_TSLOG_NO_WALL;
    } else if (r->unix_ms != hwt_tslog_expected_wall(rows, r->mono_us)) {
        f |= HWT_TSLOG_HAS_WALL;
    }
    return f;
}

/* A list of columns is a list of steps from one to the next, as width in unary and itself; a step
 * to `count` ends it. */
static unsigned gap_size(size_t gap)
{
    return 2 * hwt_tslog_width(gap) - 1;
}

static void gap_put(struct hwt_tslog_bits_out *out, size_t gap)
{
    unsigned width = hwt_tslog_width(gap);

    hwt_tslog_bits_put32(out, UINT64_C(1) << (width - 1), width);
    hwt_tslog_bits_put32(out, hwt_tslog_low_bits(gap, width - 1), width - 1);
}

static void plan_quality(const struct hwt_tslog_rows *rows, const struct hwt_record *record,
                         struct plan *plan)
{
    size_t before = 0;

    for (size_t i = 0; i < rows->count; i++) {
        if (rows->column[i].quality != record->value[i].quality) {
            plan->bits += gap_size(i + 1 - before) + 1;
            before = i + 1;
        }
    }
    if (before != 0) {
        plan->bits += gap_size(rows->count + 1u - before);
        plan->flags |= HWT_TSLOG_HAS_QUALITY;
    }
}

static void quality_put(const struct hwt_tslog_rows *rows, const struct hwt_record *record,
                        struct hwt_tslog_bits_out *out)
{
    size_t before = 0;

    for (size_t i = 0; i < rows->count; i++) {
        unsigned was = rows->column[i].quality, is = record->value[i].quality;

        if (was != is) {
            gap_put(out, i + 1 - before);
            hwt_tslog_bits_put32(out, is == (was + 1) % HWT_QUALITY_COUNT, 1);
            before = i + 1;
        }
    }
    gap_put(out, rows->count + 1u - before);
}

static bool age_told(const struct hwt_tslog_rows *rows, const struct hwt_record *record, size_t i)
{
    return record->value[i].quality != HWT_QUALITY_MISSING &&
           record->value[i].age_ms != hwt_tslog_expected_age(&rows->column[i], record->span_ms);
}

static void plan_ages(const struct hwt_tslog_rows *rows, const struct hwt_record *record,
                      struct plan *plan)
{
    size_t before = 0;

    for (size_t i = 0; i < rows->count; i++) {
        uint32_t age = record->value[i].age_ms;

        if (age_told(rows, record, i)) {
            plan->bits += gap_size(i + 1 - before) + (age == 0 ? 1
                                                      : age == rows->column[i].carry_ms
                                                          ? 2
                                                          : 2 + hwt_tslog_wide_size(age));
            before = i + 1;
        }
    }
    if (before != 0) {
        plan->bits += gap_size(rows->count + 1u - before);
        plan->flags |= HWT_TSLOG_HAS_AGE;
    }
}

static void age_put(struct hwt_tslog_column *c, uint32_t age, struct hwt_tslog_bits_out *out)
{
    hwt_tslog_bits_put32(out, age != 0, 1);
    if (age != 0) {
        hwt_tslog_bits_put32(out, age != c->carry_ms, 1);
    }
    if (age != 0 && age != c->carry_ms) {
        hwt_tslog_wide_put(out, age);
        c->carry_ms = age;
    }
}

/* Where there is no list, ages are as expected. */
static void ages_put(struct hwt_tslog_rows *rows, const struct hwt_record *record,
                     const struct plan *plan, struct hwt_tslog_bits_out *out)
{
    size_t before = 0;

    for (size_t i = 0; i < rows->count; i++) {
        struct hwt_tslog_column *c = &rows->column[i];

        if (age_told(rows, record, i)) {
            gap_put(out, i + 1 - before);
            age_put(c, record->value[i].age_ms, out);
            before = i + 1;
        }
        if (record->value[i].quality != HWT_QUALITY_MISSING) {
            hwt_tslog_set_age(rows, c, record->value[i].age_ms);
        }
    }
    if ((plan->flags & HWT_TSLOG_HAS_AGE) != 0) {
        gap_put(out, rows->count + 1u - before);
    }
}

/* The value on the column's scale. A value off the scale changes it, for this row and on. */
static int64_t number_of(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial, size_t i,
                         int64_t value, struct plan *plan)
{
    struct hwt_tslog_column *c = &rows->column[i];
    int64_t d = hwt_wrap_sub(value, c->offset);

    if (c->scale > 1 && d % c->scale != 0) {
        uint64_t size = d < 0 ? 0 - (uint64_t)d : (uint64_t)d;

        hwt_tslog_column_rescale(c, &trial[i], (uint32_t)hwt_tslog_divisor(c->scale, size));
        if (rows->at > 0) {
            plan->rescaled[i] = true;
            plan->flags |= HWT_TSLOG_HAS_SCALE;
        } else { /* the page's start will say so */
            c->level = (uint8_t)hwt_tslog_rice_level(&c->rice);
            hwt_tslog_rice_init(&c->rice, c->level);
            c->offset = c->scale > 1 ? c->offset : 0; /* without a scale there is none */
            d = hwt_wrap_sub(value, c->offset);
        }
    }
    return c->scale > 1 ? d / c->scale : d;
}

static void plan_scales(const struct hwt_tslog_rows *rows, struct plan *plan)
{
    size_t before = 0;

    for (size_t i = 0; i < rows->count; i++) {
        if (plan->rescaled[i]) {
            plan->bits += gap_size(i + 1 - before) + HWT_TSLOG_WIDTH_BITS +
                          hwt_tslog_width(rows->column[i].scale);
            before = i + 1;
        }
    }
    plan->bits += gap_size(rows->count + 1u - before);
}

static void scales_put(const struct hwt_tslog_rows *rows, const struct plan *plan,
                       struct hwt_tslog_bits_out *out)
{
    size_t before = 0;

    for (size_t i = 0; i < rows->count; i++) {
        unsigned width = hwt_tslog_width(rows->column[i].scale);

        if (plan->rescaled[i]) {
            gap_put(out, i + 1 - before);
            hwt_tslog_bits_put32(out, width - 1, HWT_TSLOG_WIDTH_BITS);
            hwt_tslog_bits_put32(out, rows->column[i].scale, width);
            before = i + 1;
        }
    }
    gap_put(out, rows->count + 1u - before);
}

static void plan_values(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                        const struct hwt_record *record, struct plan *plan)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < rows->count; i++) {
        const struct hwt_tslog_column *c = &rows->column[i];

        if (record->value[i].quality == HWT_QUALITY_MISSING) {
            continue;
        }
        plan->number[i] = number_of(rows, trial, i, record->value[i].v, plan);
        if (c->seen == 0) {
            plan->miss[i] = hwt_zigzag(plan->number[i]);
            bits += hwt_tslog_wide_size(plan->miss[i]);
        } else {
            plan->miss[i] = hwt_zigzag(hwt_wrap_sub(plan->number[i], hwt_tslog_expected(c)));
            bits += hwt_tslog_rice_size(&c->rice, plan->miss[i]);
        }
    }
    plan->bits += bits;
}

static void plan_time(const struct hwt_tslog_rows *rows, const struct hwt_record *record,
                      struct plan *plan)
{
    unsigned f = plan->flags;

    plan->mono =
        hwt_zigzag(hwt_wrap_sub(record->mono_us, hwt_tslog_expected_mono(rows, record->span_ms)));
    plan->wall =
        hwt_zigzag(hwt_wrap_sub(record->unix_ms, hwt_tslog_expected_wall(rows, record->mono_us)));
    plan->bits += f & HWT_TSLOG_HAS_BOOT ? HWT_TSLOG_BOOT_BITS : 0;
    plan->bits += f & HWT_TSLOG_HAS_CLOCK ? HWT_TSLOG_CLOCK_BITS : 0;
    plan->bits += f & HWT_TSLOG_HAS_SPAN ? hwt_tslog_wide_size(record->span_ms) : 0;
    plan->bits += f & HWT_TSLOG_HAS_MONO
                      ? hwt_tslog_golomb_size(plan->mono, hwt_tslog_rice_k(&rows->mono))
                      : 0;
    plan->bits += f & HWT_TSLOG_HAS_WALL
                      ? hwt_tslog_golomb_size(plan->wall, hwt_tslog_rice_k(&rows->wall))
                      : 0;
}

/* How the row starts, once all flags are known. */
static void plan_symbol(const struct hwt_tslog_rows *rows, struct plan *plan)
{
    if (rows->rows == 0) {
        plan->bits += HWT_TSLOG_FLAG_BITS;
        return;
    }
    plan->symbol = plan->flags == 0             ? HWT_TSLOG_REGULAR
                   : plan->flags == rows->flags ? HWT_TSLOG_FLAGS_AGAIN
                                                : HWT_TSLOG_FLAGS_NEW;
    plan->bits += hwt_tslog_rice_size(&rows->regular, plan->symbol) +
                  (plan->symbol == HWT_TSLOG_FLAGS_NEW ? HWT_TSLOG_FLAG_BITS : 0);
}

static void time_put(struct hwt_tslog_rows *rows, const struct hwt_record *record,
                     const struct plan *plan, struct hwt_tslog_bits_out *out)
{
    if (plan->flags & HWT_TSLOG_HAS_BOOT) {
        hwt_tslog_bits_put32(out, record->boot, HWT_TSLOG_BOOT_BITS);
    }
    if (plan->flags & HWT_TSLOG_HAS_CLOCK) {
        hwt_tslog_bits_put32(out, record->clock, HWT_TSLOG_CLOCK_BITS);
    }
    if (plan->flags & HWT_TSLOG_HAS_SPAN) {
        hwt_tslog_wide_put(out, record->span_ms);
    }
    if (plan->flags & HWT_TSLOG_HAS_MONO) {
        hwt_tslog_golomb_put(out, plan->mono, hwt_tslog_rice_k(&rows->mono));
        hwt_tslog_rice_learn(&rows->mono, plan->mono);
    }
    if (plan->flags & HWT_TSLOG_HAS_WALL) {
        hwt_tslog_golomb_put(out, plan->wall, hwt_tslog_rice_k(&rows->wall));
        hwt_tslog_rice_learn(&rows->wall, plan->wall);
    }
}

/* Zeros in open runs are counted in fields written before, so this comes before new bits. */
static bool in_run(const struct hwt_tslog_rice *c, uint64_t u)
{
    return c->run_open && u == 0;
}

static void runs_put(struct hwt_tslog_rows *rows, const struct hwt_record *record,
                     const struct plan *plan, bool *counted, uint8_t *content)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct hwt_tslog_column *c = &rows->column[i];

        counted[i] = record->value[i].quality != HWT_QUALITY_MISSING && c->seen > 0 &&
                     in_run(&c->rice, plan->miss[i]);
        if (counted[i]) {
            hwt_tslog_rice_put_in_run(&c->rice, content);
        }
    }
}

static void row_start_put(struct hwt_tslog_rows *rows, const struct plan *plan, bool counted,
                          struct hwt_tslog_bits_out *out)
{
    if (rows->rows > 0 && !counted) {
        hwt_tslog_rice_put(&rows->regular, out, plan->symbol);
    }
    if (rows->rows == 0 || plan->symbol == HWT_TSLOG_FLAGS_NEW) {
        hwt_tslog_bits_put32(out, plan->flags, HWT_TSLOG_FLAG_BITS);
    }
    rows->flags = (uint16_t)(plan->flags != 0 ? plan->flags : rows->flags);
}

static void values_put(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                       const struct hwt_record *record, const struct plan *plan,
                       const bool *counted, struct hwt_tslog_bits_out *out)
{
    bool judge = rows->rows % HWT_TSLOG_JUDGE_EACH == 0;

    for (size_t i = 0; i < rows->count; i++) {
        struct hwt_tslog_column *c = &rows->column[i];

        c->quality = record->value[i].quality;
        if (c->quality == HWT_QUALITY_MISSING) {
            continue;
        }
        if (c->seen == 0) {
            hwt_tslog_wide_put(out, plan->miss[i]);
        } else if (!counted[i]) {
            hwt_tslog_rice_put(&c->rice, out, plan->miss[i]);
        }
        hwt_tslog_trial_add(&trial[i], c, plan->number[i], judge);
        if (c->seen < 2) {
            hwt_tslog_column_start(c, plan->number[i]);
        } else {
            hwt_tslog_column_advance(c, plan->number[i]);
        }
    }
}

static void write_row(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                      const struct hwt_record *record, const struct plan *plan, uint8_t *content)
{
    bool counted[HWT_CHANNELS_MAX], regular;
    struct hwt_tslog_bits_out out;

    runs_put(rows, record, plan, counted, content);
    regular = rows->rows > 0 && in_run(&rows->regular, plan->symbol);
    if (regular) {
        hwt_tslog_rice_put_in_run(&rows->regular, content);
    }
    hwt_tslog_bits_out_init(&out, content, HWT_TSLOG_ROOM, rows->at);
    if (rows->at == 0) {
        hwt_tslog_start_put(rows, &out);
    }
    row_start_put(rows, plan, regular, &out);
    time_put(rows, record, plan, &out);
    if (plan->flags & HWT_TSLOG_HAS_QUALITY) {
        quality_put(rows, record, &out);
    }
    if (plan->flags & HWT_TSLOG_HAS_SCALE) {
        scales_put(rows, plan, &out);
    }
    if (rows->aged > 0 || (plan->flags & HWT_TSLOG_HAS_AGE) != 0) {
        ages_put(rows, record, plan, &out);
    }
    values_put(rows, trial, record, plan, counted, &out);
    rows->at = hwt_tslog_bits_at(&out);
    hwt_tslog_bits_end(&out);
    hwt_tslog_advance_time(rows, record, plan->flags);
}

static void make_plan(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                      const struct hwt_record *record, struct plan *plan)
{
    plan->flags = time_flags(rows, record);
    plan->bits = 0;
    plan->symbol = HWT_TSLOG_REGULAR;
    memset(plan->rescaled, 0, rows->count);
    plan_time(rows, record, plan);
    plan_quality(rows, record, plan);
    plan_ages(rows, record, plan);
    plan_values(rows, trial, record, plan);
    if (plan->flags & HWT_TSLOG_HAS_SCALE) {
        plan_scales(rows, plan);
    }
    plan_symbol(rows, plan);
    plan->bits += rows->at == 0 ? hwt_tslog_start_size(rows) : 0;
}

/* A first row with many scales and many ages may not fit: then without scales. */
static void give_up_scales(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct hwt_tslog_column *c = &rows->column[i];

        if (c->scale > 1) {
            hwt_tslog_column_rescale(c, &trial[i], 1);
            c->level = (uint8_t)hwt_tslog_rice_level(&c->rice);
            hwt_tslog_rice_init(&c->rice, c->level);
            c->offset = 0;
        }
    }
}

int hwt_tslog_row_put(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                      const struct hwt_record *record, uint8_t content[HWT_TSLOG_ROOM])
{
    struct plan plan;

    if (rows->full || rows->rows == HWT_TSLOG_ROWS_MAX) {
        return HWT_ERR_SPACE;
    }
    make_plan(rows, trial, record, &plan);
    if (rows->at == 0 && plan.bits > 8 * HWT_TSLOG_ROOM) {
        give_up_scales(rows, trial);
        make_plan(rows, trial, record, &plan);
    }
    if (plan.bits > 8 * HWT_TSLOG_ROOM - rows->at) {
        rows->full = true; /* for good: scales may have changed */
        return HWT_ERR_SPACE;
    }
    write_row(rows, trial, record, &plan, content);
    return 0;
}
