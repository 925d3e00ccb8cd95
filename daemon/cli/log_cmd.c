#include "daemon/cli/log_cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli/log_args.h"
#include "daemon/cli/log_dump.h"
#include "daemon/cli/log_export.h"
#include "daemon/cli/log_import.h"
#include "daemon/cli/log_info.h"
#include "daemon/cli/log_mend.h"
#include "daemon/cli/log_query.h"

static const char usage[] =
    "usage: heatwatt log query DIR --series ID   means, sums, steps, local days: as the API "
    "answers\n"
    "       heatwatt log import DIR FILE.csv     make a CSV file a stream of the log\n"
    "       heatwatt log export DIR              write a stream as CSV\n"
    "       heatwatt log dump DIR                every record with all that is stored, as JSON\n"
    "       heatwatt log info DIR [--json]       list the streams, what they take, what is "
    "damaged\n"
    "       heatwatt log verify DIR [--all]      read every page, name the damaged (--all: every) "
    "ones\n"
    "       heatwatt log repair DIR              mend what can be mended, name the records lost\n"
    "       heatwatt log format DEVICE --yes     make an empty log on a partition, over all it "
    "holds\n"
    "       heatwatt log COMMAND --help          more about query, import, export, info\n"
    "\n"
    "DIR is the data folder, or the partition of the log.\n";

struct arguments {
    const char *dir;
    bool all, yes;
};

/* 0: go on; 1: help was given; 2: usage. argv[0] is the verb. */
static int parse(struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        {"all", no_argument, NULL, 'a'},
        {"yes", no_argument, NULL, 'y'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
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
            return 2;
        }
    }
    if (argc - optind != 1) {
        return 2;
    }
    a->dir = argv[optind];
    return 0;
}

/* --- verify --- */

struct tally {
    const struct arguments *a;
    uint64_t pages[HWT_TSLOG_PAGE_STATES];
    uint64_t rows_lost;
};

static const char *const state_names[HWT_TSLOG_PAGE_STATES] = {"good", "blank", "superseded",
                                                               "damaged", "mended"};

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
    struct log_dir *log = log_args_open(a->dir);
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

/* --- repair, format --- */

static int repair(const struct arguments *a)
{
    char path[LOG_PATH_BYTES];

    log_args_place(a->dir, path);
    return log_repair(path);
}

static int format(const struct arguments *a)
{
    return log_format(a->dir, a->yes);
}

int log_main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const struct arguments *a);
    } verbs[] = {
        {"verify", verify},
        {"repair", repair},
        {"format", format},
    };
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv); /* argv[0] is the verb */
    } commands[] = {
        {"info", log_info_main}, {"import", log_import_main}, {"export", log_export_main},
        {"dump", log_dump_main}, {"query", log_query_main},
    };
    struct arguments a = {0};
    int result;

    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(usage, stdout);
        return 0;
    }
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            result = parse(&a, argc - 1, argv + 1);
            if (result == 1) {
                return 0;
            }
            if (result == 0) {
                return verbs[i].run(&a);
            }
            break;
        }
    }
    fputs(usage, stderr);
    return 2;
}
