/*
 * server.c: requests on libmicrohttpd.
 *
 * Its access handler is called at the end of the headers, then for each piece of a body, then once
 * more. A reply queued in the first call closes the connection: so the first call only looks, and
 * the last one answers; a request that is to be refused with its body unread is answered at once.
 */
#include "daemon/http/server.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "daemon/http/server_mhd.h"

struct request_state {
    struct http_request request;
    bool seen; /* the first call was made */
    char text[];
};

/* The URI as it came, before the library decodes and cuts it. Its result is the request's state. */
static void *begin(void *cls, const char *uri, struct MHD_Connection *connection)
{
    size_t n = strlen(uri);
    size_t keep = n > HTTP_URI_MAX ? HTTP_URI_MAX : n;
    struct request_state *state = calloc(1, sizeof(*state) + keep + 1);
    char *mark;

    (void)cls;
    (void)connection;
    if (state == NULL) {
        return NULL;
    }
    memcpy(state->text, uri, keep);
    state->request.path = state->text;
    state->request.too_long = n > keep;
    mark = strchr(state->text, '?');
    if (mark != NULL) {
        *mark = '\0';
        state->request.query = mark + 1;
    }
    return state;
}

static void finish(void *cls, struct MHD_Connection *connection, void **con_cls,
                   enum MHD_RequestTerminationCode code)
{
    struct request_state *state = *con_cls;

    (void)cls;
    (void)connection;
    (void)code;
    *con_cls = NULL;
    if (state != NULL && state->request.work_free != NULL) {
        state->request.work_free(state->request.work);
    }
    free(state);
}

static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    static const char *const names[HTTP_HEADERS] = {
        [HTTP_HOST] = "Host",
        [HTTP_ORIGIN] = "Origin",
        [HTTP_ACCEPT_ENCODING] = "Accept-Encoding",
        [HTTP_IF_NONE_MATCH] = "If-None-Match",
        [HTTP_LAST_EVENT_ID] = "Last-Event-ID",
        [HTTP_ACCEPT] = "Accept",
    };
    struct http_request *request = cls;

    (void)kind;
    if (value == NULL) {
        value = "";
    }
    for (unsigned i = 0; i < HTTP_HEADERS; i++) {
        if (strcasecmp(name, names[i]) == 0) {
            request->hosts += i == HTTP_HOST;
            request->origins += i == HTTP_ORIGIN;
            if (request->header[i] == NULL) {
                request->header[i] = value;
            }
            return MHD_YES;
        }
    }
    if (strcasecmp(name, "Transfer-Encoding") == 0 ||
        (strcasecmp(name, "Content-Length") == 0 && strcmp(value, "0") != 0)) {
        request->has_body = true;
    }
    return MHD_YES;
}

static enum MHD_Result answer(struct http_server *s, struct MHD_Connection *connection,
                              struct http_request *request)
{
    struct http_reply *reply = s->site.handle(s->site.ctx, request);
    unsigned status;
    enum MHD_Result queued;

    if (reply == NULL) {
        return MHD_NO;
    }
    if (reply == http_reply_later()) {
        MHD_suspend_connection(connection);
        MHD_resume_connection(connection);
        return MHD_YES;
    }
    if (reply->stream != NULL) {
        http_stream_attach(reply->stream, s, connection);
    }
    status = reply->status;
    queued = MHD_queue_response(connection, status, reply->response);
    http_reply_unref(reply);
    if (queued == MHD_YES && s->site.answered != NULL) {
        s->site.answered(s->site.ctx, status);
    }
    return queued;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload_data,
                              size_t *upload_data_size, void **con_cls)
{
    struct request_state *state = *con_cls;

    (void)url;
    (void)version;
    (void)upload_data;
    if (state == NULL) {
        return MHD_NO; /* out of memory in begin() */
    }
    if (!state->seen) {
        state->seen = true;
        state->request.method = method;
        (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, take_header, &state->request);
        if (!state->request.has_body && (strcmp(method, MHD_HTTP_METHOD_GET) == 0 ||
                                         strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)) {
            return MHD_YES;
        }
    } else if (*upload_data_size > 0) {
        *upload_data_size = 0;
        return MHD_YES;
    }
    return answer(cls, connection, &state->request);
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
                                 MHD_OPTION_URI_LOG_CALLBACK, begin, s, MHD_OPTION_NOTIFY_COMPLETED,
                                 finish, s, MHD_OPTION_END);
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
    pthread_mutex_unlock(&s->lock);
    MHD_stop_daemon(s->daemon);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
