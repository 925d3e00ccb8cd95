#include "daemon/store/import_match.h"

#include <stdio.h>
#include <string.h>

#include "core/base/quantity.h"
#include "daemon/store/csv_text.h"

int import_match_open(struct import_match *m, const struct hwt_tslog_snapshot *snapshot, int stream)
{
    struct hwt_stream_info info;
    int err = hwt_tslog_stream_info(snapshot, stream, &info);

    if (err != 0) {
        return err;
    }
    m->record = NULL;
    m->gap = info.first > 1;
    m->gone = 0;
    return hwt_tslog_cursor_open(&m->cursor, snapshot, stream,
                                 info.first > info.last ? info.last + 1 : info.first);
}

/* 1: m->record is the next; 0: there is none; IO. */
static int look(struct import_match *m)
{
    int got = 1;

    while (m->record == NULL && got != 0) {
        uint64_t lost;

        got = hwt_tslog_cursor_next(&m->cursor, &m->schema, &m->record, &lost);
        if (got != 1) {
            m->record = NULL;
        }
        if (got == HWT_ERR_LOST) {
            m->gap = true;
        } else if (got < 0) {
            return got;
        }
    }
    return got;
}

static bool same_columns(const struct hwt_schema *a, const struct hwt_schema *b)
{
    for (unsigned i = 0; a->count == b->count && i < a->count; i++) {
        if (strcmp(a->channel[i].id, b->channel[i].id) != 0) {
            return false;
        }
    }
    return a->count == b->count;
}

static void put_value(char text[CSV_NUMBER_MAX + 8], const struct hwt_channel *channel,
                      const struct hwt_value *v)
{
    const struct hwt_quantity_info *q = hwt_quantity_get(channel->quantity);
    size_t n = 0;

    if (v->quality == HWT_QUALITY_MISSING) {
        strcpy(text, "nothing");
        return;
    }
    n = csv_put_value(text, v->v, q != NULL ? q->per_unit : 1);
    text[n] = '\0';
}

static bool same_value(const struct hwt_value *a, const struct hwt_value *b)
{
    bool a_missing = a->quality == HWT_QUALITY_MISSING;
    bool b_missing = b->quality == HWT_QUALITY_MISSING;

    return a_missing == b_missing && (a_missing || a->v == b->v);
}

static int compare_values(const struct import_match *m, const struct import_rows *row, char *why,
                          size_t n)
{
    for (unsigned i = 0; i < m->schema->count; i++) {
        char theirs[CSV_NUMBER_MAX + 8], ours[CSV_NUMBER_MAX + 8];

        if (same_value(&m->record->value[i], &row->value[i])) {
            continue;
        }
        put_value(ours, &m->schema->channel[i], &m->record->value[i]);
        put_value(theirs, &m->schema->channel[i], &row->value[i]);
        snprintf(why, n, "%s is %s here and %s in the log: not the file that was imported",
                 m->schema->channel[i].id, theirs, ours);
        return HWT_ERR_NOT_MINE;
    }
    return 1;
}

int import_match_row(struct import_match *m, const struct import_rows *row, char *why, size_t n)
{
    char here[TIME_TEXT_MAX], there[TIME_TEXT_MAX];
    int got = look(m);

    if (got != 1) {
        return got;
    }
    if (!same_columns(m->schema, &row->csv.schema)) {
        snprintf(why, n,
                 "the columns are others than those of the log: not the file that was "
                 "imported, or --map is not as it was");
        return HWT_ERR_NOT_MINE;
    }
    if (row->unix_ms != m->record->unix_ms) {
        if (m->gap) {
            m->gone++;
            return 1;
        }
        snprintf(why, n,
                 "the row of %s stands where the log has %s: not the file that was "
                 "imported",
                 time_text_print(row->unix_ms, here), time_text_print(m->record->unix_ms, there));
        return HWT_ERR_NOT_MINE;
    }
    got = compare_values(m, row, why, n);
    m->record = NULL;
    m->gap = false;
    return got;
}

int import_match_end(struct import_match *m, char *why, size_t n)
{
    char there[TIME_TEXT_MAX];
    int got = look(m);

    if (got != 1) {
        return got;
    }
    snprintf(why, n, "it ends before %s, which the log has: not the file that was imported",
             time_text_print(m->record->unix_ms, there));
    return HWT_ERR_NOT_MINE;
}
