/*
 * server_mhd.h: what server.c and reply.c share about libmicrohttpd. Nobody else includes it.
 */
#ifndef DAEMON_HTTP_SERVER_MHD_H
#define DAEMON_HTTP_SERVER_MHD_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "daemon/http/server.h"

struct http_stream {
    struct http_stream_ops ops;
    void *ctx;
    _Atomic(struct http_server *) server; /* NULL until the reply is queued */
    struct MHD_Connection *connection;
    bool asleep;                         /* the connection is suspended */
    bool woken;                          /* since read was last called */
    struct http_stream *next, *previous; /* the server's list */
};

struct http_reply {
    atomic_uint refs;
    unsigned status;
    struct MHD_Response *response;
    struct http_stream *stream; /* or NULL */
};

struct http_server {
    struct MHD_Daemon *daemon;
    struct http_site site;
    pthread_mutex_t lock; /* of the streams' asleep and woken, of the list, of stopping */
    struct http_stream *streams;
    bool stopping;
};

/* Before a stream's reply is queued, on its connection. */
void http_stream_attach(struct http_stream *stream, struct http_server *server,
                        struct MHD_Connection *connection);
/* Resumes all sleeping streams; they end. Under the server's lock. */
void http_streams_end(struct http_server *server);

#endif
