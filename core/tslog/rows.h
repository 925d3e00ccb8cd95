/*
 * rows.h: what rows.c, rows_put.c and rows_get.c share.
 *
 *   start │ row │ row │ row …
 *
 *   start: any scales? 1 │ each column: predictor 3, level 5, scaled? 1 [width - 1 5, scale,
 * offset] row:   regular? (rice) │ [flags 8 │ what they say is there] │ each value not missing
 * (rice)
 *
 * What is regular costs nothing, as rice.h has it: mono_us is told to go on by the span and the
 * last pause, the wall time to go on with mono_us, boot, clock, span and qualities to stay. A value
 * is coded as its difference from what the column's predictor expects (predict.h). Ages are told
 * where they are not what is expected: 0, or what the age before grew to.
 */
#ifndef HWT_CORE_TSLOG_ROWS_H
#define HWT_CORE_TSLOG_ROWS_H

#include "core/tslog/predict.h"
#include "core/tslog/rice.h"

enum { /* flags of a row */
       HWT_TSLOG_HAS_BOOT = 1,
       HWT_TSLOG_HAS_CLOCK = 2,
       HWT_TSLOG_HAS_SPAN = 4,
       HWT_TSLOG_HAS_MONO = 8,
       HWT_TSLOG_HAS_WALL = 16,
       HWT_TSLOG_NO_WALL = 32, /* the wall time is unknown */
       HWT_TSLOG_HAS_QUALITY = 64,
       HWT_TSLOG_HAS_SCALE = 128,
       HWT_TSLOG_HAS_AGE = 256
};

enum { /* what starts a row, but a page's first */
       HWT_TSLOG_REGULAR,
       HWT_TSLOG_FLAGS_AGAIN,
       HWT_TSLOG_FLAGS_NEW
};

enum { /* bits of fields */
       HWT_TSLOG_FLAG_BITS = 9,
       HWT_TSLOG_BOOT_BITS = 32,
       HWT_TSLOG_CLOCK_BITS = 4,
       HWT_TSLOG_WIDTH_BITS = 5 /* of a scale, less 1 */
};

enum { HWT_TSLOG_JUDGE_EACH = 4 }; /* predictors are compared on every fourth row */

/* --- rows.c --- */

/* The state before a page's first row, with the columns' predictors, levels and scales as set. */
void hwt_tslog_rows_fresh(struct hwt_tslog_rows *rows);
uint32_t hwt_tslog_start_size(const struct hwt_tslog_rows *rows);
void hwt_tslog_start_put(const struct hwt_tslog_rows *rows, struct hwt_tslog_bits_out *out);
HWT_MUST_CHECK int hwt_tslog_start_get(struct hwt_tslog_rows *rows, struct hwt_tslog_bits_in *in);

/* --- age --- */

/* A value that is carried on ages by the span, one that is not is of its interval. */
static inline uint32_t hwt_tslog_expected_age(const struct hwt_tslog_column *c, uint32_t span_ms)
{
    return c->age_ms == 0 ? 0 : c->age_ms + span_ms; /* modulo 2^32 */
}

static inline void hwt_tslog_set_age(struct hwt_tslog_rows *rows, struct hwt_tslog_column *c,
                                     uint32_t age_ms)
{
    rows->aged = (uint16_t)(rows->aged + (age_ms != 0) - (c->age_ms != 0));
    c->age_ms = age_ms;
}

/* --- time --- */

static inline int64_t hwt_tslog_expected_mono(const struct hwt_tslog_rows *rows, uint32_t span_ms)
{
    return hwt_wrap_add(hwt_wrap_add(rows->mono_us, rows->pause_us), (int64_t)span_ms * 1000);
}

static inline int64_t hwt_tslog_expected_wall(const struct hwt_tslog_rows *rows, int64_t mono_us)
{
    return hwt_wrap_add(rows->wall_ms, hwt_wrap_sub(mono_us, rows->wall_mono_us) / 1000);
}

static inline void hwt_tslog_advance_time(struct hwt_tslog_rows *rows,
                                          const struct hwt_record *record, unsigned flags)
{
    rows->pause_us = rows->rows == 0 || (flags & HWT_TSLOG_HAS_BOOT) != 0
                         ? 0
                         : hwt_wrap_sub(hwt_wrap_sub(record->mono_us, rows->mono_us),
                                        (int64_t)record->span_ms * 1000);
    rows->boot = record->boot;
    rows->clock = record->clock;
    rows->span_ms = record->span_ms;
    rows->mono_us = record->mono_us;
    if ((flags & HWT_TSLOG_HAS_WALL) != 0) {
        rows->wall_ms = record->unix_ms;
        rows->wall_mono_us = record->mono_us;
    }
    rows->rows++;
}

#endif
