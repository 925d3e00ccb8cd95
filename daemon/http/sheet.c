#include "daemon/http/sheet.h"

#include <math.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/quantity.h"
#include "daemon/http/number.h"
#include "daemon/http/text.h"

enum {
    TIME_ROOM = CALENDAR_TEXT_MAX + 2 * NUMBER_MAX + 40, /* bytes of a row beside its values */
    VALUE_ROOM = NUMBER_MAX + 12,
    BLOCK_HEAD = 8
};

static const char cut_text[] = "incomplete: the rest of the range could not be read";

void sheet_init(struct sheet *s, const struct plan *plan, const struct rows *rows, char *buffer)
{
    *s = (struct sheet){.plan = plan, .rows = rows, .p = buffer, .offset_until_s = INT64_MIN};
}

const char *sheet_type(enum plan_format format)
{
    static const char *const types[PLAN_FORMATS] = {
        [PLAN_JSON] = "application/json",
        [PLAN_CSV] = "text/csv; charset=utf-8; header=present",
        [PLAN_COLUMNS] = "application/vnd.heatwatt.columns",
    };

    return types[format];
}

static bool is_raw(const struct sheet *s)
{
    return s->plan->cut == PLAN_CUT_RAW;
}

static char *put_text(char *p, const char *text)
{
    size_t n = strlen(text);

    memcpy(p, text, n);
    return p + n;
}

static char *put_quality(char *p, int64_t quality)
{
    static const char *const names[HWT_QUALITY_COUNT] = {"missing", "good", "suspect"};

    return put_text(p, quality >= 0 && quality < HWT_QUALITY_COUNT ? names[quality] : "unknown");
}

/* --- CSV: RFC 4180; no field needs quotes, as ids, units and numbers hold no comma --- */

static void csv_head(struct sheet *s)
{
    char *p = put_text(s->p, is_raw(s) ? "time,unix_ms,span_ms" : "time,unix_ms");

    for (unsigned i = 0; i < s->plan->column_count; i++) {
        const struct plan_column *c = &s->plan->column[i];

        *p++ = ',';
        p = put_text(p, s->plan->series[c->series].id);
        if (c->fn != PLAN_VALUE) {
            *p++ = ' ';
            p = put_text(p, plan_fn_name((enum plan_fn)c->fn));
        }
        if (c->fn != PLAN_QUALITY) {
            p = put_text(p, " [");
            p = put_text(p, c->unit);
            *p++ = ']';
        }
    }
    s->n = (size_t)(put_text(p, ",provenance\r\n") - s->p);
}

static char *put_local_time(struct sheet *s, char *p, int64_t unix_ms)
{
    int64_t unix_s = unix_ms / 1000;

    if (unix_s >= s->offset_until_s || unix_s < s->offset_from_s) { /* records may go back */
        s->offset_s = zone_offset_s(s->plan->zone, unix_s, &s->offset_until_s);
        s->offset_from_s = unix_s;
    }
    return p + calendar_text(p, unix_ms, s->offset_s);
}

static char *put_provenance(char *p, unsigned mask)
{
    for (unsigned i = 0; i < HWT_PROVENANCE_COUNT; i++) {
        if ((mask & 1u << i) != 0) {
            p = put_text(p, hwt_provenance_name(i));
            mask &= ~(1u << i);
            if (mask != 0) {
                *p++ = '+';
            }
        }
    }
    return p;
}

static void csv_row(struct sheet *s, const struct row *row)
{
    const struct plan *plan = s->plan;
    char *p = put_local_time(s, s->p + s->n, row->time_ms);

    *p++ = ',';
    p = number_put_int(p, row->time_ms);
    if (is_raw(s)) {
        *p++ = ',';
        p = number_put_int(p, row->span_ms);
    }
    for (unsigned i = 0; i < plan->column_count; i++) {
        const struct plan_column *c = &plan->column[i];

        *p++ = ',';
        if (c->fn == PLAN_QUALITY) {
            p = put_quality(p, row->value[i]);
        } else if (row->value[i] != PLAN_MISSING) {
            p = number_put(p, row->value[i], c->divisor, c->digits);
        }
    }
    *p++ = ',';
    p = put_provenance(p, row->provenance);
    s->n = (size_t)(put_text(p, "\r\n") - s->p);
}

