#include "daemon/drivers/tcp_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"

enum { BACKOFF_MAX_S = 30, CONNECT_S = 10, KEEPALIVE_S = 30, WHY_MAX = 200 };

/* One attempt: libuv wants fresh handles for each. Freed by its last close callback. */
struct link {
    uv_tcp_t tcp;
    uv_getaddrinfo_t name;
    uv_connect_t connect;
    struct tcp_port *port; /* NULL once closing */
    bool naming;           /* the look-up runs */
    bool open, closed;
    char buf[512];
};

struct tcp_port {
    struct tcp_port_options o;
    uv_loop_t *loop;
    struct link *link; /* NULL: between two attempts */
    uv_timer_t timer;  /* the next attempt, or the end of this one */
    char host[TCP_HOST_MAX], port[8];
    unsigned backoff_s;
};

struct write {
    uv_write_t request;
    uint8_t octets[];
};

static void start_link(struct tcp_port *p);

bool tcp_host_split(const char *text, char host_out[TCP_HOST_MAX], char port_out[8])
{
    const char *colon = strrchr(text, ':'), *from = text, *to = colon;
    size_t digits;

    if (colon == NULL) {
        return false;
    }
    if (text[0] == '[') {
        from = text + 1;
        to = colon - 1;
        if (to <= from || *to != ']') {
            return false;
        }
    } else if (memchr(text, ':', (size_t)(colon - text)) != NULL) {
        return false; /* a bare IPv6 address: where does it end? */
    }
    digits = strlen(colon + 1);
    if (to == from || to - from >= TCP_HOST_MAX || digits == 0 || digits > 5 ||
        strspn(colon + 1, "0123456789") != digits || atoi(colon + 1) > 65535 ||
        atoi(colon + 1) == 0) {
        return false;
    }
    snprintf(host_out, TCP_HOST_MAX, "%.*s", (int)(to - from), from);
    snprintf(port_out, 8, "%s", colon + 1);
    return true;
}

/* --- coming and going ------------------------------------------------------------------------ */

static void free_link(struct link *link)
{
    if (link->closed && !link->naming) {
        free(link);
    }
}

static void on_closed(uv_handle_t *h)
{
    struct link *link = h->data;

    link->closed = true;
    free_link(link);
}

static void close_link(struct tcp_port *p)
{
    struct link *link = p->link;

    if (link != NULL) {
        p->link = NULL;
        link->port = NULL;
        if (link->naming) {
            uv_cancel((uv_req_t *)&link->name);
        }
        uv_close((uv_handle_t *)&link->tcp, on_closed);
    }
}

static void on_retry(uv_timer_t *t)
{
    start_link(t->data);
}

static void fail(struct tcp_port *p, const char *what, const char *reason)
{
    char why[WHY_MAX];

    snprintf(why, sizeof(why), "%.100s: %s: %s", p->o.host, what, reason);
    close_link(p);
    uv_update_time(p->loop);
    uv_timer_start(&p->timer, on_retry, 1000 * (uint64_t)p->backoff_s, 0);
    p->backoff_s = p->backoff_s * 2 < BACKOFF_MAX_S ? p->backoff_s * 2 : BACKOFF_MAX_S;
    p->o.on_fail(p->o.ctx, why);
}

static void on_too_late(uv_timer_t *t)
{
    fail(t->data, "cannot connect", "no answer (is the gateway switched on?)");
}

/* --- octets ---------------------------------------------------------------------------------- */

static void give_room(uv_handle_t *h, size_t wanted, uv_buf_t *buf)
{
    struct link *link = h->data;

    (void)wanted;
    *buf = uv_buf_init(link->buf, sizeof(link->buf));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct link *link = s->data;

    if (link->port == NULL || n == 0) {
        return;
    }
    if (n < 0) {
        fail(link->port, "connection lost",
             n == UV_EOF ? "the gateway closed it (does another program use it?)"
                         : uv_strerror((int)n));
        return;
    }
    link->port->o.on_octets(link->port->o.ctx, (const uint8_t *)buf->base, (size_t)n);
}

