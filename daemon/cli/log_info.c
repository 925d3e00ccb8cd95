#include "daemon/cli/log_info.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/quantity.h"
#include "daemon/base/time_text.h"
#include "daemon/cli/log_args.h"

static const char usage[] =
    "usage: heatwatt log info DIR [--pages] [--json]\n"
    "\n"
    "Lists the streams of the log in the data folder DIR: where they come from, their records'\n"
    "sequences and times, and what the log takes on the disk. The daemon may be running.\n"
    "\n"
    "  --pages   reads every record and every page: values, bytes of a value, damaged pages\n"
    "  --json    all of it, that of --pages too\n";

enum { JSON_MAX = 16384 };

struct stream {
    bool there;
    struct hwt_stream_info info;
    uint64_t records, values; /* that can be read; values: that are not missing */
    uint64_t lost;            /* records on damaged pages */
    uint64_t pages;           /* good ones, of records */
    uint64_t damaged;
};

struct info {
    const char *dir;
    bool read_pages, json;
    char path[LOG_PATH_BYTES];
    struct log_dir *log;
    char uuid[37];
    uint64_t disk_bytes; /* of all files, as the disk counts them */
    uint64_t pages[HWT_TSLOG_PAGE_STATES];
    struct stream stream[HWT_TSLOG_STREAMS_MAX];
    struct hwt_tslog_cursor cursor;
};

/* --- gathering --- */

static void read_uuid(struct info *n)
{
    uint8_t uuid[16];
    char *p = n->uuid;

    hwt_tslog_uuid(log_dir_tslog(n->log), uuid);
    for (size_t i = 0; i < sizeof(uuid); i++) {
        p += sprintf(p, "%02x%s", uuid[i], i == 3 || i == 5 || i == 7 || i == 9 ? "-" : "");
    }
}

/* A log that is no folder has no files to count: 0. */
static void measure_files(struct info *n)
{
    DIR *dir = opendir(n->path);
    struct dirent *entry;
    struct stat st;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode)) {
            n->disk_bytes += (uint64_t)st.st_blocks * 512; /* POSIX: units of 512 */
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

static int read_streams(struct info *n, const struct hwt_tslog_snapshot *snapshot)
{
    int streams = hwt_tslog_streams(snapshot);

    for (int s = 0; s < streams && s < HWT_TSLOG_STREAMS_MAX; s++) {
        int err = hwt_tslog_stream_info(snapshot, s, &n->stream[s].info);

        n->stream[s].there = err == 0;
        if (err != 0 && err != HWT_ERR_ARGUMENT) { /* a number without stream */
            return err;
        }
    }
    return 0;
}

static int count_values(struct info *n, const struct hwt_tslog_snapshot *snapshot, int number)
{
    struct stream *s = &n->stream[number];
    uint64_t first = s->info.first > s->info.last ? s->info.last + 1 : s->info.first, lost;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    int got = hwt_tslog_cursor_open(&n->cursor, snapshot, number, first);

    while (got == 0 || got == 1 || got == HWT_ERR_LOST) {
        got = hwt_tslog_cursor_next(&n->cursor, &schema, &record, &lost);
        if (got == 0) {
            break;
        }
        s->lost += got == HWT_ERR_LOST ? lost : 0;
        s->records += got == 1;
        for (unsigned i = 0; got == 1 && i < record->count; i++) {
            s->values += record->value[i].quality != HWT_QUALITY_MISSING;
        }
    }
    return got;
}

static void count_page(void *ctx, const struct hwt_tslog_page_report *p)
{
    struct info *n = ctx;

    n->pages[p->state]++;
    if (p->rows > 0 && p->stream < HWT_TSLOG_STREAMS_MAX) {
        n->stream[p->stream].pages += p->state == HWT_TSLOG_PAGE_GOOD;
        n->stream[p->stream].damaged += p->state == HWT_TSLOG_PAGE_DAMAGED;
    }
}

static int gather(struct info *n)
{
    const struct hwt_tslog_snapshot *snapshot = log_dir_snapshot(n->log);
    int err = read_streams(n, snapshot);

    read_uuid(n);
    measure_files(n);
    for (int s = 0; err == 0 && n->read_pages && s < HWT_TSLOG_STREAMS_MAX; s++) {
        err = n->stream[s].there ? count_values(n, snapshot, s) : 0;
    }
    if (err == 0 && n->read_pages) {
        int damaged = hwt_tslog_verify(snapshot, &n->cursor, count_page, n);

        err = damaged < 0 ? damaged : 0;
    }
    return err;
}

/* --- showing --- */

static bool has_records(const struct stream *s)
{
    return s->info.first <= s->info.last;
}

static void print_time(int64_t ms)
{
    char text[TIME_TEXT_MAX];

    printf(" %-24s", ms == HWT_TIME_UNKNOWN ? "unknown" : time_text_print(ms, text));
}

static void print_stream(const struct info *n, const struct stream *s)
{
    printf("%-32s %-10s %10" PRIu64 " %10" PRIu64, s->info.name,
           hwt_provenance_name(s->info.provenance), s->info.first, s->info.last);
    if (has_records(s)) {
        print_time(s->info.first_ms);
        print_time(s->info.last_ms);
    } else {
        printf(" %-24s %-24s", "-", "-");
    }
    if (n->read_pages) {
        char size[32] = "-";

        if (s->values > 0) {
            snprintf(size, sizeof(size), "%.3f",
                     (double)s->pages * HWT_TSLOG_PAGE / (double)s->values);
        }
        printf(" %12" PRIu64 " %8" PRIu64 " %8s %8" PRIu64 " %8" PRIu64, s->values, s->pages, size,
               s->damaged, s->lost);
    }
    putchar('\n');
}

static void print_text(const struct info *n)
{
    printf("log %s in %s, %.1f MB on the disk\n", n->uuid, n->path, (double)n->disk_bytes / 1e6);
    printf("%-32s %-10s %10s %10s %-24s %-24s", "stream", "provenance", "first", "last", " from",
           " to");
    if (n->read_pages) {
        printf(" %12s %8s %8s %8s %8s", "values", "pages", "B/value", "damaged", "lost");
    }
    putchar('\n');
    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        if (n->stream[s].there) {
            print_stream(n, &n->stream[s]);
        }
    }
    if (n->read_pages) {
        printf("pages: %" PRIu64 " good, %" PRIu64 " superseded, %" PRIu64 " damaged\n",
               n->pages[HWT_TSLOG_PAGE_GOOD], n->pages[HWT_TSLOG_PAGE_DEAD],
               n->pages[HWT_TSLOG_PAGE_DAMAGED]);
    }
}

