/*
 * daemon.c: the wiring. Start-up order, top to bottom; shutdown is the reverse.
 *
 *   sampler threads ─▶ streams ─▶ ┐
 *   buses (loop) ─▶ registers ──▶ hub (loop) ─▶ store (thread) ─▶ log ─▶ http (thread)
 *                       │                                            └─▶ publishers (loop)
 *                       └───────▶ journal (thread)
 */
#include "daemon/run/daemon.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/base/log.h"
#include "daemon/http/http.h"
#include "daemon/publish/emoncms.h"
#include "daemon/run/buses.h"
#include "daemon/run/calibration_jobs.h"
#include "daemon/run/day.h"
#include "daemon/run/heat_flows.h"
#include "daemon/run/hub.h"
#include "daemon/run/installation.h"
#include "daemon/run/live.h"
#include "daemon/run/log_reader.h"
#include "daemon/run/notes.h"
#include "daemon/run/registers.h"
#include "daemon/run/reload.h"
#include "daemon/run/requests.h"
#include "daemon/run/scans.h"
#include "daemon/run/source_add.h"
#include "daemon/run/streams.h"
#include "daemon/run/waveforms.h"
#include "daemon/store/journal.h"
#include "daemon/store/store.h"

enum {
    TICK_MS = 50,
    LIVE_MS = 1000,
    ANEW_MS = 300, /* real ms for the answer that announces it to be sent */
    ERROR_BYTES = 640
};

struct daemon {
    const struct config *config;
    const struct daemon_options *options;
    struct installation site;
    struct http_series series[HWT_CHANNELS_MAX];
    struct clock *clock;
    struct status *source_status[CONFIG_SOURCES_MAX];
    struct status *publisher_status[CONFIG_PUBLISHERS_MAX];
    struct status *log_status;
    struct store *store;
    struct log_source log_source;
    struct journal *journal;
    struct notes *notes;
    struct hub *hub;
    struct registers *registers;
    struct requests *requests;
    struct scans *scans;
    struct http *http;
    struct calibration *calibration;
    struct calibration_near *near; /* the last minute of the clamps */
    struct calibration_jobs *calibration_jobs;
    uint64_t first_record; /* the store had so many when it was opened */
    uint64_t made;         /* records since then */
    struct streams *streams;
    _Atomic(struct streams *) sampling; /* the same for http's thread, once they run */
    struct buses *buses;
    struct heat_flows *heat_flows;
    struct publish_emoncms *publisher[CONFIG_PUBLISHERS_MAX];
    struct live_view view;
    char live[LIVE_JSON_MAX];
    uv_loop_t loop;
    uv_async_t wake; /* the clock advanced, or records were committed */
    uv_timer_t tick, second, end, anew;
    uv_signal_t interrupt, terminate;
    struct source_add source_add;
    struct reload reload;
    bool ended;      /* for good */
    bool start_anew; /* if not */
    uv_work_t first_work;
    pthread_mutex_t notify_lock;
    bool notify;                  /* the store's thread may tell http and the loop */
    atomic_uint_fast64_t durable; /* newest durable record of the own stream */
    uint64_t published;           /* up to which the publishers were woken */
};

/* --- other threads --- */

static void on_clock(void *ctx)
{
    struct daemon *d = ctx;

    uv_async_send(&d->wake);
}

static void on_commit(void *ctx, uint64_t durable)
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

/* Once off, the store's thread is not on its way into either any more. */
static void set_notify(struct daemon *d, bool on)
{
    pthread_mutex_lock(&d->notify_lock);
    d->notify = on;
    pthread_mutex_unlock(&d->notify_lock);
}

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

