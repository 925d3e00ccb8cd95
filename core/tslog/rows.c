/*
 * rows.c: how a page of rows begins: predictors, levels and scales of its columns.
 */
#include "core/tslog/rows.h"

#include "core/base/quantity.h"

enum { PREDICTOR_BITS = 3, LEVEL_BITS = 5, SCALED_MAX = 128 };

enum {
    FIRST_BITS = HWT_TSLOG_RICE_WIDE_MAX,
    START_MAX = 1 + HWT_CHANNELS_MAX * (PREDICTOR_BITS + LEVEL_BITS + 1) +
                SCALED_MAX * (HWT_TSLOG_WIDTH_BITS + 2 * 32),
    START_UNSCALED = 1 + HWT_CHANNELS_MAX * (PREDICTOR_BITS + LEVEL_BITS),
    ROW_TIME_MAX = HWT_TSLOG_FLAG_BITS + HWT_TSLOG_BOOT_BITS + HWT_TSLOG_CLOCK_BITS + FIRST_BITS +
                   2 * (HWT_TSLOG_RICE_ZEROS + HWT_TSLOG_RICE_WIDE_MAX),
    ROW_QUALITY_MAX = 2 * HWT_CHANNELS_MAX + 17,
    ROW_AGE_MAX = (1 + 2 + 6 + 32) * HWT_CHANNELS_MAX + 17,
    ROW_FIRST_MAX = ROW_TIME_MAX + ROW_QUALITY_MAX + FIRST_BITS * HWT_CHANNELS_MAX
};

_Static_assert(START_MAX + ROW_FIRST_MAX <= 8 * HWT_TSLOG_ROOM,
               "a page must hold any first row of values without ages");
_Static_assert(START_UNSCALED + ROW_FIRST_MAX + ROW_AGE_MAX <= 8 * HWT_TSLOG_ROOM,
               "a page without scales must hold any first row");

void hwt_tslog_rows_fresh(struct hwt_tslog_rows *rows)
{
    rows->at = 0;
    rows->full = false;
    rows->rows = 0;
    rows->flags = 0;
    rows->aged = 0;
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
        c->age_ms = c->carry_ms = 0;
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
    hwt_tslog_rows_fresh(rows);
}

void hwt_tslog_rows_next(struct hwt_tslog_rows *rows, struct hwt_tslog_trial *trial)
{
    unsigned scaled = 0;

    for (size_t i = 0; i < rows->count; i++) {
        hwt_tslog_column_next(&rows->column[i], &trial[i], scaled < SCALED_MAX);
        scaled += rows->column[i].scale > 1;
    }
    hwt_tslog_rows_fresh(rows);
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

void hwt_tslog_start_put(const struct hwt_tslog_rows *rows, struct hwt_tslog_bits_out *out)
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
            hwt_tslog_bits_put32(out, width - 1, HWT_TSLOG_WIDTH_BITS);
            hwt_tslog_bits_put32(out, c->scale, width);
            hwt_tslog_bits_put32(out, c->offset, width);
        }
    }
}

uint32_t hwt_tslog_start_size(const struct hwt_tslog_rows *rows)
{
    uint32_t n = 1 + rows->count * (PREDICTOR_BITS + LEVEL_BITS + (any_scaled(rows) ? 1u : 0u));

    for (size_t i = 0; i < rows->count; i++) {
        if (rows->column[i].scale > 1) {
            n += HWT_TSLOG_WIDTH_BITS + 2 * hwt_tslog_width(rows->column[i].scale);
        }
    }
    return n;
}

int hwt_tslog_start_get(struct hwt_tslog_rows *rows, struct hwt_tslog_bits_in *in)
{
    bool scales = hwt_tslog_bits_get(in, 1) != 0;

    for (size_t i = 0; i < rows->count; i++) {
        struct hwt_tslog_column *c = &rows->column[i];

        c->predictor = (uint8_t)hwt_tslog_bits_get(in, PREDICTOR_BITS);
        c->level = (uint8_t)hwt_tslog_bits_get(in, LEVEL_BITS);
        c->scale = 1;
        c->offset = 0;
        if (scales && hwt_tslog_bits_get(in, 1) != 0) {
            unsigned width = (unsigned)hwt_tslog_bits_get(in, HWT_TSLOG_WIDTH_BITS) + 1;

            c->scale = (uint32_t)hwt_tslog_bits_get(in, width);
            c->offset = (uint32_t)hwt_tslog_bits_get(in, width);
            if (c->scale == 0) {
                return HWT_ERR_CORRUPT;
            }
        }
    }
    return hwt_tslog_bits_over(in) ? HWT_ERR_CORRUPT : 0;
}

bool hwt_tslog_rows_whole(const struct hwt_tslog_rows *rows)
{
    bool whole = rows->regular.run_left == 0;

    for (size_t i = 0; i < rows->count; i++) {
        whole = whole && rows->column[i].rice.run_left == 0;
    }
    return whole;
}
