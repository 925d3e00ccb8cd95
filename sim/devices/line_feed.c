#include "sim/devices/line_feed.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/devices/listener.h"

int line_feed_init(struct line_feed *f, const char *path)
{
    memset(f, 0, sizeof(*f));
    f->path = path;
    f->listener = f->client = -1;
    return line_feed_plug(f);
}

static void hang_up(struct line_feed *f)
{
    if (f->client >= 0) {
        close(f->client);
    }
    f->client = -1;
    f->from = f->to = f->sent = 0;
}

void line_feed_deinit(struct line_feed *f)
{
    hang_up(f);
    if (f->path != NULL) {
        listener_close(f->listener, f->path);
    }
    f->listener = -1;
}

/* What waits goes out as far as the socket takes it. */
static void flush(struct line_feed *f)
{
    while (f->client >= 0 && f->from < f->to) {
        const uint8_t *octets = (const uint8_t *)(f->event + f->from) + f->sent;
        size_t n = (f->to - f->from) * sizeof(f->event[0]) - f->sent;
        ssize_t put = send(f->client, octets, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (put < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                hang_up(f);
            }
            return;
        }
        f->sent += (size_t)put;
        f->from += f->sent / sizeof(f->event[0]);
        f->sent %= sizeof(f->event[0]);
    }
    f->from = f->to = 0;
}

void line_feed_serve(struct line_feed *f)
{
    int fd = f->listener >= 0 ? accept4(f->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
    char octet;

    if (fd >= 0) {
        hang_up(f);
        f->client = fd;
    }
    if (f->client >= 0 && recv(f->client, &octet, 1, MSG_DONTWAIT) == 0) {
        hang_up(f);
    }
    flush(f);
}

void line_feed_put(struct line_feed *f, int64_t t_ns, bool active)
{
    f->seqno++;
    if (f->lose > 0) {
        f->lose--;
        return;
    }
    if (f->client < 0) {
        return;
    }
    if (f->to == LINE_FEED_ROOM && f->from > 0) {
        memmove(f->event, f->event + f->from, (f->to - f->from) * sizeof(f->event[0]));
        f->to -= f->from;
        f->from = 0;
    }
    if (f->to < LINE_FEED_ROOM) {
        f->event[f->to++] = (struct gpio_v2_line_event){
            .timestamp_ns = (uint64_t)t_ns,
            .id = active ? GPIO_V2_LINE_EVENT_RISING_EDGE : GPIO_V2_LINE_EVENT_FALLING_EDGE,
            .seqno = f->seqno,
            .line_seqno = f->seqno,
        };
    }
}

int line_feed_unplug(struct line_feed *f)
{
    hang_up(f);
    if (f->path != NULL) {
        listener_close(f->listener, f->path);
    }
    f->listener = -1;
    return 0;
}

int line_feed_plug(struct line_feed *f)
{
    if (f->path == NULL || f->listener >= 0) {
        return 0;
    }
    f->listener = listener_open(f->path);
    return f->listener >= 0 ? 0 : -1;
}
