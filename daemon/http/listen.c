#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/http/server.h"

enum { BACKLOG = 64 };

/* 0 and the port that was bound, or -1 with errno. */
static int bind_and_listen(int fd, const struct addrinfo *where, uint16_t *port_out)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound;
    socklen_t n = sizeof(bound);
    int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, where->ai_addr, where->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, &bound.any, &n) < 0) {
        return -1;
    }
    *port_out = ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
    return 0;
}

int http_listen(const char *address, uint16_t port, uint16_t *port_out, char *error_out,
                size_t error_n)
{
    const struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *where = NULL;
    char service[8];
    int fd;

    snprintf(service, sizeof(service), "%u", (unsigned)port);
    if (getaddrinfo(address, service, &hints, &where) != 0) {
        snprintf(error_out, error_n, "listen: '%s' is not a numeric IPv4 or IPv6 address", address);
        return HWT_ERR_ARGUMENT;
    }
    fd = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind_and_listen(fd, where, port_out) < 0) {
        snprintf(error_out, error_n, "listen: %s port %u: %s", address, (unsigned)port,
                 strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        fd = HWT_ERR_IO;
    }
    freeaddrinfo(where);
    return fd;
}