/* In the journal's thread. */
static void on_entry(void *ctx, const char *line, size_t n)
{
    struct daemon *d = ctx;

    pthread_mutex_lock(&d->notify_lock);
    if (d->notify) {
        http_publish_entry(d->http, line, n);
    }
    pthread_mutex_unlock(&d->notify_lock);
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

/* --- the loop --- */

static void on_record(void *ctx, const struct hwt_schema *schema, const struct hwt_record *record)
{
    struct daemon *d = ctx;

    d->made++;
    store_push(d->store, schema, record);
}

/* --- calibration --- */

/* Those that found no room in the store's queue have no sequence. */
static uint64_t next_record(void *ctx)
{
    struct daemon *d = ctx;
    struct store_counters counters;

    store_counters(d->store, &counters);
    return d->first_record + d->made - counters.lost + 1;
}

static void on_trim(void *ctx, unsigned source, double ratio, double phase_deg)
{
    struct daemon *d = ctx;

    streams_trim(d->streams, source, ratio, phase_deg);
}

static void on_sensor(void *ctx, unsigned source, double *ratio_out, double *phase_deg_out)
{
    struct daemon *d = ctx;

    calibration_sensor(d->calibration, source, ratio_out, phase_deg_out);
}

static void on_seen(void *ctx, const struct hwt_reading *readings, size_t n)
{
    struct daemon *d = ctx;

    calibration_near_put(d->near, readings, n);
}

static void on_corrected(void *ctx)
{
    struct daemon *d = ctx;
    struct hwt_tslog_snapshot *snapshot = malloc(sizeof(*snapshot));

    if (snapshot != NULL) {
        store_snapshot(d->store, snapshot);
        hub_refresh(d->hub, snapshot);
    }
    free(snapshot);
}

/* --- the loop: readings --- */

static void on_readings(void *ctx, const struct hwt_reading *readings, size_t n)
{
    struct daemon *d = ctx;

    registers_put(d->registers, readings, n);
}

static void on_news(void *ctx, const struct device_news *news)
{
    struct daemon *d = ctx;

    registers_news(d->registers, news);
}

static void on_steady(void *ctx, const struct hwt_reading *readings, size_t n)
{
    struct daemon *d = ctx;

    streams_drain(d->streams); /* windows that ended before these readings come first */
    hub_put(d->hub, readings, n);
    heat_flows_put(d->heat_flows, readings, n);
}

static void on_derived(void *ctx, const struct hwt_reading *readings, size_t n)
{
    struct daemon *d = ctx;

    hub_put(d->hub, readings, n);
}

static void on_scan(void *ctx, const char *json, size_t n, bool running)
{
    struct daemon *d = ctx;

    if (http_publish_scan(d->http, json, n, running) != 0) {
        LOG(LOG_WARN, "run", "scan event lost: out of memory");
    }
}

static void advance(struct daemon *d)
{
    uint64_t durable = atomic_load(&d->durable);

    streams_drain(d->streams);
    hub_tick(d->hub);
    buses_tick(d->buses);
    heat_flows_tick(d->heat_flows);
    calibration_jobs_tick(d->calibration_jobs, durable);
    for (unsigned i = 0; durable != d->published && i < d->config->publisher_count; i++) {
        publish_emoncms_wake(d->publisher[i], durable);
    }
    d->published = durable;
}

static void on_wake(uv_async_t *handle)
{
    advance(handle->data);
}

static void on_tick(uv_timer_t *handle)
{
    advance(handle->data);
}

static void view_registers(struct daemon *d)
{
    for (unsigned i = 0; i < d->site.schema.count; i++) {
        struct hwt_value *v = &d->view.shown[i];

        v->quality =
            registers_shown(d->registers, i, &v->v) ? HWT_QUALITY_GOOD : HWT_QUALITY_MISSING;
    }
}

static void publish_live(struct daemon *d)
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

static void on_second(uv_timer_t *handle)
{
    struct daemon *d = handle->data;

    streams_poll_status(d->streams);
    notes_tick(d->notes);
    publish_live(d);
}

static void on_end(uv_timer_t *handle)
{
    struct daemon *d = handle->data;

    d->ended = true;
    uv_stop(&d->loop);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    struct daemon *d = handle->data;

    LOG(LOG_INFO, "run", "stopping signal=%d", signum);
    d->ended = true;
    uv_stop(&d->loop);
}

static void on_terminal_gone(void *ctx)
{
    struct daemon *d = ctx;

    d->ended = true;
    uv_stop(&d->loop);
}

static void on_anew(uv_timer_t *handle)
{
    struct daemon *d = handle->data;

    LOG(LOG_INFO, "run", "starting anew");
    d->start_anew = true;
    uv_stop(&d->loop);
}

/* The configuration file is another one. */
static void on_changed(void *ctx)
{
    struct daemon *d = ctx;

    if (!uv_is_closing((uv_handle_t *)&d->anew) && !uv_is_active((uv_handle_t *)&d->anew)) {
        uv_timer_start(&d->anew, on_anew, ANEW_MS, 0);
    }
}

/* --- start-up --- */

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "heatwatt: %s: %s\n", what, why);
    return false;
}

