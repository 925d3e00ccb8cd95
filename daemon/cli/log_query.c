#include "daemon/cli/log_query.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/cli/log_args.h"
#include "daemon/cli/query_table.h"
#include "daemon/cli/zone_option.h"
#include "daemon/http/log_view.h"
#include "daemon/http/sheet.h"
#include "daemon/http/table.h"

static const char usage[] =
    "usage: heatwatt log query DIR --series ID,... --from T [options]\n"
    "\n"
    "Answers as GET /api/v1/query does, without a daemon; one may be running on DIR.\n"
    "\n"
    "  --series ID,...     channels, as heatpump_power\n"
    "  --from T, --to T    the range, [from, to) (default of --to: now)\n"
    "  --step STEP         30s, 15m, 6h, day, 7d, week, month, year, a number of ms, or raw: each\n"
    "                      record as it is\n"
    "  --points N          instead of --step: the shortest that gives at most N rows (default: "
    "50)\n"
    "  --fn FN,...         of mean, min, max, first, last, delta, integral, measured (default: "
    "mean\n"
    "                      of gauges, delta of counters)\n"
    "  --tz ZONE           zone of days and of times without one: Europe/London (default: UTC)\n"
    "  --stream NAME       with --step raw: only of this stream\n"
    "  --json, --csv       as the API gives them (default: a table)\n"
    "\n"
    "T is 2026-11-20, 2026-11-20T14:05:00+01:00, unix ms, now, now-90m or -7d (s m h d w).\n";

enum { TEXT_MAX = 24 };

struct question {
    const char *dir, *from, *to, *tz;
    enum { TABLE, JSON, CSV } form;
    struct zone_option zone;
    char from_text[TEXT_MAX], to_text[TEXT_MAX];
    struct http_query query;
    struct log_dir *log;
    struct http_hooks hooks;
    struct desk desk;
    struct plan plan;
    struct rows rows;
    char buffer[SHEET_BUFFER];
};

static void set(struct question *q, const char *name, const char *value)
{
    if (q->query.count < HTTP_PARAMETERS_MAX) {
        q->query.parameter[q->query.count++] = (struct http_parameter){name, value};
    }
}

/* --- the command line --- */

/* Options that are the API's parameters as they stand. */
static const char *const parameters[] = {"series", "step", "points", "fn", "stream"};
enum { PARAMETERS = sizeof(parameters) / sizeof(parameters[0]) };

static bool take(void *ctx, int option, char *text)
{
    struct question *q = ctx;

    if (option >= 0 && option < PARAMETERS) {
        if (http_query_get(&q->query, parameters[option]) != NULL) {
            fprintf(stderr, "heatwatt log: --%s is given twice\n", parameters[option]);
            return false;
        }
        set(q, parameters[option], text);
        return true;
    }
    switch (option) {
    case 'f':
        q->from = text;
        return true;
    case 't':
        q->to = text;
        return true;
    case 'z':
        q->tz = text;
        return zone_option_take(&q->zone, text);
    case 'j':
        q->form = JSON;
        return true;
    case 'c':
        q->form = CSV;
        return true;
    default:
        return false;
    }
}

static bool take_range(struct question *q)
{
    int64_t from = INT64_MIN, to = 0;

    if (!zone_option_instant(&q->zone, "from", q->from, &from) ||
        !zone_option_instant(&q->zone, "to", q->to != NULL ? q->to : "now", &to)) {
        return false;
    }
    if (from != INT64_MIN) {
        snprintf(q->from_text, sizeof(q->from_text), "%lld", (long long)from);
        set(q, "from", q->from_text);
    }
    snprintf(q->to_text, sizeof(q->to_text), "%lld", (long long)to);
    set(q, "to", q->to_text);
    return true;
}

