#include "daemon/cli/log_export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli/interrupt.h"
#include "daemon/cli/list_option.h"
#include "daemon/cli/log_args.h"
#include "daemon/cli/progress.h"
#include "daemon/cli/zone_option.h"
#include "daemon/store/export.h"

static const char usage[] =
    "usage: heatwatt log export DIR [options]\n"
    "\n"
    "Writes a stream of the log in the data folder DIR as CSV, every record with every digit: "
    "unix\n"
    "ms at the end of its interval, then a column for each channel. `heatwatt log import` takes "
    "it.\n"
    "The daemon may be running: what is durable when the command starts is written.\n"
    "\n"
    "  --out FILE          to a file, which must not be there yet (default: to the standard "
    "output)\n"
    "  --resume            go on behind the last whole line of FILE\n"
    "  --stream NAME       default: own, the device's own records\n"
    "  --series ID,...     these channels in this order (default: all)\n"
    "  --from T, --to T    records whose interval starts in [from, to)\n"
    "  --tz ZONE           zone of times without one: Europe/London, UTC, +01:00 (default: UTC)\n"
    "  --quiet             no progress bar\n"
    "\n"
    "T is 2026-11-20, 2026-11-20T14:05:00+01:00, unix ms, now, now-90m or -7d (s m h d w).\n";

struct arguments {
    struct log_export_options export;
    const char *dir, *stream;
    const char *from, *to;
    bool quiet;
    struct zone_option zone;
    const char *series[LIST_MAX];
};

static bool take(void *ctx, int option, char *text)
{
    struct arguments *a = ctx;

    switch (option) {
    case 'o':
        a->export.file = text;
        return true;
    case 'r':
        a->export.resume = true;
        return true;
    case 's':
        a->stream = text;
        return true;
    case 'c':
        return list_add_words(a->series, &a->export.series_count, text);
    case 'f':
        a->from = text;
        return true;
    case 't':
        a->to = text;
        return true;
    case 'z':
        return zone_option_take(&a->zone, text);
    case 'q':
        a->quiet = true;
        return true;
    default:
        return false;
    }
}

/* 0: go on; 1: help was given; 2: usage. */
static int parse(struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        {"out", required_argument, NULL, 'o'},    {"resume", no_argument, NULL, 'r'},
        {"stream", required_argument, NULL, 's'}, {"series", required_argument, NULL, 'c'},
        {"from", required_argument, NULL, 'f'},   {"to", required_argument, NULL, 't'},
        {"tz", required_argument, NULL, 'z'},     {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    const struct log_args args = {
        .usage = usage, .options = options, .operands = 1, .take = take, .ctx = a};
    int result = log_args_parse(&args, argc, argv);

    if (result != 0) {
        return result;
    }
    a->dir = argv[optind];
    if (a->export.resume && a->export.file == NULL) {
        fputs("heatwatt log: --resume: a file to go on with is needed, --out FILE\n", stderr);
        return 2;
    }
    return zone_option_instant(&a->zone, "from", a->from, &a->export.from_ms) &&
                   zone_option_instant(&a->zone, "to", a->to, &a->export.to_ms)
               ? 0
               : 2;
}

/* What a reader of the file must know, and, of a file, how it went. */
static void report(const struct arguments *a, const struct log_export_result *r)
{
    if (!r->ok) {
        fprintf(stderr, "heatwatt log: %s\n", r->why);
        if (a->export.file != NULL && (r->rows > 0 || r->stopped)) {
            fprintf(stderr,
                    "%" PRIu64 " rows were written; the same command with --resume goes on\n",
                    r->rows);
        }
    } else if (a->export.file != NULL && !a->quiet) {
        fprintf(stderr, "%" PRIu64 " rows of %zu channels %s %s\n", r->rows, r->columns,
                r->resumed_ms != INT64_MIN ? "added to" : "written to", a->export.file);
    }
    if (r->lost > 0 || r->untimed > 0) {
        fprintf(stderr,
                "heatwatt log: %" PRIu64 " records lost, %" PRIu64 " without wall time left out\n",
                r->lost, r->untimed);
    }
}

static int run(struct arguments *a)
{
    struct log_dir *log = log_args_open(a->dir);
    struct log_export_result result;
    bool ok = false;

    a->export.stream = log != NULL ? log_args_stream(log, a->stream) : -1;
    if (a->export.stream >= 0) {
        a->export.snapshot = log_dir_snapshot(log);
        ok = log_export(&a->export, &result);
        report(a, &result);
    }
    log_dir_close(log);
    return ok ? 0 : 1;
}

int log_export_main(int argc, char **argv)
{
    struct arguments *a = calloc(1, sizeof(*a));
    int status;

    if (a == NULL) {
        fputs("heatwatt log: out of memory\n", stderr);
        return 1;
    }
    a->export.from_ms = INT64_MIN;
    a->export.to_ms = INT64_MAX;
    a->export.out = stdout;
    a->export.series = a->series;
    status = parse(a, argc, argv);
    if (status == 0) {
        a->export.progress = a->quiet ? NULL : progress_to_terminal();
        a->export.stop = a->export.file != NULL ? interrupt_catch() : NULL;
        status = run(a);
    } else if (status == 1) {
        status = 0;
    }
    zone_option_free(&a->zone);
    free(a);
    return status;
}
