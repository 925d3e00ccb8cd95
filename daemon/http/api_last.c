/*
 * api_last.c: GET /api/v1/last: the newest value of each series in the log. Read once after each
 * commit, at the first request; then answered from memory.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/quantity.h"
#include "daemon/http/api.h"

enum {
    LOOK_BACK = 64,  /* records of a stream: a value missing in the last is looked for in these */
    ROW_BYTES = 256, /* of JSON, at most, for a series */
    HEAD_BYTES = 64
};

struct last_value {
    struct hwt_channel channel;
    uint8_t quality; /* enum hwt_quality; missing: v and unix_ms mean nothing */
    uint8_t stream;
    int64_t v;
    int64_t unix_ms; /* of the interval's end, or HWT_TIME_UNKNOWN */
};

void last_deinit(struct last *last)
{
    free(last->value);
    *last = (struct last){0};
}

static struct last_value *find(const struct last *last, const char *id)
{
    for (size_t i = 0; i < last->count; i++) {
        if (strcmp(last->value[i].channel.id, id) == 0) {
            return &last->value[i];
        }
    }
    return NULL;
}

/* The channel's entry, made if there is none; NULL: out of memory. */
static struct last_value *entry(struct last *last, const struct hwt_channel *channel)
{
    struct last_value *v = find(last, channel->id);

    if (v != NULL) {
        return v;
    }
    if (last->count == last->room) {
        size_t room = last->room == 0 ? 64 : 2 * last->room;
        struct last_value *more = realloc(last->value, room * sizeof(*more));

        if (more == NULL) {
            return NULL;
        }
        last->value = more;
        last->room = room;
    }
    v = &last->value[last->count++];
    *v = (struct last_value){.channel = *channel, .unix_ms = INT64_MIN + 1};
    return v;
}

/* An unknown time is of now: a device that does not know the time yet. */
static bool is_newer(const struct last_value *old, int stream, int64_t unix_ms)
{
    return old->quality == HWT_QUALITY_MISSING || old->stream == stream ||
           (old->unix_ms != HWT_TIME_UNKNOWN &&
            (unix_ms == HWT_TIME_UNKNOWN || unix_ms > old->unix_ms));
}

static int take_record(struct last *last, int stream, const struct hwt_schema *schema,
                       const struct hwt_record *record)
{
    for (uint16_t i = 0; i < schema->count; i++) {
        struct last_value *v = entry(last, &schema->channel[i]);

        if (v == NULL) {
            return HWT_ERR_SPACE;
        }
        if (record->value[i].quality != HWT_QUALITY_MISSING &&
            is_newer(v, stream, record->unix_ms)) {
            v->quality = record->value[i].quality;
            v->v = record->value[i].v;
            v->stream = (uint8_t)stream;
            v->unix_ms = record->unix_ms;
        }
    }
    return 0;
}

static int take_stream(struct last *last, struct desk *desk, int stream)
{
    struct hwt_stream_info *info = &last->stream[stream];
    struct desk_cursor *c = desk_cursor(desk, 0);
    int r = hwt_tslog_stream_info(desk->snapshot, stream, info);

    if (r < 0 || info->first > info->last || c == NULL) {
        return c == NULL ? HWT_ERR_SPACE : r;
    }
    r = hwt_tslog_cursor_open(&c->cursor, desk->snapshot, stream,
                              info->last - info->first >= LOOK_BACK ? info->last - LOOK_BACK + 1
                                                                    : info->first);
    while (r >= 0) {
        const struct hwt_schema *schema;
        const struct hwt_record *record;
        uint64_t lost;

        r = hwt_tslog_cursor_next(&c->cursor, &schema, &record, &lost);
        if (r == 0) {
            break;
        }
        if (r == HWT_ERR_LOST) {
            r = 0; /* damaged: those behind are newer */
        } else if (r == 1) {
            r = take_record(last, stream, schema, record);
        }
    }
    return r;
}

static int read_last(struct http *h)
{
    struct last *last = &h->last;
    uint64_t commits = atomic_load(&h->events.commits);
    int err;

    if (last->valid && last->commits == commits) {
        return 0;
    }
    last->valid = false;
    last->count = 0;
    err = desk_refresh(&h->desk);
    if (err < 0) {
        return err;
    }
    (void)desk_take(&h->desk, last);
    for (int i = 0; i < hwt_tslog_streams(h->desk.snapshot) && err == 0; i++) {
        err = take_stream(last, &h->desk, i);
    }
    desk_leave(&h->desk, last);
    last->valid = err == 0 && !h->desk.waited; /* else the snapshot may be of before that commit */
    last->commits = commits;
    return err;
}

static void put_series(struct hwt_json *j, const struct last *last, const struct plan_series *s)
{
    const struct hwt_quantity_info *info = hwt_quantity_get(s->quantity);
    const struct last_value *v = find(last, s->id);

    hwt_json_object(j, NULL);
    hwt_json_string(j, "series", s->id);
    hwt_json_string(j, "unit", info->unit);
    if (v == NULL || v->quality == HWT_QUALITY_MISSING) {
        hwt_json_null(j, "value");
        hwt_json_null(j, "time");
        hwt_json_string(j, "quality", "missing");
        hwt_json_null(j, "stream");
        hwt_json_null(j, "provenance");
    } else {
        hwt_json_scaled(j, "value", v->v, info->per_unit, info->digits);
        if (v->unix_ms == HWT_TIME_UNKNOWN) {
            hwt_json_null(j, "time");
        } else {
            hwt_json_int(j, "time", v->unix_ms);
        }
        hwt_json_string(j, "quality", v->quality == HWT_QUALITY_GOOD ? "good" : "suspect");
        hwt_json_string(j, "stream", last->stream[v->stream].name);
        hwt_json_string(j, "provenance", hwt_provenance_name(last->stream[v->stream].provenance));
    }
    hwt_json_end_object(j);
}

static struct http_reply *render(const struct last *last, const struct plan *plan)
{
    char text[HEAD_BYTES + PLAN_SERIES_MAX * ROW_BYTES];
    struct hwt_json j;

    hwt_json_init(&j, text, sizeof(text));
    hwt_json_object(&j, NULL);
    hwt_json_array(&j, "last");
    for (unsigned i = 0; i < plan->series_count; i++) {
        put_series(&j, last, &plan->series[i]);
    }
    hwt_json_end_array(&j);
    hwt_json_end_object(&j);
    return j.ok ? api_json(200, text, j.at) : http_problem(500, "the answer is too long");
}

struct http_reply *api_last(struct http *h, struct http_request *request,
                            const struct http_query *query)
{
    struct plan_site site = query_site(h);
    struct http_problem problem;
    struct plan plan;
    const char *unknown = NULL;
    int err;

    (void)request;
    memset(&plan, 0, sizeof(plan));
    if (plan_parse_series(&plan, query, &site, &problem) < 0) {
        return http_problem_reply(&problem);
    }
    err = read_last(h);
    for (unsigned i = 0; i < plan.series_count && err == 0 && unknown == NULL; i++) {
        if (!plan.series[i].configured && find(&h->last, plan.series[i].id) == NULL) {
            unknown = names_unknown(h, &plan, &err);
            break; /* all are looked for at once */
        }
    }
    if (err < 0) {
        return http_problem(503, "the log cannot be read: %s", hwt_err_name(err));
    }
    return unknown != NULL ? names_problem(unknown) : render(&h->last, &plan);
}