static void on_written(uv_write_t *request, int status)
{
    (void)status; /* an error shows in on_read */
    free(request->data);
}

void tcp_port_write(struct tcp_port *p, const uint8_t *octets, size_t n)
{
    struct write *w = tcp_port_is_open(p) ? malloc(sizeof(*w) + n) : NULL;
    uv_buf_t buf;

    if (w == NULL) {
        return;
    }
    memcpy(w->octets, octets, n);
    buf = uv_buf_init((char *)w->octets, (unsigned)n);
    w->request.data = w;
    if (uv_write(&w->request, (uv_stream_t *)&p->link->tcp, &buf, 1, on_written) != 0) {
        LOG(LOG_DEBUG, "tcp", "write failed host=%.80s octets=%zu", p->o.host, n);
        free(w);
    }
}

/* --- connecting ------------------------------------------------------------------------------ */

static void on_connected(uv_connect_t *request, int status)
{
    struct link *link = request->data;
    struct tcp_port *p = link->port;

    if (p == NULL) {
        return;
    }
    if (status != 0) {
        fail(p, "cannot connect", uv_strerror(status));
        return;
    }
    uv_timer_stop(&p->timer);
    link->open = true;
    uv_tcp_nodelay(&link->tcp, 1);
    uv_tcp_keepalive(&link->tcp, 1, KEEPALIVE_S);
    uv_read_start((uv_stream_t *)&link->tcp, give_room, on_read);
    p->o.on_open(p->o.ctx);
}

static void on_named(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct link *link = request->data;
    int err = status;

    link->naming = false;
    if (link->port == NULL) {
        free_link(link);
    } else if (status != 0) {
        fail(link->port, "name not found", uv_strerror(status));
    } else {
        link->connect.data = link;
        err = uv_tcp_connect(&link->connect, &link->tcp, found->ai_addr, on_connected);
        if (err != 0) {
            fail(link->port, "cannot connect", uv_strerror(err));
        }
    }
    uv_freeaddrinfo(found);
}

static void start_link(struct tcp_port *p)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct link *link = calloc(1, sizeof(*link));
    int err;

    if (link == NULL || uv_tcp_init(p->loop, &link->tcp) != 0) {
        free(link);
        fail(p, "cannot connect", "out of memory");
        return;
    }
    link->tcp.data = link->name.data = link;
    link->port = p;
    p->link = link;
    uv_update_time(p->loop);
    uv_timer_start(&p->timer, on_too_late, 1000 * (uint64_t)CONNECT_S, 0);
    link->naming = true;
    err = uv_getaddrinfo(p->loop, &link->name, on_named, p->host, p->port, &hints);
    if (err != 0) {
        link->naming = false;
        fail(p, "name not found", uv_strerror(err));
    }
}

struct tcp_port *tcp_port_new(uv_loop_t *loop, const struct tcp_port_options *options)
{
    struct tcp_port *p = calloc(1, sizeof(*p));

    if (p == NULL || !tcp_host_split(options->host, p->host, p->port)) {
        free(p);
        return NULL;
    }
    p->o = *options;
    p->o.host = strdup(options->host);
    if (p->o.host == NULL) {
        free(p);
        return NULL;
    }
    p->loop = loop;
    p->backoff_s = 1;
    uv_timer_init(loop, &p->timer);
    p->timer.data = p;
    return p;
}

void tcp_port_start(struct tcp_port *p)
{
    start_link(p);
}

bool tcp_port_is_open(const struct tcp_port *p)
{
    return p->link != NULL && p->link->open;
}

void tcp_port_good(struct tcp_port *p)
{
    p->backoff_s = 1;
}

static void free_port(uv_handle_t *h)
{
    struct tcp_port *p = h->data;

    free((char *)p->o.host);
    free(p);
}

void tcp_port_free(struct tcp_port *p)
{
    if (p != NULL) {
        close_link(p);
        uv_close((uv_handle_t *)&p->timer, free_port);
    }
}
