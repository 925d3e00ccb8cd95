/*
 * http.c: starting, stopping, counting.
 */
#include "daemon/http/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/api.h"

struct http_reply *api_json(unsigned status, const char *p, size_t n)
{
    struct http_reply *reply = http_reply_copy(status, "application/json", p, n);

    if (reply != NULL && !http_reply_header(reply, "Cache-Control", "no-store")) {
        http_reply_unref(reply);
        return NULL;
    }
    return reply;
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
    scan_news_deinit(&h->scan);
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
    scan_news_init(&h->scan);
    events_init(&h->events);
    h->hooks = options->hooks;
    h->changes = options->changes;
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
    struct http_site site = {
        .handle = http_handle, .refuse = http_refuse, .answered = answered, .ctx = h};
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
