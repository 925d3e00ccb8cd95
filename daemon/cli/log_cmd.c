#include "daemon/cli/log_cmd.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/quantity.h"
#include "daemon/cli/log_dump.h"
#include "daemon/cli/log_mend.h"
#include "daemon/cli/progress.h"
#include "daemon/store/log_dir.h"
#include "daemon/store/medium.h"

enum { PATH_BYTES = 4096 };

static const char usage[] =
    "usage: heatwatt log import DIR FILE.csv [--provenance simulated|imported] [--stream NAME] "
    "[--quiet]\n"
    "       heatwatt log verify DIR [--all]\n"
    "       heatwatt log dump DIR [--stream NAME] [--from MS] [--to MS]\n"
    "       heatwatt log info DIR\n"
    "       heatwatt log repair DIR\n"
    "       heatwatt log format DEVICE --yes\n"
    "\n"
    "DIR is the data folder, or the partition of the log. import makes a CSV file "
    "(time,CHANNEL,... with unix milliseconds) a\n"
    "stream of its own, all of it or nothing; dump writes a stream in the same form; verify reads\n"
    "every page and names the damaged ones (--all: every page); repair mends what can be mended "
    "and\n"
    "names the records that are lost; format makes an empty log on a partition, over all it "
    "holds.\n";

struct arguments {
    const char *operand[2];
    int operands;
    const char *stream;
    enum hwt_provenance provenance;
    int64_t from_ms, to_ms;
    bool quiet, all, yes;
};

static bool parse_ms(const char *option, const char *text, int64_t *out)
{
    char *end;

    *out = strtoll(text, &end, 10);
    if (end == text || *end != '\0') {
        fprintf(stderr, "heatwatt log: --%s %s: unix milliseconds are needed\n", option, text);
        return false;
    }
    return true;
}

static bool parse_provenance(const char *text, enum hwt_provenance *out)
{
    if (strcmp(text, "simulated") == 0) {
        *out = HWT_PROVENANCE_SIMULATED;
    } else if (strcmp(text, "imported") == 0) {
        *out = HWT_PROVENANCE_IMPORTED;
    } else {
        fprintf(stderr, "heatwatt log: --provenance %s: simulated or imported is needed\n", text);
        return false;
    }
    return true;
}

/* 0: go on; 1: help was given; 2: usage. argv[0] is the verb. */
static int parse(struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        {"provenance", required_argument, NULL, 'p'},
        {"stream", required_argument, NULL, 's'},
        {"from", required_argument, NULL, 'f'},
        {"to", required_argument, NULL, 't'},
        {"quiet", no_argument, NULL, 'q'},
        {"all", no_argument, NULL, 'a'},
        {"yes", no_argument, NULL, 'y'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        bool ok = true;

        switch (c) {
        case 'p':
            ok = parse_provenance(optarg, &a->provenance);
            break;
        case 's':
            a->stream = optarg;
            break;
        case 'f':
            ok = parse_ms("from", optarg, &a->from_ms);
            break;
        case 't':
            ok = parse_ms("to", optarg, &a->to_ms);
            break;
        case 'q':
            a->quiet = true;
            break;
        case 'a':
            a->all = true;
            break;
        case 'y':
            a->yes = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 1;
        default:
            ok = false;
        }
        if (!ok) {
            return 2;
        }
    }
    while (optind < argc && a->operands < 2) {
        a->operand[a->operands++] = argv[optind++];
    }
    return optind == argc ? 0 : 2;
}

/* The log's place: DIR if it holds one itself or is a partition, else DIR/log. */
static void find_log(const char *dir, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/control.hwl", dir);
    if (access(path, F_OK) == 0 || medium_kind_of(dir) == MEDIUM_PARTITION) {
        snprintf(path, PATH_BYTES, "%s", dir);
    } else {
        snprintf(path, PATH_BYTES, "%s/log", dir);
    }
}

static struct log_dir *open_log(const char *dir)
{
    char path[PATH_BYTES], why[512];
    struct log_dir *log;

    find_log(dir, path);
    log = log_dir_open(path, true, why, sizeof(why));
    if (log == NULL) {
        fprintf(stderr, "heatwatt log: %s\n", why);
    }
    return log;
}

/* --- import --- */

static int import(const struct arguments *a)
{
    char path[PATH_BYTES];
    progress_bar bar = a->quiet ? NULL : progress_to_terminal();

    find_log(a->operand[0], path);
    if (log_import_csv(path, a->operand[1], a->provenance, a->stream, bar, NULL, stderr) != 0) {
        return 1;
    }
    if (!a->quiet && bar == NULL) {
        printf("imported %s\n", a->operand[1]);
    }
    return 0;
}

/* --- verify --- */

struct tally {
    const struct arguments *a;
    uint64_t pages[HWT_TSLOG_PAGE_STATES];
    uint64_t rows_lost;
};

static const char *const state_names[HWT_TSLOG_PAGE_STATES] = {"good", "blank", "superseded",
                                                               "damaged"};

