#include "daemon/cli/journal_cmd.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/err.h"
#include "daemon/base/time_text.h"
#include "daemon/store/journal.h"
#include "daemon/store/journal_files.h"

enum { LIMIT_MAX = 1000000 };

static const char usage[] =
    "usage: heatwatt journal DIR [--json] [--source ID] [--limit N]\n"
    "\n"
    "What happened, newest first: meters exchanged, registers reset or turned over, sources "
    "added,\n"
    "the clock set, starts and stops. DIR is the data folder; the daemon may be running.\n"
    "\n"
    "  --json        each entry as the API gives it, a line each\n"
    "  --source ID   of this source, or what comes through it\n"
    "  --limit N     entries at most (default: all)\n";

struct arguments {
    struct journal_query query;
    const char *dir;
    bool json;
};

static bool take_limit(const char *text, unsigned *out)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    *out = (unsigned)n;
    return text[0] >= '1' && text[0] <= '9' && *end == '\0' && n <= LIMIT_MAX;
}

/* 0: go on; 1: help was given; 2: usage. */
static int parse(struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"source", required_argument, NULL, 's'},
        {"limit", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(usage, stdout);
            return 1;
        }
        if (c == 'j') {
            a->json = true;
        } else if (c == 's') {
            a->query.source = optarg;
        } else if (c != 'l' || !take_limit(optarg, &a->query.limit)) {
            fputs(usage, stderr);
            return 2;
        }
    }
    a->dir = argv[optind];
    if (argc - optind != 1) {
        fputs(usage, stderr);
        return 2;
    }
    return 0;
}

static bool print_entry(void *ctx, const struct journal_entry *e, const char *p, size_t n)
{
    const struct arguments *a = ctx;
    const char *where = e->channel[0] != '\0' ? e->channel : e->source;
    char time[TIME_TEXT_MAX] = "time unknown";

    if (a->json) {
        return printf("%.*s\n", (int)n, p) > 0;
    }
    if (e->unix_ms != HWT_TIME_UNKNOWN) {
        time_text_print(e->unix_ms, time);
    }
    return printf("%-24s  %-17s  %s%s%s\n", time, e->kind, where, where[0] != '\0' ? "  " : "",
                  e->text) > 0;
}

int journal_main(int argc, char **argv)
{
    struct arguments a = {.query = {HWT_TIME_UNKNOWN, HWT_TIME_UNKNOWN, NULL, LIMIT_MAX}};
    char path[PATH_MAX];
    int status = parse(&a, argc, argv);

    if (status != 0) {
        return status == 1 ? 0 : status;
    }
    if (!journal_path(a.dir, JOURNAL_CURRENT, path) || access(path, F_OK) != 0) {
        fprintf(stderr, "heatwatt journal: %s holds no journal.jsonl; is it a data folder?\n",
                a.dir);
        return 1;
    }
    status = journal_read(a.dir, &a.query, print_entry, &a);
    if (status < 0) {
        fprintf(stderr, "heatwatt journal: %s: %s\n", path, hwt_err_name(status));
        return 1;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
