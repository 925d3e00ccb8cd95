/*
 * reply.c: replies and streams on libmicrohttpd.
 *
 * Sleeping and waking: read() found nothing, and somebody wakes the stream before its connection is
 * suspended. `woken`, set and tested under the server's lock, makes that wake count.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/http/server_mhd.h"
#include "web/assets.h"

enum {
    PIECES_MAX = 256,
    STREAM_BLOCK = 4096, /* bytes of a block to a client that cannot take chunks */
    FRESH_SEND_BUFFER =
        32 * 1024, /* bytes of a fresh stream in the kernel, about four live events */
    /* A slow reader that takes some of it now and then is not taken for one that is gone. */
    PATIENT_SEND_BUFFER = 128 * 1024
};

/* In every reply: nothing from elsewhere, no inline script or style, no framing by others. */
static const struct {
    const char *name, *value;
} security[] = {
    {"Content-Security-Policy", WEB_CONTENT_SECURITY_POLICY},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
};

bool http_reply_header(struct http_reply *reply, const char *name, const char *value)
{
    return MHD_add_response_header(reply->response, name, value) == MHD_YES;
}

/* Takes `response`, which may be NULL. */
static struct http_reply *reply_new(unsigned status, const char *type,
                                    struct MHD_Response *response)
{
    struct http_reply *reply = calloc(1, sizeof(*reply));
    bool ok;

    if (reply == NULL || response == NULL) {
        free(reply);
        if (response != NULL) {
            MHD_destroy_response(response);
        }
        return NULL;
    }
    atomic_init(&reply->refs, 1);
    reply->status = status;
    reply->response = response;
    ok = type == NULL || http_reply_header(reply, "Content-Type", type);
    for (size_t i = 0; i < sizeof(security) / sizeof(security[0]); i++) {
        ok = ok && http_reply_header(reply, security[i].name, security[i].value);
    }
    if (!ok) {
        http_reply_unref(reply);
        return NULL;
    }
    return reply;
}

struct http_reply *http_reply_copy(unsigned status, const char *type, const void *p, size_t n)
{
    /* The library copies and does not write to it; its prototype lacks the const. */
    return reply_new(
        status, type,
        MHD_create_response_from_buffer(n, (void *)(uintptr_t)p, MHD_RESPMEM_MUST_COPY));
}

struct http_reply *http_reply_lend(unsigned status, const char *type, const void *p, size_t n,
                                   void (*release)(void *owner), void *owner)
{
    void *bytes = (void *)(uintptr_t)p; /* read only, see above */
    struct MHD_Response *response;

    if (release == NULL) {
        return reply_new(status, type,
                         MHD_create_response_from_buffer(n, bytes, MHD_RESPMEM_PERSISTENT));
    }
    response = MHD_create_response_from_buffer_with_free_callback_cls(n, bytes, release, owner);
    if (response == NULL) {
        release(owner);
    }
    return reply_new(status, type, response);
}

struct http_reply *http_reply_lend_pieces(unsigned status, const char *type,
                                          const struct http_piece *pieces, size_t count,
                                          void (*release)(void *owner), void *owner)
{
    struct MHD_IoVec iov[PIECES_MAX];
    struct MHD_Response *response = NULL;

    for (size_t i = 0; i < count && count <= PIECES_MAX; i++) {
        iov[i] = (struct MHD_IoVec){pieces[i].p, pieces[i].n};
    }
    if (count <= PIECES_MAX) {
        response = MHD_create_response_from_iovec(iov, (unsigned)count, release, owner);
    }
    if (response == NULL) {
        release(owner);
    }
    return reply_new(status, type, response);
}

/* Nothing to send: sleep, unless a wake came since read was called. True: read again. */
static bool sleep_or_again(struct http_stream *s)
{
    struct http_server *server = atomic_load(&s->server);
    bool again;

    pthread_mutex_lock(&server->lock);
    again = s->woken || server->stopping;
    if (!again) {
        s->asleep = true;
        MHD_suspend_connection(s->connection);
    }
    pthread_mutex_unlock(&server->lock);
    return again;
}

