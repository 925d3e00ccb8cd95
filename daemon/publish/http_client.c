#include "daemon/publish/http_client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct http_client {
    uv_loop_t *loop;
    uv_timer_t timer; /* libcurl's */
    CURLM *multi;
    CURL *easy; /* kept for its connection */
    struct curl_slist *headers;
    long timeout_s;
    http_done done; /* NULL: idle */
    void *ctx;
    struct http_answer answer;
    char error[CURL_ERROR_SIZE];
};

struct watch { /* one socket of libcurl; outlives the client until its handle is closed */
    uv_poll_t poll;
    curl_socket_t socket;
    struct http_client *client; /* NULL: no longer watched */
};

/* --- the end of a post --- */

static void finish(struct http_client *c, CURLcode code)
{
    http_done done = c->done;
    curl_off_t retry_after = 0;

    curl_multi_remove_handle(c->multi, c->easy);
    curl_slist_free_all(c->headers);
    c->headers = NULL;
    c->done = NULL;
    if (code == CURLE_OK) {
        curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &c->answer.status);
        curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &retry_after);
        c->answer.retry_after_s = (int64_t)retry_after;
    } else {
        snprintf(c->answer.error, sizeof(c->answer.error), "%s",
                 c->error[0] != '\0' ? c->error : curl_easy_strerror(code));
    }
    done(c->ctx, &c->answer);
}

/* After libcurl was told of something. The client may be gone when this returns. */
static void check_done(struct http_client *c)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
        if (m->msg == CURLMSG_DONE) {
            finish(c, m->data.result);
            return; /* there was only the one */
        }
    }
}

/* --- libcurl's sockets and timer on the loop --- */

static void free_watch(uv_handle_t *h)
{
    free(h->data);
}

static void on_socket(uv_poll_t *h, int status, int events)
{
    struct watch *w = h->data;
    struct http_client *c = w->client;
    int flags = 0, running;

    flags |= status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= (events & UV_READABLE) ? CURL_CSELECT_IN : 0;
    flags |= (events & UV_WRITABLE) ? CURL_CSELECT_OUT : 0;
    if (c != NULL) {
        curl_multi_socket_action(c->multi, w->socket, flags, &running);
        check_done(c);
    }
}

static void unwatch(struct http_client *c, struct watch *w)
{
    if (w != NULL) {
        curl_multi_assign(c->multi, w->socket, NULL);
        w->client = NULL;
        uv_poll_stop(&w->poll);
        uv_close((uv_handle_t *)&w->poll, free_watch);
    }
}

static struct watch *watch(struct http_client *c, curl_socket_t s)
{
    struct watch *w = calloc(1, sizeof(*w));

    if (w == NULL || uv_poll_init_socket(c->loop, &w->poll, s) != 0) {
        free(w);
        return NULL;
    }
    w->poll.data = w;
    w->socket = s;
    w->client = c;
    curl_multi_assign(c->multi, s, w);
    return w;
}

static int socket_changed(CURL *easy, curl_socket_t s, int what, void *ctx, void *of_socket)
{
    struct http_client *c = ctx;
    struct watch *w = of_socket;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        unwatch(c, w);
        return 0;
    }
    if (w == NULL) {
        w = watch(c, s);
    }
    events |= what != CURL_POLL_OUT ? UV_READABLE : 0;
    events |= what != CURL_POLL_IN ? UV_WRITABLE : 0;
    return w != NULL && uv_poll_start(&w->poll, events, on_socket) == 0 ? 0 : -1;
}

static void on_timer(uv_timer_t *t)
{
    struct http_client *c = t->data;
    int running;

    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    check_done(c);
}

