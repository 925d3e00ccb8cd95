#include "daemon/publish/emoncms.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/publish/batch.h"
#include "daemon/publish/http_client.h"

enum {
    INTERVAL_S = 30,
    BATCH_ROWS = 500,
    RETRY_MIN_MS = 5000,
    RETRY_MAX_MS = 300000,
    REFUSED_MS = 300000,
    RETRY_AFTER_MAX_S = 3600,
    TIMEOUT_S = 30,
    TEXT_MAX = 256,
    SAID_MAX = 90 /* characters of a server's answer that are shown */
};

enum phase {
    PHASE_STOPPED, /* not started, or its options are impossible */
    PHASE_WAITING, /* the timer runs */
    PHASE_HUNGRY,  /* all is sent: for new records */
    PHASE_READING, /* a worker makes a batch */
    PHASE_POSTING,
    PHASE_SAVING /* a worker writes the cursor */
};

struct publish_emoncms {
    uv_loop_t *loop;
    uv_timer_t timer;
    uv_work_t work;
    struct http_client *http;
    enum phase phase;
    bool closing;
    bool timer_closed;
    char url[TEXT_MAX + 32]; /* of the bulk call */
    char id[TEXT_MAX];
    char key[TEXT_MAX];
    char node[HWT_EMONCMS_NODE_MAX + 1];
    char cursor_path[PATH_MAX];
    bool allow_cleartext;
    uint64_t interval_ms, retry_min_ms, retry_max_ms, refused_ms;
    struct hwt_emoncms_options encode;
    const struct log_source *source;
    struct status *status;
    struct clock *clock;
    /* the worker's while reading or saving, else the loop's: */
    struct cursor cursor;
    bool loaded; /* the cursor file was looked for */
    bool known;  /* the cursor was loaded or saved */
    size_t rows; /* a post at most; halved when the server finds it too large */
    struct batch batch;
    int save_err;
    /* the loop's: */
    uint64_t last; /* newest durable record known of */
    unsigned failures;
    uint64_t failed_at_ms;   /* uv_now of the first of them */
    uint64_t advanced_at_ms; /* uv_now of the newest advance */
    uint32_t random;
};

static void read_batch(struct publish_emoncms *p);

/* --- state --- */

static int64_t unix_now(const struct publish_emoncms *p)
{
    int64_t ms = p->clock != NULL ? clock_unix_ms(p->clock) : HWT_TIME_UNKNOWN;

    return ms == HWT_TIME_UNKNOWN ? 0 : ms;
}

static void show_backlog(struct publish_emoncms *p)
{
    status_put(p->status, "backlog",
               p->last > p->cursor.sequence ? p->last - p->cursor.sequence : 0);
}

static void on_timer(uv_timer_t *t)
{
    read_batch(t->data);
}

static void wait_ms(struct publish_emoncms *p, uint64_t ms)
{
    p->phase = PHASE_WAITING;
    uv_timer_start(&p->timer, on_timer, ms, 0);
}

/* 5 s, 10 s, 20 s, ... 5 min, each give or take a fifth, so that a thousand devices do not come
 * back together. */
static uint64_t backoff_ms(struct publish_emoncms *p)
{
    unsigned doublings = p->failures - 1 < 16 ? p->failures - 1 : 16;
    uint64_t ms = p->retry_min_ms << doublings;

    p->random = p->random * 1664525u + 1013904223u;
    ms = ms > p->retry_max_ms ? p->retry_max_ms : ms;
    return ms * (800 + (p->random >> 16) % 401) / 1000;
}

static void fail(struct publish_emoncms *p, uint64_t at_least_ms, const char *cause)
{
    uint64_t ms;

    if (p->failures++ == 0) {
        p->failed_at_ms = uv_now(p->loop);
    }
    ms = backoff_ms(p);
    free(p->batch.body);
    p->batch.body = NULL;
    status_count(p->status, "failures", 1);
    status_set(p->status, STATUS_FAILED, unix_now(p), "%s", cause);
    wait_ms(p, ms > at_least_ms ? ms : at_least_ms);
}

/* --- after a post: the cursor onto the disk --- */

