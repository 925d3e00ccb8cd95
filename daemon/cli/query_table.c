#include "daemon/cli/query_table.h"

#include <string.h>

#include "core/base/quantity.h"
#include "daemon/http/number.h"

enum { TIME_WIDTH = 29 /* 2026-11-20T14:05:00.250+01:00 */, COLUMN_WIDTH = 10 };

static void put_under(const struct plan *plan, unsigned column, char *text, size_t n)
{
    const struct plan_column *c = &plan->column[column];
    const char *fn = c->fn == PLAN_VALUE ? "" : plan_fn_name((enum plan_fn)c->fn);

    snprintf(text, n, "%s%s%s", fn, fn[0] != '\0' && c->unit[0] != '\0' ? " " : "", c->unit);
}

static int width_of(const struct plan *plan, unsigned column)
{
    size_t width = strlen(plan->series[plan->column[column].series].id), n;
    char under[64];

    put_under(plan, column, under, sizeof(under));
    n = strlen(under);
    width = n > width ? n : width;
    return width > COLUMN_WIDTH ? (int)width : COLUMN_WIDTH;
}

void query_table_head(const struct plan *plan, FILE *out)
{
    fprintf(out, "%-*s", TIME_WIDTH, "time");
    for (unsigned i = 0; i < plan->column_count; i++) {
        fprintf(out, "  %*s", width_of(plan, i), plan->series[plan->column[i].series].id);
    }
    fprintf(out, "\n%-*s", TIME_WIDTH, plan->zone_name);
    for (unsigned i = 0; i < plan->column_count; i++) {
        char under[64];

        put_under(plan, i, under, sizeof(under));
        fprintf(out, "  %*s", width_of(plan, i), under);
    }
    putc('\n', out);
}

static void put_value(const struct plan_column *c, int64_t value, int width, FILE *out)
{
    char text[NUMBER_MAX + 1];

    if (value == PLAN_MISSING) {
        fprintf(out, "  %*s", width, "-");
        return;
    }
    *number_put(text, value, c->divisor, c->digits) = '\0';
    fprintf(out, "  %*s", width, text);
}

void query_table_row(const struct plan *plan, const struct row *row, FILE *out)
{
    int64_t s = row->time_ms / 1000 - (row->time_ms % 1000 < 0);
    char time[CALENDAR_TEXT_MAX];
    size_t n = calendar_text(time, row->time_ms, zone_offset_s(plan->zone, s, NULL));

    fprintf(out, "%-*.*s", TIME_WIDTH, (int)n, time);
    for (unsigned i = 0; i < plan->column_count; i++) {
        put_value(&plan->column[i], row->value[i], width_of(plan, i), out);
    }
    putc('\n', out);
}

void query_table_end(const struct rows *rows, FILE *out)
{
    if (rows->origins == 0) {
        fputs("no stream has records in this range\n", out);
        return;
    }
    fputs("from", out);
    for (unsigned i = 0; i < rows->origins; i++) {
        fprintf(out, "%s %s (%s)", i > 0 ? "," : "", rows->origin[i].name,
                hwt_provenance_name(rows->origin[i].provenance));
    }
    putc('\n', out);
}
