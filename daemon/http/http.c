/*
 * http.c: starting, stopping, and the way of a request: was it meant for us, does it only read,
 * which page or API call answers it.
 */
#include "daemon/http/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/http/api.h"
#include "daemon/http/guard.h"

enum { REFUSAL_LOG_US = 60 * 1000000 /* real us between log lines about foreign hosts */ };

static const char *const no_parameters[] = {NULL};
static const char *const query_parameters[] = {"series",  "from",   "to",       "step",
                                               "points",  "fn",     "tz",       "format",
                                               "quality", "stream", "unrolled", NULL};
static const char *const last_parameters[] = {"series", NULL};
static const char *const journal_parameters[] = {"from", "to", "source", "limit", NULL};

static const struct route {
    const char *path;
    http_handler handler;
    const char *const *parameters; /* the names it knows */
} routes[] = {
    {"/api/v1/live", api_live, no_parameters},
    {"/api/v1/series", api_series, no_parameters},
    {"/api/v1/query", api_query, query_parameters},
    {"/api/v1/last", api_last, last_parameters},
    {"/api/v1/events", api_events, no_parameters},
    {"/api/v1/journal", api_journal, journal_parameters},
};

struct http_reply *api_json(const char *p, size_t n)
{
    struct http_reply *reply = http_reply_copy(200, "application/json", p, n);

    if (reply != NULL && !http_reply_header(reply, "Cache-Control", "no-store")) {
        http_reply_unref(reply);
        return NULL;
    }
    return reply;
}

/* Text of a request for a log line: printable, no spaces, short. */
static void printable(char *out, size_t n, const char *text)
{
    size_t i = 0;

    for (; text[i] != '\0' && i + 1 < n; i++) {
        out[i] = text[i] > ' ' && text[i] < 0x7F ? text[i] : '?';
    }
    out[i] = '\0';
}

/* One line a minute, however often. */
static void log_refusal(struct http *h, const char *header, const char *value)
{
    int64_t now = clock_real_us();
    char text[64];

    h->refused_since++;
    if (h->refused_logged_us != 0 && now - h->refused_logged_us < REFUSAL_LOG_US) {
        return;
    }
    printable(text, sizeof(text), value);
    LOG(LOG_WARN, "http", "refused foreign %s=%s count=%llu", header, text,
        (unsigned long long)h->refused_since);
    h->refused_logged_us = now;
    h->refused_since = 0;
}

/* NULL: the request is meant for this server; or what refuses it. */
static struct http_reply *check_addressee(struct http *h, const struct http_request *r)
{
    const char *const *hosts = (const char *const *)h->hosts;
    const char *host = r->header[HTTP_HOST], *origin = r->header[HTTP_ORIGIN];

    if (r->hosts != 1) {
        return http_problem(400, "the request has %u Host headers; it needs one", r->hosts);
    }
    if (!http_host_served(host, hosts, h->host_count)) {
        http_count(h, COUNT_REFUSED_HOST);
        log_refusal(h, "host", host);
        return http_problem(421,
                            "Host '%.80s' is not served here; use localhost or 127.0.0.1, or add "
                            "the name to the configured hosts",
                            host);
    }
    if (r->origins > 1 || (origin != NULL && !http_origin_served(origin, hosts, h->host_count))) {
        http_count(h, COUNT_REFUSED_ORIGIN);
        log_refusal(h, "origin", origin);
        return http_problem(403, "requests from pages of Origin '%.80s' are not served", origin);
    }
    return NULL;
}

/* NULL: it is a plain request to read. */
static struct http_reply *check_form(const struct http_request *r)
{
    if (strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0) {
        return http_problem(405, "%.20s: this server only reads; GET and HEAD", r->method);
    }
    if (r->has_body) {
        return http_problem(400, "%.20s with a body; nothing here takes one", r->method);
    }
    if (r->too_long) {
        return http_problem(414, "path and query are longer than %d bytes", HTTP_URI_MAX);
    }
    return NULL;
}

static bool known_parameter(const struct route *route, const char *name)
{
    for (const char *const *p = route->parameters; *p != NULL; p++) {
        if (strcmp(*p, name) == 0) {
            return true;
        }
    }
    return false;
}

static void list_parameters(const struct route *route, char *out, size_t n)
{
    size_t at = 0;

    snprintf(out, n, "none");
    for (const char *const *p = route->parameters; *p != NULL && at < n; p++) {
        at += (size_t)snprintf(out + at, n - at, "%s%s", at > 0 ? ", " : "", *p);
    }
}

static struct http_reply *call(struct http *h, const struct route *route, struct http_request *r)
{
    struct http_query query;
    const char *why = NULL;
    char names[120];

    if (r->work != NULL) {
        return route->handler(h, r, NULL);
    }
    if (http_query_parse(&query, r->query, &why) < 0) {
        return http_problem(400, "the query string: %s", why);
    }
    for (size_t i = 0; i < query.count; i++) {
        if (!known_parameter(route, query.parameter[i].name)) {
            list_parameters(route, names, sizeof(names));
            return http_problem(400, "parameter '%.40s' is not known; %s takes %s",
                                query.parameter[i].name, route->path, names);
        }
    }
    return route->handler(h, r, &query);
}