static void go_on(struct publish_emoncms *p)
{
    uint64_t since_ms = uv_now(p->loop) - p->advanced_at_ms;

    if (p->cursor.sequence < p->batch.last) {
        wait_ms(p, 0); /* a backlog */
    } else if (p->batch.rows > 0) {
        wait_ms(p, p->interval_ms);
    } else if (p->last > p->cursor.sequence) {
        wait_ms(p, since_ms < p->interval_ms ? p->interval_ms - since_ms : 0);
    } else {
        p->phase = PHASE_HUNGRY;
    }
}

static void end_if_closing(struct publish_emoncms *p)
{
    if (p->closing && p->timer_closed && p->phase == PHASE_STOPPED) {
        free(p->batch.body);
        free(p);
    }
}

static void save_cursor(uv_work_t *w)
{
    struct publish_emoncms *p = w->data;

    p->save_err = cursor_save(p->cursor_path, &p->cursor);
}

/* A post was taken and the cursor is on disk. */
static void all_well(struct publish_emoncms *p)
{
    if (p->failures > 0) {
        LOG(LOG_INFO, p->id, "up down_s=%" PRIu64 " failures=%u backlog=%" PRIu64,
            (uv_now(p->loop) - p->failed_at_ms) / 1000, p->failures, p->last - p->cursor.sequence);
    }
    p->failures = 0;
    status_set(p->status, STATUS_OK, unix_now(p), NULL);
}

static void cursor_saved(uv_work_t *w, int cancelled)
{
    struct publish_emoncms *p = w->data;
    char cause[STATUS_CAUSE_MAX];

    p->phase = PHASE_STOPPED;
    if (p->closing) {
        end_if_closing(p);
        return;
    }
    show_backlog(p);
    if (cancelled != 0 || p->save_err != HWT_OK) {
        snprintf(cause, sizeof(cause), "cursor file %.100s: %s", p->cursor_path,
                 hwt_err_name(p->save_err));
        fail(p, 0, cause);
        return;
    }
    if (p->batch.rows > 0) {
        all_well(p);
    }
    go_on(p);
}

/* The batch is with the server, or holds no row: its records are done with. */
static void advance(struct publish_emoncms *p)
{
    const struct batch *b = &p->batch;

    if (b->lost > 0) {
        LOG(LOG_WARN, p->id, "records gone from the log lost=%" PRIu64, b->lost);
    }
    status_count(p->status, "lost", b->lost);
    status_count(p->status, "untimed", b->untimed);
    status_count(p->status, "empty", b->empty);
    status_count(p->status, "thinned", b->thinned);
    p->advanced_at_ms = uv_now(p->loop);
    free(p->batch.body);
    p->batch.body = NULL;
    p->cursor = p->batch.next;
    p->known = true;
    p->phase = PHASE_SAVING;
    uv_queue_work(p->loop, &p->work, save_cursor, cursor_saved);
}

/* --- the answer --- */

/* The beginning of what the server said, on one line: the `message` of its JSON if there is one. */
static void said(const struct http_answer *a, char *out, size_t n)
{
    static const char key[] = "\"message\": \"";
    const char *s = strstr(a->body, key);
    char end = s != NULL ? '"' : '\0';
    size_t at = 0;

    s = s != NULL ? s + sizeof(key) - 1 : a->body;
    for (; *s != '\0' && *s != end && at + 1 < n; s++) {
        out[at++] = *s >= 0x20 && *s < 0x7F ? *s : ' ';
    }
    out[at] = '\0';
}

/* One sentence: what was wrong with the answer. */
static void judge(const struct http_answer *a, char *cause, size_t n)
{
    char text[SAID_MAX + 1];

    said(a, text, sizeof(text));
    if (a->status == 0) {
        snprintf(cause, n, "no answer: %.120s", a->error);
    } else if (a->status == 401 || a->status == 403) {
        snprintf(cause, n, "key refused: HTTP %ld: %s", a->status, text);
    } else if (a->status >= 300 && a->status < 400) {
        snprintf(cause, n, "HTTP %ld: the server has moved; put its address into url", a->status);
    } else if (a->status != 200) {
        snprintf(cause, n, "HTTP %ld: %s", a->status, text);
    } else if (a->body_n == 0) {
        snprintf(cause, n, "empty answer: is it the write key?");
    } else {
        snprintf(cause, n, "not taken: %s", text);
    }
}

static void taken(struct publish_emoncms *p)
{
    status_count(p->status, "posts", 1);
    status_count(p->status, "rows", p->batch.rows);
    status_good(p->status, unix_now(p));
    advance(p);
}

