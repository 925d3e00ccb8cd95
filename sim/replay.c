#include "sim/replay.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS       1000000000
#define FILE_MAX (16 * 1024 * 1024)

enum { LONG_START = 0x68, STOP = 0x16, ADDRESS_AT = 5, LONG_OVERHEAD = 6 };

struct octets {
    uint8_t *bytes;
    size_t len;
};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Text to octets, in out (room for len / 2). */
static int read_hex(const char *text, size_t len, struct octets *out, char *error)
{
    int line = 1, high = -1;

    for (size_t i = 0; i < len; i++) {
        int digit = hex_digit(text[i]);

        line += text[i] == '\n';
        if (digit < 0 && !is_space(text[i])) {
            snprintf(error, 200, "line %d: byte 0x%02X is not hex", line, (unsigned char)text[i]);
            return -1;
        }
        if (digit < 0) {
            continue;
        }
        if (high < 0) {
            high = digit;
        } else {
            out->bytes[out->len++] = (uint8_t)(high << 4 | digit);
            high = -1;
        }
    }
    if (high >= 0) {
        snprintf(error, 200, "an odd number of hex digits");
        return -1;
    }
    return 0;
}

/* Length of the long frame at the start of b, 0 when there is none. */
static size_t telegram_length(const uint8_t *b, size_t len)
{
    size_t total = len >= 4 ? (size_t)b[1] + LONG_OVERHEAD : 0;

    return total >= LONG_OVERHEAD + 3 && total <= len && b[0] == LONG_START && b[1] == b[2] &&
                   b[3] == LONG_START && b[total - 1] == STOP
               ? total
               : 0;
}

static int split(struct replay *r, const struct octets *o, char *error)
{
    for (size_t at = 0; at < o->len;) {
        size_t len = telegram_length(o->bytes + at, o->len - at);
        struct replay_telegram *more;

        if (len == 0) {
            snprintf(error, 200, "telegram %zu at octet %zu is not 68 L L 68 ... 16", r->count + 1,
                     at);
            return -1;
        }
        more = realloc(r->telegram, (r->count + 1) * sizeof(*more));
        if (more == NULL) {
            snprintf(error, 200, "no memory");
            return -1;
        }
        r->telegram = more;
        memcpy(more[r->count].bytes, o->bytes + at, len);
        more[r->count++].len = len;
        at += len;
    }
    if (r->count == 0) {
        snprintf(error, 200, "no telegram");
        return -1;
    }
    return 0;
}

int replay_parse(struct replay *r, const char *text, size_t len, char *error)
{
    struct octets o = {.bytes = malloc(len / 2 + 1)};
    int rc = -1;

    *r = (struct replay){0};
    if (o.bytes == NULL) {
        snprintf(error, 200, "no memory");
    } else if (read_hex(text, len, &o, error) == 0) {
        rc = split(r, &o, error);
    }
    if (rc != 0) {
        replay_deinit(r);
    }
    free(o.bytes);
    return rc;
}

void replay_deinit(struct replay *r)
{
    free(r->telegram);
    *r = (struct replay){0};
}

size_t replay_answer(void *ctx, const struct mbus_request *request, uint8_t *reply)
{
    struct replay *r = ctx;

    if (request->data != NULL) {
        return 0;
    }
    for (size_t i = 0; i < r->count; i++) {
        size_t n = (r->next + i) % r->count;
        const struct replay_telegram *t = &r->telegram[n];

        if (request->a != t->bytes[ADDRESS_AT] && request->a != MBUS_ADDRESS_TEST) {
            continue;
        }
        if (request->c == MBUS_SND_NKE) {
            reply[0] = MBUS_ACK;
            return 1;
        }
        if ((request->c & ~MBUS_FCB) == MBUS_REQ_UD2) {
            memcpy(reply, t->bytes, t->len);
            r->next = n + 1;
            return t->len;
        }
        return 0;
    }
    return 0;
}

/* The whole file, NUL-terminated; the caller frees it. NULL with errno. */
static char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "r");
    char *text = f != NULL ? malloc(FILE_MAX + 1) : NULL;

    if (f == NULL) {
        return NULL;
    }
    if (text != NULL) {
        *len = fread(text, 1, FILE_MAX, f);
        if (ferror(f) || !feof(f)) {
            errno = ferror(f) ? EIO : EFBIG;
            free(text);
            text = NULL;
        }
    }
    fclose(f);
    return text;
}

static int64_t monotonic_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS + t.tv_nsec;
}

static void serve(struct mbus_port *port, const volatile sig_atomic_t *stop, const sigset_t *mask)
{
    while (*stop == 0) {
        struct pollfd p = {.fd = port->pty.master, .events = POLLIN};
        struct timespec timeout = {0};
        int64_t wait;

        mbus_port_serve(port, monotonic_ns());
        wait = mbus_port_wait(port, monotonic_ns());
        timeout.tv_sec = wait / NS;
        timeout.tv_nsec = wait % NS;
        ppoll(&p, 1, wait < 0 ? NULL : &timeout, mask);
    }
}

int replay_run(const struct options *o, const volatile sig_atomic_t *stop, const sigset_t *mask)
{
    struct replay replay;
    struct mbus_port port;
    char error[200];
    size_t len = 0;
    char *text = read_file(o->replay, &len);
    int rc;

    if (text == NULL) {
        fprintf(stderr, "heatwatt-sim: --replay %s: %s\n", o->replay, strerror(errno));
        return EXIT_FAILURE;
    }
    rc = replay_parse(&replay, text, len, error);
    free(text);
    if (rc != 0) {
        fprintf(stderr, "heatwatt-sim: --replay %s: %s\n", o->replay, error);
        return EXIT_FAILURE;
    }
    if (mbus_port_init(&port, o->link, (int)o->mbus_baud, o->seed, replay_answer, &replay) != 0) {
        fprintf(stderr, "heatwatt-sim: --link %s: %s\n", o->link, strerror(errno));
        rc = EXIT_FAILURE;
    } else {
        mbus_port_set_speed(&port, o->speed);
        puts("ready");
        fflush(stdout);
        serve(&port, stop, mask);
        mbus_port_deinit(&port);
    }
    replay_deinit(&replay);
    return rc;
}
