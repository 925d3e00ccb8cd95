#include "daemon/drivers/tcp_port.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/base/log.h"

enum { BACKOFF_MAX_S = 30, CONNECT_MS = 5000, KEEPALIVE_S = 30, HOST_SHOWN = 80 };

/* One attempt and, if it goes well, the connection: libuv wants fresh handles for each. */
struct link {
    uv_getaddrinfo_t look_up;
    uv_connect_t connect;
    uv_tcp_t tcp;
    bool looking, closing;
    struct tcp_port *port; /* NULL once given up */
    char buf[512];
};

struct tcp_port {
    struct tcp_port_options o;
    uv_loop_t *loop;
    struct link *link; /* NULL: waiting for the next attempt */
    bool open;
    uv_timer_t timer; /* the next attempt, or the limit of this one */
    unsigned backoff_s;
};

static void begin(struct tcp_port *p);

/* 1..65535, digits only; 0: none */
static uint16_t port_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    long n = digits > 0 && digits <= 5 && text[digits] == '\0' ? strtol(text, NULL, 10) : 0;

    return n <= UINT16_MAX ? (uint16_t)n : 0;
}

bool tcp_host_split(const char *text, uint16_t standard_port, char host_out[TCP_HOST_MAX],
                    uint16_t *port_out)
{
    bool bracket = text[0] == '[';
    const char *from = text + bracket, *to = from + strcspn(from, bracket ? "]" : ":");
    const char *rest = to + (bracket && *to == ']');
    uint16_t port = *rest == ':' ? port_number(rest + 1) : standard_port;
    size_t n = (size_t)(to - from);

    if ((bracket && rest == to) || (*rest != ':' && *rest != '\0') || port == 0 || n == 0 ||
        n >= TCP_HOST_MAX || strcspn(from, " /[]@?#") < n) {
        return false;
    }
    memcpy(host_out, from, n);
    host_out[n] = '\0';
    *port_out = port;
    return true;
}

static void free_link(uv_handle_t *h)
{
    struct link *link = h->data;

    link->closing = true;
    if (!link->looking) {
        free(link);
    }
}

static void give_up(struct tcp_port *p)
{
    if (p->link != NULL) {
        p->link->port = NULL;
        if (p->link->looking) {
            uv_cancel((uv_req_t *)&p->link->look_up);
        }
        uv_close((uv_handle_t *)&p->link->tcp, free_link);
        p->link = NULL;
    }
    p->open = false;
}

static void on_again(uv_timer_t *t)
{
    begin(t->data);
}

static void fail_because(struct tcp_port *p, const char *what, const char *reason)
{
    char why[TCP_WHY_MAX];

    snprintf(why, sizeof(why), "%.*s:%u: %s: %s", HOST_SHOWN, p->o.host, (unsigned)p->o.port, what,
             reason);
    give_up(p);
    uv_update_time(p->loop);
    uv_timer_start(&p->timer, on_again, 1000 * (uint64_t)p->backoff_s, 0);
    p->backoff_s = p->backoff_s * 2 < BACKOFF_MAX_S ? p->backoff_s * 2 : BACKOFF_MAX_S;
    p->o.on_fail(p->o.ctx, why);
}

static void on_too_long(uv_timer_t *t)
{
    fail_because(t->data, "cannot connect", "no answer (switched off, another network?)");
}

static void on_buffer(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    struct link *link = h->data;

    (void)suggested;
    *out = uv_buf_init(link->buf, sizeof(link->buf));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct link *link = stream->data;

    if (link->port == NULL || n == 0) {
        return;
    }
    if (n < 0) {
        fail_because(link->port, "connection ended",
                     n == UV_EOF ? "closed by the device" : uv_strerror((int)n));
    } else {
        link->port->o.on_octets(link->port->o.ctx, (const uint8_t *)buf->base, (size_t)n);
    }
}

