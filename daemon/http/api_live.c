/*
 * api_live.c: objects that the daemon's loop renders for the event streams, kept here as the bytes
 * of an event and shared by all: the live object, once a second, which is also a reply over the
 * JSON inside the event; and the scan object.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/http/api.h"

static const char live_head[] = "event: live\ndata: ";
static const char scan_head[] = "event: scan\ndata: ";
static const char event_tail[] = "\n\n";

void live_init(struct live *live)
{
    memset(live, 0, sizeof(*live));
    pthread_mutex_init(&live->lock, NULL);
}

void live_deinit(struct live *live)
{
    http_reply_unref(live->reply);
    live_body_unref(live->body);
    pthread_mutex_destroy(&live->lock);
}

void live_body_unref(struct live_body *body)
{
    if (body != NULL && atomic_fetch_sub(&body->refs, 1) == 1) {
        free(body);
    }
}

static void release_body(void *owner)
{
    live_body_unref(owner);
}

struct live_body *live_newest(struct live *live, uint64_t *generation_out)
{
    struct live_body *body;

    pthread_mutex_lock(&live->lock);
    body = live->body;
    if (body != NULL) {
        atomic_fetch_add(&body->refs, 1);
    }
    *generation_out = live->generation;
    pthread_mutex_unlock(&live->lock);
    return body;
}

struct live_body *live_body_new(const char *begin, const char *json, size_t n)
{
    size_t head = strlen(begin), tail = sizeof(event_tail) - 1;
    struct live_body *body = malloc(sizeof(*body) + head + n + tail);

    if (body == NULL) {
        return NULL;
    }
    atomic_init(&body->refs, 1);
    body->n = head + n + tail;
    body->json_at = head;
    body->json_n = n;
    memcpy(body->p, begin, head);
    memcpy(body->p + head, json, n);
    memcpy(body->p + head + n, event_tail, tail);
    return body;
}

static bool is_one_line(const char *json, size_t n)
{
    return memchr(json, '\n', n) == NULL && memchr(json, '\r', n) == NULL;
}

int http_publish_live(struct http *h, const char *json, size_t n)
{
    struct live_body *body, *old_body;
    struct http_reply *reply, *old_reply;

    if (!is_one_line(json, n)) {
        return HWT_ERR_ARGUMENT; /* would end the event's data line */
    }
    body = live_body_new(live_head, json, n);
    if (body == NULL) {
        return HWT_ERR_SPACE;
    }
    atomic_fetch_add(&body->refs, 1); /* the reply's */
    reply = http_reply_lend(200, "application/json", body->p + body->json_at, body->json_n,
                            release_body, body);
    if (reply == NULL || !http_reply_header(reply, "Cache-Control", "no-store")) {
        http_reply_unref(reply);
        live_body_unref(body);
        return HWT_ERR_SPACE;
    }
    pthread_mutex_lock(&h->live.lock);
    old_body = h->live.body;
    old_reply = h->live.reply;
    h->live.body = body;
    h->live.reply = reply;
    h->live.generation++;
    pthread_mutex_unlock(&h->live.lock);
    http_reply_unref(old_reply);
    live_body_unref(old_body);
    events_wake(&h->events);
    return 0;
}

struct http_reply *api_live(struct http *h, struct http_request *request,
                            const struct http_query *query)
{
    struct http_reply *reply = NULL;

    (void)request;
    (void)query;
    pthread_mutex_lock(&h->live.lock);
    if (h->live.reply != NULL) {
        reply = http_reply_ref(h->live.reply);
    }
    pthread_mutex_unlock(&h->live.lock);
    return reply != NULL ? reply : http_problem(503, "the daemon is starting: no values yet");
}

/* --- scans --- */

void scan_news_init(struct scan_news *news)
{
    memset(news, 0, sizeof(*news));
    pthread_mutex_init(&news->lock, NULL);
}

void scan_news_deinit(struct scan_news *news)
{
    live_body_unref(news->body);
    pthread_mutex_destroy(&news->lock);
}

struct live_body *scan_news_newest(struct scan_news *news, uint64_t *generation_out,
                                   bool *running_out)
{
    struct live_body *body;

    pthread_mutex_lock(&news->lock);
    body = news->body;
    if (body != NULL) {
        atomic_fetch_add(&body->refs, 1);
    }
    *generation_out = news->generation;
    *running_out = news->running;
    pthread_mutex_unlock(&news->lock);
    return body;
}

int http_publish_scan(struct http *h, const char *json, size_t n, bool running)
{
    struct live_body *body, *old;

    if (!is_one_line(json, n)) {
        return HWT_ERR_ARGUMENT;
    }
    body = live_body_new(scan_head, json, n);
    if (body == NULL) {
        return HWT_ERR_SPACE;
    }
    pthread_mutex_lock(&h->scan.lock);
    old = h->scan.body;
    h->scan.body = body;
    h->scan.generation++;
    h->scan.running = running;
    pthread_mutex_unlock(&h->scan.lock);
    live_body_unref(old);
    events_wake(&h->events);
    return 0;
}
