/*
 * daemon_state.h: what the files of the wiring share; no one else includes it.
 *
 *   daemon.c          start-up order, the loop, shutdown
 *   daemon_sources.c  from the sources to the hub, and how calibration reaches into that
 *   daemon_http.c     what http asks, and what it is told
 */
#ifndef DAEMON_RUN_DAEMON_STATE_H
#define DAEMON_RUN_DAEMON_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "daemon/base/clock.h"
#include "daemon/base/status.h"
#include "daemon/http/http.h"
#include "daemon/publish/emoncms.h"
#include "daemon/run/buses.h"
#include "daemon/run/calibration_jobs.h"
#include "daemon/run/daemon.h"
#include "daemon/run/heat_flows.h"
#include "daemon/run/hub.h"
#include "daemon/run/installation.h"
#include "daemon/run/live.h"
#include "daemon/run/notes.h"
#include "daemon/run/registers.h"
#include "daemon/run/reload.h"
#include "daemon/run/requests.h"
#include "daemon/run/scans.h"
#include "daemon/run/source_add.h"
#include "daemon/run/streams.h"
#include "daemon/store/journal.h"
#include "daemon/store/store.h"

enum { DAEMON_ERROR_MAX = 640 };

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

/* False, after the sentence on stderr that says what could not be started. */
bool daemon_fail(const char *what, const char *why);

/* --- daemon_sources.c --- */

bool daemon_make_calibration(struct daemon *d);
bool daemon_make_sources(struct daemon *d);

/* --- daemon_http.c --- */

/* Last of what it asks for; from then on it is told. */
bool daemon_start_http(struct daemon *d);
/* The loop's thread. */
void daemon_publish_live(struct daemon *d);
void daemon_on_scan(void *ctx, const char *json, size_t n, bool running);
/* The threads of the store and of the journal; nobody is told before http runs. */
void daemon_on_commit(void *ctx, uint64_t durable);
void daemon_on_entry(void *ctx, const char *line, size_t n);
/* Once off, neither thread is on its way into http or the loop any more. */
void daemon_set_notify(struct daemon *d, bool on);

#endif
