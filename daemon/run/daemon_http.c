#include "daemon/run/daemon_state.h"

#include <stdlib.h>

#include "daemon/base/log.h"
#include "daemon/run/waveforms.h"

/* --- what it is told; other threads --- */

void daemon_on_commit(void *ctx, uint64_t durable)
{
    struct daemon *d = ctx;

    atomic_store(&d->durable, durable);
    pthread_mutex_lock(&d->notify_lock);
    if (d->notify) {
        http_notify_record(d->http);
        uv_async_send(&d->wake);
    }
    pthread_mutex_unlock(&d->notify_lock);
}

void daemon_set_notify(struct daemon *d, bool on)
{
    pthread_mutex_lock(&d->notify_lock);
    d->notify = on;
    pthread_mutex_unlock(&d->notify_lock);
}

void daemon_on_entry(void *ctx, const char *line, size_t n)
{
    struct daemon *d = ctx;

    pthread_mutex_lock(&d->notify_lock);
    if (d->notify) {
        http_publish_entry(d->http, line, n);
    }
    pthread_mutex_unlock(&d->notify_lock);
}

/* --- what it is told; the loop --- */

void daemon_on_scan(void *ctx, const char *json, size_t n, bool running)
{
    struct daemon *d = ctx;

    if (http_publish_scan(d->http, json, n, running) != 0) {
        LOG(LOG_WARN, "run", "scan event lost: out of memory");
    }
}

static void view_registers(struct daemon *d)
{
    for (unsigned i = 0; i < d->site.schema.count; i++) {
        struct hwt_value *v = &d->view.shown[i];

        v->quality =
            registers_shown(d->registers, i, &v->v) ? HWT_QUALITY_GOOD : HWT_QUALITY_MISSING;
    }
}

void daemon_publish_live(struct daemon *d)
{
    struct store_counters counters;
    struct http_stats stats;
    struct hwt_json json;

    hub_view(d->hub, &d->view);
    view_registers(d);
    store_counters(d->store, &counters);
    http_stats(d->http, &stats);
    d->view.durable = counters.durable;
    d->view.lost = counters.lost;
    d->view.bad_pages = counters.bad_pages;
    d->view.readings_lost = streams_lost(d->streams);
    d->view.refused_host = stats.refused_host;
    d->view.refused_origin = stats.refused_origin;
    hwt_json_init(&json, d->live, sizeof(d->live));
    live_write(&d->view, &json);
    if (!json.ok || http_publish_live(d->http, d->live, json.at) != 0) {
        http_tick(d->http);
    }
}

/* --- what it asks; its own thread --- */

static int on_snapshot(void *ctx, struct hwt_tslog_snapshot *snapshot_out)
{
    struct daemon *d = ctx;

    store_snapshot(d->store, snapshot_out);
    return 0;
}

static const struct http_series *on_series(void *ctx, size_t *n_out)
{
    struct daemon *d = ctx;

    *n_out = d->site.schema.count;
    return d->series;
}

struct entries { /* where http wants a journal's lines */
    http_line_sink line;
    void *to;
};

static bool give_entry(void *ctx, const struct journal_entry *e, const char *p, size_t n)
{
    struct entries *entries = ctx;

    (void)e;
    return entries->line(entries->to, p, n);
}

static int on_journal(void *ctx, const struct http_journal_query *q, http_line_sink line, void *to)
{
    struct daemon *d = ctx;
    struct entries entries = {line, to};
    const struct journal_query query = {q->from_ms, q->to_ms, q->source, q->limit};

    return journal_read(d->config->data_dir, &query, give_entry, &entries);
}

static bool on_submit(void *ctx, struct http_job *job)
{
    struct daemon *d = ctx;

    return requests_submit(d->requests, job);
}

static int on_waveform(void *ctx, const char *channel, unsigned cycles, struct http_waveform *out,
                       char detail_out[HTTP_DETAIL])
{
    struct daemon *d = ctx;

    return waveforms_get(&d->site, atomic_load(&d->sampling), channel, cycles, out, detail_out);
}

/* --- start-up --- */

static void list_series(struct daemon *d)
{
    for (unsigned i = 0; i < d->site.schema.count; i++) {
        const struct site_source *source = &d->site.source[d->site.column[i].source];

        d->series[i] = (struct http_series){.id = d->site.channel[i].id,
                                            .source = source->id,
                                            .label = source->label,
                                            .quantity = d->site.channel[i].quantity};
    }
}

bool daemon_start_http(struct daemon *d)
{
    const struct config *c = d->config;
    const char *hosts[CONFIG_HOSTS_MAX];
    char error[DAEMON_ERROR_MAX];
    struct http_options options = {
        .listen = c->listen,
        .port = c->port == 0 && d->options->port != NULL ? *d->options->port : c->port,
        .hosts = hosts,
        .host_count = c->host_count,
        .timezone = d->config->timezone,
        .changes = (enum http_changes)c->changes,
        .hooks = {.snapshot = on_snapshot,
                  .series = on_series,
                  .journal = on_journal,
                  .waveform = on_waveform,
                  .submit = on_submit,
                  .ctx = d},
        .assets = web_assets,
        .asset_count = web_asset_count,
    };

    for (unsigned i = 0; i < c->host_count; i++) {
        hosts[i] = c->hosts[i];
    }
    list_series(d);
    d->requests = requests_new(&d->loop);
    if (d->requests == NULL) {
        return daemon_fail("start", "out of memory");
    }
    requests_serve(d->requests, HTTP_ADD_SOURCE, source_add_handle, &d->source_add);
    calibration_jobs_serve(d->calibration_jobs, d->requests);
    d->http = http_start(&options, error, sizeof(error));
    if (d->http == NULL && c->port == 0 && options.port != 0) {
        options.port = 0; /* the one before is in use by now */
        d->http = http_start(&options, error, sizeof(error));
    }
    if (d->http == NULL) {
        return daemon_fail("http", error);
    }
    if (d->options->port != NULL) {
        *d->options->port = http_port(d->http);
    }
    daemon_set_notify(d, true);
    return true;
}
