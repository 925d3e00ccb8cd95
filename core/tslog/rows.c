/*
 * rows.c: the row coder. A page's rows are one run of bits, row after row; a page stands alone.
 *
 *   start │ row │ row │ row …
 *
 *   start: any scales? 1 │ each column: predictor 3, level 5, scaled? 1 [width - 1 5, scale,
 * offset] row:   regular? (rice) │ [flags 8 │ what they say is there] │ each value not missing
 * (rice)
 *
 * What is regular costs nothing, as rice.h has it: mono_us is told to go on by the span and the
 * last pause, the wall time to go on with mono_us, boot, clock, span and qualities to stay. A value
 * is coded as its difference from what the column's predictor expects (predict.h).
 *
 * Putting a row measures it first: it is in the page as a whole or not at all.
 */
#include "core/base/quantity.h"
#include "core/tslog/predict.h"
#include "core/tslog/rice.h"

enum { /* flags */
       HAS_BOOT = 1,
       HAS_CLOCK = 2,
       HAS_SPAN = 4,
       HAS_MONO = 8,
       HAS_WALL = 16,
       NO_WALL = 32, /* the wall time is unknown */
       HAS_QUALITY = 64,
       HAS_SCALE = 128
};

enum { REGULAR, FLAGS_AGAIN, FLAGS_NEW }; /* what starts a row */

enum { FLAG_BITS = 8, BOOT_BITS = 32, CLOCK_BITS = 4, PREDICTOR_BITS = 3, LEVEL_BITS = 5 };
enum { WIDTH_BITS = 5, SCALE_MAX_BITS = WIDTH_BITS + 32, SCALED_MAX = 128, JUDGE_EACH = 4 };

enum {
    FIRST_BITS = HWT_TSLOG_RICE_WIDE_MAX,
    START_MAX = 1 + HWT_CHANNELS_MAX * (PREDICTOR_BITS + LEVEL_BITS + 1) +
                SCALED_MAX * (SCALE_MAX_BITS + 32),
    ROW_TIME_MAX = FLAG_BITS + BOOT_BITS + CLOCK_BITS + FIRST_BITS +
                   2 * (HWT_TSLOG_RICE_ZEROS + HWT_TSLOG_RICE_WIDE_MAX),
    ROW_QUALITY_MAX = 2 * HWT_CHANNELS_MAX + 17,
    ROW_FIRST_MAX = ROW_TIME_MAX + ROW_QUALITY_MAX + FIRST_BITS * HWT_CHANNELS_MAX
};

_Static_assert(START_MAX + ROW_FIRST_MAX <= 8 * HWT_TSLOG_ROOM, "a page must hold any first row");

/* --- the page's start --- */

static void begin(struct hwt_tslog_rows *rows)
{
    rows->at = 0;
    rows->full = false;
    rows->rows = 0;
    rows->flags = 0;
    rows->clock = 0;
    rows->boot = rows->span_ms = 0;
    rows->mono_us = rows->pause_us = 0;
    rows->wall_ms = rows->wall_mono_us = 0;
    hwt_tslog_rice_init(&rows->regular, 0);
    hwt_tslog_rice_init(&rows->mono, 0);
    hwt_tslog_rice_init(&rows->wall, 0);
    for (size_t i = 0; i < rows->count; i++) {
        struct hwt_tslog_column *c = &rows->column[i];

        hwt_tslog_rice_init(&c->rice, c->level);
        hwt_tslog_column_begin(c);
        c->quality = HWT_QUALITY_GOOD;
    }
}

void hwt_tslog_rows_begin(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                          const struct hwt_tslog_columns *columns)
{
    if (trial != NULL) {
        memset(trial, 0, sizeof(*trial) * HWT_CHANNELS_MAX);
    }
    rows->count = columns->count;
    for (size_t i = 0; i < rows->count; i++) {
        const struct hwt_quantity_info *q = hwt_quantity_get(columns->channel[i].quantity);
        bool counter = q != NULL && q->kind == HWT_COUNTER;

        rows->column[i].predictor = counter ? HWT_TSLOG_PREDICT_TREND : HWT_TSLOG_PREDICT_LAST;
        rows->column[i].level = HWT_TSLOG_LEVEL_UNKNOWN;
        rows->column[i].scale = 1;
        rows->column[i].offset = 0;
    }
    begin(rows);
}

void hwt_tslog_rows_next(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial)
{
    unsigned scaled = 0;

    for (size_t i = 0; i < rows->count; i++) {
        hwt_tslog_column_next(&rows->column[i], &trial[i], scaled < SCALED_MAX);
        scaled += rows->column[i].scale > 1;
    }
    begin(rows);
}

