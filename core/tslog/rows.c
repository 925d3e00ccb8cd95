/*
 * rows.c: the row coder. A row is coded against the rows before it in the page; the first against
 * zeros, so a page stands alone.
 *
 *   flags │ boot? │ clock? │ span? │ mono? │ wall? │ qualities? │ a value for each not missing
 *     u8    varint    u8     varint  zigzag  zigzag  2 bits each    zigzag varint
 *
 * What is regular costs nothing: mono_us is predicted to go on by its last step, the wall time to
 * go on with mono_us, boot, clock, span and qualities to stay. A gauge is coded as difference from
 * the last value of its column (codec 0), a counter as difference from last value plus last step
 * (codec 1; the step is 0 after a column's first value). Arithmetic is modulo 2^64: every int64
 * survives.
 */
#include "core/tslog/internal.h"

enum {
    HAS_BOOT = 1,
    HAS_CLOCK = 2,
    HAS_SPAN = 4,
    HAS_MONO = 8,
    HAS_WALL = 16,
    NO_WALL = 32, /* the wall time is unknown */
    HAS_QUALITY = 64,
    RESERVED = 128
};

void hwt_tslog_rows_reset(struct hwt_tslog_rows *rows)
{
    memset(rows, 0, sizeof(*rows));
}

static int64_t expected_mono(const struct hwt_tslog_rows *rows)
{
    return hwt_wrap_add(rows->mono_us, rows->mono_step_us);
}

static int64_t expected_wall(const struct hwt_tslog_rows *rows, int64_t mono_us)
{
    return hwt_wrap_add(rows->unix_ms, hwt_wrap_sub(mono_us, rows->unix_mono_us) / 1000);
}

static bool same_quality(const struct hwt_tslog_rows *rows, const struct hwt_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        if (rows->quality[i] != record->value[i].quality) {
            return false;
        }
    }
    return true;
}

static uint8_t row_flags(const struct hwt_tslog_rows *rows, const struct hwt_record *r)
{
    unsigned f = 0;

    f |= r->boot != rows->boot ? HAS_BOOT : 0;
    f |= r->clock != rows->clock ? HAS_CLOCK : 0;
    f |= r->span_ms != rows->span_ms ? HAS_SPAN : 0;
    f |= r->mono_us != expected_mono(rows) ? HAS_MONO : 0;
    if (r->unix_ms == HWT_TIME_UNKNOWN) {
        f |= NO_WALL;
    } else if (r->unix_ms != expected_wall(rows, r->mono_us)) {
        f |= HAS_WALL;
    }
    f |= same_quality(rows, r) ? 0 : HAS_QUALITY;
    return (uint8_t)f;
}

static void put_quality(const struct hwt_record *record, struct hwt_writer *w)
{
    for (size_t i = 0; i < record->count; i += 4) {
        unsigned four = 0;

        for (size_t k = 0; k < 4 && i + k < record->count; k++) {
            four |= (unsigned)record->value[i + k].quality << (2 * k);
        }
        hwt_put_u8(w, (uint8_t)four);
    }
}

static int64_t expected_value(const struct hwt_tslog_rows *rows,
                              const struct hwt_tslog_columns *columns, size_t i)
{
    return columns->codec[i] == 0 ? rows->last[i] : hwt_wrap_add(rows->last[i], rows->step[i]);
}

void hwt_tslog_row_put(const struct hwt_tslog_rows *rows, const struct hwt_tslog_columns *columns,
                       const struct hwt_record *record, struct hwt_writer *w)
{
    uint8_t flags = row_flags(rows, record);

    hwt_put_u8(w, flags);
    if (flags & HAS_BOOT) {
        hwt_put_varint(w, record->boot);
    }
    if (flags & HAS_CLOCK) {
        hwt_put_u8(w, record->clock);
    }
    if (flags & HAS_SPAN) {
        hwt_put_varint(w, record->span_ms);
    }
    if (flags & HAS_MONO) {
        hwt_put_varint(w, hwt_zigzag(hwt_wrap_sub(record->mono_us, expected_mono(rows))));
    }
    if (flags & HAS_WALL) {
        hwt_put_varint(
            w, hwt_zigzag(hwt_wrap_sub(record->unix_ms, expected_wall(rows, record->mono_us))));
    }
    if (flags & HAS_QUALITY) {
        put_quality(record, w);
    }
    for (size_t i = 0; i < record->count; i++) {
        if (record->value[i].quality != HWT_QUALITY_MISSING) {
            hwt_put_varint(
                w, hwt_zigzag(hwt_wrap_sub(record->value[i].v, expected_value(rows, columns, i))));
        }
    }
}

