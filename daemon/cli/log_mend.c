#include "daemon/cli/log_mend.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/store/log_dir.h"
#include "daemon/store/part_format.h"

enum { WHY_BYTES = 512, TIME_BYTES = 40 };

/* --- repair --- */

struct gap {
    uint64_t from, count;        /* sequences */
    int64_t after_ms, before_ms; /* wall times of the records around it, or unknown */
};

static void format_time(int64_t ms, char text[TIME_BYTES])
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;

    if (ms == HWT_TIME_UNKNOWN || gmtime_r(&s, &tm) == NULL) {
        strcpy(text, "an unknown time");
    } else {
        strftime(text, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
}

static void print_gap(const char *stream, const struct gap *g)
{
    char after[TIME_BYTES], before[TIME_BYTES];

    format_time(g->after_ms, after);
    format_time(g->before_ms, before);
    printf("lost: stream %s, %" PRIu64 " records, %" PRIu64 " to %" PRIu64 ", between %s and %s\n",
           stream, g->count, g->from, g->from + g->count - 1, after, before);
}

/* Prints the gaps in the sequences of a stream; how many records, or an error. */
static int64_t count_lost(const struct hwt_tslog_snapshot *snapshot,
                          struct hwt_tslog_cursor *cursor, int stream,
                          const struct hwt_stream_info *info)
{
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    struct gap gap = {.from = info->first, .after_ms = HWT_TIME_UNKNOWN};
    uint64_t lost;
    int64_t all = 0;
    int got = hwt_tslog_cursor_open(cursor, snapshot, stream, info->first);

    while (got == 0 || got == 1 || got == HWT_ERR_LOST) {
        got = hwt_tslog_cursor_next(cursor, &schema, &record, &lost);
        if (got == HWT_ERR_LOST) {
            gap.count += lost;
            continue;
        }
        gap.before_ms = got == 1 ? record->unix_ms : HWT_TIME_UNKNOWN;
        if (got >= 0 && gap.count > 0) {
            print_gap(info->name, &gap);
            all += (int64_t)gap.count;
        }
        if (got != 1) {
            break;
        }
        gap = (struct gap){.from = record->sequence + 1, .after_ms = record->unix_ms};
    }
    return got < 0 ? got : all;
}

static int64_t count_all_lost(struct log_dir *log)
{
    const struct hwt_tslog_snapshot *snapshot = log_dir_snapshot(log);
    struct hwt_tslog_cursor *cursor = calloc(1, sizeof(*cursor));
    int64_t all = cursor != NULL ? 0 : HWT_ERR_SPACE;

    for (int s = 0; all >= 0 && s < HWT_TSLOG_STREAMS_MAX; s++) {
        struct hwt_stream_info info;
        int err = hwt_tslog_stream_info(snapshot, s, &info);
        int64_t lost =
            err == 0 && info.first <= info.last ? count_lost(snapshot, cursor, s, &info) : 0;

        lost = err == 0 || err == HWT_ERR_ARGUMENT ? lost : err;
        all = lost < 0 ? lost : all + lost;
    }
    free(cursor);
    return all;
}

static struct log_dir *open_or_say(const char *path, bool read_only)
{
    char why[WHY_BYTES];
    struct log_dir *log = log_dir_open(path, read_only, why, sizeof(why));

    if (log == NULL) {
        fprintf(stderr, "heatwatt log: %s\n", why);
    }
    return log;
}

struct tally {
    unsigned mended, damaged; /* pages; damaged: that stay so */
};

static void report_page(void *ctx, const struct hwt_tslog_page_report *p)
{
    struct tally *t = ctx;
    bool mended = p->state == HWT_TSLOG_PAGE_MENDED;

    t->mended += mended;
    t->damaged += p->state == HWT_TSLOG_PAGE_DAMAGED;
    printf("%s: block %u page %u\n", mended ? "mended" : "damaged", p->block, p->page);
}

/* No log is made where there is none. False: why was said. */
static bool is_there(const char *path)
{
    struct log_dir *log = open_or_say(path, true);

    log_dir_close(log);
    return log != NULL;
}

static bool mend(const char *path, struct tally *t)
{
    struct log_dir *log = open_or_say(path, false);
    struct hwt_tslog_cursor *work = calloc(1, sizeof(*work));
    int err = HWT_ERR_SPACE;

    if (log != NULL && work != NULL) {
        err = hwt_tslog_repair(log_dir_tslog(log), work, report_page, t);
        if (err < 0) {
            fprintf(stderr, "heatwatt log: %s\n", log_dir_explain(log, err));
        }
    }
    free(work);
    log_dir_close(log);
    return err >= 0;
}

static int sum_up(const struct tally *t, int64_t lost)
{
    if (t->mended > 0) {
        printf("pages mended: %u\n", t->mended);
    }
    if (lost == 0 && t->damaged == 0) {
        puts(t->mended > 0 ? "no record is lost" : "nothing to mend, no record is lost");
        return 0;
    }
    printf("pages that stay damaged: %u; records lost: %" PRId64 "; all others can be read\n",
           t->damaged, lost);
    return 1;
}

int log_repair(const char *path)
{
    struct tally t = {.mended = 0};
    struct log_dir *log;
    int64_t lost;

    if (!is_there(path) || !mend(path, &t)) {
        return 1;
    }
    log = open_or_say(path, true);
    if (log == NULL) {
        return 1;
    }
    lost = count_all_lost(log);
    if (lost < 0) {
        fprintf(stderr, "heatwatt log: %s\n", log_dir_explain(log, (int)lost));
    }
    log_dir_close(log);
    return lost < 0 ? 1 : sum_up(&t, lost);
}

/* --- format --- */

int log_format(const char *path, bool yes)
{
    char why[WHY_BYTES];
    struct part_facts facts;
    const char *what;

    if (part_facts(path, &facts, why, sizeof(why)) != 0) {
        fprintf(stderr, "heatwatt log: %s\n", why);
        return 1;
    }
    what = facts.content == PART_LOG     ? "a log of heatwatt"
           : facts.content == PART_BLANK ? "nothing that is known"
                                         : facts.what;
    if (!yes) {
        fprintf(stderr,
                "heatwatt log: %s (%u MiB) holds %s; formatting it loses all of that: say --yes\n",
                path, facts.mb, what);
        return 1;
    }
    if (part_format(path, why, sizeof(why)) != 0) {
        fprintf(stderr, "heatwatt log: %s\n", why);
        return 1;
    }
    printf("%s: an empty log of %u MiB; it held %s\n", path, facts.mb, what);
    return 0;
}
