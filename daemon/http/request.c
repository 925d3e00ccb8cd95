/*
 * request.c: what is known of a request on libmicrohttpd: its line, its headers, where it comes
 * from, its body as it arrives.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/http/server_mhd.h"

enum { BODY_FIRST = 4096 /* bytes of room for a body; doubled as it grows */ };

/* The URI as it came, before the library decodes and cuts it. Its result is the request's state. */
void *request_begin(void *cls, const char *uri, struct MHD_Connection *connection)
{
    size_t n = strlen(uri);
    size_t keep = n > HTTP_URI_MAX ? HTTP_URI_MAX : n;
    struct request_state *state = calloc(1, sizeof(*state) + keep + 1);
    char *mark;

    if (state == NULL) {
        return NULL;
    }
    state->server = cls;
    state->connection = connection;
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

void request_end(void *cls, struct MHD_Connection *connection, void **con_cls,
                 enum MHD_RequestTerminationCode code)
{
    struct request_state *state = *con_cls;

    (void)cls;
    (void)connection;
    (void)code;
    *con_cls = NULL;
    if (state == NULL) {
        return;
    }
    if (state->request.work_free != NULL) {
        state->request.work_free(state->request.work);
    }
    http_reply_unref(state->refusal);
    request_drop_body(&state->request);
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
        [HTTP_CONTENT_TYPE] = "Content-Type",
    };
    struct request_state *state = cls;
    struct http_request *request = &state->request;

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
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        request->has_body = true;
    } else if (strcasecmp(name, "Content-Length") ==
               0) { /* the library refused what is no number */
        request->body_length = strtoull(value, NULL, 10);
        request->has_body |= request->body_length > 0;
    } else if (strcasecmp(name, "Expect") == 0) {
        state->at_once = true;
    } else if (strcasecmp(name, "Forwarded") == 0 || strncasecmp(name, "X-Forwarded-", 12) == 0) {
        request->local = false;
    }
    return MHD_YES;
}

/* 127.0.0.0/8, ::1, and the former as seen by an IPv6 socket. */
static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;

        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa_family == AF_INET6) {
        const struct in6_addr *v6 =
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;

        return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
    }
    return false;
}

void request_look(struct request_state *state, const char *method)
{
    struct http_request *request = &state->request;
    const union MHD_ConnectionInfo *peer =
        MHD_get_connection_info(state->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    request->method = method;
    request->local = peer != NULL && peer->client_addr != NULL && is_loopback(peer->client_addr);
    (void)MHD_get_connection_values(state->connection, MHD_HEADER_KIND, take_header, state);
}

void request_drop_body(struct http_request *request)
{
    free((void *)(uintptr_t)request->body);
    request->body = NULL;
    request->body_n = 0;
}

static bool drain(struct request_state *state, size_t n)
{
    state->drained += n;
    return state->drained <= HTTP_BODY_DRAIN;
}

/* Room for n more bytes and a NUL. */
static char *body_room(struct request_state *state, size_t n)
{
    struct http_request *request = &state->request;
    size_t need = request->body_n + n + 1, room = BODY_FIRST;
    char *p = (char *)(uintptr_t)request->body;

    if (need <= state->body_room) {
        return p;
    }
    while (room < need) {
        room *= 2;
    }
    p = realloc(p, room);
    if (p != NULL) {
        request->body = p;
        state->body_room = room;
    }
    return p;
}

bool request_take(struct request_state *state, const char *p, size_t n)
{
    struct http_request *request = &state->request;
    char *body;

    if (state->refusal != NULL || request->body_too_long) {
        return drain(state, n);
    }
    if (n > HTTP_BODY_MAX - request->body_n) {
        request->body_too_long = true;
        request_drop_body(request);
        return drain(state, n);
    }
    body = body_room(state, n);
    if (body == NULL) {
        return false;
    }
    memcpy(body + request->body_n, p, n);
    request->body_n += n;
    body[request->body_n] = '\0';
    return true;
}
