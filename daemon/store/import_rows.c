#include "daemon/store/import_rows.h"

#include <string.h>

enum { ONE_ROW_SPAN_MS = 60000 };

int import_rows_measure(struct import_rows *r, const struct csv_options *options, bool by_start,
                        const char *text, size_t n, struct csv_error *error_out)
{
    int64_t before = HWT_TIME_UNKNOWN, step = INT64_MAX;
    int got = csv_open(&r->csv, options, text, n, error_out);

    while (got == 0 && (got = csv_next(&r->csv, error_out)) == 1) {
        int64_t rise = before == HWT_TIME_UNKNOWN ? 0 : r->csv.unix_ms - before;

        step = rise > 0 && rise < step ? rise : step;
        before = r->csv.unix_ms;
        got = 0;
    }
    step = step == INT64_MAX ? ONE_ROW_SPAN_MS : step;
    r->step_ms = step > UINT32_MAX ? UINT32_MAX : step;
    r->by_start = by_start;
    return got;
}

int import_rows_rewind(struct import_rows *r, struct csv_error *error_out)
{
    r->holds = r->ended = false;
    r->before_ms = HWT_TIME_UNKNOWN;
    return csv_open(&r->csv, r->csv.options, r->csv.begin, (size_t)(r->csv.end - r->csv.begin),
                    error_out);
}

static uint32_t span(const struct import_rows *r, int64_t rise)
{
    bool gap = rise <= 0 || rise > 2 * r->step_ms || rise > UINT32_MAX;

    return (uint32_t)(gap ? r->step_ms : rise);
}

static int next_by_end(struct import_rows *r, struct csv_error *error)
{
    int got = csv_next(&r->csv, error);

    if (got == 1) {
        bool first = r->before_ms == HWT_TIME_UNKNOWN;

        r->unix_ms = r->csv.unix_ms;
        r->span_ms = span(r, first ? r->step_ms : r->csv.unix_ms - r->before_ms);
        r->value = r->csv.value;
        r->line = r->csv.line;
        r->before_ms = r->csv.unix_ms;
    }
    return got;
}

/* The row just read by csv_next waits for the one behind it. */
static void hold(struct import_rows *r)
{
    memcpy(r->held, r->csv.value, r->csv.schema.count * sizeof(r->held[0]));
    r->held_ms = r->csv.unix_ms;
    r->held_line = r->csv.line;
    r->holds = true;
}

static int next_by_start(struct import_rows *r, struct csv_error *error)
{
    int got = 0;

    if (!r->holds && !r->ended) {
        got = csv_next(&r->csv, error);
        if (got != 1) {
            return got;
        }
        hold(r);
    }
    if (!r->holds) {
        return 0;
    }
    got = csv_next(&r->csv, error);
    if (got < 0) {
        return got;
    }
    r->span_ms = span(r, got == 1 ? r->csv.unix_ms - r->held_ms : r->step_ms);
    r->unix_ms = r->held_ms + r->span_ms;
    memcpy(r->out, r->held, r->csv.schema.count * sizeof(r->out[0]));
    r->value = r->out;
    r->line = r->held_line;
    r->holds = false;
    r->ended = got == 0;
    if (got == 1) {
        hold(r);
    }
    return 1;
}

int import_rows_next(struct import_rows *r, struct csv_error *error_out)
{
    return r->by_start ? next_by_start(r, error_out) : next_by_end(r, error_out);
}
