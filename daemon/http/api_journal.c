/*
 * api_journal.c: GET /api/v1/journal: entries of the journal, newest first, and their events.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/http/api.h"

enum { LIMIT = 100, LIMIT_MAX = 1000, LINE_MAX = 4096 };

static const char event_head[] = "event: journal\ndata: ";
static const char body_head[] = "{\"journal\":[";
static const char body_tail[] = "]}";

/* --- the list -------------------------------------------------------------------------------- */

struct body {
    char *p;
    size_t n, room;
    bool any, failed;
};

static void append(struct body *b, const char *p, size_t n)
{
    if (b->room - b->n < n && !b->failed) {
        size_t room = 2 * b->room + n;
        char *more = realloc(b->p, room);

        b->failed = more == NULL;
        b->p = more != NULL ? more : b->p;
        b->room = more != NULL ? room : b->room;
    }
    if (!b->failed) {
        memcpy(b->p + b->n, p, n);
        b->n += n;
    }
}

static bool append_line(void *to, const char *p, size_t n)
{
    struct body *b = to;

    append(b, ",", b->any ? 1 : 0);
    append(b, p, n);
    b->any = true;
    return !b->failed;
}

/* A whole number of a parameter, or the fallback where it is not given. False: *p says why. */
static bool number(const struct http_query *query, const char *name, int64_t min, int64_t max,
                   int64_t fallback, int64_t *out, struct http_problem *p)
{
    const char *text = http_query_get(query, name);

    *out = fallback;
    if (text == NULL || http_number(text, min, max, out)) {
        return true;
    }
    http_problem_set(p, 400, name, "%s: '%.40s' is not right; a whole number from %lld to %lld",
                     name, text, (long long)min, (long long)max);
    return false;
}

static bool parse(const struct http_query *query, struct http_journal_query *out,
                  struct http_problem *p)
{
    int64_t limit;

    if (!number(query, "from", 0, INT64_MAX, HWT_TIME_UNKNOWN, &out->from_ms, p) ||
        !number(query, "to", 0, INT64_MAX, HWT_TIME_UNKNOWN, &out->to_ms, p) ||
        !number(query, "limit", 1, LIMIT_MAX, LIMIT, &limit, p)) {
        return false;
    }
    out->source = http_query_get(query, "source");
    out->limit = (unsigned)limit;
    return true;
}

struct http_reply *api_journal(struct http *h, struct http_request *request,
                               const struct http_query *query)
{
    struct http_journal_query asked;
    struct http_problem problem;
    struct http_reply *reply = NULL;
    struct body b = {.p = NULL};
    int err = HWT_ERR_NOT_FOUND;

    (void)request;
    if (!parse(query, &asked, &problem)) {
        return http_problem_reply(&problem);
    }
    append(&b, body_head, sizeof(body_head) - 1);
    if (h->hooks.journal != NULL) {
        err = h->hooks.journal(h->hooks.ctx, &asked, append_line, &b);
    }
    append(&b, body_tail, sizeof(body_tail) - 1);
    if (err < 0) {
        reply = http_problem(503, "the journal cannot be read: %s", hwt_err_name(err));
    } else if (!b.failed) {
        reply = api_json(200, b.p, b.n);
    }
    free(b.p);
    return reply;
}

/* --- events ---------------------------------------------------------------------------------- */

void news_deinit(struct news *news)
{
    for (size_t i = 0; i < NEWS_KEPT; i++) {
        live_body_unref(news->body[i]);
    }
    pthread_mutex_destroy(&news->lock);
}

void http_publish_entry(struct http *h, const char *line, size_t n)
{
    struct live_body *body = n <= LINE_MAX ? live_body_new(event_head, line, n) : NULL;
    struct live_body *old;

    if (body == NULL) {
        return; /* the list has it all the same */
    }
    pthread_mutex_lock(&h->news.lock);
    old = h->news.body[h->news.count % NEWS_KEPT];
    h->news.body[h->news.count % NEWS_KEPT] = body;
    h->news.count++;
    pthread_mutex_unlock(&h->news.lock);
    live_body_unref(old);
    events_wake(&h->events);
}

uint64_t news_count(struct news *news)
{
    uint64_t count;

    pthread_mutex_lock(&news->lock);
    count = news->count;
    pthread_mutex_unlock(&news->lock);
    return count;
}

struct live_body *news_next(struct news *news, uint64_t *seen)
{
    struct live_body *body = NULL;

    pthread_mutex_lock(&news->lock);
    if (news->count - *seen > NEWS_KEPT) {
        *seen = news->count - NEWS_KEPT;
    }
    if (*seen < news->count) {
        body = news->body[*seen % NEWS_KEPT];
        atomic_fetch_add(&body->refs, 1);
        ++*seen;
    }
    pthread_mutex_unlock(&news->lock);
    return body;
}
