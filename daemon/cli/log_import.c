#include "daemon/cli/log_import.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli/interrupt.h"
#include "daemon/cli/list_option.h"
#include "daemon/cli/log_args.h"
#include "daemon/cli/progress.h"
#include "daemon/cli/zone_option.h"
#include "daemon/store/import.h"

static const char usage[] =
    "usage: heatwatt log import DIR FILE.csv [options]\n"
    "\n"
    "Makes FILE a stream of its own in the log of the data folder DIR. The file is checked to its\n"
    "end before anything is written. Its first line names the columns: time, then channel ids\n"
    "(heatpump_power, meter_import: SOURCE_QUANTITY). Times are unix ms, unix s or ISO 8601; an\n"
    "empty field or null is a value that is missing. The daemon must not be running on DIR.\n"
    "\n"
    "  --stream NAME       the stream's name (default: import_1, import_2, ...)\n"
    "  --resume            go on where an import of this file was cut short\n"
    "  --provenance P      imported (default) or simulated\n"
    "  --quiet             no progress bar, no summary\n"
    "\n"
    "Files of other systems:\n"
    "  --map 'NAME=ID'     the column called NAME is channel ID, or the time if ID is time;\n"
    "                      'NAME=-' leaves it out, '*=-' leaves out all that are not named\n"
    "  --columns LIST      the names of the columns, for a file that has no line of names\n"
    "  --unit 'ID=UNIT'    the unit of a channel's column, as kW, kWh, MJ, m3, l/min, bar\n"
    "  --sum ID,...        its column holds amounts of each interval, to be summed up\n"
    "  --label start|end   what a row's time is of its interval (default: end)\n"
    "  --time s|ms         unit of times that are numbers (default: from how large the first is)\n"
    "  --tz ZONE           zone of ISO times that have none: Europe/London, UTC, +01:00\n"
    "  --backward refuse|skip|keep\n"
    "                      rows whose time does not rise (default: refuse)\n"
    "\n"
    "--map, --unit and --sum may come several times.\n";

struct arguments {
    struct log_import_options import;
    const char *dir;
    bool quiet;
    struct zone_option zone;
    struct csv_pair map[LIST_MAX], unit[LIST_MAX];
    const char *sum[LIST_MAX];
};

/* The index of `text` among the words, -1: none, and said so. */
static int choose(const char *option, const char *text, const char *const *words, int n)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(words[i], text) == 0) {
            return i;
        }
    }
    fprintf(stderr, "heatwatt log: --%s %s: ", option, text);
    for (int i = 0; i < n; i++) {
        fprintf(stderr, "%s%s", i == 0 ? "" : i == n - 1 ? " or " : ", ", words[i]);
    }
    fputs(" is needed\n", stderr);
    return -1;
}

static bool bad(const char *option, const char *text, const char *needed)
{
    fprintf(stderr, "heatwatt log: --%s %s: %s is needed\n", option, text, needed);
    return false;
}

static bool choose_provenance(struct arguments *a, const char *text)
{
    static const char *const words[] = {"imported", "simulated"};
    int k = choose("provenance", text, words, 2);

    a->import.provenance = k == 1 ? HWT_PROVENANCE_SIMULATED : HWT_PROVENANCE_IMPORTED;
    return k >= 0;
}

static bool choose_label(struct arguments *a, const char *text)
{
    static const char *const words[] = {"end", "start"};
    int k = choose("label", text, words, 2);

    a->import.by_start = k == 1;
    return k >= 0;
}

static bool choose_time(struct arguments *a, const char *text)
{
    static const char *const words[] = {"ms", "s"};
    int k = choose("time", text, words, 2);

    a->import.csv.time = k == 1 ? CSV_TIME_S : CSV_TIME_MS;
    return k >= 0;
}

static bool choose_backward(struct arguments *a, const char *text)
{
    static const char *const words[] = {[CSV_BACKWARD_REFUSE] = "refuse",
                                        [CSV_BACKWARD_SKIP] = "skip",
                                        [CSV_BACKWARD_KEEP] = "keep"};
    int k = choose("backward", text, words, 3);

    a->import.csv.backward = k > 0 ? (enum csv_backward)k : CSV_BACKWARD_REFUSE;
    return k >= 0;
}

