#include "bench/engines/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench/engines/data.h"

enum { READ_BYTES = 1 << 18 };

struct http_client {
    int fd;
    char in[READ_BYTES + 1]; /* received, [at, end) not yet taken; NUL behind */
    size_t at, end;
    char *body;
    size_t body_n, body_room;
};

struct http_client *http_client_open(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct http_client *c = calloc(1, sizeof(*c));
    int on = 1;

    if (c == NULL) {
        die("out of memory");
    }
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
        die("port %u of 127.0.0.1: %s", port, strerror(errno));
    }
    return c;
}

void http_client_close(struct http_client *c)
{
    close(c->fd);
    free(c->body);
    free(c);
}

/* --- receiving --- */

static void receive(struct http_client *c)
{
    ssize_t got;

    if (c->at == c->end) {
        c->at = c->end = 0;
    } else if (c->end == READ_BYTES) {
        memmove(c->in, c->in + c->at, c->end - c->at);
        c->end -= c->at;
        c->at = 0;
    }
    got = read(c->fd, c->in + c->end, READ_BYTES - c->end);
    if (got <= 0) {
        die("the server closed the connection");
    }
    c->end += (size_t)got;
    c->in[c->end] = '\0';
}

/* The next line, without its end; valid until more is received. */
static const char *line(struct http_client *c)
{
    char *end, *text;

    while ((end = memchr(c->in + c->at, '\n', c->end - c->at)) == NULL) {
        receive(c);
    }
    text = c->in + c->at;
    c->at = (size_t)(end - c->in) + 1;
    end[end > text && end[-1] == '\r' ? -1 : 0] = '\0';
    return text;
}

static void take(struct http_client *c, size_t n)
{
    if (c->body_n + n > c->body_room) {
        c->body_room = 2 * (c->body_n + n);
        c->body = realloc(c->body, c->body_room);
        if (c->body == NULL) {
            die("out of memory");
        }
    }
    while (n > 0) {
        size_t part;

        if (c->at == c->end) {
            receive(c);
        }
        part = c->end - c->at < n ? c->end - c->at : n;
        memcpy(c->body + c->body_n, c->in + c->at, part);
        c->body_n += part;
        c->at += part;
        n -= part;
    }
}

static void take_chunks(struct http_client *c)
{
    size_t n;

    while ((n = strtoul(line(c), NULL, 16)) > 0) {
        take(c, n);
        line(c);
    }
    while (*line(c) != '\0') {
        continue; /* trailers */
    }
}

static int reply(struct http_client *c)
{
    const char *text = line(c);
    int status = strlen(text) > 12 ? atoi(text + 9) : 0;
    bool chunked = false;
    size_t length = 0;

    while (*(text = line(c)) != '\0') {
        if (strncasecmp(text, "Content-Length:", 15) == 0) {
            length = strtoul(text + 15, NULL, 10);
        } else if (strcasecmp(text, "Transfer-Encoding: chunked") == 0) {
            chunked = true;
        }
    }
    c->body_n = 0;
    if (chunked) {
        take_chunks(c);
    } else {
        take(c, length);
    }
    return status;
}

/* --- sending --- */

static void send_all(int fd, struct iovec *part, int count)
{
    while (count > 0) {
        ssize_t put = writev(fd, part, count);

        if (put < 0) {
            die("the server takes nothing: %s", strerror(errno));
        }
        for (; count > 0 && (size_t)put >= part->iov_len; count--) {
            put -= (ssize_t)part++->iov_len;
        }
        if (count > 0) {
            part->iov_base = (char *)part->iov_base + put;
            part->iov_len -= (size_t)put;
        }
    }
}

int http_client_ask(struct http_client *c, const char *method, const char *path, const void *send,
                    size_t send_n, const char **body_out, size_t *n_out)
{
    char head[8192];
    struct iovec part[2] = {{.iov_base = head}, {(void *)(uintptr_t)send, send_n}};
    int status, n;

    n = snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", method, path);
    if (send != NULL) {
        n += snprintf(head + n, sizeof(head) - (size_t)n, "Content-Length: %zu\r\n", send_n);
    }
    n += snprintf(head + n, sizeof(head) - (size_t)n, "\r\n");
    part[0].iov_len = (size_t)n;
    send_all(c->fd, part, send != NULL ? 2 : 1);
    status = reply(c);
    *body_out = c->body;
    *n_out = c->body_n;
    return status;
}