static bool make_statuses(struct daemon *d)
{
    const struct config *c = d->config;
    bool ok;

    d->log_status = d->view.log = status_new("log", "log");
    ok = d->log_status != NULL;
    for (unsigned i = 0; ok && i < c->source_count; i++) {
        d->source_status[i] = d->view.source[i] =
            status_new(c->source[i].id, config_source_type_name(c->source[i].type));
        ok = d->source_status[i] != NULL;
    }
    for (unsigned i = 0; ok && i < c->publisher_count; i++) {
        d->publisher_status[i] = d->view.publisher[i] = status_new(c->publisher[i].id, "emoncms");
        ok = d->publisher_status[i] != NULL;
    }
    return ok;
}

static bool open_store(struct daemon *d)
{
    char error[ERROR_BYTES];
    struct store_options options = {
        .data_dir = d->config->data_dir,
        .provenance = d->config->simulated ? HWT_PROVENANCE_SIMULATED : HWT_PROVENANCE_MEASURED,
        .commit_s = d->config->commit_s,
        .max_mb = d->config->log_max_mb,
        .partition = d->config->log_partition,
        .keep_days = d->config->log_keep_days,
        .clock = d->clock,
        .status = d->log_status,
        .committed = on_commit,
        .ctx = d,
    };

    d->store = store_open(&options, error, sizeof(error));
    if (d->store == NULL) {
        return fail("log", error);
    }
    store_uuid(d->store, d->view.uuid);
    return true;
}

static bool open_journal(struct daemon *d)
{
    const struct journal_options options = {
        .dir = d->config->data_dir, .written = on_entry, .ctx = d};
    struct store_counters counters;
    struct notes_options notes = {
        .config = d->config, .clock = d->clock, .log = d->log_status, .boot = store_boot(d->store)};
    char error[ERROR_BYTES];

    d->journal = journal_open(&options, error, sizeof(error));
    if (d->journal == NULL) {
        return fail("journal", error);
    }
    store_counters(d->store, &counters);
    notes.journal = d->journal;
    notes.bad_pages = counters.bad_pages;
    d->notes = notes_new(&notes);
    return d->notes != NULL ? true : fail("start", "out of memory");
}

static bool make_hub(struct daemon *d)
{
    struct hub_options options = {.site = &d->site,
                                  .clock = d->clock,
                                  .boot = store_boot(d->store),
                                  .sink = on_record,
                                  .ctx = d};
    struct hwt_tslog_snapshot *snapshot = malloc(sizeof(*snapshot));

    d->hub = hub_new(&options);
    if (d->hub == NULL || snapshot == NULL) {
        free(snapshot);
        return fail("start", "out of memory");
    }
    store_snapshot(d->store, snapshot);
    hub_restore(d->hub, snapshot);
    free(snapshot);
    return true;
}

