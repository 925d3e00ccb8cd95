/*
 * api_series.c: GET /api/v1/series: the configured channels, then those that only the log knows.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/quantity.h"
#include "daemon/http/api.h"
#include "daemon/http/log_view.h"

enum {
    BODY_FIRST = 32 * 1024, /* bytes tried first; doubled until it fits */
    BODY_MAX = 4 * 1024 * 1024
};

static void put_time(struct hwt_json *j, const char *key, int64_t unix_ms)
{
    if (unix_ms == HWT_TIME_UNKNOWN) {
        hwt_json_null(j, key);
    } else {
        hwt_json_int(j, key, unix_ms);
    }
}

static void put_streams(struct hwt_json *j, const struct log_channels *log, uint32_t streams)
{
    hwt_json_array(j, "streams");
    for (int i = 0; i < log->streams; i++) {
        const struct hwt_stream_info *info = &log->stream[i];

        if (streams & (uint32_t)1 << i) {
            hwt_json_object(j, NULL);
            hwt_json_string(j, "stream", info->name);
            hwt_json_string(j, "provenance", hwt_provenance_name(info->provenance));
            put_time(j, "from", info->first_ms);
            put_time(j, "to", info->last_ms);
            hwt_json_end_object(j);
        }
    }
    hwt_json_end_array(j);
}

static void put_series(struct hwt_json *j, const struct http_series *s,
                       const struct log_channels *log, uint32_t streams)
{
    const struct hwt_quantity_info *info = hwt_quantity_get(s->quantity);

    hwt_json_object(j, NULL);
    hwt_json_string(j, "id", s->id);
    hwt_json_string(j, "source", s->source);
    hwt_json_string(j, "quantity", info != NULL ? info->id : NULL);
    hwt_json_string(j, "unit", info != NULL ? info->unit : NULL);
    hwt_json_string(j, "kind", info != NULL && info->kind == HWT_COUNTER ? "counter" : "gauge");
    hwt_json_string(j, "label", s->label);
    put_streams(j, log, streams);
    hwt_json_end_object(j);
}

/* A channel of the log alone: its source is what stands before the quantity in its id. */
static void put_logged(struct hwt_json *j, const struct log_channel *c,
                       const struct log_channels *log)
{
    const struct hwt_quantity_info *info = hwt_quantity_get(c->channel.quantity);
    char source[HWT_ID_MAX + 1];
    struct http_series s = {c->channel.id, source, c->channel.id, c->channel.quantity};
    size_t n = strlen(c->channel.id);
    size_t tail = info != NULL ? strlen(info->id) + 1 : 0;

    memcpy(source, c->channel.id, sizeof(source));
    if (tail < n) {
        source[n - tail] = '\0';
    }
    put_series(j, &s, log, c->streams);
}

static void put_all(struct hwt_json *j, const struct http_series *series, size_t n,
                    const struct log_channels *log)
{
    hwt_json_object(j, NULL);
    hwt_json_array(j, "series");
    for (size_t i = 0; i < n; i++) {
        const struct log_channel *c = log_channels_find(log, series[i].id);

        put_series(j, &series[i], log, c != NULL ? c->streams : 0);
    }
    for (size_t i = 0; i < log->count; i++) {
        bool configured = false;

        for (size_t k = 0; k < n && !configured; k++) {
            configured = strcmp(series[k].id, log->channel[i].channel.id) == 0;
        }
        if (!configured) {
            put_logged(j, &log->channel[i], log);
        }
    }
    hwt_json_end_array(j);
    hwt_json_end_object(j);
}

static struct http_reply *render(const struct http_series *series, size_t n,
                                 const struct log_channels *log)
{
    for (size_t room = BODY_FIRST; room <= BODY_MAX; room *= 2) {
        struct http_reply *reply;
        struct hwt_json j;
        char *p = malloc(room);

        if (p == NULL) {
            return NULL;
        }
        hwt_json_init(&j, p, room);
        put_all(&j, series, n, log);
        reply = j.ok ? api_json(200, p, j.at) : NULL;
        free(p);
        if (j.ok) {
            return reply;
        }
    }
    return http_problem(500, "the list of series is longer than %d bytes", BODY_MAX);
}

struct http_reply *api_series(struct http *h, struct http_request *request,
                              const struct http_query *query)
{
    const struct http_series *series;
    size_t n = 0;
    int err = desk_refresh(&h->desk);

    (void)request;
    (void)query;
    if (err < 0) {
        return http_problem(503, "the log cannot be read: %s", hwt_err_name(err));
    }
    err = names_read(h);
    if (err < 0) {
        return http_problem(500, "the log cannot be read: %s", hwt_err_name(err));
    }
    series = h->hooks.series(h->hooks.ctx, &n);
    return render(series, n, &h->logged);
}
