/*
 * api.h: what the parts of daemon/http share. Nobody outside this folder includes it.
 *
 * Unless it says otherwise, everything here is touched by http's own thread only.
 */
#ifndef DAEMON_HTTP_API_H
#define DAEMON_HTTP_API_H

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/http/desk.h"
#include "daemon/http/http.h"
#include "daemon/http/job.h"
#include "daemon/http/log_view.h"
#include "daemon/http/problem.h"
#include "daemon/http/query.h"
#include "daemon/http/server.h"

/* One published object, as it is sent in an event: "event: live\ndata: {...}\n\n". */
struct live_body {
    atomic_uint refs;
    size_t n;       /* bytes of the event */
    size_t json_at; /* where the JSON begins in it */
    size_t json_n;
    char p[];
};

struct live { /* any thread, under the lock */
    pthread_mutex_t lock;
    struct live_body *body;   /* the newest, or NULL */
    struct http_reply *reply; /* to GET /api/v1/live, made of it */
    uint64_t generation;      /* how many were published */
};

enum { NEWS_KEPT = 16 };

/* The newest entries of the journal, as events; any thread, under the lock. */
struct news {
    pthread_mutex_t lock;
    struct live_body *body[NEWS_KEPT]; /* entry k at k % NEWS_KEPT */
    uint64_t count;                    /* entries so far */
};

struct scan_news { /* any thread, under the lock */
    pthread_mutex_t lock;
    struct live_body *body; /* the newest, or NULL */
    uint64_t generation;
    bool running;
};

struct event_client;

struct events {
    pthread_mutex_t lock; /* of the list; any thread */
    struct event_client *clients;
    _Atomic uint64_t commits; /* notifications so far; any thread */
    struct log_view *log;     /* shared by all clients, taken after the commit `log_commits` */
    uint64_t log_commits;
    bool log_failed, read_failed; /* said so */
};

/* The last value of each channel in the log, as of the commit `commits`. */
struct last {
    bool valid;
    uint64_t commits;
    struct last_value *value;
    size_t count, room;
    struct hwt_stream_info stream[HWT_TSLOG_STREAMS_MAX];
};

enum http_count {
    COUNT_OK,
    COUNT_CLIENT_ERROR,
    COUNT_SERVER_ERROR,
    COUNT_REFUSED_HOST,
    COUNT_REFUSED_ORIGIN,
    COUNT_SSE_REFUSED,
    COUNT_LIVE_SKIPPED,
    COUNTS
};

struct http {
    struct http_server *server;
    struct http_hooks hooks;
    enum http_changes changes;
    char **hosts;
    size_t host_count;
    const struct web_asset *assets;
    size_t asset_count;
    uint16_t port;
    struct live live;
    struct news news;
    struct scan_news scan;
    struct events events;
    _Atomic uint64_t count[COUNTS];
    _Atomic uint32_t sse_clients;
    struct zone *zone; /* of the site */
    char zone_name[ZONE_NAME_MAX + 1];
    struct desk desk;
    struct log_channels logged; /* the log's channels when last looked at */
    struct last last;
    size_t query_bytes;        /* held by running queries and by texts not yet sent */
    unsigned query_streams;    /* rows that are being sent */
    int64_t refused_logged_us; /* when a refusal was last logged; 0: never */
    uint64_t refused_since;    /* not logged since */
};

static inline void http_count(struct http *h, enum http_count what)
{
    atomic_fetch_add_explicit(&h->count[what], 1, memory_order_relaxed);
}

/* Handlers. query is NULL when a handler that answered "later" is called again. */
typedef struct http_reply *(*http_handler)(struct http *h, struct http_request *request,
                                           const struct http_query *query);

struct http_reply *api_live(struct http *h, struct http_request *request,
                            const struct http_query *query);
struct http_reply *api_series(struct http *h, struct http_request *request,
                              const struct http_query *query);
struct http_reply *api_query(struct http *h, struct http_request *request,
                             const struct http_query *query);
struct http_reply *api_events(struct http *h, struct http_request *request,
                              const struct http_query *query);
struct http_reply *api_last(struct http *h, struct http_request *request,
                            const struct http_query *query);
struct http_reply *api_journal(struct http *h, struct http_request *request,
                               const struct http_query *query);
struct http_reply *api_waveform(struct http *h, struct http_request *request,
                                const struct http_query *query);
/* The way of every request (routes.c): struct http_site's handle and refuse. */
struct http_reply *http_handle(void *ctx, struct http_request *request);
struct http_reply *http_refuse(void *ctx, struct http_request *request);
/* By http.changes and where the request comes from. */
bool http_may_change(const struct http *h, const struct http_request *request);
/* Submits a job, and answers as it was answered. */
struct http_reply *http_job_handle(struct http *h, struct http_request *request,
                                   enum http_job_kind kind, bool wants_body, uint64_t number);

/* A file of the page; NULL: there is none of that path, *found_out false. */
struct http_reply *assets_reply(struct http *h, const struct http_request *request,
                                bool *found_out);

/* What plans are made for. */
struct plan_site query_site(struct http *h);
/* The plan's answer as rows, made while they are sent. Takes *plan, also when it fails. */
struct http_reply *query_rows(struct http *h, struct plan *plan);

/* Reads the log's channels into h->logged, at the desk as it is. */
HWT_MUST_CHECK int names_read(struct http *h);
/* The first of the plan's series that is neither configured nor in the log: a typing error, to be
 * answered so rather than by nulls. NULL: all are known, or *err_out < 0. */
const char *names_unknown(struct http *h, const struct plan *plan, int *err_out);
/* The reply that says so. */
struct http_reply *names_problem(const char *id);

void last_deinit(struct last *last);

void live_init(struct live *live);
void live_deinit(struct live *live);
/* The newest body, one reference, or NULL; its generation. Any thread. */
struct live_body *live_newest(struct live *live, uint64_t *generation_out);
void live_body_unref(struct live_body *body);
/* The text of an event that begins so, with one reference; NULL: out of memory. */
struct live_body *live_body_new(const char *begin, const char *json, size_t n);

void news_deinit(struct news *news);
uint64_t news_count(struct news *news);
/* The first entry behind *seen that is still kept, one reference, or NULL; *seen then counts it.
 * Any thread, as are both above. */
struct live_body *news_next(struct news *news, uint64_t *seen);

void scan_news_init(struct scan_news *news);
void scan_news_deinit(struct scan_news *news);
/* As live_newest; *running_out: the scan it tells of was still running. */
struct live_body *scan_news_newest(struct scan_news *news, uint64_t *generation_out,
                                   bool *running_out);

void events_init(struct events *events);
void events_deinit(struct events *events);
/* Wakes all event streams. Any thread. */
void events_wake(struct events *events);

/* A JSON reply of the API: not to be kept by caches. NULL: out of memory. */
struct http_reply *api_json(unsigned status, const char *p, size_t n);

#endif