static bool any_scaled(const struct hwt_tslog_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->column[i].scale > 1) {
            return true;
        }
    }
    return false;
}

static void start_put(const struct hwt_tslog_rows *rows, struct hwt_tslog_bits_out *out)
{
    bool scales = any_scaled(rows);

    hwt_tslog_bits_put32(out, scales, 1);
    for (size_t i = 0; i < rows->count; i++) {
        const struct hwt_tslog_column *c = &rows->column[i];
        unsigned width = hwt_tslog_width(c->scale);

        hwt_tslog_bits_put32(out, c->predictor, PREDICTOR_BITS);
        hwt_tslog_bits_put32(out, c->level, LEVEL_BITS);
        if (scales) {
            hwt_tslog_bits_put32(out, c->scale > 1, 1);
        }
        if (c->scale > 1) {
            hwt_tslog_bits_put32(out, width - 1, WIDTH_BITS);
            hwt_tslog_bits_put32(out, c->scale, width);
            hwt_tslog_bits_put32(out, c->offset, width);
        }
    }
}

static uint32_t start_size(const struct hwt_tslog_rows *rows)
{
    uint32_t n = 1 + rows->count * (PREDICTOR_BITS + LEVEL_BITS + (any_scaled(rows) ? 1u : 0u));

    for (size_t i = 0; i < rows->count; i++) {
        if (rows->column[i].scale > 1) {
            n += WIDTH_BITS + 2 * hwt_tslog_width(rows->column[i].scale);
        }
    }
    return n;
}

static int start_get(struct hwt_tslog_rows *rows, struct hwt_tslog_bits_in *in)
{
    bool scales = hwt_tslog_bits_get(in, 1) != 0;

    for (size_t i = 0; i < rows->count; i++) {
        struct hwt_tslog_column *c = &rows->column[i];

        c->predictor = (uint8_t)hwt_tslog_bits_get(in, PREDICTOR_BITS);
        c->level = (uint8_t)hwt_tslog_bits_get(in, LEVEL_BITS);
        c->scale = 1;
        c->offset = 0;
        if (scales && hwt_tslog_bits_get(in, 1) != 0) {
            unsigned width = (unsigned)hwt_tslog_bits_get(in, WIDTH_BITS) + 1;

            c->scale = (uint32_t)hwt_tslog_bits_get(in, width);
            c->offset = (uint32_t)hwt_tslog_bits_get(in, width);
            if (c->scale == 0) {
                return HWT_ERR_CORRUPT;
            }
        }
    }
    return hwt_tslog_bits_over(in) ? HWT_ERR_CORRUPT : 0;
}

/* --- time --- */

static int64_t expected_mono(const struct hwt_tslog_rows *rows, uint32_t span_ms)
{
    return hwt_wrap_add(hwt_wrap_add(rows->mono_us, rows->pause_us), (int64_t)span_ms * 1000);
}

static int64_t expected_wall(const struct hwt_tslog_rows *rows, int64_t mono_us)
{
    return hwt_wrap_add(rows->wall_ms, hwt_wrap_sub(mono_us, rows->wall_mono_us) / 1000);
}

static void advance_time(struct hwt_tslog_rows *rows, const struct hwt_record *record,
                         unsigned flags)
{
    rows->pause_us = rows->rows == 0 || (flags & HAS_BOOT) != 0
                         ? 0
                         : hwt_wrap_sub(hwt_wrap_sub(record->mono_us, rows->mono_us),
                                        (int64_t)record->span_ms * 1000);
    rows->boot = record->boot;
    rows->clock = record->clock;
    rows->span_ms = record->span_ms;
    rows->mono_us = record->mono_us;
    if ((flags & HAS_WALL) != 0) {
        rows->wall_ms = record->unix_ms;
        rows->wall_mono_us = record->mono_us;
    }
    rows->rows++;
}

/* --- putting --- */

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

    f |= r->boot != rows->boot ? HAS_BOOT : 0;
    f |= r->clock != rows->clock ? HAS_CLOCK : 0;
    f |= r->span_ms != rows->span_ms ? HAS_SPAN : 0;
    f |= r->mono_us != expected_mono(rows, r->span_ms) ? HAS_MONO : 0;
    if (r->unix_ms == HWT_TIME_UNKNOWN) {
        f |= NO_WALL;
    } else if (r->unix_ms != expected_wall(rows, r->mono_us)) {
        f |= HAS_WALL;
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

static size_t gap_get(struct hwt_tslog_bits_in *in)
{
    uint64_t v = hwt_tslog_bits_peek(in);
    unsigned width = (unsigned)__builtin_ctzll(v | 1u << 16); /* a count has 9 bits */

    in->at += width + 1;
    return (size_t)(UINT64_C(1) << width | hwt_tslog_bits_get(in, width));
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
        plan->flags |= HAS_QUALITY;
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
            plan->flags |= HAS_SCALE;
        } else { /* the page's start will say so */
            c->level = (uint8_t)hwt_tslog_rice_level(&c->rice);
            hwt_tslog_rice_init(&c->rice, c->level);
        }
    }
    return c->scale > 1 ? d / c->scale : d;
}

