#include "daemon/store/export_rows.h"

#include <string.h>

#include "core/base/quantity.h"

int export_rows_init(struct export_rows *e, const struct log_export_options *o)
{
    struct hwt_stream_info info;
    int err = hwt_tslog_stream_info(o->snapshot, o->stream, &info);

    if (err != 0) {
        return err;
    }
    e->o = o;
    e->columns = 0;
    e->first = info.first;
    e->last = info.last;
    return 0;
}

int export_rows_seek_ms(struct export_rows *e, int64_t from_ms)
{
    e->lost = e->untimed = 0;
    return hwt_tslog_cursor_seek(&e->cursor, e->o->snapshot, e->o->stream, from_ms);
}

int export_rows_seek(struct export_rows *e, uint64_t sequence)
{
    e->lost = e->untimed = 0;
    return hwt_tslog_cursor_open(&e->cursor, e->o->snapshot, e->o->stream, sequence);
}

int export_rows_rewind(struct export_rows *e)
{
    if (e->o->from_ms != INT64_MIN) {
        return export_rows_seek_ms(e, e->o->from_ms);
    }
    return export_rows_seek(e, e->first > e->last ? e->last + 1 : e->first);
}

int export_rows_next(struct export_rows *e)
{
    for (;;) {
        uint64_t lost;
        int got = hwt_tslog_cursor_next(&e->cursor, &e->schema, &e->record, &lost);
        int64_t start;

        if (got == HWT_ERR_LOST) {
            e->lost += lost;
            continue;
        }
        if (got != 1) {
            return got;
        }
        if (e->record->unix_ms == HWT_TIME_UNKNOWN) {
            e->untimed++;
            continue;
        }
        start = e->record->unix_ms - e->record->span_ms;
        if (start >= e->o->from_ms && start < e->o->to_ms) {
            return 1;
        }
    }
}

/* --- columns --- */

static size_t find_column(const struct export_rows *e, const char *id)
{
    size_t i = 0;

    while (i < e->columns && strcmp(e->column[i], id) != 0) {
        i++;
    }
    return i;
}

bool export_rows_add_column(struct export_rows *e, const char *id)
{
    size_t i = find_column(e, id);

    if (i < e->columns) {
        return true;
    }
    if (i == EXPORT_COLUMNS_MAX) {
        return false;
    }
    snprintf(e->column[i], sizeof(e->column[i]), "%s", id);
    e->place[i] = -1;
    e->columns++;
    return true;
}

const char *export_rows_stranger(const struct export_rows *e)
{
    for (size_t i = 0; i < e->schema->count; i++) {
        const char *id = e->schema->channel[i].id;

        if ((i >= e->columns || strcmp(e->column[i], id) != 0) && /* as a rule */
            find_column(e, id) == e->columns) {
            return id;
        }
    }
    return NULL;
}

/* Where the columns are in this schema. It is the cursor's memory: its ids tell whether it changed.
 */
static void place_columns(struct export_rows *e)
{
    const struct hwt_schema *schema = e->schema;

    for (size_t i = 0; i < e->columns; i++) {
        int16_t p = e->place[i];

        if (p >= 0 && p < schema->count && strcmp(schema->channel[p].id, e->column[i]) == 0) {
            continue;
        }
        e->place[i] = -1;
        for (size_t k = 0; k < schema->count && e->place[i] < 0; k++) {
            if (strcmp(schema->channel[k].id, e->column[i]) == 0) {
                const struct hwt_quantity_info *q = hwt_quantity_get(schema->channel[k].quantity);

                e->place[i] = (int16_t)k;
                e->per_unit[i] = q != NULL ? q->per_unit : 1;
            }
        }
    }
}

/* --- lines --- */

size_t export_rows_head(const struct export_rows *e, char *p)
{
    size_t n = 4;

    memcpy(p, "time", n);
    for (size_t i = 0; i < e->columns; i++) {
        size_t length = strlen(e->column[i]);

        p[n++] = ',';
        memcpy(p + n, e->column[i], length);
        n += length;
    }
    p[n++] = '\n';
    return n;
}

size_t export_rows_line(struct export_rows *e, char *p)
{
    size_t n = csv_put_int(p, e->record->unix_ms);

    place_columns(e);
    for (size_t i = 0; i < e->columns; i++) {
        int16_t k = e->place[i];

        p[n++] = ',';
        if (k >= 0 && e->record->value[k].quality != HWT_QUALITY_MISSING) {
            n += csv_put_value(p + n, e->record->value[k].v, e->per_unit[i]);
        }
    }
    p[n++] = '\n';
    return n;
}