static void report_page(void *ctx, const struct hwt_tslog_page_report *p)
{
    struct tally *t = ctx;

    t->pages[p->state]++;
    t->rows_lost += p->state == HWT_TSLOG_PAGE_DAMAGED ? p->rows : 0;
    if (p->state != HWT_TSLOG_PAGE_DAMAGED && !(t->a->all && p->state != HWT_TSLOG_PAGE_BLANK)) {
        return;
    }
    printf("block %u page %u: %s", p->block, p->page, state_names[p->state]);
    if (p->rows > 0) {
        printf(", stream %u, %u records from %llu", p->stream, p->rows,
               (unsigned long long)p->first);
    }
    putchar('\n');
}

static int verify(const struct arguments *a)
{
    struct log_dir *log = open_log(a->operand[0]);
    struct hwt_tslog_cursor *work = calloc(1, sizeof(*work));
    struct tally t = {.a = a};
    int damaged = HWT_ERR_IO;

    if (log != NULL && work != NULL) {
        damaged = hwt_tslog_verify(log_dir_snapshot(log), work, report_page, &t);
        if (damaged < 0) {
            fprintf(stderr, "heatwatt log: %s\n", log_dir_explain(log, damaged));
        } else {
            printf("%llu pages good, %llu superseded, %llu damaged (%llu records lost)\n",
                   (unsigned long long)t.pages[HWT_TSLOG_PAGE_GOOD],
                   (unsigned long long)t.pages[HWT_TSLOG_PAGE_DEAD],
                   (unsigned long long)t.pages[HWT_TSLOG_PAGE_DAMAGED],
                   (unsigned long long)t.rows_lost);
        }
    }
    free(work);
    log_dir_close(log);
    return damaged == 0 ? 0 : 1;
}

/* --- dump, info --- */

static int find_stream(struct log_dir *log, const char *name)
{
    int stream;

    name = name != NULL ? name : HWT_TSLOG_OWN;
    stream = log_dir_find(log, name);
    if (stream < 0) {
        fprintf(stderr, "heatwatt log: no stream '%s': see heatwatt log info\n", name);
    }
    return stream;
}

static int dump(const struct arguments *a)
{
    struct log_dir *log = open_log(a->operand[0]);
    int result = 1, stream = log != NULL ? find_stream(log, a->stream) : -1;

    if (stream >= 0) {
        result = log_dump(log_dir_snapshot(log), stream, a->from_ms, a->to_ms, stdout, stderr);
    }
    log_dir_close(log);
    return result;
}

static void print_time(int64_t ms)
{
    if (ms == HWT_TIME_UNKNOWN) {
        printf(" %15s", "unknown");
    } else {
        printf(" %15lld", (long long)ms);
    }
}

static int info(const struct arguments *a)
{
    struct log_dir *log = open_log(a->operand[0]);
    const struct hwt_tslog_snapshot *snapshot;
    uint8_t uuid[16];
    int err = 0;

    if (log == NULL) {
        return 1;
    }
    snapshot = log_dir_snapshot(log);
    hwt_tslog_uuid(log_dir_tslog(log), uuid);
    printf("log ");
    for (size_t i = 0; i < sizeof(uuid); i++) {
        printf("%02x%s", uuid[i], i == 3 || i == 5 || i == 7 || i == 9 ? "-" : "");
    }
    printf("\n%-32s %-10s %10s %10s %15s %15s\n", "stream", "provenance", "first", "last",
           "from ms", "to ms");
    for (int s = 0; err == 0 && s < hwt_tslog_streams(snapshot); s++) {
        struct hwt_stream_info i;

        err = hwt_tslog_stream_info(snapshot, s, &i);
        if (err == 0) {
            printf("%-32s %-10s %10llu %10llu", i.name, hwt_provenance_name(i.provenance),
                   (unsigned long long)i.first, (unsigned long long)i.last);
            print_time(i.first_ms);
            print_time(i.last_ms);
            putchar('\n');
        }
        err = err == HWT_ERR_ARGUMENT ? 0 : err; /* a number without stream */
    }
    if (err != 0) {
        fprintf(stderr, "heatwatt log: %s\n", log_dir_explain(log, err));
    }
    log_dir_close(log);
    return err == 0 ? 0 : 1;
}

/* --- repair, format --- */

static int repair(const struct arguments *a)
{
    char path[PATH_BYTES];

    find_log(a->operand[0], path);
    return log_repair(path);
}

static int format(const struct arguments *a)
{
    return log_format(a->operand[0], a->yes);
}

int log_main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int operands;
        int (*run)(const struct arguments *a);
    } verbs[] = {
        {"import", 2, import}, {"verify", 1, verify}, {"dump", 1, dump},
        {"info", 1, info},     {"repair", 1, repair}, {"format", 1, format},
    };
    struct arguments a = {
        .provenance = HWT_PROVENANCE_IMPORTED, .from_ms = INT64_MIN, .to_ms = INT64_MAX};
    int result;

    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(usage, stdout);
        return 0;
    }
    for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            result = parse(&a, argc - 1, argv + 1);
            if (result == 1) {
                return 0;
            }
            if (result == 0 && a.operands == verbs[i].operands) {
                return verbs[i].run(&a);
            }
            break;
        }
    }
    fputs(usage, stderr);
    return 2;
}
