#include "daemon/drivers/line_events.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    BACKOFF_MAX_S = 30,
    EVENTS_AT_ONCE = 64,
    READS_MAX = 64,       /* in one wake-up: 4096 events, more than any second of a meter */
    KERNEL_EVENTS = 1024, /* room that the kernel keeps, its largest */
    WHY_MAX = 200
};

/* One descriptor: libuv wants a fresh handle for each. */
struct feed {
    uv_poll_t poll;
    int fd;
    struct line_events *owner; /* NULL once closing */
    bool any;                  /* an event came: `seqno` is its number */
    uint32_t seqno;
    size_t have; /* octets of an event that is not whole yet */
    uint8_t octets[EVENTS_AT_ONCE * sizeof(struct gpio_v2_line_event)];
};

struct line_events {
    struct line_events_options o;
    uv_loop_t *loop;
    struct feed *feed; /* NULL: not open */
    uv_timer_t reopen;
    unsigned backoff_s;
};

static void open_feed(struct line_events *l);

static const char *path_of(const struct line_events *l)
{
    return l->o.chip != NULL ? l->o.chip : l->o.events;
}

static void free_feed(uv_handle_t *h)
{
    struct feed *feed = h->data;

    close(feed->fd);
    free(feed);
}

static void close_feed(struct line_events *l)
{
    if (l->feed != NULL) {
        l->feed->owner = NULL;
        uv_poll_stop(&l->feed->poll);
        uv_close((uv_handle_t *)&l->feed->poll, free_feed);
        l->feed = NULL;
    }
}

static void on_reopen(uv_timer_t *t)
{
    open_feed(t->data);
}

static void fail(struct line_events *l, const char *what, const char *reason)
{
    char why[WHY_MAX];

    snprintf(why, sizeof(why), "%.80s: %s: %s", path_of(l), what, reason);
    close_feed(l);
    uv_update_time(l->loop);
    uv_timer_start(&l->reopen, on_reopen, 1000 * (uint64_t)l->backoff_s, 0);
    l->backoff_s = l->backoff_s * 2 < BACKOFF_MAX_S ? l->backoff_s * 2 : BACKOFF_MAX_S;
    l->o.on_fail(l->o.ctx, why);
}

/* --- events ---------------------------------------------------------------------------------- */

/* False: the feed is closed, as this is none. */
static bool take_event(struct feed *feed, const struct gpio_v2_line_event *e)
{
    struct line_events *l = feed->owner;
    /* The kernel numbers from 1; who joins another's stream does not know what was before. */
    uint32_t before = feed->any || l->o.chip == NULL ? feed->seqno : 0;
    uint32_t step = e->line_seqno - before;
    struct line_edge edge = {.t_ns = (int64_t)e->timestamp_ns,
                             .active = e->id == GPIO_V2_LINE_EVENT_RISING_EDGE};

    if ((!edge.active && e->id != GPIO_V2_LINE_EVENT_FALLING_EDGE) ||
        e->timestamp_ns > (uint64_t)INT64_MAX) {
        fail(l, "cannot read", "what comes is no line event");
        return false;
    }
    if (feed->any || l->o.chip != NULL) {
        edge.lost = step > 0 && step <= (uint32_t)INT32_MAX ? step - 1 : 0;
    }
    feed->seqno = e->line_seqno;
    feed->any = true;
    l->backoff_s = 1;
    l->o.on_edge(l->o.ctx, &edge);
    return feed->owner != NULL;
}

/* Whole events are taken, the rest is kept. */
static void take_octets(struct feed *feed)
{
    struct gpio_v2_line_event e;
    size_t at = 0;

    for (; feed->have - at >= sizeof(e); at += sizeof(e)) {
        memcpy(&e, feed->octets + at, sizeof(e));
        if (!take_event(feed, &e)) {
            return;
        }
    }
    feed->have -= at;
    memmove(feed->octets, feed->octets + at, feed->have);
}

static void read_feed(struct feed *feed)
{
    for (int i = 0; i < READS_MAX && feed->owner != NULL; i++) {
        ssize_t n = read(feed->fd, feed->octets + feed->have, sizeof(feed->octets) - feed->have);

        if (n > 0) {
            feed->have += (size_t)n;
            take_octets(feed);
        } else if (n == 0) {
            fail(feed->owner, "ended", "nobody writes to it any more");
        } else if (errno == EAGAIN || errno == EINTR) {
            return;
        } else {
            fail(feed->owner, "cannot read", strerror(errno));
        }
    }
}

