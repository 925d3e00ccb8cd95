/*
 * events.c: GET /api/v1/events, server-sent events.
 *
 * Nothing is queued per client. A client that has taken its last event is given the next one: a
 * batch of records read from the log at its own place, then the newest live object if it has not
 * had that one. So a slow client gets fewer live events and all records, in bounded memory, and
 * one that comes back with Last-Event-ID reads on from the log.
 *
 * Clients belong to http's thread; other threads only walk their list, under its lock, to wake
 * them.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/http/api.h"
#include "daemon/http/event_text.h"
#include "daemon/http/log_view.h"

enum {
    CLIENTS_MAX = 16,
    HEARTBEAT_US = 10 * 1000000, /* real us of silence after which a comment is sent */
    OWN_STREAM = 0,
    BUFFER = 20 * 1024, /* bytes of a client's batch */
    BATCH_MAX = 64      /* records of one */
};

_Static_assert(BUFFER >= EVENT_RECORD_MAX + EVENT_LOST_MAX, "a record fits an empty buffer");

struct event_client {
    struct http *h;
    struct http_stream *stream;
    struct event_client *next, *previous; /* the list */
    /* what is being sent: a live body, or the buffer */
    struct live_body *live; /* of a live or a scan event, or an entry of the journal */
    size_t sent, n;
    char *buffer;          /* BUFFER bytes, made when first needed */
    uint64_t live_seen;    /* generation of the last live event */
    uint64_t scan_seen;    /* the same of the last scan event */
    uint64_t news_seen;    /* entries of the journal that were sent, or came before */
    uint64_t sequence;     /* the next record; 0: not known yet */
    uint64_t commits_seen; /* all records of this notification were sent */
    bool resumed;          /* sequence came from Last-Event-ID */
    char resume_stream[HWT_ID_MAX + 1];
    bool greeted;
    bool live_next; /* records were sent last: a live event's turn */
    int64_t sent_us;
};

void events_init(struct events *events)
{
    memset(events, 0, sizeof(*events));
    pthread_mutex_init(&events->lock, NULL);
    atomic_init(&events->commits, 1); /* a new client looks at the log once */
}

void events_deinit(struct events *events)
{
    log_view_free(events->log);
    pthread_mutex_destroy(&events->lock);
}

void events_wake(struct events *events)
{
    pthread_mutex_lock(&events->lock);
    for (struct event_client *c = events->clients; c != NULL; c = c->next) {
        http_stream_wake(c->stream);
    }
    pthread_mutex_unlock(&events->lock);
}

void http_notify_record(struct http *h)
{
    atomic_fetch_add(&h->events.commits, 1);
    events_wake(&h->events);
}

void http_tick(struct http *h)
{
    events_wake(&h->events);
}

/* The shared view of the log, as new as the last notification. NULL: not readable. */
static struct log_view *newest_log(struct http *h)
{
    struct events *e = &h->events;
    uint64_t commits = atomic_load(&e->commits);
    int err = 0;

    if (e->log != NULL && e->log_commits == commits) {
        return e->log;
    }
    log_view_free(e->log);
    e->log = log_view_new(&h->hooks, &err);
    e->log_commits = commits;
    if (e->log == NULL && !e->log_failed) {
        LOG(LOG_WARN, "http", "events without records: log unreadable err=%s", hwt_err_name(err));
    }
    e->log_failed = e->log == NULL;
    return e->log;
}

/* Where a client begins: behind its last event, or behind the newest record. */
static void place(struct event_client *c, const struct hwt_stream_info *info)
{
    uint64_t next = info->last + 1;

    if (c->resumed && strcmp(c->resume_stream, info->name) == 0 && c->sequence < next) {
        next = c->sequence;
    }
    c->sequence = next == 0 ? 1 : next;
    c->resumed = false;
}