static struct http_reply *not_found(const struct http *h, const struct http_request *r)
{
    if (strcmp(r->path, "/") == 0 && h->asset_count == 0) {
        return http_problem(404, "this program was built without the page; the API is at %s",
                            routes[0].path);
    }
    return http_problem(404,
                        "there is no '%.80s' here; the API has /api/v1/live, series, query, "
                        "last, journal and events",
                        r->path);
}

static struct http_reply *handle(void *ctx, struct http_request *request)
{
    struct http *h = ctx;
    struct http_reply *reply = check_addressee(h, request);
    bool found;

    if (reply == NULL) {
        reply = check_form(request);
    }
    if (reply != NULL) {
        return reply;
    }
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(routes[i].path, request->path) == 0) {
            return call(h, &routes[i], request);
        }
    }
    reply = assets_reply(h, request, &found);
    return found ? reply : not_found(h, request);
}

static void answered(void *ctx, unsigned status)
{
    http_count(ctx, status < 400   ? COUNT_OK
                    : status < 500 ? COUNT_CLIENT_ERROR
                                   : COUNT_SERVER_ERROR);
}

void http_stats(struct http *h, struct http_stats *stats_out)
{
    uint64_t n[COUNTS];

    for (unsigned i = 0; i < COUNTS; i++) {
        n[i] = atomic_load_explicit(&h->count[i], memory_order_relaxed);
    }
    *stats_out = (struct http_stats){
        .ok = n[COUNT_OK],
        .client_error = n[COUNT_CLIENT_ERROR],
        .server_error = n[COUNT_SERVER_ERROR],
        .refused_host = n[COUNT_REFUSED_HOST],
        .refused_origin = n[COUNT_REFUSED_ORIGIN],
        .sse_refused = n[COUNT_SSE_REFUSED],
        .live_skipped = n[COUNT_LIVE_SKIPPED],
        .sse_clients = atomic_load(&h->sse_clients),
    };
}

static void http_free(struct http *h)
{
    desk_deinit(&h->desk);
    log_channels_free(&h->logged);
    last_deinit(&h->last);
    zone_free(h->zone);
    live_deinit(&h->live);
    news_deinit(&h->news);
    events_deinit(&h->events);
    for (size_t i = 0; i < h->host_count; i++) {
        free(h->hosts[i]);
    }
    free(h->hosts);
    free(h);
}

static struct http *http_new(const struct http_options *options)
{
    struct http *h = calloc(1, sizeof(*h));

    if (h == NULL) {
        return NULL;
    }
    live_init(&h->live);
    pthread_mutex_init(&h->news.lock, NULL);
    events_init(&h->events);
    h->hooks = options->hooks;
    desk_init(&h->desk, &h->hooks);
    h->assets = options->assets;
    h->asset_count = options->asset_count;
    h->hosts = calloc(options->host_count + 1, sizeof(*h->hosts));
    for (size_t i = 0; h->hosts != NULL && i < options->host_count; i++) {
        h->hosts[i] = strdup(options->hosts[i]);
        if (h->hosts[i] == NULL) {
            break;
        }
        h->host_count++;
    }
    if (h->hosts == NULL || h->host_count < options->host_count) {
        http_free(h);
        return NULL;
    }
    return h;
}

static bool find_zone(struct http *h, const char *name, char *error_out, size_t error_n)
{
    int err;

    h->zone = zone_load(name, &err);
    if (h->zone == NULL) {
        snprintf(error_out, error_n, "http: time zone '%.64s': %s", name, hwt_err_name(err));
        return false;
    }
    memcpy(h->zone_name, name, strlen(name) + 1); /* zone_load took it: it fits */
    return true;
}

struct http *http_start(const struct http_options *options, char *error_out, size_t error_n)
{
    struct http *h = http_new(options);
    struct http_site site = {.handle = handle, .answered = answered, .ctx = h};
    int fd;

    if (h == NULL) {
        snprintf(error_out, error_n, "http: out of memory");
        return NULL;
    }
    if (!find_zone(h, options->timezone != NULL ? options->timezone : "UTC", error_out, error_n)) {
        http_free(h);
        return NULL;
    }
    fd = http_listen(options->listen, options->port, &h->port, error_out, error_n);
    if (fd < 0) {
        http_free(h);
        return NULL;
    }
    h->server = http_server_start(fd, &site);
    if (h->server == NULL) {
        snprintf(error_out, error_n, "http: the server does not start on %s port %u",
                 options->listen, (unsigned)h->port);
        http_free(h);
        return NULL;
    }
    return h;
}

void http_stop(struct http *h)
{
    if (h == NULL) {
        return;
    }
    http_server_stop(h->server);
    http_free(h);
}

uint16_t http_port(const struct http *h)
{
    return h->port;
}
