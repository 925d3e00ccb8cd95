#include "sim/devices/sample_stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/devices/listener.h"

enum { FLAG_WALL = 1, KIND_VOLTAGE = 1, KIND_CURRENT = 2, CODE_BYTES = 2, VERSION = 1 };

static uint8_t *put(uint8_t *p, uint64_t value, int size)
{
    for (int i = 0; i < size; i++) {
        *p++ = (uint8_t)(value >> (8 * i));
    }
    return p;
}

static uint8_t *put_slot_map(uint8_t *p)
{
    for (unsigned n = 0; n < SENSORS_SLOTS; n++) {
        p = put(p, n == 0 ? KIND_VOLTAGE : KIND_CURRENT, 1);
        p = put(p, n == 0 ? 0 : n - 1, 1);
        p = put(p, (n * 65536u + SENSORS_SLOTS / 2) / SENSORS_SLOTS, 2); /* n/15 of the scan */
    }
    return p;
}

void sample_block_encode(const struct crc32c *crc, const struct sample_block *b, uint8_t *out)
{
    uint8_t *p = out;

    memcpy(p, "HWTS", 4);
    p = put(p + 4, VERSION, 1);
    p = put(p, b->wall_hidden ? 0 : FLAG_WALL, 1);
    p = put(p, SAMPLE_HEADER_LEN, 2);
    p = put(p, SAMPLE_PAYLOAD_LEN, 4);
    p = put(p, b->sequence, 4);
    p = put(p, b->device_us, 8);
    p = put(p, b->wall_hidden ? 0 : (uint64_t)b->wall_us, 8);
    p = put(p, b->dropped, 4);
    p = put(p, b->period_ps, 4);
    p = put(p, SAMPLER_SCANS, 2);
    p = put(p, SENSORS_SLOTS, 1);
    p = put(p, SAMPLER_BITS, 1);
    p = put(p, CODE_BYTES, 1);
    p = put(p, 0, 3);
    p = put_slot_map(p);
    for (int i = 0; i < SAMPLER_CODES; i++) {
        p[2 * i] = (uint8_t)b->codes[i];
        p[2 * i + 1] = (uint8_t)(b->codes[i] >> 8);
    }
    p += SAMPLE_PAYLOAD_LEN;
    put(p, crc32c_get(crc, out, SAMPLE_BLOCK_LEN - 4), 4);
}

int sample_stream_init(struct sample_stream *s, const char *path)
{
    *s = (struct sample_stream){.listener = -1, .client = -1, .path = path};
    s->buffer = malloc(SAMPLE_BUFFER_LEN);
    if (s->buffer == NULL) {
        return -1;
    }
    s->listener = listener_open(path);
    return s->listener < 0 ? -1 : 0;
}

static void drop_client(struct sample_stream *s)
{
    if (s->client >= 0) {
        close(s->client);
    }
    s->client = -1;
    s->begin = s->end = 0;
}

void sample_stream_deinit(struct sample_stream *s)
{
    drop_client(s);
    listener_close(s->listener, s->path);
    s->listener = -1;
    free(s->buffer);
    s->buffer = NULL;
}

/* A killed daemon's socket may still be held here when its successor knocks. */
static bool client_gone(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};

    return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0;
}

void sample_stream_accept(struct sample_stream *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        return;
    }
    if (s->client >= 0 && !client_gone(s->client)) {
        close(fd);
        return;
    }
    drop_client(s);
    s->client = fd;
    s->connections++;
}

bool sample_stream_room(const struct sample_stream *s)
{
    return SAMPLE_BUFFER_LEN - (s->end - s->begin) >= SAMPLE_BLOCK_LEN;
}

uint8_t *sample_stream_next(struct sample_stream *s)
{
    if (SAMPLE_BUFFER_LEN - s->end < SAMPLE_BLOCK_LEN) {
        memmove(s->buffer, s->buffer + s->begin, s->end - s->begin);
        s->end -= s->begin;
        s->begin = 0;
    }
    return s->buffer + s->end;
}

void sample_stream_commit(struct sample_stream *s)
{
    s->end += SAMPLE_BLOCK_LEN;
    s->sent_blocks++;
}

void sample_stream_flush(struct sample_stream *s)
{
    while (s->client >= 0 && s->begin < s->end) {
        ssize_t n = send(s->client, s->buffer + s->begin, s->end - s->begin, MSG_NOSIGNAL);

        if (n > 0) {
            s->begin += (size_t)n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        } else {
            drop_client(s);
        }
    }
    s->begin = s->end = 0;
}

bool sample_stream_pending(const struct sample_stream *s)
{
    return s->client >= 0 && s->begin < s->end;
}
