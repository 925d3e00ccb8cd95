#include "sim/devices/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/devices/listener.h"

int control_init(struct control *c, const char *path, control_obey obey, void *ctx)
{
    *c = (struct control){.listener = -1, .path = path, .obey = obey, .ctx = ctx};
    for (int i = 0; i < CONTROL_CLIENTS; i++) {
        c->client[i].fd = -1;
    }
    if (path == NULL) {
        return 0;
    }
    c->listener = listener_open(path);
    return c->listener < 0 ? -1 : 0;
}

static void hang_up(struct control_client *client)
{
    if (client->fd >= 0) {
        close(client->fd);
    }
    client->fd = -1;
    client->len = 0;
}

void control_deinit(struct control *c)
{
    for (int i = 0; i < CONTROL_CLIENTS; i++) {
        hang_up(&c->client[i]);
    }
    listener_close(c->listener, c->path);
    c->listener = -1;
}

size_t control_pollfds(const struct control *c, struct pollfd *fds)
{
    size_t n = 0;

    if (c->listener >= 0) {
        fds[n++] = (struct pollfd){.fd = c->listener, .events = POLLIN};
    }
    for (int i = 0; i < CONTROL_CLIENTS; i++) {
        if (c->client[i].fd >= 0) {
            fds[n++] = (struct pollfd){.fd = c->client[i].fd, .events = POLLIN};
        }
    }
    return n;
}

static void take_clients(struct control *c)
{
    int fd;

    while ((fd = accept4(c->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int i = 0;

        while (i < CONTROL_CLIENTS && c->client[i].fd >= 0) {
            i++;
        }
        if (i == CONTROL_CLIENTS) {
            close(fd);
            return;
        }
        c->client[i].fd = fd;
    }
}

static void answer(struct control *c, struct control_client *client)
{
    char reply[CONTROL_LINE + 1];
    size_t len;

    client->line[client->len] = '\0';
    client->len = 0;
    c->obey(c->ctx, client->line, reply);
    len = strlen(reply);
    reply[len++] = '\n';
    if (send(client->fd, reply, len, MSG_NOSIGNAL) != (ssize_t)len) {
        hang_up(client); /* a client that does not read its answers */
    }
}

static void take_bytes(struct control *c, struct control_client *client)
{
    char bytes[CONTROL_LINE];
    ssize_t n = recv(client->fd, bytes, sizeof(bytes), 0);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        hang_up(client);
        return;
    }
    for (ssize_t i = 0; i < n && client->fd >= 0; i++) {
        if (bytes[i] == '\n') {
            answer(c, client);
        } else if (client->len < CONTROL_LINE - 1) {
            client->line[client->len++] = bytes[i];
        }
    }
}

void control_serve(struct control *c)
{
    if (c->listener < 0) {
        return;
    }
    take_clients(c);
    for (int i = 0; i < CONTROL_CLIENTS; i++) {
        if (c->client[i].fd >= 0) {
            take_bytes(c, &c->client[i]);
        }
    }
}