/* 0: go on; 1: help was given; 2: usage. */
static int parse(struct question *q, int argc, char **argv)
{
    static const struct option options[] = {
        {"series", required_argument, NULL, 0}, {"step", required_argument, NULL, 1},
        {"points", required_argument, NULL, 2}, {"fn", required_argument, NULL, 3},
        {"stream", required_argument, NULL, 4}, {"from", required_argument, NULL, 'f'},
        {"to", required_argument, NULL, 't'},   {"tz", required_argument, NULL, 'z'},
        {"json", no_argument, NULL, 'j'},       {"csv", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
    };
    const struct log_args args = {
        .usage = usage, .options = options, .operands = 1, .take = take, .ctx = q};
    int result = log_args_parse(&args, argc, argv);

    if (result != 0) {
        return result;
    }
    q->dir = argv[optind];
    if (!take_range(q)) {
        return 2;
    }
    if (http_query_get(&q->query, "step") == NULL && http_query_get(&q->query, "points") == NULL) {
        set(q, "points", "50");
    }
    if (q->tz != NULL) {
        set(q, "tz", q->tz);
    }
    /* a table comes row by row, as CSV does, and is as long as one likes */
    set(q, "format", q->form == JSON ? "json" : "csv");
    return 0;
}

/* --- the log --- */

static int snapshot(void *ctx, struct hwt_tslog_snapshot *snapshot_out)
{
    hwt_tslog_snapshot(log_dir_tslog(ctx), snapshot_out);
    return 0;
}

static bool log_failed(const struct question *q, int err)
{
    fprintf(stderr, "heatwatt log: the log cannot be read: %s\n", log_dir_explain(q->log, err));
    return false;
}

/* A series that is nowhere in the log is a typing error. */
static bool check_series(struct question *q)
{
    struct desk_cursor *c = desk_cursor(&q->desk, 0);
    struct log_channels channels;
    int err =
        c == NULL ? HWT_ERR_SPACE : log_channels_read(&channels, q->desk.snapshot, &c->cursor);
    bool ok = err == 0 || log_failed(q, err);

    for (unsigned i = 0; ok && i < q->plan.series_count; i++) {
        if (log_channels_find(&channels, q->plan.series[i].id) == NULL) {
            fprintf(stderr, "heatwatt log: --series: '%s' is not in the log\n",
                    q->plan.series[i].id);
            ok = false;
        }
    }
    if (c != NULL) {
        log_channels_free(&channels);
        c->open = false;
    }
    return ok;
}

static bool open_rows(struct question *q)
{
    int err = desk_refresh(&q->desk);

    if (err < 0) {
        return log_failed(q, err);
    }
    if (!check_series(q)) {
        return false;
    }
    err = rows_init(&q->rows, &q->plan, &q->desk);
    if (err == HWT_ERR_NOT_FOUND) {
        fprintf(stderr, "heatwatt log: no stream '%s': see heatwatt log info\n", q->plan.stream);
        return false;
    }
    return err == 0 || log_failed(q, err);
}

/* 1: a row; 0: the end; negative: it was said. */
static int next(struct question *q, struct row *row)
{
    int got;

    do {
        got = rows_next(&q->rows, row);
    } while (got == HWT_ERR_AGAIN);
    if (got < 0) {
        (void)log_failed(q, got);
    }
    return got;
}

/* --- the forms --- */

static bool print_sheet(struct question *q)
{
    struct sheet s;
    struct row row;
    int got;

    sheet_init(&s, &q->plan, &q->rows, q->buffer);
    if (!sheet_put_head(&s)) {
        return log_failed(q, HWT_ERR_SPACE);
    }
    fwrite(s.p, 1, s.n, stdout);
    s.n = 0;
    while ((got = next(q, &row)) == 1) {
        sheet_put(&s, &row);
        if (!sheet_has_room(&s)) {
            sheet_flush(&s);
            fwrite(s.p, 1, s.n, stdout);
            s.n = 0;
        }
    }
    sheet_flush(&s);
    fwrite(s.p, 1, s.n, stdout);
    s.n = 0;
    sheet_put_end(&s, got < 0);
    fwrite(s.p, 1, s.n, stdout);
    return got == 0;
}

/* JSON of buckets is column by column. */
static bool print_columns(struct question *q)
{
    struct table table;
    struct row row;
    size_t room, n;
    char *text = NULL;
    int got = 1, err = table_init(&table, &q->plan);

    if (err < 0) {
        return log_failed(q, err);
    }
    for (uint32_t i = 0; i < q->plan.buckets && got == 1; i++) {
        got = next(q, &row);
        if (got == 1) {
            table_put(&table, i, row.value);
        }
    }
    if (got >= 0) {
        room = table_room(&table);
        text = malloc(room);
        n = text != NULL ? table_json(&table, &q->rows, text, room) : 0;
        fwrite(text, 1, n, stdout);
        got = n > 0 ? 0 : HWT_ERR_SPACE;
    }
    table_deinit(&table);
    free(text);
    return got == 0;
}

static bool print_table(struct question *q)
{
    struct row row;
    int got;

    query_table_head(&q->plan, stdout);
    while ((got = next(q, &row)) == 1) {
        query_table_row(&q->plan, &row, stdout);
    }
    query_table_end(&q->rows, stdout);
    return got == 0;
}

static bool print(struct question *q)
{
    bool ok = q->form == TABLE                                 ? print_table(q)
              : q->form == JSON && q->plan.cut != PLAN_CUT_RAW ? print_columns(q)
                                                               : print_sheet(q);

    if (q->form == JSON && ok) {
        putchar('\n');
    }
    if (fflush(stdout) != 0) {
        fputs("heatwatt log: the output cannot be written\n", stderr);
        return false;
    }
    if (rows_damaged(&q->rows) > 0) {
        fprintf(stderr,
                "heatwatt log: %llu records of the range are damaged: see heatwatt log verify\n",
                (unsigned long long)rows_damaged(&q->rows));
    }
    return ok;
}

/* --- all of it --- */

static int run(struct question *q, const struct zone *utc)
{
    struct plan_site site = {.zone = utc, .zone_name = "UTC"};
    struct http_problem problem;
    int status = 2;

    if (plan_parse(&q->plan, &q->query, NULL, &site, &problem) < 0) {
        fprintf(stderr, "heatwatt log: --%s\n", problem.detail);
        goto plan_out;
    }
    status = 1;
    q->log = log_args_open(q->dir);
    if (q->log == NULL) {
        goto plan_out;
    }
    q->hooks = (struct http_hooks){.snapshot = snapshot, .ctx = q->log};
    desk_init(&q->desk, &q->hooks);
    if (open_rows(q)) {
        status = print(q) ? 0 : 1;
        rows_deinit(&q->rows);
    }
    desk_deinit(&q->desk);
    log_dir_close(q->log);
plan_out:
    plan_deinit(&q->plan);
    return status;
}

int log_query_main(int argc, char **argv)
{
    struct question *q = calloc(1, sizeof(*q));
    int status, err = 0;
    struct zone *utc = zone_load("UTC", &err);

    if (q == NULL || utc == NULL) {
        fputs("heatwatt log: out of memory\n", stderr);
        status = 1;
    } else {
        status = parse(q, argc, argv);
        status = status == 0 ? run(q, utc) : status == 1 ? 0 : status;
        zone_option_free(&q->zone);
    }
    zone_free(utc);
    free(q);
    return status;
}
