#include "sim/devices/modbus_tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = 6, LENGTH_MAX = 254, NS_PER_S = 1000000000 };

static int listen_at(uint16_t port)
{
    struct sockaddr_in where = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, err;

    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&where, sizeof(where)) != 0 || listen(fd, 4) != 0) {
        err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

int modbus_tcp_init(struct modbus_tcp *t, uint16_t port, struct modbus_meter *meter)
{
    memset(t, 0, sizeof(*t));
    t->listener = -1;
    t->port = port;
    t->meter = meter;
    for (int i = 0; i < MODBUS_TCP_CLIENTS; i++) {
        t->client[i].fd = -1;
    }
    return modbus_tcp_plug(t);
}

void modbus_tcp_deinit(struct modbus_tcp *t)
{
    (void)modbus_tcp_unplug(t);
}

static void hang_up(struct modbus_tcp_client *c)
{
    if (c->fd >= 0) {
        close(c->fd);
    }
    c->fd = -1;
    c->len = c->tx_len = 0;
}

int modbus_tcp_unplug(struct modbus_tcp *t)
{
    if (t->port == 0) {
        return 0;
    }
    for (int i = 0; i < MODBUS_TCP_CLIENTS; i++) {
        hang_up(&t->client[i]);
    }
    if (t->listener >= 0) {
        close(t->listener);
        t->listener = -1;
    }
    return 0;
}

int modbus_tcp_plug(struct modbus_tcp *t)
{
    if (t->port != 0 && t->listener < 0) {
        t->listener = listen_at(t->port);
        return t->listener >= 0 ? 0 : -1;
    }
    return 0;
}

size_t modbus_tcp_pollfds(const struct modbus_tcp *t, struct pollfd *fds)
{
    size_t n = 0;

    if (t->port == 0 || t->listener < 0) {
        return 0;
    }
    fds[n++] = (struct pollfd){.fd = t->listener, .events = POLLIN};
    for (int i = 0; i < MODBUS_TCP_CLIENTS; i++) {
        if (t->client[i].fd >= 0) {
            fds[n++] = (struct pollfd){.fd = t->client[i].fd, .events = POLLIN};
        }
    }
    return n;
}

static void take_clients(struct modbus_tcp *t)
{
    int fd;

    while ((fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int i = 0;

        while (i < MODBUS_TCP_CLIENTS && t->client[i].fd >= 0) {
            i++;
        }
        if (i == MODBUS_TCP_CLIENTS) {
            close(fd);
        } else {
            t->client[i].fd = fd;
        }
    }
}

/* Answers the whole frame at the front of the buffer: its transaction number, then the meter's
 * words. */
static void take_frame(struct modbus_tcp *t, struct modbus_tcp_client *c, size_t length,
                       int64_t now_ns)
{
    size_t reply = modbus_meter_answer(t->meter, c->rx + HEADER, length, c->tx + HEADER);

    if (reply > 0) {
        memcpy(c->tx, c->rx, 4);
        c->tx[4] = 0;
        c->tx[5] = (uint8_t)reply;
        c->tx_len = HEADER + reply;
        c->tx_due_ns = now_ns + (int64_t)(modbus_meter_late(t->meter) * NS_PER_S);
    }
    c->len -= HEADER + length;
    memmove(c->rx, c->rx + HEADER + length, c->len);
}

static void receive(struct modbus_tcp *t, struct modbus_tcp_client *c, int64_t now_ns)
{
    ssize_t n = recv(c->fd, c->rx + c->len, sizeof(c->rx) - c->len, 0);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        hang_up(c);
        return;
    }
    c->len += n > 0 ? (size_t)n : 0;
    while (c->len >= HEADER) {
        size_t length = (size_t)(c->rx[4] << 8 | c->rx[5]);

        if (length > LENGTH_MAX || c->rx[2] != 0 || c->rx[3] != 0) {
            hang_up(c);
            return;
        }
        if (c->len < HEADER + length) {
            return;
        }
        take_frame(t, c, length, now_ns);
    }
}

void modbus_tcp_serve(struct modbus_tcp *t, int64_t now_ns)
{
    if (t->port == 0 || t->listener < 0) {
        return;
    }
    take_clients(t);
    for (int i = 0; i < MODBUS_TCP_CLIENTS; i++) {
        struct modbus_tcp_client *c = &t->client[i];

        if (c->fd >= 0) {
            receive(t, c, now_ns);
        }
        if (c->fd >= 0 && c->tx_len > 0 && c->tx_due_ns <= now_ns) {
            (void)send(c->fd, c->tx, c->tx_len, MSG_NOSIGNAL);
            c->tx_len = 0;
        }
    }
}

int64_t modbus_tcp_wait(const struct modbus_tcp *t, int64_t now_ns)
{
    int64_t wait = -1;

    for (int i = 0; t->port != 0 && i < MODBUS_TCP_CLIENTS; i++) {
        const struct modbus_tcp_client *c = &t->client[i];
        int64_t due = c->tx_due_ns > now_ns ? c->tx_due_ns - now_ns : 0;

        if (c->fd >= 0 && c->tx_len > 0 && (wait < 0 || due < wait)) {
            wait = due;
        }
    }
    return wait;
}
