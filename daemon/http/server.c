/*
 * server.c: requests on libmicrohttpd.
 *
 * Its access handler is called at the end of the headers, then for each piece of a body, then once
 * more. A reply queued in the first call closes the connection, and one in the midst of a body is
 * refused by the library: so the first call looks, the last one answers. Only a body too long to be
 * read to its end, or not yet under way ("Expect: 100-continue"), is answered in the first.
 */
#include "daemon/http/server.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/http/server_mhd.h"

/* Until it is woken. False: it was, since the handler was called: call it again. */
static bool sleep_until_woken(struct http_server *s, struct request_state *state)
{
    bool sleeps;

    pthread_mutex_lock(&s->lock);
    sleeps = !state->woken && !s->stopping;
    if (sleeps) {
        state->asleep = true;
        state->next = s->sleepers;
        if (state->next != NULL) {
            state->next->previous = state;
        }
        s->sleepers = state;
        MHD_suspend_connection(state->connection);
    }
    pthread_mutex_unlock(&s->lock);
    return sleeps;
}

/* Under the server's lock. */
static void wake(struct http_server *s, struct request_state *state)
{
    state->woken = true;
    if (!state->asleep) {
        return;
    }
    state->asleep = false;
    if (state->previous != NULL) {
        state->previous->next = state->next;
    } else {
        s->sleepers = state->next;
    }
    if (state->next != NULL) {
        state->next->previous = state->previous;
    }
    state->next = state->previous = NULL;
    MHD_resume_connection(state->connection);
}

void http_request_wake(struct http_request *request)
{
    struct request_state *state = (struct request_state *)request;

    pthread_mutex_lock(&state->server->lock);
    wake(state->server, state);
    pthread_mutex_unlock(&state->server->lock);
}

static enum MHD_Result send_off(struct http_server *s, struct MHD_Connection *connection,
                                struct http_reply *reply)
{
    unsigned status = reply->status;
    enum MHD_Result queued;

    if (reply->stream != NULL) {
        http_stream_attach(reply->stream, s, connection);
    }
    queued = MHD_queue_response(connection, status, reply->response);
    http_reply_unref(reply);
    if (queued == MHD_YES && s->site.answered != NULL) {
        s->site.answered(s->site.ctx, status);
    }
    return queued;
}

static struct http_reply *call_site(struct http_server *s, struct request_state *state,
                                    bool *stopping_out)
{
    pthread_mutex_lock(&s->lock);
    state->woken = false;
    *stopping_out = s->stopping;
    pthread_mutex_unlock(&s->lock);
    return s->site.handle(s->site.ctx, &state->request);
}

static enum MHD_Result answer(struct http_server *s, struct request_state *state)
{
    for (;;) {
        bool stopping;
        struct http_reply *reply = call_site(s, state, &stopping);

        if (reply == NULL) {
            return MHD_NO;
        }
        if (reply == http_reply_later()) {
            MHD_suspend_connection(state->connection);
            MHD_resume_connection(state->connection);
            return MHD_YES;
        }
        if (reply != http_reply_sleep()) {
            return send_off(s, state->connection, reply);
        }
        if (stopping) {
            return MHD_NO;
        }
        if (sleep_until_woken(s, state)) {
            return MHD_YES;
        }
    }
}

/* A request with a body, at the end of its headers. */
static enum MHD_Result meet(struct http_server *s, struct request_state *state)
{
    struct http_reply *refusal = s->site.refuse(s->site.ctx, &state->request);

    if (refusal != NULL && (state->at_once || state->request.body_length > HTTP_BODY_DRAIN)) {
        return send_off(s, state->connection, refusal);
    }
    state->refusal = refusal;
    return MHD_YES;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload_data,
                              size_t *upload_data_size, void **con_cls)
{
    struct request_state *state = *con_cls;

    (void)connection;
    (void)url;
    (void)version;
    if (state == NULL) {
        return MHD_NO; /* out of memory in request_begin() */
    }
    if (!state->seen) {
        state->seen = true;
        request_look(state, method);
        return state->request.has_body ? meet(cls, state) : MHD_YES;
    }
    if (*upload_data_size > 0) {
        bool taken = request_take(state, upload_data, *upload_data_size);

        *upload_data_size = 0;
        return taken ? MHD_YES : MHD_NO;
    }
    if (state->refusal != NULL) {
        struct http_reply *refusal = state->refusal;

        state->refusal = NULL;
        return send_off(cls, state->connection, refusal);
    }
    return answer(cls, state);
}

struct http_server *http_server_start(int fd, const struct http_site *site)
{
    struct http_server *s = calloc(1, sizeof(*s));
    unsigned flags = MHD_ALLOW_SUSPEND_RESUME;
    sigset_t all, before;

    if (s == NULL) {
        close(fd);
        return NULL;
    }
    s->site = *site;
    pthread_mutex_init(&s->lock, NULL);
    flags |= MHD_is_feature_supported(MHD_FEATURE_EPOLL) == MHD_YES ? MHD_USE_EPOLL_INTERNAL_THREAD
                                                                    : MHD_USE_AUTO_INTERNAL_THREAD;
    /* Signals are the main thread's business; the library's thread inherits this mask. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, s, MHD_OPTION_LISTEN_SOCKET, fd,
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_MEMORY,
                                 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_TIMEOUT_S,
                                 MHD_OPTION_URI_LOG_CALLBACK, request_begin, s,
                                 MHD_OPTION_NOTIFY_COMPLETED, request_end, s, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (s->daemon == NULL) {
        close(fd);
        pthread_mutex_destroy(&s->lock);
        free(s);
        return NULL;
    }
    return s;
}

void http_server_stop(struct http_server *s)
{
    if (s == NULL) {
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    http_streams_end(s);
    while (s->sleepers != NULL) {
        wake(s, s->sleepers);
    }
    pthread_mutex_unlock(&s->lock);
    MHD_stop_daemon(s->daemon);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
