/*
 * correct.c: values as the corrections of the log make them.
 *
 *   stored ─▶ act 1 ─▶ act 2 ─▶ … given        an act: corrections made at one time by one id
 *   P ──┬──▶ P' ──┬──▶ P''
 *   Q ──┴──▶ Q' ──┴──▶ Q''
 *
 * All corrections of an act are functions of the values before it: P' and Q' of a phase correction
 * both need the P and Q that were measured, in whatever order they are listed. The next act works
 * on what the one before made, as whoever made it saw it.
 */
#include "core/tslog/internal.h"

struct wide { /* 128 bits, two's complement */
    uint64_t hi, lo;
};

static struct wide negate(struct wide a)
{
    struct wide r = {~a.hi, 0 - a.lo};

    r.hi += r.lo == 0;
    return r;
}

static struct wide product(int64_t x, int64_t y)
{
    uint64_t a = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    uint64_t b = y < 0 ? 0 - (uint64_t)y : (uint64_t)y;
    uint64_t al = a & UINT32_MAX, ah = a >> 32, bl = b & UINT32_MAX, bh = b >> 32;
    uint64_t mid = (al * bl >> 32) + (al * bh & UINT32_MAX) + (ah * bl & UINT32_MAX);
    struct wide r = {
        .hi = ah * bh + (al * bh >> 32) + (ah * bl >> 32) + (mid >> 32),
        .lo = mid << 32 | (al * bl & UINT32_MAX),
    };

    return (x < 0) != (y < 0) ? negate(r) : r;
}

static struct wide sum(struct wide a, struct wide b)
{
    struct wide r = {a.hi + b.hi, a.lo + b.lo};

    r.hi += r.lo < a.lo;
    return r;
}

/* a / 2^30, half away from zero; |a| < 2^126. What does not fit is the nearest that does. */
static int64_t rounded_q30(struct wide a)
{
    bool negative = a.hi >> 63 != 0;
    uint64_t u;

    a = negative ? negate(a) : a;
    a = sum(a, (struct wide){0, UINT64_C(1) << 29});
    u = a.hi << 34 | a.lo >> 30;
    if (a.hi >> 29 != 0) { /* bit 63 of the quotient or above */
        return negative ? INT64_MIN : INT64_MAX;
    }
    return negative ? -(int64_t)u : (int64_t)u;
}

int64_t hwt_tslog_corrected(const struct hwt_correction *c, int64_t value, int64_t cross)
{
    int64_t v = rounded_q30(sum(product(c->gain_q30, value), product(c->cross_q30, cross))), out;

    if (__builtin_add_overflow(v, c->offset, &out)) {
        return c->offset < 0 ? INT64_MIN : INT64_MAX;
    }
    return out;
}

static int16_t column_of(const struct hwt_tslog_columns *columns, const char *id)
{
    for (uint16_t i = 0; id[0] != '\0' && i < columns->count; i++) {
        if (strcmp(columns->channel[i].id, id) == 0) {
            return (int16_t)i;
        }
    }
    return -1;
}

void hwt_tslog_correct_begin(struct hwt_tslog_cursor *cursor, uint64_t first, uint64_t end)
{
    const struct hwt_tslog_amended *a = &cursor->snapshot->amended;
    const struct hwt_correction *before = NULL;
    uint16_t act = 0;

    cursor->fixes = 0;
    for (size_t i = 0; i < a->count && !cursor->stored; i++) {
        const struct hwt_correction *c = &a->at[i].what;
        struct hwt_tslog_fix *fix = &cursor->fix[cursor->fixes];

        if (a->at[i].stream != cursor->stream) {
            continue;
        }
        act = (uint16_t)(act + (before != NULL && !hwt_tslog_one_act(before, c)));
        before = c;
        if (c->first >= end || c->last < first) {
            continue;
        }
        fix->correction = (uint16_t)i;
        fix->act = act;
        fix->column = column_of(&cursor->columns, c->channel);
        fix->cross = column_of(&cursor->columns, c->cross);
        cursor->fixes = (uint16_t)(cursor->fixes + (fix->column >= 0));
    }
}

/* What one correction makes of its value. Without the other value it needs, what it can, and the
 * result is doubtful. */
static struct hwt_value fixed(const struct hwt_tslog_cursor *cursor,
                              const struct hwt_tslog_fix *fix)
{
    const struct hwt_correction *c = &cursor->snapshot->amended.at[fix->correction].what;
    struct hwt_value value = cursor->value[fix->column];
    struct hwt_value cross = {.quality = HWT_QUALITY_MISSING};
    uint64_t sequence = cursor->record.sequence;

    if (value.quality == HWT_QUALITY_MISSING || sequence < c->first || sequence > c->last) {
        return value;
    }
    if (fix->cross >= 0) {
        cross = cursor->value[fix->cross];
    }
    if (c->cross_q30 != 0 && cross.quality != HWT_QUALITY_GOOD) {
        value.quality = HWT_QUALITY_SUSPECT;
    }
    value.v = hwt_tslog_corrected(c, value.v, cross.quality == HWT_QUALITY_MISSING ? 0 : cross.v);
    return value;
}

void hwt_tslog_correct_row(struct hwt_tslog_cursor *cursor)
{
    for (uint16_t i = 0, end; i < cursor->fixes; i = end) {
        for (end = i; end < cursor->fixes && cursor->fix[end].act == cursor->fix[i].act; end++) {
            cursor->fix[end].value = fixed(cursor, &cursor->fix[end]);
        }
        for (uint16_t k = i; k < end; k++) {
            const struct hwt_correction *c =
                &cursor->snapshot->amended.at[cursor->fix[k].correction].what;

            if (cursor->record.sequence >= c->first && cursor->record.sequence <= c->last) {
                cursor->value[cursor->fix[k].column] = cursor->fix[k].value;
            }
        }
    }
}
