#include "daemon/publish/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/crc32c.h"
#include "daemon/base/file.h"

enum { FILE_MAX = 512 };

static int from_errno(void)
{
    return errno == ENOSPC || errno == EDQUOT ? HWT_ERR_SPACE : HWT_ERR_IO;
}

/* --- text --- */

static void put_hex(const uint8_t *p, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        snprintf(out + 2 * i, 3, "%02x", p[i]);
    }
}

static bool get_hex(const char *s, uint8_t *p, size_t n)
{
    if (strlen(s) != 2 * n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned byte;

        if (sscanf(s + 2 * i, "%2x", &byte) != 1) {
            return false;
        }
        p[i] = (uint8_t)byte;
    }
    return true;
}

static int print(const struct cursor *c, char *out, size_t n)
{
    char uuid[2 * sizeof(c->log) + 1];
    int at;

    put_hex(c->log, sizeof(c->log), uuid);
    at = snprintf(out, n,
                  "heatwatt cursor 1\nlog %s\nstream %s\nsequence %" PRIu64 "\nslot %" PRId64 "\n",
                  uuid, c->stream, c->sequence, c->slot);
    at += snprintf(out + at, n - (size_t)at, "crc32c %08" PRIx32 "\n",
                   hwt_crc32c(0, out, (size_t)at));
    return at;
}

/* Reads the fields, then demands that printing them gives the same bytes. */
static int parse(const char *text, struct cursor *out)
{
    struct cursor c = {.sequence = 0};
    char uuid[2 * sizeof(c.log) + 1], again[FILE_MAX];

    if (sscanf(text, "heatwatt cursor 1 log %32s stream %32s sequence %" SCNu64 " slot %" SCNd64,
               uuid, c.stream, &c.sequence, &c.slot) != 4 ||
        !get_hex(uuid, c.log, sizeof(c.log))) {
        return HWT_ERR_CORRUPT;
    }
    (void)print(&c, again, sizeof(again));
    if (strcmp(again, text) != 0) {
        return HWT_ERR_CORRUPT;
    }
    *out = c;
    return HWT_OK;
}

/* --- files --- */

static ssize_t read_all(int fd, char *buf, size_t n)
{
    size_t at = 0;

    while (at < n) {
        ssize_t got = read(fd, buf + at, n - at);

        if (got == 0 || (got < 0 && errno != EINTR)) {
            return got < 0 ? -1 : (ssize_t)at;
        }
        at += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)at;
}

int cursor_load(const char *path, struct cursor *out)
{
    char text[FILE_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0) {
        return errno == ENOENT ? HWT_ERR_NOT_FOUND : HWT_ERR_IO;
    }
    n = read_all(fd, text, sizeof(text) - 1);
    close(fd);
    if (n < 0) {
        return HWT_ERR_IO;
    }
    text[n] = '\0';
    return parse(text, out);
}

int cursor_save(const char *path, const struct cursor *c)
{
    char text[FILE_MAX], folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = print(c, text, sizeof(text));

    if (slash == NULL || strlen(path) + sizeof(".new") > sizeof(folder)) {
        return HWT_ERR_ARGUMENT;
    }
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
    if (mkdir(folder, 0750) != 0 && errno != EEXIST) {
        return from_errno();
    }
    return file_replace(path, 0640, text, (size_t)n) && file_sync_folder(folder) ? HWT_OK
                                                                                 : from_errno();
}
