#include "daemon/cli/log_dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/quantity.h"
#include "daemon/cli/log_args.h"

static const char usage[] =
    "usage: heatwatt log dump DIR [options]\n"
    "\n"
    "Prints every record of a stream of the log in the data folder DIR, a line of JSON each, with "
    "all\n"
    "that is stored of it: sequence, boot, monotonic and wall time and what that rests on, length, "
    "and\n"
    "of each value its number in the channel's unit, its quality, and its age if it was carried "
    "along.\n"
    "Values that are missing are left out; records that are lost make a line of their own.\n"
    "\n"
    "  --stream NAME   default: own, the device's own records\n"
    "  --from N        from this sequence on (default: 1)\n"
    "  --count N       so many records (default: all)\n"
    "  --stored        values as they were stored, without corrections made since\n";

enum { LINE_MAX_BYTES = HWT_CHANNELS_MAX * 160 + 1024 };

struct arguments {
    const char *dir, *stream;
    uint64_t from, count;
    bool stored;
};

static bool take_number(const char *option, const char *text, uint64_t least, uint64_t *out)
{
    char *end;

    *out = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || *out < least) {
        fprintf(stderr, "heatwatt log: --%s %s: a whole number from %" PRIu64 " on is needed\n",
                option, text, least);
        return false;
    }
    return true;
}

static bool take(void *ctx, int option, char *text)
{
    struct arguments *a = ctx;

    switch (option) {
    case 's':
        a->stream = text;
        return true;
    case 'f':
        return take_number("from", text, 1, &a->from);
    case 'n':
        return take_number("count", text, 0, &a->count);
    case 'r':
        a->stored = true;
        return true;
    default:
        return false;
    }
}

/* 0: go on; 1: help was given; 2: usage. */
static int parse(struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        {"stream", required_argument, NULL, 's'}, {"from", required_argument, NULL, 'f'},
        {"count", required_argument, NULL, 'n'},  {"stored", no_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    const struct log_args args = {
        .usage = usage, .options = options, .operands = 1, .take = take, .ctx = a};
    int result = log_args_parse(&args, argc, argv);

    a->dir = result == 0 ? argv[optind] : NULL;
    return result;
}

static void put_value(struct hwt_json *j, const struct hwt_channel *channel,
                      const struct hwt_value *v)
{
    const struct hwt_quantity_info *q = hwt_quantity_get(channel->quantity);

    hwt_json_object(j, channel->id);
    if (q != NULL) {
        hwt_json_scaled(j, "value", v->v, q->per_unit, q->digits);
    }
    hwt_json_int(j, "counts", v->v);
    hwt_json_string(j, "quality", v->quality == HWT_QUALITY_GOOD ? "good" : "suspect");
    if (v->age_ms > 0) {
        hwt_json_uint(j, "age_ms", v->age_ms);
    }
    hwt_json_end_object(j);
}

static void put_time(struct hwt_json *j, const struct hwt_record *r)
{
    static const char *const clocks[HWT_CLOCK_COUNT] = {"unknown", "unsynced", "synced", "plant"};

    hwt_json_uint(j, "boot", r->boot);
    hwt_json_int(j, "mono_us", r->mono_us);
    if (r->unix_ms == HWT_TIME_UNKNOWN) {
        hwt_json_null(j, "time");
    } else {
        hwt_json_int(j, "time", r->unix_ms);
    }
    hwt_json_string(j, "clock", clocks[r->clock]);
    hwt_json_uint(j, "span_ms", r->span_ms);
}

static bool print_record(const struct hwt_schema *schema, const struct hwt_record *r)
{
    static char line[LINE_MAX_BYTES];
    struct hwt_json j;

    hwt_json_init(&j, line, sizeof(line));
    hwt_json_object(&j, NULL);
    hwt_json_uint(&j, "sequence", r->sequence);
    put_time(&j, r);
    hwt_json_object(&j, "values");
    for (unsigned i = 0; i < r->count; i++) {
        if (r->value[i].quality != HWT_QUALITY_MISSING) {
            put_value(&j, &schema->channel[i], &r->value[i]);
        }
    }
    hwt_json_end_object(&j);
    hwt_json_end_object(&j);
    return j.ok && printf("%.*s\n", (int)j.at, line) > 0;
}

/* 0, or a negative enum hwt_err. */
static int dump(const struct arguments *a, struct hwt_tslog_cursor *cursor,
                const struct hwt_tslog_snapshot *snapshot, int stream)
{
    int r = hwt_tslog_cursor_open(cursor, snapshot, stream, a->from);
    uint64_t done = 0;

    if (r == 0 && a->stored) {
        hwt_tslog_cursor_stored(cursor, true);
    }
    while (r >= 0 && done < a->count) {
        const struct hwt_schema *schema;
        const struct hwt_record *record;
        uint64_t lost;

        r = hwt_tslog_cursor_next(cursor, &schema, &record, &lost);
        if (r == 0) {
            return 0;
        }
        if (r == HWT_ERR_LOST) {
            r = printf("{\"lost\":%" PRIu64 "}\n", lost) > 0 ? 0 : HWT_ERR_IO;
        } else if (r == 1) {
            done++;
            r = print_record(schema, record) ? 0 : HWT_ERR_IO;
        }
    }
    return r;
}

static int run(const struct arguments *a)
{
    struct log_dir *log = log_args_open(a->dir);
    struct hwt_tslog_cursor *cursor = calloc(1, sizeof(*cursor));
    int stream = log != NULL ? log_args_stream(log, a->stream) : -1;
    int err = HWT_ERR_IO;

    if (stream >= 0 && cursor != NULL) {
        err = dump(a, cursor, log_dir_snapshot(log), stream);
        err = fflush(stdout) == 0 ? err : HWT_ERR_IO;
        if (err == HWT_ERR_ARGUMENT) {
            fprintf(stderr, "heatwatt log: --from %" PRIu64 ": the stream ends before\n", a->from);
        } else if (err < 0) {
            fprintf(stderr, "heatwatt log: %s\n", log_dir_explain(log, err));
        }
    }
    free(cursor);
    log_dir_close(log);
    return err == 0 ? 0 : 1;
}

int log_dump_main(int argc, char **argv)
{
    struct arguments a = {.from = 1, .count = UINT64_MAX};
    int result = parse(&a, argc, argv);

    return result == 0 ? run(&a) : result == 1 ? 0 : 2;
}