static void answered(void *ctx, const struct http_answer *a)
{
    struct publish_emoncms *p = ctx;
    char cause[STATUS_CAUSE_MAX];
    uint64_t at_least_ms = 0;
    int64_t asked_s = a->retry_after_s < RETRY_AFTER_MAX_S ? a->retry_after_s : RETRY_AFTER_MAX_S;

    if (a->status == 200 && a->body_n == 2 && strcmp(a->body, "ok") == 0) {
        taken(p);
        return;
    }
    if (a->status == 401 || a->status == 403) {
        at_least_ms = p->refused_ms;
    } else if (asked_s > 0) {
        at_least_ms = (uint64_t)asked_s * 1000;
    }
    if (a->status == 413 && p->rows > 1) {
        p->rows = p->batch.rows > 1 ? p->batch.rows / 2 : 1;
    }
    judge(a, cause, sizeof(cause));
    fail(p, at_least_ms, cause);
}

/* --- a batch --- */

static void load_cursor(struct publish_emoncms *p)
{
    struct cursor c;
    int err = cursor_load(p->cursor_path, &c);

    if (err == HWT_OK && strcmp(c.stream, p->cursor.stream) == 0) {
        p->cursor = c;
        p->known = true;
    } else if (err != HWT_ERR_NOT_FOUND) {
        LOG(LOG_WARN, p->id, "cursor unreadable error=%s, all records are sent again",
            hwt_err_name(err == HWT_OK ? HWT_ERR_NOT_MINE : err));
    }
}

static void make_batch(uv_work_t *w)
{
    struct publish_emoncms *p = w->data;

    if (!p->loaded) {
        load_cursor(p);
        p->loaded = true;
    }
    batch_make(p->source, &p->encode, &p->cursor, p->known, p->rows, &p->batch);
}

static void say_oddity(const struct publish_emoncms *p)
{
    switch (p->batch.oddity) {
    case BATCH_OTHER_LOG:
        LOG(LOG_WARN, p->id, "cursor is of another log, starting at the oldest record");
        break;
    case BATCH_LOG_SHORTER:
        LOG(LOG_WARN, p->id, "log ends before the cursor, going on at sequence=%" PRIu64,
            p->batch.last + 1);
        break;
    case BATCH_AS_USUAL:
    case BATCH_FIRST:
        break;
    }
}

static void post(struct publish_emoncms *p)
{
    struct http_post request = {
        .url = p->url,
        .bearer = p->key,
        .type = "application/x-www-form-urlencoded",
        .body = p->batch.body,
        .body_n = p->batch.body_n,
        .allow_cleartext = p->allow_cleartext,
    };
    int err = http_client_post(p->http, &request, answered, p);

    p->phase = PHASE_POSTING;
    if (err != HWT_OK) {
        fail(p, 0, err == HWT_ERR_ARGUMENT ? "the url or the key cannot be used" : "no memory");
    }
}

static void batch_made(uv_work_t *w, int cancelled)
{
    struct publish_emoncms *p = w->data;
    char cause[STATUS_CAUSE_MAX];

    p->phase = PHASE_STOPPED;
    if (p->closing) {
        end_if_closing(p);
        return;
    }
    if (cancelled != 0 || (p->batch.err != HWT_OK && p->batch.body == NULL)) {
        snprintf(cause, sizeof(cause), "the log cannot be read: %s", hwt_err_name(p->batch.err));
        fail(p, 0, cause);
        return;
    }
    p->last = p->batch.last > p->last ? p->batch.last : p->last;
    if (!p->known || p->batch.oddity != BATCH_AS_USUAL) {
        say_oddity(p);
    }
    if (p->batch.body != NULL) {
        show_backlog(p);
        post(p);
    } else if (p->batch.next.sequence != p->cursor.sequence || !p->known) {
        advance(p);
    } else {
        show_backlog(p);
        go_on(p);
    }
}

static void read_batch(struct publish_emoncms *p)
{
    p->phase = PHASE_READING;
    uv_queue_work(p->loop, &p->work, make_batch, batch_made);
}

/* --- the publisher --- */

static uint64_t or_default(uint64_t v, uint64_t fallback)
{
    return v > 0 ? v : fallback;
}