/* Records from the log into the buffer, as many as fit. True: the log may hold more. */
static bool read_batch(struct event_client *c, struct log_view *log, const char *stream)
{
    struct hwt_tslog_cursor *cursor = &log->cursor;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    int r = hwt_tslog_cursor_open(cursor, &log->snapshot, OWN_STREAM, c->sequence);

    for (unsigned i = 0; r >= 0 && i < BATCH_MAX && BUFFER - c->n >= EVENT_RECORD_MAX; i++) {
        uint64_t lost = 0;

        r = hwt_tslog_cursor_next(cursor, &schema, &record, &lost);
        if (r == HWT_ERR_LOST) {
            c->sequence += lost;
            c->n += event_put_lost(c->buffer + c->n, stream, c->sequence - 1, lost);
            r = 1;
        } else if (r > 0) {
            c->n += event_put_record(c->buffer + c->n, stream, schema, record);
            c->sequence = record->sequence + 1;
        }
        if (r == 0) {
            c->h->events.read_failed = false;
            return false;
        }
    }
    if (r < 0 && !c->h->events.read_failed) {
        LOG(LOG_WARN, "http", "events without records: unreadable stream=%s sequence=%llu err=%s",
            stream, (unsigned long long)c->sequence, hwt_err_name(r));
    }
    c->h->events.read_failed = r < 0;
    return r >= 0;
}

/* The log and its own stream; gives the client its place if it has none yet. NULL: not readable. */
static struct log_view *own_log(struct event_client *c, struct hwt_stream_info *info_out)
{
    struct log_view *log = newest_log(c->h);

    if (log == NULL || hwt_tslog_streams(&log->snapshot) <= OWN_STREAM ||
        hwt_tslog_stream_info(&log->snapshot, OWN_STREAM, info_out) < 0) {
        return NULL;
    }
    if (c->sequence == 0 || c->resumed) {
        place(c, info_out);
    }
    return log;
}

/* True if there is a batch of records to send. */
static bool next_records(struct event_client *c)
{
    struct hwt_stream_info info;
    struct log_view *log;

    if (c->commits_seen == atomic_load(&c->h->events.commits)) {
        return false;
    }
    if (c->buffer == NULL) {
        c->buffer = malloc(BUFFER);
    }
    log = c->buffer == NULL ? NULL : own_log(c, &info);
    c->n = c->sent = 0;
    if (log == NULL || !read_batch(c, log, info.name)) {
        c->commits_seen = c->h->events.log_commits; /* again after the next commit */
    }
    return c->n > 0;
}

static bool next_live(struct event_client *c)
{
    uint64_t generation;
    struct live_body *body = live_newest(&c->h->live, &generation);

    if (body == NULL || generation == c->live_seen) {
        live_body_unref(body);
        return false;
    }
    if (c->live_seen != 0) {
        atomic_fetch_add_explicit(&c->h->count[COUNT_LIVE_SKIPPED], generation - c->live_seen - 1,
                                  memory_order_relaxed);
    }
    c->live_seen = generation;
    c->live = body;
    c->sent = 0;
    c->n = body->n;
    return true;
}

static bool next_news(struct event_client *c)
{
    c->live = news_next(&c->h->news, &c->news_seen);
    c->sent = 0;
    c->n = c->live != NULL ? c->live->n : 0;
    return c->live != NULL;
}

static bool next_scan(struct event_client *c)
{
    uint64_t generation;
    bool running;
    struct live_body *body = scan_news_newest(&c->h->scan, &generation, &running);

    if (body == NULL || generation == c->scan_seen) {
        live_body_unref(body);
        return false;
    }
    c->scan_seen = generation;
    c->live = body;
    c->sent = 0;
    c->n = body->n;
    return true;
}

/* What a scan that is over told is no news to a client that comes after it. */
static void skip_old_scan(struct event_client *c)
{
    uint64_t generation;
    bool running;
    struct live_body *body = scan_news_newest(&c->h->scan, &generation, &running);

    c->scan_seen = running ? 0 : generation;
    live_body_unref(body);
}

/* Text of a few bytes for the client alone. */
static bool next_text(struct event_client *c, const char *text)
{
    if (c->buffer == NULL) {
        c->buffer = malloc(BUFFER);
    }
    if (c->buffer == NULL) {
        return false;
    }
    c->n = strlen(text);
    c->sent = 0;
    memcpy(c->buffer, text, c->n);
    return true;
}

/* Chooses what is sent next; false: nothing now. Records and live take turns, so that a long
 * backlog does not hold up the live values. */
