/*
 * daemon.c: the wiring. Start-up order, top to bottom; shutdown is the reverse.
 *
 *   sampler thread ─▶ hand-over ─▶ ┐
 *   buses (loop) ────────────────▶ hub (loop) ─▶ store (thread) ─▶ log ─▶ http (thread), publishers
 * (loop)
 */
#include "daemon/run/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#include "daemon/base/log.h"
#include "daemon/base/status.h"
#include "daemon/drivers/mbus.h"
#include "daemon/drivers/sampler.h"
#include "daemon/http/http.h"
#include "daemon/publish/emoncms.h"
#include "daemon/run/day.h"
#include "daemon/run/hand_over.h"
#include "daemon/run/hub.h"
#include "daemon/run/installation.h"
#include "daemon/run/live.h"
#include "daemon/store/store.h"

enum { TICK_MS = 50, LIVE_MS = 1000, ERROR_BYTES = 256 };

struct stream { /* a sample stream and its way to the loop */
    struct daemon *daemon;
    struct sampler *sampler;
    struct hand_over readings;
    struct hwt_reading device; /* unused fields but mono_us */
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
    struct hub *hub;
    struct http *http;
    struct stream *stream[CONFIG_SOURCES_MAX]; /* of sample sources, else NULL */
    struct mbus_bus
        *bus[CONFIG_SOURCES_MAX]; /* one for each port: at the first source that names it */
    struct emoncms *publisher[CONFIG_PUBLISHERS_MAX];
    struct live_view view;
    char live[LIVE_JSON_MAX];
    uv_loop_t loop;
    uv_async_t wake;    /* the clock advanced, by a sampler */
    uv_async_t durable; /* records were committed */
    uv_timer_t tick, second, end;
    uv_signal_t interrupt, terminate;
    bool looping;
};
