/*
 * server_mhd.h: what server.c, request.c and reply.c share about libmicrohttpd. Nobody else
 * includes it.
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

struct request_state {
    struct http_request request; /* first: a request is cast to its state */
    struct http_server *server;
    struct MHD_Connection *connection;
    bool seen;                             /* the first call was made */
    bool at_once;                          /* a refusal is answered with the body unread */
    bool asleep;                           /* the connection is suspended */
    bool woken;                            /* since the handler was last called */
    size_t body_room;                      /* of request.body */
    size_t drained;                        /* bytes of a body that nobody wants */
    struct http_reply *refusal;            /* to be sent when the body is read, or NULL */
    struct request_state *next, *previous; /* the server's list, while asleep */
    char text[];
};

struct http_server {
    struct MHD_Daemon *daemon;
    struct http_site site;
    pthread_mutex_t lock; /* of asleep and woken, of the lists, of stopping */
    struct http_stream *streams;
    struct request_state *sleepers;
    bool stopping;
};

/* request.c: a request's life. The first two are the library's callbacks. */
void *request_begin(void *cls, const char *uri, struct MHD_Connection *connection);
void request_end(void *cls, struct MHD_Connection *connection, void **con_cls,
                 enum MHD_RequestTerminationCode code);
/* Its headers, and where it comes from. */
void request_look(struct request_state *state, const char *method);
/* The next n bytes of its body. False: out of memory, or far too many: cut the connection. */
bool request_take(struct request_state *state, const char *p, size_t n);
void request_drop_body(struct http_request *request);

/* Before a stream's reply is queued, on its connection. */
void http_stream_attach(struct http_stream *stream, struct http_server *server,
                        struct MHD_Connection *connection);
/* Resumes all sleeping streams; they end. Under the server's lock. */
void http_streams_end(struct http_server *server);

#endif
