/*
 * http_client.h: one HTTP POST at a time on the loop, by libcurl's multi interface.
 *
 * Sockets and time-outs of libcurl are handles of the loop; nothing blocks (names are resolved in a
 * thread of libcurl). Certificates are verified, redirects are not followed. Everything here is for
 * the loop's thread and lives in real time.
 */
#ifndef DAEMON_PUBLISH_HTTP_CLIENT_H
#define DAEMON_PUBLISH_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "core/base/err.h"

enum { HTTP_CLIENT_BODY_MAX = 512, HTTP_CLIENT_ERROR_MAX = 256 };

struct http_post {
    const char *url;    /* copied */
    const char *bearer; /* key of the Authorization header, or NULL; copied */
    const char *type;   /* Content-Type; copied */
    const char *body;   /* borrowed until done */
    size_t body_n;
    bool allow_cleartext; /* http:// too */
};

struct http_answer {
    long status;                         /* 0: there was no answer, see error */
    char error[HTTP_CLIENT_ERROR_MAX];   /* "" or why there was none */
    char body[HTTP_CLIENT_BODY_MAX + 1]; /* its beginning, NUL terminated */
    size_t body_n;                       /* bytes of it, all of them counted */
    int64_t retry_after_s;               /* what the server asked for, or 0 */
};

typedef void (*http_done)(void *ctx, const struct http_answer *answer);

struct http_client; /* opaque */

/* NULL when out of memory. */
struct http_client *http_client_new(uv_loop_t *loop, unsigned timeout_s);
/* Ends a post in flight without an answer. Its handles close as the loop runs on; run it until then
 * before closing it. */
void http_client_free(struct http_client *c);
/* Starts a post; done is called once, from the loop, later. AGAIN: one is in flight. ARGUMENT: the
 * url or a header is impossible. SPACE: out of memory. */
HWT_MUST_CHECK int http_client_post(struct http_client *c, const struct http_post *post,
                                    http_done done, void *ctx);

#endif
