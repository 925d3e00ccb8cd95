/*
 * daemon.c: the wiring. Start-up order, top to bottom; shutdown is the reverse.
 *
 *   sampler threads ─▶ streams ─▶ ┐
 *   buses (loop) ─▶ registers ──▶ hub (loop) ─▶ store (thread) ─▶ log ─▶ http (thread)
 *                       │                                            └─▶ publishers (loop)
 *                       └───────▶ journal (thread)
 */
#include "daemon/run/daemon_state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/run/day.h"
#include "daemon/run/log_reader.h"

enum {
    TICK_MS = 50,
    LIVE_MS = 1000,
    ANEW_MS = 300, /* real ms for the answer that announces it to be sent */
};

/* --- the loop --- */

static void on_record(void *ctx, const struct hwt_schema *schema, const struct hwt_record *record)
{
    struct daemon *d = ctx;

    d->made++;
    store_push(d->store, schema, record);
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

static void on_second(uv_timer_t *handle)
{
    struct daemon *d = handle->data;

    streams_poll_status(d->streams);
    notes_tick(d->notes);
    daemon_publish_live(d);
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

bool daemon_fail(const char *what, const char *why)
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
    char error[DAEMON_ERROR_MAX];
    struct store_options options = {
        .data_dir = d->config->data_dir,
        .provenance = d->config->simulated ? HWT_PROVENANCE_SIMULATED : HWT_PROVENANCE_MEASURED,
        .commit_s = d->config->commit_s,
        .max_mb = d->config->log_max_mb,
        .partition = d->config->log_partition,
        .keep_days = d->config->log_keep_days,
        .clock = d->clock,
        .status = d->log_status,
        .committed = daemon_on_commit,
        .ctx = d,
    };

    d->store = store_open(&options, error, sizeof(error));
    if (d->store == NULL) {
        return daemon_fail("log", error);
    }
    store_uuid(d->store, d->view.uuid);
    return true;
}

static bool open_journal(struct daemon *d)
{
    const struct journal_options options = {
        .dir = d->config->data_dir, .written = daemon_on_entry, .ctx = d};
    struct store_counters counters;
    struct notes_options notes = {
        .config = d->config, .clock = d->clock, .log = d->log_status, .boot = store_boot(d->store)};
    char error[DAEMON_ERROR_MAX];

    d->journal = journal_open(&options, error, sizeof(error));
    if (d->journal == NULL) {
        return daemon_fail("journal", error);
    }
    store_counters(d->store, &counters);
    notes.journal = d->journal;
    notes.bad_pages = counters.bad_pages;
    d->notes = notes_new(&notes);
    return d->notes != NULL ? true : daemon_fail("start", "out of memory");
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
        return daemon_fail("start", "out of memory");
    }
    store_snapshot(d->store, snapshot);
    hub_restore(d->hub, snapshot);
    free(snapshot);
    return true;
}

static bool make_scans(struct daemon *d)
{
    d->scans = scans_new(&(struct scans_options){.loop = &d->loop,
                                                 .config = d->config,
                                                 .buses = d->buses,
                                                 .clock = d->clock,
                                                 .publish = daemon_on_scan,
                                                 .ctx = d},
                         d->requests);
    return d->scans != NULL ? true : daemon_fail("start", "out of memory");
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
            return daemon_fail("publishers", "out of memory");
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
        return daemon_fail(what, errno == ENOENT ? "the folder it shall lie in does not exist"
                                                 : strerror(errno));
    }
    if (stat(config->data_dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return daemon_fail(what, "is not a folder");
    }
    if (access(config->data_dir, W_OK | X_OK) != 0) {
        return daemon_fail(what, errno == EACCES ? "the user heatwatt runs as may not write there"
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
        return daemon_fail("start", "out of memory");
    }
    if (!installation_make(&d->site, d->config)) {
        return daemon_fail(d->config->path, "more channels than a record may have");
    }
    if (!make_data_dir(d->config) || !open_store(d) || !open_journal(d) || !make_hub(d) ||
        !daemon_make_calibration(d) || !daemon_start_http(d) || !daemon_make_sources(d) ||
        !make_scans(d) || !make_publishers(d)) {
        return false;
    }
    daemon_publish_live(d);
    buses_start(d->buses);
    for (unsigned i = 0; i < d->config->publisher_count; i++) {
        publish_emoncms_start(d->publisher[i]);
    }
    atomic_store(&d->sampling, d->streams);
    return streams_start(d->streams) ? true : daemon_fail("sources", "no thread");
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

/* Nothing calls advance() or daemon_publish_live() any more, whatever was on its way. */
static void stop_callbacks(struct daemon *d)
{
    daemon_set_notify(d, false);
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
        daemon_fail("start", "out of memory");
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