static void plan_scales(const struct hwt_tslog_rows *rows, struct plan *plan)
{
    size_t before = 0;

    for (size_t i = 0; i < rows->count; i++) {
        if (plan->rescaled[i]) {
            plan->bits +=
                gap_size(i + 1 - before) + WIDTH_BITS + hwt_tslog_width(rows->column[i].scale);
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
            hwt_tslog_bits_put32(out, width - 1, WIDTH_BITS);
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

    plan->mono = hwt_zigzag(hwt_wrap_sub(record->mono_us, expected_mono(rows, record->span_ms)));
    plan->wall = hwt_zigzag(hwt_wrap_sub(record->unix_ms, expected_wall(rows, record->mono_us)));
    plan->bits += f & HAS_BOOT ? BOOT_BITS : 0;
    plan->bits += f & HAS_CLOCK ? CLOCK_BITS : 0;
    plan->bits += f & HAS_SPAN ? hwt_tslog_wide_size(record->span_ms) : 0;
    plan->bits +=
        f & HAS_MONO ? hwt_tslog_golomb_size(plan->mono, hwt_tslog_rice_k(&rows->mono)) : 0;
    plan->bits +=
        f & HAS_WALL ? hwt_tslog_golomb_size(plan->wall, hwt_tslog_rice_k(&rows->wall)) : 0;
}

/* How the row starts, once all flags are known. */
static void plan_symbol(const struct hwt_tslog_rows *rows, struct plan *plan)
{
    if (rows->rows == 0) {
        plan->bits += FLAG_BITS;
        return;
    }
    plan->symbol = plan->flags == 0             ? REGULAR
                   : plan->flags == rows->flags ? FLAGS_AGAIN
                                                : FLAGS_NEW;
    plan->bits += hwt_tslog_rice_size(&rows->regular, plan->symbol) +
                  (plan->symbol == FLAGS_NEW ? FLAG_BITS : 0);
}

static void time_put(struct hwt_tslog_rows *rows, const struct hwt_record *record,
                     const struct plan *plan, struct hwt_tslog_bits_out *out)
{
    if (plan->flags & HAS_BOOT) {
        hwt_tslog_bits_put32(out, record->boot, BOOT_BITS);
    }
    if (plan->flags & HAS_CLOCK) {
        hwt_tslog_bits_put32(out, record->clock, CLOCK_BITS);
    }
    if (plan->flags & HAS_SPAN) {
        hwt_tslog_wide_put(out, record->span_ms);
    }
    if (plan->flags & HAS_MONO) {
        hwt_tslog_golomb_put(out, plan->mono, hwt_tslog_rice_k(&rows->mono));
        hwt_tslog_rice_learn(&rows->mono, plan->mono);
    }
    if (plan->flags & HAS_WALL) {
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
    if (rows->rows == 0 || plan->symbol == FLAGS_NEW) {
        hwt_tslog_bits_put32(out, plan->flags, FLAG_BITS);
    }
    rows->flags = (uint8_t)(plan->flags != 0 ? plan->flags : rows->flags);
}

static void values_put(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                       const struct hwt_record *record, const struct plan *plan,
                       const bool *counted, struct hwt_tslog_bits_out *out)
{
    bool judge = rows->rows % JUDGE_EACH == 0;

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
        start_put(rows, &out);
    }
    row_start_put(rows, plan, regular, &out);
    time_put(rows, record, plan, &out);
    if (plan->flags & HAS_QUALITY) {
        quality_put(rows, record, &out);
    }
    if (plan->flags & HAS_SCALE) {
        scales_put(rows, plan, &out);
    }
    values_put(rows, trial, record, plan, counted, &out);
    rows->at = hwt_tslog_bits_at(&out);
    hwt_tslog_bits_end(&out);
    advance_time(rows, record, plan->flags);
}

int hwt_tslog_row_put(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                      const struct hwt_record *record, uint8_t content[HWT_TSLOG_ROOM])
{
    struct plan plan;

    if (rows->full || rows->rows == HWT_TSLOG_ROWS_MAX) {
        return HWT_ERR_SPACE;
    }
    plan.flags = time_flags(rows, record);
    plan.bits = 0;
    plan.symbol = REGULAR;
    memset(plan.rescaled, 0, rows->count);
    plan_time(rows, record, &plan);
    plan_quality(rows, record, &plan);
    plan_values(rows, trial, record, &plan);
    if (plan.flags & HAS_SCALE) {
        plan_scales(rows, &plan);
    }
    plan_symbol(rows, &plan);
    plan.bits += rows->at == 0 ? start_size(rows) : 0;
    if (plan.bits > 8 * HWT_TSLOG_ROOM - rows->at) {
        rows->full = true; /* for good: scales may have changed */
        return HWT_ERR_SPACE;
    }
    write_row(rows, trial, record, &plan, content);
    return 0;
}

/* --- getting --- */

static int get_time(struct hwt_tslog_rows *rows, struct hwt_tslog_bits_in *in, unsigned flags,
                    struct hwt_record *record)
{
    uint64_t boot = flags & HAS_BOOT ? hwt_tslog_bits_get(in, BOOT_BITS) : rows->boot;
    uint64_t clock = flags & HAS_CLOCK ? hwt_tslog_bits_get(in, CLOCK_BITS) : rows->clock;
    uint64_t span = flags & HAS_SPAN ? hwt_tslog_wide_get(in) : rows->span_ms;
    uint64_t u;

    if (span < 1 || span > UINT32_MAX || clock >= HWT_CLOCK_COUNT) {
        return HWT_ERR_CORRUPT;
    }
    record->boot = (uint32_t)boot;
    record->clock = (uint8_t)clock;
    record->span_ms = (uint32_t)span;
    record->mono_us = expected_mono(rows, record->span_ms);
    if (flags & HAS_MONO) {
        u = hwt_tslog_golomb_get(in, hwt_tslog_rice_k(&rows->mono));
        hwt_tslog_rice_learn(&rows->mono, u);
        record->mono_us = hwt_wrap_add(record->mono_us, hwt_unzigzag(u));
    }
    record->unix_ms = HWT_TIME_UNKNOWN;
    if ((flags & NO_WALL) == 0) {
        record->unix_ms = expected_wall(rows, record->mono_us);
    }
    if (flags & HAS_WALL) {
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

static int get_scales(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial,
                      struct hwt_tslog_bits_in *in)
{
    size_t at = 0;
    int err;

    while ((err = get_listed(rows, in, &at)) == 0 && at > 0) {
        struct hwt_tslog_column *c = &rows->column[at - 1];
        unsigned width = (unsigned)hwt_tslog_bits_get(in, WIDTH_BITS) + 1;
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
    bool judge = rows->rows % JUDGE_EACH == 0;

    for (size_t i = 0; i < rows->count; i++) {
        struct hwt_tslog_column *c = &rows->column[i];
        int64_t number;

        value[i].quality = c->quality;
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

/* The flags of the next row. */
static unsigned get_flags(struct hwt_tslog_rows *rows, struct hwt_tslog_bits_in *in)
{
    uint64_t symbol = rows->rows == 0 ? FLAGS_NEW : hwt_tslog_rice_get(&rows->regular, in);

    if (symbol == REGULAR) {
        return 0;
    }
    if (symbol != FLAGS_AGAIN) {
        rows->flags = (uint8_t)hwt_tslog_bits_get(in, FLAG_BITS);
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
        err = start_get(rows, &in);
        begin(rows);
    }
    flags = get_flags(rows, &in);
    if ((flags & (HAS_WALL | NO_WALL)) == (HAS_WALL | NO_WALL)) {
        return HWT_ERR_CORRUPT;
    }
    err = err == 0 ? get_time(rows, &in, flags, &record) : err;
    err = err == 0 && (flags & HAS_QUALITY) != 0 ? get_quality(rows, &in) : err;
    err = err == 0 && (flags & HAS_SCALE) != 0 ? get_scales(rows, trial, &in) : err;
    if (err != 0) {
        return err;
    }
    in.at = get_values(rows, trial, in, value);
    if (hwt_tslog_bits_over(&in)) {
        return HWT_ERR_CORRUPT;
    }
    rows->at = in.at;
    advance_time(rows, &record, flags);
    record.sequence = record_out->sequence;
    *record_out = record;
    return 0;
}

bool hwt_tslog_rows_whole(const struct hwt_tslog_rows *rows)
{
    bool whole = rows->regular.run_left == 0;

    for (size_t i = 0; i < rows->count; i++) {
        whole = whole && rows->column[i].rice.run_left == 0;
    }
    return whole;
}