static ssize_t stream_read(void *cls, uint64_t position, char *p, size_t n)
{
    struct http_stream *s = cls;
    struct http_server *server = atomic_load(&s->server);

    (void)position;
    for (;;) {
        bool stopping;
        ssize_t done;

        pthread_mutex_lock(&server->lock);
        s->woken = false;
        stopping = server->stopping;
        pthread_mutex_unlock(&server->lock);
        done = stopping ? HTTP_STREAM_BROKEN : s->ops.read(s->ctx, p, n);
        if (done > 0) {
            return done;
        }
        if (done == HTTP_STREAM_END) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        if (done == HTTP_STREAM_BROKEN) {
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
        if (done == HTTP_STREAM_AGAIN) {
            MHD_suspend_connection(s->connection);
            MHD_resume_connection(s->connection);
            return 0;
        }
        if (!sleep_or_again(s)) {
            return 0;
        }
    }
}

static void stream_free(void *cls)
{
    struct http_stream *s = cls;
    struct http_server *server = atomic_load(&s->server);

    if (server != NULL) {
        pthread_mutex_lock(&server->lock);
        if (s->previous != NULL) {
            s->previous->next = s->next;
        } else {
            server->streams = s->next;
        }
        if (s->next != NULL) {
            s->next->previous = s->previous;
        }
        pthread_mutex_unlock(&server->lock);
    }
    s->ops.free(s->ctx);
    free(s);
}

struct http_reply *http_reply_stream(unsigned status, const char *type,
                                     const struct http_stream_ops *ops, void *ctx)
{
    struct http_stream *s = calloc(1, sizeof(*s));
    struct MHD_Response *response;
    struct http_reply *reply;

    if (s == NULL) {
        ops->free(ctx);
        return NULL;
    }
    s->ops = *ops;
    s->ctx = ctx;
    response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_read, s,
                                                 stream_free);
    if (response == NULL) {
        stream_free(s);
        return NULL;
    }
    reply = reply_new(status, type, response);
    if (reply == NULL) {
        return NULL;
    }
    reply->stream = s;
    if (ops->patient && !http_reply_header(reply, "Connection", "close")) {
        http_reply_unref(reply);
        return NULL;
    }
    return reply;
}

struct http_stream *http_reply_stream_of(struct http_reply *reply)
{
    return reply->stream;
}

static void set_send_buffer(struct MHD_Connection *connection, int size)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (info != NULL) { /* where it is refused, more is under way than need be */
        (void)setsockopt(info->connect_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
}

void http_stream_attach(struct http_stream *stream, struct http_server *server,
                        struct MHD_Connection *connection)
{
    stream->connection = connection;
    pthread_mutex_lock(&server->lock);
    atomic_store(&stream->server, server);
    stream->next = server->streams;
    if (stream->next != NULL) {
        stream->next->previous = stream;
    }
    server->streams = stream;
    pthread_mutex_unlock(&server->lock);
    if (stream->ops.fresh) {
        set_send_buffer(connection, FRESH_SEND_BUFFER);
    }
    if (stream->ops.patient) {
        set_send_buffer(connection, PATIENT_SEND_BUFFER);
        (void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                                        (unsigned)HTTP_PATIENCE_S);
    }
}

static void wake(struct http_stream *stream)
{
    stream->woken = true;
    if (stream->asleep) {
        stream->asleep = false;
        MHD_resume_connection(stream->connection);
    }
}

void http_stream_wake(struct http_stream *stream)
{
    struct http_server *server = atomic_load(&stream->server);

    if (server == NULL) {
        return; /* not begun: its first read is still to come */
    }
    pthread_mutex_lock(&server->lock);
    wake(stream);
    pthread_mutex_unlock(&server->lock);
}

void http_streams_end(struct http_server *server)
{
    for (struct http_stream *s = server->streams; s != NULL; s = s->next) {
        wake(s);
    }
}

struct http_reply *http_reply_ref(struct http_reply *reply)
{
    atomic_fetch_add(&reply->refs, 1);
    return reply;
}

void http_reply_unref(struct http_reply *reply)
{
    if (reply != NULL && atomic_fetch_sub(&reply->refs, 1) == 1) {
        MHD_destroy_response(reply->response);
        free(reply);
    }
}

struct http_reply *http_reply_later(void)
{
    static struct http_reply later; /* only its address means something */

    return &later;
}

struct http_reply *http_reply_sleep(void)
{
    static struct http_reply sleep; /* the same */

    return &sleep;
}