static void advance_time(struct hwt_tslog_rows *rows, const struct hwt_record *record)
{
    rows->boot = record->boot;
    rows->clock = record->clock;
    rows->span_ms = record->span_ms;
    rows->mono_step_us = hwt_wrap_sub(record->mono_us, rows->mono_us);
    rows->mono_us = record->mono_us;
    if (record->unix_ms != HWT_TIME_UNKNOWN) {
        rows->unix_ms = record->unix_ms;
        rows->unix_mono_us = record->mono_us;
    }
}

static void advance_value(struct hwt_tslog_rows *rows, size_t i, int64_t v)
{
    rows->step[i] = rows->seen[i] ? hwt_wrap_sub(v, rows->last[i]) : 0;
    rows->last[i] = v;
    rows->seen[i] = true;
}

void hwt_tslog_rows_advance(struct hwt_tslog_rows *rows, const struct hwt_record *record)
{
    advance_time(rows, record);
    for (size_t i = 0; i < record->count; i++) {
        rows->quality[i] = record->value[i].quality;
        if (record->value[i].quality != HWT_QUALITY_MISSING) {
            advance_value(rows, i, record->value[i].v);
        }
    }
}

/* Varints of one octet are most of a page. */
static uint64_t get_varint(struct hwt_reader *r)
{
    if (r->ok && r->at < r->n && r->p[r->at] < 0x80) {
        return r->p[r->at++];
    }
    return hwt_get_varint(r);
}

static int get_quality(struct hwt_tslog_rows *rows, size_t count, struct hwt_reader *r)
{
    for (size_t i = 0; i < count; i += 4) {
        unsigned four = hwt_get_u8(r);

        for (size_t k = 0; k < 4 && i + k < count; k++, four >>= 2) {
            if ((four & 3) >= HWT_QUALITY_COUNT) {
                return HWT_ERR_CORRUPT;
            }
            rows->quality[i + k] = four & 3;
        }
        if (four != 0) {
            return HWT_ERR_CORRUPT; /* padding */
        }
    }
    return 0;
}

static int get_time(struct hwt_tslog_rows *rows, struct hwt_reader *r, unsigned flags,
                    struct hwt_record *record)
{
    uint64_t boot = flags & HAS_BOOT ? get_varint(r) : rows->boot;
    uint8_t clock = flags & HAS_CLOCK ? hwt_get_u8(r) : rows->clock;
    uint64_t span = flags & HAS_SPAN ? get_varint(r) : rows->span_ms;

    if (boot > UINT32_MAX || span < 1 || span > UINT32_MAX || clock >= HWT_CLOCK_COUNT) {
        return HWT_ERR_CORRUPT;
    }
    record->boot = (uint32_t)boot;
    record->clock = clock;
    record->span_ms = (uint32_t)span;
    record->mono_us = expected_mono(rows);
    if (flags & HAS_MONO) {
        record->mono_us = hwt_wrap_add(record->mono_us, hwt_unzigzag(get_varint(r)));
    }
    record->unix_ms = HWT_TIME_UNKNOWN;
    if ((flags & NO_WALL) == 0) {
        record->unix_ms = expected_wall(rows, record->mono_us);
    }
    if (flags & HAS_WALL) {
        record->unix_ms = hwt_wrap_add(record->unix_ms, hwt_unzigzag(get_varint(r)));
    }
    return 0;
}

static void get_values(struct hwt_tslog_rows *rows, const struct hwt_tslog_columns *columns,
                       struct hwt_reader *r, struct hwt_value *value)
{
    for (size_t i = 0; i < columns->count; i++) {
        value[i].quality = rows->quality[i];
        value[i].v = 0;
        if (rows->quality[i] != HWT_QUALITY_MISSING) {
            value[i].v =
                hwt_wrap_add(expected_value(rows, columns, i), hwt_unzigzag(get_varint(r)));
            advance_value(rows, i, value[i].v);
        }
    }
}

int hwt_tslog_row_get(struct hwt_tslog_rows *rows, const struct hwt_tslog_columns *columns,
                      struct hwt_reader *r, struct hwt_value *value, struct hwt_record *record_out)
{
    struct hwt_record record = {.count = columns->count, .value = value};
    unsigned flags = hwt_get_u8(r);

    if ((flags & RESERVED) != 0 || (flags & (HAS_WALL | NO_WALL)) == (HAS_WALL | NO_WALL) ||
        get_time(rows, r, flags, &record) != 0) {
        return HWT_ERR_CORRUPT;
    }
    if ((flags & HAS_QUALITY) != 0 && get_quality(rows, columns->count, r) != 0) {
        return HWT_ERR_CORRUPT;
    }
    get_values(rows, columns, r, value);
    if (!r->ok) {
        return HWT_ERR_CORRUPT;
    }
    advance_time(rows, &record);
    record.sequence = record_out->sequence;
    *record_out = record;
    return 0;
}
