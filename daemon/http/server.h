/*
 * server.h: the seam between our pages and the HTTP server library below them. Only server.c,
 * request.c, reply.c and listen.c know that the library is libmicrohttpd; another server fits
 * behind the same functions.
 *
 *   bytes ──▶ library ──▶ struct http_request ──▶ site.handle() ──▶ struct http_reply ──▶ library
 *
 * One thread serves all connections; site.handle and the stream callbacks run in it and must not
 * block. A request with a body is first shown to site.refuse, without it: what is refused there
 * costs no memory. Else its body is collected as it arrives, and handled when it is whole.
 *
 * No TLS, no WebSocket.
 */
#ifndef DAEMON_HTTP_SERVER_H
#define DAEMON_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/err.h"

enum {
    HTTP_CONNECTIONS_MAX = 64,          /* open at once; the next wait in the kernel's queue */
    HTTP_CONNECTION_MEMORY = 16 * 1024, /* bytes, headers in and out; more is answered 431 */
    HTTP_TIMEOUT_S = 20,                /* real s without a byte moving */
    HTTP_PATIENCE_S = 120,              /* the same, for a stream that is `patient` */
    HTTP_URI_MAX = 4096,                /* bytes of path and query */
    HTTP_BODY_MAX = 64 * 1024,          /* bytes of a request's body */
    /* So much of a body that is refused is read and thrown away, for many clients look for the
     * answer only when they have sent all; a longer one is answered, or cut, unread. */
    HTTP_BODY_DRAIN = 1024 * 1024
};

/* The request headers that are looked at. */
enum http_header {
    HTTP_HOST,
    HTTP_ORIGIN,
    HTTP_ACCEPT_ENCODING,
    HTTP_IF_NONE_MATCH,
    HTTP_LAST_EVENT_ID,
    HTTP_ACCEPT,
    HTTP_CONTENT_TYPE,
    HTTP_HEADERS
};

struct http_request { /* borrowed: valid until the request is answered */
    const char *method;
    const char *path; /* before the '?', not decoded: no served path needs escapes */
    char *query;      /* after the '?', undecoded, or NULL */
    const char *header[HTTP_HEADERS]; /* the first of its name; NULL: absent */
    unsigned hosts;                   /* Host headers: anything but one is wrong */
    unsigned origins;
    bool has_body;
    uint64_t body_length; /* as announced; 0: not announced */
    const char *body;     /* whole, with a NUL behind it; NULL: none, or not yet */
    size_t body_n;
    bool body_too_long; /* more than HTTP_BODY_MAX came: body is NULL */
    bool local;         /* from this machine, and not passed on by a proxy that says so */
    bool too_long;      /* the URI was longer than HTTP_URI_MAX: path and query are cut */
    /* Work of a handler that answers later; freed with the request. */
    void *work;
    void (*work_free)(void *work);
};

struct http_server;
struct http_reply;
struct http_stream;

struct http_site {
    /* The reply (one reference, which the server takes), http_reply_later(), http_reply_sleep(), or
     * NULL: out of memory, the connection is closed. */
    struct http_reply *(*handle)(void *ctx, struct http_request *request);
    /* Before the body of a request is read: the reply that refuses it, or NULL. */
    struct http_reply *(*refuse)(void *ctx, struct http_request *request);
    /* A reply with this status was sent off. */
    void (*answered)(void *ctx, unsigned status);
    void *ctx;
};

/* A listening socket of a numeric address. Port 0: any free one; *port_out tells. A negative enum
 * hwt_err: ARGUMENT (no such address), IO; error_out then names what and why. */
HWT_MUST_CHECK int http_listen(const char *address, uint16_t port, uint16_t *port_out,
                               char *error_out, size_t error_n);

/* Serves until http_server_stop; closes `fd` then, or on failure (NULL). */
struct http_server *http_server_start(int fd, const struct http_site *site);
/* Ends streams, closes connections, joins the thread. No stream may be woken from then on. */
void http_server_stop(struct http_server *s);

/* --- replies: reference counted, may be sent any number of times, from any thread made --- */

/* NULL: out of memory. The usual security headers are already in every reply. */
struct http_reply *http_reply_copy(unsigned status, const char *type, const void *p, size_t n);
/* The bytes stay with `owner` until release(owner) is called; also called when this fails.
 * release may be NULL: static bytes. */
struct http_reply *http_reply_lend(unsigned status, const char *type, const void *p, size_t n,
                                   void (*release)(void *owner), void *owner);

enum http_stream_read {
    HTTP_STREAM_SLEEP = 0, /* nothing now: sleep until http_stream_wake */
    HTTP_STREAM_END = -1,
    HTTP_STREAM_AGAIN = -2, /* nothing yet: call again, after others had their turn */
    HTTP_STREAM_BROKEN = -3 /* no more can be sent: cut the connection, so that it is seen */
};

struct http_piece {
    const void *p;
    size_t n;
};

/* The same of several pieces, one behind the other. The list of pieces is copied. */
struct http_reply *http_reply_lend_pieces(unsigned status, const char *type,
                                          const struct http_piece *pieces, size_t count,
                                          void (*release)(void *owner), void *owner);

struct http_stream_ops {
    /* How many bytes were written to p (1..n), or one of enum http_stream_read. */
    ssize_t (*read)(void *ctx, char *p, size_t n);
    /* The stream is over, or was never begun. */
    void (*free)(void *ctx);
    bool fresh;   /* keep little under way, so that a slow reader gets late rather than old data */
    bool patient; /* a long body for readers that may be slow; the connection closes behind it */
};

/* A body made while it is sent; one reply for one request. ops->free(ctx) also when this fails. */
struct http_reply *http_reply_stream(unsigned status, const char *type,
                                     const struct http_stream_ops *ops, void *ctx);
/* The stream of such a reply: valid until its ops->free was called. */
struct http_stream *http_reply_stream_of(struct http_reply *reply);
/* More may be read now. Any thread; cheap when the stream is not asleep. */
void http_stream_wake(struct http_stream *stream);

/* Adds a header before the first use. False: out of memory. */
bool http_reply_header(struct http_reply *reply, const char *name, const char *value);
struct http_reply *http_reply_ref(struct http_reply *reply);
void http_reply_unref(struct http_reply *reply);
/* Not an answer yet: call handle again with the same request, after others had their turn. */
struct http_reply *http_reply_later(void);
/* The same when http_request_wake() was called, which may be before this is returned. */
struct http_reply *http_reply_sleep(void);
/* Any thread. The request must not be answered before: it is not while it sleeps, but when the
 * server stops, which calls work_free. */
void http_request_wake(struct http_request *request);

#endif
