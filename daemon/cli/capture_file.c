#include "daemon/cli/capture_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *capture_name(const char *name)
{
    return strcmp(name, "-") == 0 ? "standard input" : name;
}

static bool fail(const char *name, const char *why)
{
    fprintf(stderr, "%s: %s\n", capture_name(name), why);
    return false;
}

/* Room for at least one octet more, and one for a reader that looks ahead. */
static bool grow(struct capture *c, size_t *room)
{
    uint8_t *p;

    if (c->n + 1 < *room) {
        return true;
    }
    *room = *room > 0 ? 2 * *room : 65536;
    p = *room <= 2 * (size_t)CAPTURE_MAX ? realloc(c->p, *room) : NULL;
    if (p != NULL) {
        c->p = p;
    }
    return p != NULL;
}

static bool read_all(FILE *f, const char *name, struct capture *c)
{
    size_t room = 0, got;

    do {
        if (!grow(c, &room)) {
            return fail(name, "out of memory");
        }
        got = fread(c->p + c->n, 1, room - c->n - 1, f);
        c->n += got;
        if (c->n > CAPTURE_MAX) {
            return fail(name, "more than 16 MiB");
        }
    } while (got > 0);
    return ferror(f) ? fail(name, strerror(errno)) : true;
}

bool capture_read_raw(const char *name, struct capture *out)
{
    bool in = strcmp(name, "-") == 0, good;
    FILE *f = in ? stdin : fopen(name, "rb");

    *out = (struct capture){0};
    if (f == NULL) {
        return fail(name, strerror(errno));
    }
    good = read_all(f, name, out);
    if (!in) {
        fclose(f);
    }
    if (!good) {
        free(out->p);
        *out = (struct capture){0};
    }
    return good;
}

bool capture_is_binary(const struct capture *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->p[i] < 0x20 && (c->p[i] < '\t' || c->p[i] > '\r')) {
            return true;
        }
    }
    return false;
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* How many characters at p are a comment, "0x" or a separator; white space not among them. */
static size_t skip(const uint8_t *p, size_t n)
{
    size_t i = 0;

    if (p[0] == '#') {
        while (i < n && p[i] != '\n') {
            i++;
        }
        return i;
    }
    if (n > 2 && p[0] == '0' && (p[1] | 0x20) == 'x' && hex_digit(p[2]) >= 0) {
        return 2;
    }
    return p[0] == ',' || p[0] == ';' || p[0] == ':' || p[0] == '-' ? 1 : 0;
}

static bool refuse(const char *name, unsigned line, uint8_t c, const char *what)
{
    fprintf(stderr, "%s:%u: '%c' %s\n", capture_name(name), line, c >= 0x20 && c < 0x7F ? c : '?',
            what);
    return false;
}

/* Hex digits to octets, in place; white space is free even within an octet. */
static bool parse_hex(const char *name, struct capture *c)
{
    static const uint8_t mark[] = {0xEF, 0xBB, 0xBF}; /* of UTF-8, as some editors put it */
    size_t i = c->n >= 3 && memcmp(c->p, mark, 3) == 0 ? 3 : 0, n = 0;
    unsigned line = 1;
    int high = -1;

    while (i < c->n) {
        uint8_t now = c->p[i];
        size_t none = skip(c->p + i, c->n - i);
        int digit = hex_digit(now);

        if (now == ' ' || (now >= '\t' && now <= '\r')) {
            line += now == '\n';
            i++;
        } else if (none > 0 && high < 0) {
            i += none;
        } else if (none > 0) {
            return refuse(name, line, now, "after half an octet");
        } else if (digit < 0) {
            return refuse(name, line, now, "is no hex digit");
        } else {
            c->p[n] = (uint8_t)(high >= 0 ? high << 4 | digit : 0);
            n += high >= 0;
            high = high >= 0 ? -1 : digit;
            i++;
        }
    }
    c->n = n;
    return high < 0 || fail(name, "half an octet at the end");
}

bool capture_read(const char *name, struct capture *out)
{
    if (!capture_read_raw(name, out)) {
        return false;
    }
    if (capture_is_binary(out) || parse_hex(name, out)) {
        return true;
    }
    free(out->p);
    *out = (struct capture){0};
    return false;
}
