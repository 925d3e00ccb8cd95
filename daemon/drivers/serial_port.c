#include "daemon/drivers/serial_port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"

enum {
    BACKOFF_MAX_S = 30,
    READS_MAX = 8 /* chunks taken in one wake-up, so that a babbling port starves nobody */
};

/* One descriptor: libuv wants a fresh handle for each. */
struct line {
    uv_poll_t poll;
    int fd;
    struct serial_port *port; /* NULL once closing */
};

struct serial_port {
    struct serial_port_options o;
    uv_loop_t *loop;
    struct line *line; /* NULL: not open */
    uv_timer_t reopen;
    unsigned backoff_s;
};

static void open_line(struct serial_port *p);

static void free_line(uv_handle_t *h)
{
    struct line *line = h->data;

    close(line->fd);
    free(line);
}

static void close_line(struct serial_port *p)
{
    if (p->line != NULL) {
        p->line->port = NULL;
        uv_poll_stop(&p->line->poll);
        uv_close((uv_handle_t *)&p->line->poll, free_line);
        p->line = NULL;
    }
}

static void on_reopen(uv_timer_t *t)
{
    open_line(t->data);
}

static void fail(struct serial_port *p, const char *why)
{
    close_line(p);
    uv_update_time(p->loop);
    uv_timer_start(&p->reopen, on_reopen, 1000 * (uint64_t)p->backoff_s, 0);
    p->backoff_s = p->backoff_s * 2 < BACKOFF_MAX_S ? p->backoff_s * 2 : BACKOFF_MAX_S;
    p->o.on_fail(p->o.ctx, why);
}

static void fail_because(struct serial_port *p, const char *what, const char *reason)
{
    char why[SERIAL_WHY_MAX];

    snprintf(why, sizeof(why), "%.80s: %s: %s", p->o.path, what, reason);
    fail(p, why);
}

/* Whether the device is gone: read tells it by an error before poll does by an event. */
static bool is_gone(int error)
{
    return error == EIO || error == ENXIO || error == ENODEV;
}

/* Hands on what has come, while the port lasts. */
static void read_line(struct line *line)
{
    uint8_t buf[512];

    for (int i = 0; i < READS_MAX && line->port != NULL; i++) {
        ssize_t n = read(line->fd, buf, sizeof(buf));

        if (n > 0) {
            line->port->o.on_octets(line->port->o.ctx, buf, (size_t)n);
        } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        } else if (n == 0 || is_gone(errno)) {
            fail_because(line->port, "hung up", "unplugged?");
        } else {
            fail_because(line->port, "cannot read", strerror(errno));
        }
    }
}

static void on_ready(uv_poll_t *handle, int error, int events)
{
    struct line *line = handle->data;

    if (line->port == NULL) {
        return;
    }
    if (error == UV_EBADF) { /* libuv's word for any POLLERR; the descriptor itself is open */
        fail_because(line->port, "hung up", "unplugged?");
    } else if (error < 0) {
        fail_because(line->port, "cannot watch", uv_strerror(error));
    } else if ((events & UV_READABLE) != 0) {
        read_line(line);
    } else if ((events & UV_DISCONNECT) != 0) {
        fail_because(line->port, "hung up", "unplugged?");
    }
}

static void open_line(struct serial_port *p)
{
    char why[SERIAL_WHY_MAX];
    int fd = serial_open(p->o.path, p->o.baud, p->o.framing, why);
    struct line *line;

    if (fd < 0) {
        fail(p, why);
        return;
    }
    line = calloc(1, sizeof(*line));
    if (line == NULL || uv_poll_init(p->loop, &line->poll, fd) != 0) {
        free(line);
        close(fd);
        fail_because(p, "cannot watch", strerror(ENOMEM));
        return;
    }
    line->fd = fd;
    line->port = p;
    line->poll.data = line;
    p->line = line;
    uv_poll_start(&line->poll, UV_READABLE | UV_DISCONNECT, on_ready);
    p->o.on_open(p->o.ctx);
}

struct serial_port *serial_port_new(uv_loop_t *loop, const struct serial_port_options *options)
{
    struct serial_port *p = calloc(1, sizeof(*p));
    char *path = strdup(options->path);

    if (p == NULL || path == NULL || !serial_baud_is_standard(options->baud)) {
        free(path);
        free(p);
        return NULL;
    }
    p->o = *options;
    p->o.path = path;
    p->loop = loop;
    p->backoff_s = 1;
    uv_timer_init(loop, &p->reopen);
    p->reopen.data = p;
    return p;
}

void serial_port_start(struct serial_port *p)
{
    open_line(p);
}

void serial_port_stop(struct serial_port *p)
{
    close_line(p);
    uv_timer_stop(&p->reopen);
    p->backoff_s = 1;
}

bool serial_port_is_open(const struct serial_port *p)
{
    return p->line != NULL;
}

void serial_port_write(struct serial_port *p, const uint8_t *octets, size_t n)
{
    ssize_t put = p->line != NULL ? write(p->line->fd, octets, n) : -1;

    if (put != (ssize_t)n) {
        LOG(LOG_DEBUG, "serial", "short write port=%.80s octets=%zd of=%zu", p->o.path, put, n);
    }
}

bool serial_port_set_line(struct serial_port *p, unsigned baud, enum serial_framing framing)
{
    if (baud == p->o.baud && framing == p->o.framing) {
        return true;
    }
    if (!serial_baud_is_standard(baud) ||
        (p->line != NULL && !serial_set_line(p->line->fd, baud, framing))) {
        return false;
    }
    p->o.baud = baud;
    p->o.framing = framing;
    return true;
}

void serial_port_good(struct serial_port *p)
{
    p->backoff_s = 1;
}

static void free_port(uv_handle_t *h)
{
    struct serial_port *p = h->data;

    free((char *)p->o.path);
    free(p);
}

void serial_port_free(struct serial_port *p)
{
    if (p != NULL) {
        close_line(p);
        uv_close((uv_handle_t *)&p->reopen, free_port);
    }
}
