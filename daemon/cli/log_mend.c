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

/* Damaged pages that opening found; -1: it cannot be opened, and why was said. Changes nothing: it
 * also sees to it that no log is made where there is none. */
static int64_t damage_found(const char *path)
{
    struct log_dir *log = open_or_say(path, true);
    int64_t bad = log != NULL ? (int64_t)log_dir_recovery(log)->pages_bad : -1;

    log_dir_close(log);
    return bad;
}

static int64_t mend(const char *path)
{
    struct log_dir *log = open_or_say(path, false);
    int err;

    if (log == NULL) {
        return -1;
    }
    err = hwt_tslog_commit(log_dir_tslog(log));
    if (err != 0) {
        fprintf(stderr, "heatwatt log: %s\n", log_dir_explain(log, err));
    }
    log_dir_close(log);
    return err == 0 ? 0 : -1;
}

int log_repair(const char *path)
{
    int64_t before = damage_found(path), lost, after;
    struct log_dir *log = before >= 0 && mend(path) == 0 ? open_or_say(path, true) : NULL;

    if (log == NULL) {
        return 1;
    }
    after = log_dir_recovery(log)->pages_bad;
    if (before > after) {
        printf("mended: %" PRId64 " pages of superblock, root and slots\n", before - after);
    }
    lost = count_all_lost(log);
    if (lost < 0) {
        fprintf(stderr, "heatwatt log: %s\n", log_dir_explain(log, (int)lost));
    } else if (lost == 0) {
        puts(before > after ? "no record is lost" : "nothing to mend, no record is lost");
    } else {
        printf("%" PRId64 " records are lost; all others can be read\n", lost);
    }
    log_dir_close(log);
    return lost == 0 ? 0 : 1;
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