static void on_connected(uv_connect_t *request, int status)
{
    struct link *link = request->data;
    struct tcp_port *p = link->port;

    if (p == NULL) {
        return;
    }
    uv_timer_stop(&p->timer);
    if (status < 0) {
        fail_because(p, "cannot connect", uv_strerror(status));
        return;
    }
    (void)uv_tcp_nodelay(&link->tcp, 1);
    (void)uv_tcp_keepalive(&link->tcp, 1, KEEPALIVE_S);
    status = uv_read_start((uv_stream_t *)&link->tcp, on_buffer, on_read);
    if (status < 0) {
        fail_because(p, "cannot read", uv_strerror(status));
        return;
    }
    p->open = true;
    p->o.on_open(p->o.ctx);
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct link *link = request->data;
    struct tcp_port *p = link->port;

    link->looking = false;
    if (p == NULL) { /* given up meanwhile */
        uv_freeaddrinfo(found);
        if (link->closing) {
            free(link);
        }
        return;
    }
    if (status == 0) {
        status = uv_tcp_connect(&link->connect, &link->tcp, found->ai_addr, on_connected);
    }
    uv_freeaddrinfo(found);
    if (status < 0) {
        uv_timer_stop(&p->timer);
        fail_because(p, "cannot find the host", uv_strerror(status));
    }
}

static void begin(struct tcp_port *p)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct link *link = calloc(1, sizeof(*link));
    char service[8];
    int status;

    snprintf(service, sizeof(service), "%u", (unsigned)p->o.port);
    if (link == NULL || uv_tcp_init(p->loop, &link->tcp) != 0) {
        free(link);
        fail_because(p, "cannot connect", strerror(ENOMEM));
        return;
    }
    link->port = p;
    link->look_up.data = link->connect.data = link->tcp.data = link;
    link->looking = true;
    p->link = link;
    uv_update_time(p->loop);
    uv_timer_start(&p->timer, on_too_long, CONNECT_MS, 0);
    status = uv_getaddrinfo(p->loop, &link->look_up, on_found, p->o.host, service, &hints);
    if (status < 0) {
        link->looking = false;
        fail_because(p, "cannot find the host", uv_strerror(status));
    }
}

struct tcp_port *tcp_port_new(uv_loop_t *loop, const struct tcp_port_options *options)
{
    struct tcp_port *p = calloc(1, sizeof(*p));
    char *host = strdup(options->host);

    if (p == NULL || host == NULL) {
        free(host);
        free(p);
        return NULL;
    }
    p->o = *options;
    p->o.host = host;
    p->loop = loop;
    p->backoff_s = 1;
    uv_timer_init(loop, &p->timer);
    p->timer.data = p;
    return p;
}

void tcp_port_start(struct tcp_port *p)
{
    begin(p);
}

void tcp_port_stop(struct tcp_port *p)
{
    give_up(p);
    uv_timer_stop(&p->timer);
    p->backoff_s = 1;
}

bool tcp_port_is_open(const struct tcp_port *p)
{
    return p->open;
}

void tcp_port_write(struct tcp_port *p, const uint8_t *octets, size_t n)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)octets, (unsigned)n); /* only read */
    int put = p->open ? uv_try_write((uv_stream_t *)&p->link->tcp, &buf, 1) : UV_ENOTCONN;

    if (put != (int)n) {
        LOG(LOG_DEBUG, "tcp", "short write host=%.80s octets=%d of=%zu", p->o.host, put, n);
    }
}

void tcp_port_good(struct tcp_port *p)
{
    p->backoff_s = 1;
}

void tcp_port_break(struct tcp_port *p, const char *reason)
{
    if (p->open) {
        fail_because(p, "connection given up", reason);
    }
}

static void free_port(uv_handle_t *h)
{
    struct tcp_port *p = h->data;

    free((char *)(uintptr_t)p->o.host);
    free(p);
}

void tcp_port_free(struct tcp_port *p)
{
    if (p != NULL) {
        give_up(p);
        uv_close((uv_handle_t *)&p->timer, free_port);
    }
}
