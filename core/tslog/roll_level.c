/*
 * roll_level.c: the rows of a sheet: quarter hours, and the runs of them that are its hours and
 * days.
 */
#include "core/tslog/roll.h"

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

size_t hwt_roll_row_end(const struct hwt_rollup *r, size_t i, enum hwt_roll_level level)
{
    do {
        i++;
    } while (i < r->rows && (r->row[i].begins >> level & 1) == 0);
    return i;
}

void hwt_roll_mark_rows(struct hwt_rollup *r)
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

struct hwt_rollup_entry hwt_roll_next_entry(const struct hwt_rollup *r,
                                            const struct hwt_rollup_entry *strip, size_t *i,
                                            enum hwt_roll_level level)
{
    struct hwt_rollup_entry e = strip[*i];

    while (++*i < r->rows && (r->row[*i].begins >> level & 1) == 0) {
        hwt_roll_entry_add(&e, &strip[*i]);
    }
    return e;
}

void hwt_roll_describe_rows(const struct hwt_rollup *r, struct hwt_rollup_sheet *sheet)
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
        for (size_t i = 0; i < r->rows; i = hwt_roll_row_end(r, i, (enum hwt_roll_level)level)) {
            sheet->rows[level]++;
        }
    }
}