static bool start_http(struct daemon *d)
{
    const struct config *c = d->config;
    const char *hosts[CONFIG_HOSTS_MAX];
    char error[ERROR_BYTES];
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
    for (unsigned i = 0; i < d->site.schema.count; i++) {
        const struct site_source *source = &d->site.source[d->site.column[i].source];

        d->series[i] = (struct http_series){.id = d->site.channel[i].id,
                                            .source = source->id,
                                            .label = source->label,
                                            .quantity = d->site.channel[i].quantity};
    }
    d->requests = requests_new(&d->loop);
    if (d->requests == NULL) {
        return fail("start", "out of memory");
    }
    requests_serve(d->requests, HTTP_ADD_SOURCE, source_add_handle, &d->source_add);
    calibration_jobs_serve(d->calibration_jobs, d->requests);
    d->http = http_start(&options, error, sizeof(error));
    if (d->http == NULL && c->port == 0 && options.port != 0) {
        options.port = 0; /* the one before is in use by now */
        d->http = http_start(&options, error, sizeof(error));
    }
    if (d->http == NULL) {
        return fail("http", error);
    }
    if (d->options->port != NULL) {
        *d->options->port = http_port(d->http);
    }
    set_notify(d, true);
    return true;
}

static bool make_calibration(struct daemon *d)
{
    struct calibration_options options = {.site = &d->site,
                                          .data_dir = d->config->data_dir,
                                          .apply = on_trim,
                                          .next_record = next_record,
                                          .ctx = d};
    struct store_counters counters;
    char error[ERROR_BYTES];

    store_counters(d->store, &counters);
    d->first_record = counters.durable;
    memcpy(options.uuid, d->view.uuid, sizeof(options.uuid));
    d->calibration = calibration_new(&options, error, sizeof(error));
    if (d->calibration == NULL) {
        return fail("calibration", error);
    }
    d->near = calibration_near_new(&d->site);
    d->calibration_jobs =
        calibration_jobs_new(&(struct calibration_jobs_options){.loop = &d->loop,
                                                                .site = &d->site,
                                                                .clock = d->clock,
                                                                .store = d->store,
                                                                .calibration = d->calibration,
                                                                .near = d->near,
                                                                .next_record = next_record,
                                                                .corrected = on_corrected,
                                                                .ctx = d});
    return d->near != NULL && d->calibration_jobs != NULL ? true
                                                          : fail("calibration", "out of memory");
}

static bool make_sources(struct daemon *d)
{
    d->registers = registers_new(&(struct registers_options){.site = &d->site,
                                                             .clock = d->clock,
                                                             .hub = d->hub,
                                                             .journal = d->journal,
                                                             .status = d->source_status,
                                                             .sink = on_steady,
                                                             .ctx = d});
    d->streams = streams_new(&(struct streams_options){.site = &d->site,
                                                       .clock = d->clock,
                                                       .hub = d->hub,
                                                       .status = d->source_status,
                                                       .sensor = on_sensor,
                                                       .seen = on_seen,
                                                       .wake = on_clock,
                                                       .ctx = d});
    d->buses = buses_new(&(struct buses_options){.site = &d->site,
                                                 .clock = d->clock,
                                                 .hub = d->hub,
                                                 .loop = &d->loop,
                                                 .status = d->source_status,
                                                 .sink = on_readings,
                                                 .news = on_news,
                                                 .ctx = d});
    d->heat_flows = heat_flows_new(&(struct heat_flows_options){.site = &d->site,
                                                                .clock = d->clock,
                                                                .status = d->source_status,
                                                                .sink = on_derived,
                                                                .ctx = d});
    return d->registers != NULL && d->streams != NULL && d->buses != NULL && d->heat_flows != NULL
               ? true
               : fail("sources", "out of memory");
}

static bool make_scans(struct daemon *d)
{
    d->scans = scans_new(&(struct scans_options){.loop = &d->loop,
                                                 .config = d->config,
                                                 .buses = d->buses,
                                                 .clock = d->clock,
                                                 .publish = on_scan,
                                                 .ctx = d},
                         d->requests);
    return d->scans != NULL ? true : fail("start", "out of memory");
}

