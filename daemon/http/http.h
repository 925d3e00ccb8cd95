/*
 * http.h: the HTTP server of the daemon: the API of docs/HTTP_API.md and the page.
 *
 *   loop thread  ── http_publish_live ──▶ ┐
 *   store thread ── http_notify_record ──▶├ http ──▶ browsers, scripts
 *   the log      ◀── hooks.snapshot ───── ┘
 *
 * It has a thread of its own and never blocks another: live values are pushed to it, records are
 * read by it from snapshots of the log. It changes nothing itself: what is to be changed goes to
 * hooks.submit (job.h).
 */
#ifndef DAEMON_HTTP_HTTP_H
#define DAEMON_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/meter/meter_scope.h"
#include "core/tslog/tslog.h"
#include "web/assets.h"

struct http; /* opaque */
struct http_job;

/* A configured channel. */
struct http_series {
    const char *id;     /* "<source>_<quantity>" */
    const char *source; /* id of its source */
    const char *label;  /* UTF-8 for people, never NULL */
    uint8_t quantity;   /* enum hwt_quantity */
};

/* What is asked of the journal. */
struct http_journal_query {
    int64_t from_ms, to_ms; /* [from, to); HWT_TIME_UNKNOWN: without that limit */
    const char *source;     /* id; NULL: all */
    unsigned limit;         /* entries at most */
};

/* Takes an entry: JSON on one line. False: no more are wanted. */
typedef bool (*http_line_sink)(void *to, const char *line, size_t n);

enum { HTTP_DETAIL = 256 };

/* A few cycles of a clamp; the strings are const until http_stop returns. */
struct http_waveform {
    struct hwt_meter_scope scope;
    void *memory;        /* of the scope's arrays: free() */
    const char *source;  /* the clamp's id */
    const char *label;   /* UTF-8 for people */
    const char *voltage; /* id of its reference, or NULL */
    const char *minus;   /* id of the voltage at the load's other end, or NULL */
    double shift_deg;    /* by which the clamp's phase lags its reference */
    double noise;        /* codes, RMS, of the clamp; < 0: not known */
    int64_t unix_ms;     /* of t = 0, or HWT_TIME_UNKNOWN */
    uint8_t bits;
    uint8_t provenance; /* enum hwt_provenance */
};

/* Called in http's thread, from http_start until http_stop returns. */
struct http_hooks {
    /* The log as it is now: under the writer's lock. 0 or a negative enum hwt_err: no log now. */
    int (*snapshot)(void *ctx, struct hwt_tslog_snapshot *snapshot_out);
    /* The configured channels, *n_out of them; const until http_stop returns. */
    const struct http_series *(*series)(void *ctx, size_t *n_out);
    /* The journal's entries that fit, newest first. How many, or a negative enum hwt_err. May be
     * NULL: there is none. */
    int (*journal)(void *ctx, const struct http_journal_query *query, http_line_sink line,
                   void *to);
    /* Takes a job (job.h), to be answered once, now or later, by any thread. False: not now. NULL:
     * there is nobody who could. */
    bool (*submit)(void *ctx, struct http_job *job);
    /*
     * The newest 1..10 cycles of the clamp that `channel` names: its id or that of one of its
     * channels. ARGUMENT: it names none; AGAIN: no samples now: detail_out then says so, in words
     * for people. Other errors: none of it. NULL: there is no sampling here.
     */
    int (*waveform)(void *ctx, const char *channel, unsigned cycles,
                    struct http_waveform *waveform_out, char detail_out[HTTP_DETAIL]);
    void *ctx;
};

/* Who may change something. */
enum http_changes { HTTP_CHANGES_LOCAL, HTTP_CHANGES_ALWAYS, HTTP_CHANGES_NEVER };

struct http_options {         /* all copied, but the assets, which stay the caller's */
    const char *listen;       /* numeric address, "127.0.0.1" */
    uint16_t port;            /* 0: any free one */
    const char *const *hosts; /* Host names served beside localhost, 127.0.0.1 and [::1] */
    size_t host_count;
    const char *timezone; /* the site's, an IANA name; NULL: UTC */
    enum http_changes changes;
    struct http_hooks hooks;
    const struct web_asset *assets; /* the page, or NULL */
    size_t asset_count;
};

/* Requests so far; to be shown in /api/v1/live ("refused") and on a metrics page. */
struct http_stats {
    uint64_t ok;             /* answered 2xx or 304 */
    uint64_t client_error;   /* answered 4xx, those below included */
    uint64_t server_error;   /* answered 5xx */
    uint64_t refused_host;   /* a foreign Host header */
    uint64_t refused_origin; /* a foreign Origin header */
    uint64_t sse_refused;    /* event streams beyond the limit */
    uint64_t live_skipped;   /* live events a slow client did not get */
    uint32_t sse_clients;    /* event streams open now */
};

/* Listens and serves. NULL: error_out says what is wrong. */
struct http *http_start(const struct http_options *options, char *error_out, size_t error_n);
/* No other call may be under way or follow. NULL is fine. */
void http_stop(struct http *h);
uint16_t http_port(const struct http *h);

/*
 * The object of /api/v1/live: n bytes of JSON on one line, copied. Once a second; sends each event
 * stream a `live` event. Any thread, does not block. Errors: ARGUMENT (a line break inside), SPACE
 * (no memory); the one before stays.
 */
HWT_MUST_CHECK int http_publish_live(struct http *h, const char *json, size_t n);
/*
 * The object of /api/v1/scan, likewise: each event stream gets a `scan` event with the newest. A
 * stream that is opened later begins with it if the scan is `running`.
 */
HWT_MUST_CHECK int http_publish_scan(struct http *h, const char *json, size_t n, bool running);
/* Records were committed: event streams read them. Any thread, does not block. */
void http_notify_record(struct http *h);
/* A new entry of the journal: n bytes of JSON on one line, copied. Sends each event stream a
 * `journal` event. Any thread, does not block. */
void http_publish_entry(struct http *h, const char *line, size_t n);
/* For a second in which nothing was published: lets idle event streams send a heartbeat. Any
 * thread. */
void http_tick(struct http *h);
/* Any thread. */
void http_stats(struct http *h, struct http_stats *stats_out);

#endif