static void put_ms(struct hwt_json *j, const char *key, const struct stream *s, int64_t ms)
{
    if (has_records(s) && ms != HWT_TIME_UNKNOWN) {
        hwt_json_int(j, key, ms);
    } else {
        hwt_json_null(j, key);
    }
}

static void put_stream(struct hwt_json *j, const struct stream *s)
{
    uint64_t bytes = s->pages * HWT_TSLOG_PAGE;

    hwt_json_object(j, NULL);
    hwt_json_string(j, "name", s->info.name);
    hwt_json_string(j, "provenance", hwt_provenance_name(s->info.provenance));
    hwt_json_uint(j, "first", s->info.first);
    hwt_json_uint(j, "last", s->info.last);
    put_ms(j, "from", s, s->info.first_ms);
    put_ms(j, "to", s, s->info.last_ms);
    hwt_json_uint(j, "records", s->records);
    hwt_json_uint(j, "values", s->values);
    hwt_json_uint(j, "pages", s->pages);
    hwt_json_uint(j, "bytes", bytes);
    if (s->values > 0) {
        hwt_json_scaled(j, "bytes_per_value", (int64_t)bytes, (int64_t)s->values, 4);
    } else {
        hwt_json_null(j, "bytes_per_value");
    }
    hwt_json_uint(j, "damaged_pages", s->damaged);
    hwt_json_uint(j, "lost_records", s->lost);
    hwt_json_end_object(j);
}

static bool print_json(const struct info *n)
{
    char text[JSON_MAX];
    struct hwt_json j;

    hwt_json_init(&j, text, sizeof(text));
    hwt_json_object(&j, NULL);
    hwt_json_string(&j, "uuid", n->uuid);
    hwt_json_string(&j, "folder", n->path);
    hwt_json_uint(&j, "disk_bytes", n->disk_bytes);
    hwt_json_array(&j, "streams");
    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        if (n->stream[s].there) {
            put_stream(&j, &n->stream[s]);
        }
    }
    hwt_json_end_array(&j);
    hwt_json_object(&j, "pages");
    hwt_json_uint(&j, "good", n->pages[HWT_TSLOG_PAGE_GOOD]);
    hwt_json_uint(&j, "superseded", n->pages[HWT_TSLOG_PAGE_DEAD]);
    hwt_json_uint(&j, "damaged", n->pages[HWT_TSLOG_PAGE_DAMAGED]);
    hwt_json_end_object(&j);
    hwt_json_end_object(&j);
    if (j.ok) {
        printf("%.*s\n", (int)j.at, text);
    }
    return j.ok;
}

/* --- the command --- */

static bool take(void *ctx, int option, char *text)
{
    struct info *n = ctx;

    (void)text;
    if (option != 'p' && option != 'j') {
        return false;
    }
    n->read_pages = true;
    n->json |= option == 'j';
    return true;
}

/* 0: go on; 1: help was given; 2: usage. */
static int parse(struct info *n, int argc, char **argv)
{
    static const struct option options[] = {
        {"pages", no_argument, NULL, 'p'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const struct log_args args = {
        .usage = usage, .options = options, .operands = 1, .take = take, .ctx = n};
    int result = log_args_parse(&args, argc, argv);

    n->dir = result == 0 ? argv[optind] : NULL;
    return result;
}

static int run(struct info *n)
{
    bool ok = true;
    int err;

    log_args_place(n->dir, n->path);
    n->log = log_args_open(n->dir);
    if (n->log == NULL) {
        return 1;
    }
    err = gather(n);
    if (err != 0) {
        fprintf(stderr, "heatwatt log: %s\n", log_dir_explain(n->log, err));
    } else if (n->json) {
        ok = print_json(n);
    } else {
        print_text(n);
    }
    log_dir_close(n->log);
    return err == 0 && ok ? 0 : 1;
}

int log_info_main(int argc, char **argv)
{
    struct info *n = calloc(1, sizeof(*n));
    int status;

    if (n == NULL) {
        fputs("heatwatt log: out of memory\n", stderr);
        return 1;
    }
    status = parse(n, argc, argv);
    status = status == 0 ? run(n) : status == 1 ? 0 : status;
    free(n);
    return status;
}