static bool make_publishers(struct daemon *d)
{
    d->log_source = log_reader_source(d->store);
    for (unsigned i = 0; i < d->config->publisher_count; i++) {
        const struct config_publisher *p = &d->config->publisher[i];
        struct emoncms_options options = {
            .id = p->id,
            .url = p->url,
            .node = p->node,
            .key = p->key,
            .data_dir = d->config->data_dir,
            .allow_cleartext = p->allow_cleartext,
            .interval_s = p->interval_s,
            .batch = p->batch,
            .status = d->publisher_status[i],
            .clock = d->clock,
            .source = &d->log_source,
        };

        d->publisher[i] = publish_emoncms_new(&d->loop, &options);
        if (d->publisher[i] == NULL) {
            return fail("publishers", "out of memory");
        }
    }
    return true;
}

static bool make_data_dir(const struct config *config)
{
    char what[sizeof(config->data_dir) + 16];
    struct stat st;

    snprintf(what, sizeof(what), "data_dir %s", config->data_dir);
    if (mkdir(config->data_dir, 0750) != 0 && errno != EEXIST) {
        return fail(what, errno == ENOENT ? "the folder it shall lie in does not exist"
                                          : strerror(errno));
    }
    if (stat(config->data_dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return fail(what, "is not a folder");
    }
    if (access(config->data_dir, W_OK | X_OK) != 0) {
        return fail(what, errno == EACCES ? "the user heatwatt runs as may not write there"
                                          : strerror(errno));
    }
    return true;
}

static void init_handles(struct daemon *d)
{
    uv_loop_init(&d->loop);
    uv_async_init(&d->loop, &d->wake, on_wake);
    uv_timer_init(&d->loop, &d->tick);
    uv_timer_init(&d->loop, &d->second);
    uv_timer_init(&d->loop, &d->end);
    uv_timer_init(&d->loop, &d->anew);
    uv_signal_init(&d->loop, &d->interrupt);
    uv_signal_init(&d->loop, &d->terminate);
    d->wake.data = d->tick.data = d->second.data = d->end.data = d->anew.data = d;
    d->interrupt.data = d->terminate.data = d;
    d->source_add = (struct source_add){
        .path = d->config->path, .loop = &d->loop, .added = on_changed, .ctx = d};
    d->reload = (struct reload){.path = d->config->path,
                                .loop = &d->loop,
                                .right = on_changed,
                                .gone = on_terminal_gone,
                                .ctx = d};
    reload_init(&d->reload);
}

static void say_listening(struct daemon *d)
{
    const char *address = d->config->listen;
    char url[128];

    snprintf(url, sizeof(url), strchr(address, ':') != NULL ? "http://[%s]:%u/" : "http://%s:%u/",
             address, http_port(d->http));
    LOG(LOG_INFO, "run", "listening url=%s", url);
    if (d->options->listening != NULL) {
        d->options->listening(d->options->ctx, url);
    }
}

static bool start(struct daemon *d)
{
    if (!make_statuses(d) || (d->clock = clock_new(d->config->clock_trust)) == NULL) {
        return fail("start", "out of memory");
    }
    if (!installation_make(&d->site, d->config)) {
        return fail(d->config->path, "more channels than a record may have");
    }
    if (!make_data_dir(d->config) || !open_store(d) || !open_journal(d) || !make_hub(d) ||
        !make_calibration(d) || !start_http(d) || !make_sources(d) || !make_scans(d) ||
        !make_publishers(d)) {
        return false;
    }
    publish_live(d);
    buses_start(d->buses);
    for (unsigned i = 0; i < d->config->publisher_count; i++) {
        publish_emoncms_start(d->publisher[i]);
    }
    atomic_store(&d->sampling, d->streams);
    return streams_start(d->streams) ? true : fail("sources", "no thread");
}

static void block_signals(bool block)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void no_work(uv_work_t *work)
{
    (void)work;
}

/* The workers live from the first work on: made while signals are blocked, they never take one. */
static void make_workers(struct daemon *d)
{
    (void)uv_queue_work(&d->loop, &d->first_work, no_work, NULL);
}

static void run(struct daemon *d)
{
    unsigned live_ms = d->options->live_ms > 0 ? d->options->live_ms : LIVE_MS;

    say_listening(d);
    uv_timer_start(&d->tick, on_tick, TICK_MS, TICK_MS);
    uv_timer_start(&d->second, on_second, live_ms, live_ms);
    if (d->options->for_ms > 0) {
        uv_timer_start(&d->end, on_end, (uint64_t)d->options->for_ms, 0);
    }
    uv_signal_start(&d->interrupt, on_signal, SIGINT);
    uv_signal_start(&d->terminate, on_signal, SIGTERM);
    reload_start(&d->reload);
    block_signals(false);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    if (d->start_anew && !d->ended) {
        block_signals(true); /* a handler that is taken away must not leave the default, the end */
    }
}

static void close_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

/* Nothing calls advance() or publish_live() any more, whatever was on its way. */
static void stop_callbacks(struct daemon *d)
{
    set_notify(d, false);
    requests_stop(d->requests);
    calibration_jobs_stop(d->calibration_jobs);
    uv_close((uv_handle_t *)&d->wake, NULL);
    uv_close((uv_handle_t *)&d->tick, NULL);
    uv_close((uv_handle_t *)&d->second, NULL);
    uv_close((uv_handle_t *)&d->anew, NULL);
}

/* Sources first, so that all they gave is recorded; the store commits last of all. */
static void stop(struct daemon *d)
{
    if (d->streams != NULL) {
        streams_stop(d->streams);
        streams_drain(d->streams);
    }
    stop_callbacks(d); /* before what they call is freed */
    for (unsigned i = 0; i < d->config->publisher_count; i++) {
        publish_emoncms_free(d->publisher[i]);
    }
    scans_free(d->scans);
    buses_free(d->buses);
    uv_run(&d->loop, UV_RUN_NOWAIT);
    uv_walk(&d->loop, close_handle, NULL);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    reload_deinit(&d->reload);
    if (d->hub != NULL && d->store != NULL) {
        hub_flush(d->hub);
    }
    notes_free(d->notes);
    http_stop(d->http); /* no reader may be at work when the store closes */
    journal_close(d->journal);
    requests_free(d->requests);
    store_close(d->store);
    uv_loop_close(&d->loop);
    streams_free(d->streams);
    heat_flows_free(d->heat_flows);
    registers_free(d->registers);
    calibration_jobs_free(d->calibration_jobs);
    calibration_near_free(d->near);
    calibration_free(d->calibration);
    hub_free(d->hub);
    for (unsigned i = 0; i < CONFIG_SOURCES_MAX; i++) {
        status_free(d->source_status[i]);
    }
    for (unsigned i = 0; i < CONFIG_PUBLISHERS_MAX; i++) {
        status_free(d->publisher_status[i]);
    }
    status_free(d->log_status);
    clock_free(d->clock);
}

enum daemon_end daemon_run(const struct config *config, const struct daemon_options *options)
{
    struct daemon *d = calloc(1, sizeof(*d));
    enum daemon_end end;
    bool started;

    if (d == NULL) {
        fail("start", "out of memory");
        return DAEMON_FAILED;
    }
    d->config = config;
    d->options = options;
    pthread_mutex_init(&d->notify_lock, NULL);
    signal(SIGPIPE, SIG_IGN);
    day_use_zone(config->timezone);
    block_signals(true); /* until they are handled: threads made meanwhile leave them to this one */
    init_handles(d);
    make_workers(d);
    started = start(d);
    if (started) {
        run(d);
    }
    stop(d);
    end = !started ? DAEMON_FAILED : d->start_anew && !d->ended ? DAEMON_ANEW : DAEMON_ENDED;
    if (end != DAEMON_ANEW) {
        block_signals(false);
    }
    pthread_mutex_destroy(&d->notify_lock);
    free(d);
    return end;
}