/* libcurl forbids calling it back from here, so even 0 ms goes through the loop. */
static int timer_changed(CURLM *multi, long timeout_ms, void *ctx)
{
    struct http_client *c = ctx;

    (void)multi;
    if (timeout_ms < 0) {
        uv_timer_stop(&c->timer);
    } else {
        uv_timer_start(&c->timer, on_timer, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct http_answer *a = ctx;
    size_t bytes = size * n;
    size_t kept = a->body_n < HTTP_CLIENT_BODY_MAX ? a->body_n : HTTP_CLIENT_BODY_MAX;
    size_t room = HTTP_CLIENT_BODY_MAX - kept;

    memcpy(a->body + kept, p, bytes < room ? bytes : room);
    a->body[kept + (bytes < room ? bytes : room)] = '\0';
    a->body_n += bytes;
    return bytes;
}

/* --- the client --- */

static void free_client(uv_handle_t *h)
{
    free(h->data);
}

struct http_client *http_client_new(uv_loop_t *loop, unsigned timeout_s)
{
    struct http_client *c = calloc(1, sizeof(*c));

    if (c == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(c);
        return NULL;
    }
    c->multi = curl_multi_init();
    c->easy = curl_easy_init();
    if (c->multi == NULL || c->easy == NULL) {
        curl_easy_cleanup(c->easy);
        curl_multi_cleanup(c->multi);
        curl_global_cleanup();
        free(c);
        return NULL;
    }
    c->loop = loop;
    c->timeout_s = (long)timeout_s;
    uv_timer_init(loop, &c->timer);
    c->timer.data = c;
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    return c;
}

void http_client_free(struct http_client *c)
{
    if (c == NULL) {
        return;
    }
    if (c->done != NULL) {
        curl_multi_remove_handle(c->multi, c->easy);
    }
    curl_slist_free_all(c->headers);
    curl_easy_cleanup(c->easy);
    curl_multi_cleanup(c->multi); /* takes its sockets off the loop by socket_changed */
    curl_global_cleanup();
    uv_timer_stop(&c->timer);
    uv_close((uv_handle_t *)&c->timer, free_client);
}

/* Appends "name: value"; false when out of memory or when the value would break the line. */
static bool add_header(struct http_client *c, const char *name, const char *value)
{
    char line[512];
    struct curl_slist *more;

    if (strpbrk(value, "\r\n") != NULL ||
        snprintf(line, sizeof(line), "%s: %s", name, value) >= (int)sizeof(line)) {
        return false;
    }
    more = curl_slist_append(c->headers, line);
    if (more != NULL) {
        c->headers = more;
    }
    return more != NULL;
}

static bool set_headers(struct http_client *c, const struct http_post *post)
{
    char bearer[400];
    struct curl_slist *more;

    if (!add_header(c, "Content-Type", post->type)) {
        return false;
    }
    if (post->bearer != NULL &&
        (snprintf(bearer, sizeof(bearer), "Bearer %s", post->bearer) >= (int)sizeof(bearer) ||
         !add_header(c, "Authorization", bearer))) {
        return false;
    }
    more = curl_slist_append(c->headers, "Expect:"); /* no round trip before a large body */
    c->headers = more != NULL ? more : c->headers;
    return more != NULL;
}

static bool set_options(struct http_client *c, const struct http_post *post)
{
    CURL *e = c->easy;

    curl_easy_reset(e);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, &c->answer);
    curl_easy_setopt(e, CURLOPT_TIMEOUT, c->timeout_s);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, c->timeout_s);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "heatwatt");
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
    curl_easy_setopt(e, CURLOPT_POST, 1L);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, post->body);
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body_n);
    return curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR,
                            post->allow_cleartext ? "http,https" : "https") == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_URL, post->url) == CURLE_OK;
}

int http_client_post(struct http_client *c, const struct http_post *post, http_done done, void *ctx)
{
    if (c->done != NULL) {
        return HWT_ERR_AGAIN;
    }
    memset(&c->answer, 0, sizeof(c->answer));
    c->error[0] = '\0';
    if (!set_headers(c, post) || !set_options(c, post)) {
        curl_slist_free_all(c->headers);
        c->headers = NULL;
        return HWT_ERR_ARGUMENT;
    }
    c->done = done;
    c->ctx = ctx;
    if (curl_multi_add_handle(c->multi, c->easy) != CURLM_OK) {
        curl_slist_free_all(c->headers);
        c->headers = NULL;
        c->done = NULL;
        return HWT_ERR_SPACE;
    }
    return HWT_OK;
}