static bool copy_texts(struct publish_emoncms *p, const struct emoncms_options *o)
{
    size_t n = strlen(o->url);

    while (n > 0 && o->url[n - 1] == '/') {
        n--;
    }
    return n < TEXT_MAX &&
           snprintf(p->url, sizeof(p->url), "%.*s/input/bulk.json?time=0", (int)n, o->url) <
               (int)sizeof(p->url) &&
           snprintf(p->id, sizeof(p->id), "%s", o->id) < (int)sizeof(p->id) &&
           snprintf(p->key, sizeof(p->key), "%s", o->key) < (int)sizeof(p->key) &&
           snprintf(p->node, sizeof(p->node), "%s", o->node) < (int)sizeof(p->node) &&
           snprintf(p->cursor.stream, sizeof(p->cursor.stream), "%s",
                    o->stream != NULL ? o->stream : "own") < (int)sizeof(p->cursor.stream) &&
           snprintf(p->cursor_path, sizeof(p->cursor_path), "%s/cursors/%s.cur", o->data_dir,
                    o->id) < (int)sizeof(p->cursor_path);
}

/* NULL, or why these options cannot work. */
static const char *wrong(const struct publish_emoncms *p)
{
    if (strncmp(p->url, "http://", 7) == 0) {
        return p->allow_cleartext ? NULL : "url is plain http: use https, or allow_cleartext";
    }
    if (strncmp(p->url, "https://", 8) != 0) {
        return "url must begin with https://";
    }
    return NULL;
}

struct publish_emoncms *publish_emoncms_new(uv_loop_t *loop, const struct emoncms_options *o)
{
    struct publish_emoncms *p = calloc(1, sizeof(*p));

    if (p == NULL) {
        return NULL;
    }
    p->http = http_client_new(loop, o->timeout_s > 0 ? o->timeout_s : TIMEOUT_S);
    if (p->http == NULL) {
        free(p);
        return NULL;
    }
    p->loop = loop;
    p->source = o->source;
    p->status = o->status;
    p->clock = o->clock;
    p->allow_cleartext = o->allow_cleartext;
    p->interval_ms = or_default(o->interval_s, INTERVAL_S) * 1000;
    p->retry_min_ms = or_default(o->retry_min_ms, RETRY_MIN_MS);
    p->retry_max_ms = or_default(o->retry_max_ms, RETRY_MAX_MS);
    p->refused_ms = or_default(o->refused_ms, REFUSED_MS);
    p->rows = (size_t)or_default(o->batch, BATCH_ROWS);
    p->random = (uint32_t)uv_hrtime();
    p->work.data = p;
    p->timer.data = p;
    uv_timer_init(loop, &p->timer);
    if (!copy_texts(p, o)) {
        status_set(p->status, STATUS_FAILED, unix_now(p), "url, key, node or data_dir is too long");
        p->source = NULL; /* never started */
    }
    p->encode = (struct hwt_emoncms_options){.node = p->node,
                                             .channels = o->channels,
                                             .channel_count = o->channel_count,
                                             .spacing_s = HWT_EMONCMS_SPACING_S};
    p->cursor.slot = HWT_EMONCMS_NO_SLOT;
    return p;
}

void publish_emoncms_start(struct publish_emoncms *p)
{
    const char *why = wrong(p);

    if (p->phase != PHASE_STOPPED || p->source == NULL) {
        return;
    }
    if (why != NULL) {
        status_set(p->status, STATUS_FAILED, unix_now(p), "%s", why);
        return;
    }
    wait_ms(p, 0);
}

void publish_emoncms_wake(struct publish_emoncms *p, uint64_t last)
{
    p->last = last > p->last ? last : p->last;
    if (p->phase == PHASE_READING || p->phase == PHASE_SAVING || !p->loaded) {
        return; /* the cursor is the worker's; it is shown when that is done */
    }
    show_backlog(p);
    if (p->phase == PHASE_HUNGRY && p->last > p->cursor.sequence) {
        go_on(p);
    }
}

static void timer_closed(uv_handle_t *h)
{
    struct publish_emoncms *p = h->data;

    p->timer_closed = true;
    end_if_closing(p);
}

void publish_emoncms_free(struct publish_emoncms *p)
{
    if (p == NULL) {
        return;
    }
    http_client_free(p->http);
    p->closing = true;
    if (p->phase != PHASE_READING && p->phase != PHASE_SAVING) {
        p->phase = PHASE_STOPPED;
    }
    uv_timer_stop(&p->timer);
    uv_close((uv_handle_t *)&p->timer, timer_closed);
}