static void on_ready(uv_poll_t *handle, int error, int events)
{
    struct feed *feed = handle->data;

    if (feed->owner == NULL) {
        return;
    }
    if (error < 0 && error != UV_EBADF) {
        fail(feed->owner, "cannot watch", uv_strerror(error));
    } else if (error == UV_EBADF) { /* libuv's word for any POLLERR */
        fail(feed->owner, "hung up", "unplugged?");
    } else if ((events & (UV_READABLE | UV_DISCONNECT)) != 0) {
        read_feed(feed);
    }
}

/* --- opening --------------------------------------------------------------------------------- */

static uint64_t line_flags(const struct line_events_options *o)
{
    static const uint64_t bias[] = {
        [LINE_BIAS_AS_IS] = 0,
        [LINE_BIAS_PULL_UP] = GPIO_V2_LINE_FLAG_BIAS_PULL_UP,
        [LINE_BIAS_PULL_DOWN] = GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN,
        [LINE_BIAS_NONE] = GPIO_V2_LINE_FLAG_BIAS_DISABLED,
    };

    /* With ACTIVE_LOW the kernel's rising edge is the one to active. */
    return GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING | bias[o->bias] |
           (o->both ? GPIO_V2_LINE_FLAG_EDGE_FALLING : 0) |
           (o->active_low ? GPIO_V2_LINE_FLAG_ACTIVE_LOW : 0);
}

/* The descriptor of the line, or -1 with errno and what could not be done. */
static int open_chip(const struct line_events_options *o, const char **what_out)
{
    struct gpio_v2_line_request request = {.num_lines = 1, .event_buffer_size = KERNEL_EVENTS};
    int chip = open(o->chip, O_RDONLY | O_CLOEXEC), result, err;

    *what_out = "cannot open";
    if (chip < 0) {
        return -1;
    }
    request.offsets[0] = o->line;
    request.config.flags = line_flags(o);
    strcpy(request.consumer, "heatwatt");
    result = ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request);
    err = errno;
    close(chip);
    if (result != 0) {
        *what_out = err == EBUSY    ? "the line is used by another program or driver"
                    : err == EINVAL ? "the chip has no such line, or not this bias"
                                    : "cannot get the line";
        errno = err;
        return -1;
    }
    if (fcntl(request.fd, F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(request.fd, F_SETFD, FD_CLOEXEC) != 0) {
        err = errno;
        close(request.fd);
        errno = err;
        return -1;
    }
    return request.fd;
}

static int open_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

static int open_stream(const struct line_events_options *o, const char **what_out)
{
    struct stat st;

    *what_out = "cannot open";
    if (stat(o->events, &st) != 0) {
        return -1;
    }
    if (S_ISSOCK(st.st_mode)) {
        return open_socket(o->events);
    }
    if (!S_ISFIFO(st.st_mode)) {
        errno = EINVAL;
        *what_out = "is neither a socket nor a FIFO";
        return -1;
    }
    /* O_RDWR would never end; a FIFO without a writer reads as ended, and is tried again. */
    return open(o->events, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static void open_feed(struct line_events *l)
{
    const char *what;
    int fd = l->o.chip != NULL ? open_chip(&l->o, &what) : open_stream(&l->o, &what);
    struct feed *feed;

    if (fd < 0) {
        fail(l, what, strerror(errno));
        return;
    }
    feed = calloc(1, sizeof(*feed));
    if (feed == NULL || uv_poll_init(l->loop, &feed->poll, fd) != 0) {
        free(feed);
        close(fd);
        fail(l, "cannot watch", strerror(ENOMEM));
        return;
    }
    feed->fd = fd;
    feed->owner = l;
    feed->poll.data = feed;
    l->feed = feed;
    uv_poll_start(&feed->poll, UV_READABLE | UV_DISCONNECT, on_ready);
    l->o.on_open(l->o.ctx);
}

/* --- the line -------------------------------------------------------------------------------- */

struct line_events *line_events_new(uv_loop_t *loop, const struct line_events_options *options)
{
    struct line_events *l = calloc(1, sizeof(*l));
    char *path = strdup(options->chip != NULL ? options->chip : options->events);

    if (l == NULL || path == NULL) {
        free(path);
        free(l);
        return NULL;
    }
    l->o = *options;
    l->o.chip = options->chip != NULL ? path : NULL;
    l->o.events = options->chip != NULL ? NULL : path;
    l->loop = loop;
    l->backoff_s = 1;
    uv_timer_init(loop, &l->reopen);
    l->reopen.data = l;
    return l;
}

void line_events_start(struct line_events *l)
{
    open_feed(l);
}

bool line_events_is_open(const struct line_events *l)
{
    return l->feed != NULL;
}

static void free_line(uv_handle_t *h)
{
    struct line_events *l = h->data;

    free((char *)(uintptr_t)path_of(l));
    free(l);
}

void line_events_free(struct line_events *l)
{
    if (l != NULL) {
        close_feed(l);
        uv_close((uv_handle_t *)&l->reopen, free_line);
    }
}
