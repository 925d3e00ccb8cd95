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

static int write_all(int fd, const char *buf, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, buf, n);

        if (put < 0 && errno != EINTR) {
            return -1;
        }
        buf += put > 0 ? put : 0;
        n -= put > 0 ? (size_t)put : 0;
    }
    return 0;
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

static int write_synced(const char *path, const char *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    int err = HWT_OK;

    if (fd < 0) {
        return from_errno();
    }
    if (write_all(fd, text, n) != 0 || fsync(fd) != 0) {
        err = from_errno();
    }
    if (close(fd) != 0 && err == HWT_OK) {
        err = from_errno();
    }
    return err;
}

/* A rename is durable when its folder is. */
static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = HWT_OK;

    if (fd < 0) {
        return from_errno();
    }
    if (fsync(fd) != 0) {
        err = from_errno();
    }
    close(fd);
    return err;
}

int cursor_save(const char *path, const struct cursor *c)
{
    char text[FILE_MAX], folder[PATH_MAX], temporary[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = print(c, text, sizeof(text));
    int err;

    if (slash == NULL || strlen(path) + sizeof(".new") > sizeof(temporary)) {
        return HWT_ERR_ARGUMENT;
    }
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
    snprintf(temporary, sizeof(temporary), "%s.new", path);
    if (mkdir(folder, 0750) != 0 && errno != EEXIST) {
        return from_errno();
    }
    err = write_synced(temporary, text, (size_t)n);
    if (err == HWT_OK && rename(temporary, path) != 0) {
        err = from_errno();
    }
    return err == HWT_OK ? sync_folder(folder) : err;
}