static bool take(void *ctx, int option, char *text)
{
    struct arguments *a = ctx;
    struct csv_options *csv = &a->import.csv;

    switch (option) {
    case 'p':
        return choose_provenance(a, text);
    case 's':
        a->import.stream = text;
        return true;
    case 'r':
        a->import.resume = true;
        return true;
    case 'q':
        a->quiet = true;
        return true;
    case 'm':
        return list_add_pair(a->map, &csv->maps, text) || bad("map", text, "'NAME=ID'");
    case 'u':
        return list_add_pair(a->unit, &csv->units, text) || bad("unit", text, "'ID=UNIT'");
    case 'S':
        return list_add_words(a->sum, &csv->sums, text) || bad("sum", text, "a list of ids");
    case 'c':
        csv->columns = text;
        return true;
    case 'l':
        return choose_label(a, text);
    case 't':
        return choose_time(a, text);
    case 'z':
        return zone_option_take(&a->zone, text);
    case 'b':
        return choose_backward(a, text);
    default:
        return false;
    }
}

/* 0: go on; 1: help was given; 2: usage. */
static int parse(struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        {"provenance", required_argument, NULL, 'p'},
        {"stream", required_argument, NULL, 's'},
        {"resume", no_argument, NULL, 'r'},
        {"quiet", no_argument, NULL, 'q'},
        {"map", required_argument, NULL, 'm'},
        {"unit", required_argument, NULL, 'u'},
        {"sum", required_argument, NULL, 'S'},
        {"columns", required_argument, NULL, 'c'},
        {"label", required_argument, NULL, 'l'},
        {"time", required_argument, NULL, 't'},
        {"tz", required_argument, NULL, 'z'},
        {"backward", required_argument, NULL, 'b'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const struct log_args args = {
        .usage = usage, .options = options, .operands = 2, .take = take, .ctx = a};
    int result = log_args_parse(&args, argc, argv);

    if (result != 0) {
        return result;
    }
    a->dir = argv[optind];
    a->import.file = argv[optind + 1];
    return 0;
}

static void print_error(const struct arguments *a, const struct log_import_result *r)
{
    char last[TIME_TEXT_MAX];

    if (r->line > 0) {
        fprintf(stderr, "%s:%u:%u: %s\n", a->import.file, r->line, r->column, r->why);
    } else {
        fprintf(stderr, "%s: %s\n", a->import.file, r->why);
    }
    if (r->rows > r->before || r->stopped) {
        fprintf(stderr,
                "%" PRIu64 " rows%s%s are in stream '%s'; the same command with --resume goes on\n",
                r->rows, r->last_ms == HWT_TIME_UNKNOWN ? "" : ", to ",
                r->last_ms == HWT_TIME_UNKNOWN ? "" : time_text_print(r->last_ms, last), r->stream);
    } else {
        fputs("nothing was imported\n", stderr);
    }
}

static void print_summary(const struct arguments *a, const struct log_import_result *r)
{
    char first[TIME_TEXT_MAX], last[TIME_TEXT_MAX];

    printf("imported %s as stream '%s': %" PRIu64 " rows of %u channels, %s to %s", a->import.file,
           r->stream, r->rows, r->channels, time_text_print(r->first_ms, first),
           time_text_print(r->last_ms, last));
    if (r->before > 0) {
        printf(", %" PRIu64 " of them before", r->before);
    }
    putchar('\n');
    if (r->skipped > 0) {
        printf("%" PRIu64 " rows left out: their time does not rise\n", r->skipped);
    }
    if (r->gone > 0) {
        printf("%" PRIu64
               " rows imported before are on pages that are damaged or pruned: see heatwatt "
               "log verify\n",
               r->gone);
    }
}

int log_import_main(int argc, char **argv)
{
    struct arguments *a = calloc(1, sizeof(*a));
    struct log_import_result result;
    char path[LOG_PATH_BYTES];
    int status;

    if (a == NULL) {
        fputs("heatwatt log: out of memory\n", stderr);
        return 1;
    }
    a->import.provenance = HWT_PROVENANCE_IMPORTED;
    status = parse(a, argc, argv);
    if (status == 0) {
        log_args_place(a->dir, path);
        a->import.dir = path;
        a->import.csv.map = a->map;
        a->import.csv.unit = a->unit;
        a->import.csv.sum = a->sum;
        a->import.csv.zone = a->zone.set ? zone_option_utc : NULL;
        a->import.csv.zone_ctx = &a->zone;
        a->import.progress = a->quiet ? NULL : progress_to_terminal();
        a->import.stop = interrupt_catch();
        if (!log_import(&a->import, &result)) {
            print_error(a, &result);
            status = 1;
        } else if (!a->quiet) {
            print_summary(a, &result);
        }
    } else if (status == 1) {
        status = 0;
    }
    zone_option_free(&a->zone);
    free(a);
    return status;
}