static bool next_output(struct event_client *c)
{
    live_body_unref(c->live);
    c->live = NULL;
    c->n = c->sent = 0;
    if (!c->greeted) {
        c->greeted = true;
        return next_text(c, "retry: 2000\n\n");
    }
    if (next_news(c) || next_scan(c)) { /* few and far between; at most some a second */
        return true;
    }
    if (c->live_next && next_live(c)) {
        c->live_next = false;
        return true;
    }
    c->live_next = next_records(c);
    if (c->live_next || next_live(c)) {
        return true;
    }
    return clock_real_us() - c->sent_us >= HEARTBEAT_US && next_text(c, ":\n\n");
}

static ssize_t client_read(void *ctx, char *p, size_t n)
{
    struct event_client *c = ctx;
    const char *from;

    if (c->sent == c->n && !next_output(c)) {
        return 0;
    }
    from = c->live != NULL ? c->live->p : c->buffer;
    n = n < c->n - c->sent ? n : c->n - c->sent;
    memcpy(p, from + c->sent, n);
    c->sent += n;
    c->sent_us = clock_real_us();
    return (ssize_t)n;
}

static void client_free(void *ctx)
{
    struct event_client *c = ctx;
    struct events *e = &c->h->events;

    pthread_mutex_lock(&e->lock);
    if (c->stream != NULL) { /* it was in the list */
        if (c->previous != NULL) {
            c->previous->next = c->next;
        } else {
            e->clients = c->next;
        }
        if (c->next != NULL) {
            c->next->previous = c->previous;
        }
    }
    pthread_mutex_unlock(&e->lock);
    if (atomic_fetch_sub(&c->h->sse_clients, 1) == 1) {
        log_view_free(e->log); /* until somebody listens again */
        e->log = NULL;
    }
    live_body_unref(c->live);
    free(c->buffer);
    free(c);
}

static void client_list(struct event_client *c, struct http_stream *stream)
{
    struct events *e = &c->h->events;

    pthread_mutex_lock(&e->lock);
    c->stream = stream;
    c->next = e->clients;
    if (c->next != NULL) {
        c->next->previous = c;
    }
    e->clients = c;
    pthread_mutex_unlock(&e->lock);
}

static struct http_reply *client_reply(struct event_client *c)
{
    static const struct http_stream_ops ops = {
        .read = client_read, .free = client_free, .fresh = true};
    struct http_reply *reply = http_reply_stream(200, "text/event-stream", &ops, c);

    if (reply == NULL) {
        return NULL;
    }
    client_list(c, http_reply_stream_of(reply));
    /* no-transform, X-Accel-Buffering: proxies between are not to hold events back */
    if (!http_reply_header(reply, "Cache-Control", "no-store, no-transform") ||
        !http_reply_header(reply, "X-Accel-Buffering", "no")) {
        http_reply_unref(reply);
        return NULL;
    }
    return reply;
}

struct http_reply *api_events(struct http *h, struct http_request *request,
                              const struct http_query *query)
{
    const char *last_id = request->header[HTTP_LAST_EVENT_ID];
    struct hwt_stream_info own;
    struct event_client *c;

    (void)query;
    if (atomic_load(&h->sse_clients) >= CLIENTS_MAX) {
        http_count(h, COUNT_SSE_REFUSED);
        return http_problem(503, "%d event streams are open, that is the limit", CLIENTS_MAX);
    }
    c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return NULL;
    }
    c->h = h;
    c->sent_us = clock_real_us();
    c->news_seen = news_count(&h->news);
    skip_old_scan(c);
    if (last_id != NULL && last_id[0] != '\0') {
        c->resumed = event_parse_id(last_id, c->resume_stream, &c->sequence);
        c->sequence++; /* the record behind it */
    }
    if (last_id != NULL && last_id[0] != '\0' && !c->resumed) {
        free(c);
        return http_problem(400, "Last-Event-ID: '%.60s' is not stream:sequence as in 'own:5120'",
                            last_id);
    }
    atomic_fetch_add(&h->sse_clients, 1);
    (void)own_log(c, &own); /* takes its place now, or as soon as the log is readable */
    return client_reply(c);
}