/* --- JSON --- */

static bool json_head(struct sheet *s)
{
    struct hwt_json j;

    hwt_json_init(&j, s->p, SHEET_BUFFER);
    hwt_json_object(&j, NULL);
    text_put_head(&j, s->plan);
    text_put_columns(&j, s->plan);
    hwt_json_array(&j, "rows");
    s->n = j.at;
    return j.ok;
}

static void json_row(struct sheet *s, const struct row *row)
{
    char *p = s->p + s->n;

    if (s->any) {
        *p++ = ',';
    }
    *p++ = '[';
    p = number_put_int(p, row->time_ms);
    *p++ = ',';
    p = number_put_int(p, row->span_ms);
    for (unsigned i = 0; i < s->plan->column_count; i++) {
        const struct plan_column *c = &s->plan->column[i];

        *p++ = ',';
        if (c->fn == PLAN_QUALITY) {
            *p++ = '"';
            p = put_quality(p, row->value[i]);
            *p++ = '"';
        } else if (row->value[i] == PLAN_MISSING) {
            p = put_text(p, "null");
        } else {
            p = number_put(p, row->value[i], c->divisor, c->digits);
        }
    }
    *p++ = ']';
    s->n = (size_t)(p - s->p);
}

/* What closes the rows, as the writer would put it after an array inside an object. */
static void json_end(struct sheet *s)
{
    struct hwt_json j;

    s->n = (size_t)(put_text(s->p, "],") - s->p);
    hwt_json_init(&j, s->p + s->n, SHEET_BUFFER - s->n);
    text_put_origins(&j, s->rows);
    hwt_json_uint(&j, "damaged", rows_damaged(s->rows));
    s->n += j.at;
    s->p[s->n++] = '}';
}

/* --- binary columns --- */

static unsigned fixed_columns(const struct sheet *s)
{
    return is_raw(s) ? 2 : 1;
}

static bool columns_head(struct sheet *s)
{
    static const char magic[8] = {'h', 'e', 'a', 't', 'w', 'a', 't', 't'};
    struct hwt_json j;
    struct hwt_writer w;

    hwt_json_init(&j, s->p + 16, SHEET_BUFFER - 16 - 8);
    hwt_json_object(&j, NULL);
    text_put_head(&j, s->plan);
    hwt_json_array(&j, "fixed");
    hwt_json_string(&j, NULL, "time");
    if (is_raw(s)) {
        hwt_json_string(&j, NULL, "span_ms");
    }
    hwt_json_end_array(&j);
    text_put_columns(&j, s->plan);
    text_put_origins(&j, s->rows);
    hwt_json_end_object(&j);
    while (j.ok && j.at % 8 != 0) {
        s->p[16 + j.at++] = ' ';
    }
    hwt_writer_init(&w, s->p, 16);
    hwt_put_bytes(&w, magic, sizeof(magic));
    hwt_put_u32le(&w, 1);
    hwt_put_u32le(&w, (uint32_t)j.at);
    s->n = 16 + j.at;
    return j.ok;
}

/* Where a value of the block goes: columns lie apart as if the block were full. */
static uint8_t *cell(const struct sheet *s, unsigned column, unsigned row)
{
    return (uint8_t *)s->p + s->n + BLOCK_HEAD + ((size_t)column * s->block_room + row) * 8;
}

static void put_le(uint8_t *p, uint64_t v)
{
    struct hwt_writer w;

    hwt_writer_init(&w, p, 8);
    hwt_put_u64le(&w, v);
}

