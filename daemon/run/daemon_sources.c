#include "daemon/run/daemon_state.h"

#include <stdlib.h>
#include <string.h>

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

/* --- readings --- */

/* The clock advanced; any thread. */
static void on_clock(void *ctx)
{
    struct daemon *d = ctx;

    uv_async_send(&d->wake);
}

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

/* --- start-up --- */

bool daemon_make_calibration(struct daemon *d)
{
    struct calibration_options options = {.site = &d->site,
                                          .data_dir = d->config->data_dir,
                                          .apply = on_trim,
                                          .next_record = next_record,
                                          .ctx = d};
    struct store_counters counters;
    char error[DAEMON_ERROR_MAX];

    store_counters(d->store, &counters);
    d->first_record = counters.durable;
    memcpy(options.uuid, d->view.uuid, sizeof(options.uuid));
    d->calibration = calibration_new(&options, error, sizeof(error));
    if (d->calibration == NULL) {
        return daemon_fail("calibration", error);
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
    return d->near != NULL && d->calibration_jobs != NULL
               ? true
               : daemon_fail("calibration", "out of memory");
}

bool daemon_make_sources(struct daemon *d)
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
               : daemon_fail("sources", "out of memory");
}
