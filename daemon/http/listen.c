#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/http/server.h"

enum { BACKLOG = 64 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Strict forms only: "0" or "127.1" would be taken by a resolver, and mean what few expect. */
static bool parse(const char *text, uint16_t port, union address *out, socklen_t *n_out)
{
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        *n_out = sizeof(out->v4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        *n_out = sizeof(out->v6);
        return true;
    }
    return false;
}

/* 0 and the port that was bound, or -1 with errno. */
static int bind_and_listen(int fd, union address *address, socklen_t n, uint16_t *port_out)
{
    int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, &address->any, n) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, &address->any, &n) < 0) {
        return -1;
    }
    *port_out =
        ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
    return 0;
}

int http_listen(const char *address, uint16_t port, uint16_t *port_out, char *error_out,
                size_t error_n)
{
    union address where;
    socklen_t n;
    int fd;

    if (!parse(address, port, &where, &n)) {
        snprintf(error_out, error_n, "listen: '%s' is not a numeric IPv4 or IPv6 address", address);
        return HWT_ERR_ARGUMENT;
    }
    fd = socket(where.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind_and_listen(fd, &where, n, port_out) < 0) {
        snprintf(error_out, error_n, "listen: %s port %u: %s", address, (unsigned)port,
                 strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return HWT_ERR_IO;
    }
    return fd;
}