static void put_double(uint8_t *p, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    put_le(p, bits);
}

static size_t block_row_bytes(const struct sheet *s)
{
    return (fixed_columns(s) + s->plan->column_count) * (size_t)8;
}

static void columns_row(struct sheet *s, const struct row *row)
{
    unsigned column = fixed_columns(s);

    if (s->block_rows == 0) {
        s->block_room = (unsigned)((SHEET_BUFFER - s->n - BLOCK_HEAD) / block_row_bytes(s));
    }
    put_le(cell(s, 0, s->block_rows), (uint64_t)row->time_ms);
    if (is_raw(s)) {
        put_le(cell(s, 1, s->block_rows), row->span_ms);
    }
    for (unsigned i = 0; i < s->plan->column_count; i++, column++) {
        const struct plan_column *c = &s->plan->column[i];
        static const double tens[10] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
        double unit = (double)c->divisor * tens[c->digits];

        put_double(cell(s, column, s->block_rows),
                   row->value[i] == PLAN_MISSING ? (double)NAN : (double)row->value[i] / unit);
    }
    s->block_rows++;
}

/* Moves the columns together and writes the block's head. */
static void columns_flush(struct sheet *s)
{
    unsigned columns = fixed_columns(s) + s->plan->column_count;
    size_t n = (size_t)s->block_rows * 8;
    struct hwt_writer w;

    if (s->block_rows == 0) {
        return;
    }
    for (unsigned c = 1; c < columns; c++) {
        memmove(s->p + s->n + BLOCK_HEAD + c * n, cell(s, c, 0), n);
    }
    hwt_writer_init(&w, s->p + s->n, BLOCK_HEAD);
    hwt_put_u32le(&w, s->block_rows);
    hwt_put_u32le(&w, 0);
    s->n += BLOCK_HEAD + columns * n;
    s->block_rows = 0;
}

static void columns_end(struct sheet *s, bool cut)
{
    struct hwt_writer w;

    hwt_writer_init(&w, s->p, BLOCK_HEAD);
    hwt_put_u32le(&w, 0);
    hwt_put_u32le(&w, cut ? 1 : 0);
    s->n = BLOCK_HEAD;
}

/* --- any of them --- */

bool sheet_put_head(struct sheet *s)
{
    switch ((enum plan_format)s->plan->format) {
    case PLAN_CSV:
        csv_head(s); /* at most 256 x 60 bytes */
        return true;
    case PLAN_JSON:
        return json_head(s);
    case PLAN_COLUMNS:
        return columns_head(s);
    case PLAN_FORMATS:
        break;
    }
    return false;
}

bool sheet_has_room(const struct sheet *s)
{
    if (s->plan->format != PLAN_COLUMNS) {
        return SHEET_BUFFER - s->n >= TIME_ROOM + s->plan->column_count * (size_t)VALUE_ROOM;
    }
    return s->block_rows == 0 ? SHEET_BUFFER - s->n >= BLOCK_HEAD + block_row_bytes(s)
                              : s->block_rows < s->block_room;
}

void sheet_put(struct sheet *s, const struct row *row)
{
    if (s->plan->format == PLAN_CSV) {
        csv_row(s, row);
    } else if (s->plan->format == PLAN_JSON) {
        json_row(s, row);
    } else {
        columns_row(s, row);
    }
    s->any = true;
}

void sheet_flush(struct sheet *s)
{
    if (s->plan->format == PLAN_COLUMNS) {
        columns_flush(s);
    }
}

void sheet_put_end(struct sheet *s, bool cut)
{
    s->n = 0;
    if (s->plan->format == PLAN_COLUMNS) {
        columns_end(s, cut);
    } else if (s->plan->format == PLAN_CSV && cut) {
        s->n = (size_t)(put_text(put_text(s->p, cut_text), "\r\n") - s->p);
    } else if (s->plan->format == PLAN_JSON && !cut) {
        json_end(s);
    }
}
