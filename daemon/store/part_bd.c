#include "daemon/store/part_bd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BLOCK_PAGES = PART_BD_BLOCK / HWT_TSLOG_PAGE,
    BLOCKS_MAX = HWT_TSLOG_SEGMENTS_MAX + 1,
    HELD_MAX = 64,  /* pages, 256 KiB */
    ERASED_MAX = 16 /* blocks */
};

struct part_bd {
    struct part_bd_options options;
    char *path;
    int read_fd, write_fd; /* write_fd: O_DIRECT where that works; -1: read_only */
    uint32_t blocks;
    uint8_t *memory; /* HELD_MAX pages, then a page of zeros; aligned for O_DIRECT */

    pthread_mutex_t lock; /* guards what follows against readers; only the writer changes it */
    uint32_t held_page[HELD_MAX]; /* of the device; its content is page i of memory */
    size_t held;
    uint32_t erased[ERASED_MAX]; /* blocks to become zeros before the pages held are written */
    size_t erased_count;

    char failure[160];
};

static int failed(struct part_bd *d, const char *what)
{
    snprintf(d->failure, sizeof(d->failure), "%s: %s", what, strerror(errno));
    return HWT_ERR_IO;
}

static uint8_t *held_content(const struct part_bd *d, size_t i)
{
    return d->memory + i * HWT_TSLOG_PAGE;
}

static off_t offset_of(uint32_t page)
{
    return (off_t)page * HWT_TSLOG_PAGE;
}

/* --- reading --- */

static bool read_all(int fd, uint8_t *buf, size_t n, off_t offset)
{
    while (n > 0) {
        ssize_t got = pread(fd, buf, n, offset);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) { /* its size was known: an end before is an error */
            return false;
        }
        buf += got;
        n -= (size_t)got;
        offset += got;
    }
    return true;
}

static size_t find_held(const struct part_bd *d, uint32_t page)
{
    size_t i = 0;

    while (i < d->held && d->held_page[i] != page) {
        i++;
    }
    return i;
}

static bool is_erased(const struct part_bd *d, uint32_t page)
{
    for (size_t i = 0; i < d->erased_count; i++) {
        if (d->erased[i] == page / BLOCK_PAGES) {
            return true;
        }
    }
    return false;
}

/* What is held and not yet written, over what was read: n bytes of one page. */
static void overlay(struct part_bd *d, uint32_t page, uint32_t at, uint8_t *buf, size_t n)
{
    size_t i;

    pthread_mutex_lock(&d->lock);
    i = find_held(d, page);
    if (i < d->held) {
        memcpy(buf, held_content(d, i) + at, n);
    } else if (is_erased(d, page)) {
        memset(buf, 0, n);
    }
    pthread_mutex_unlock(&d->lock);
}

static int bd_read(void *ctx, uint32_t block, uint32_t offset, void *buf, size_t n)
{
    struct part_bd *d = ctx;
    uint8_t *p = buf;

    if (block >= d->blocks || offset > PART_BD_BLOCK || n > PART_BD_BLOCK - offset) {
        return HWT_ERR_ARGUMENT;
    }
    if (!read_all(d->read_fd, p, n, (off_t)block * PART_BD_BLOCK + offset)) {
        return HWT_ERR_IO;
    }
    while (n > 0) {
        uint32_t at = offset % HWT_TSLOG_PAGE;
        size_t part = n < HWT_TSLOG_PAGE - at ? n : HWT_TSLOG_PAGE - at;

        overlay(d, block * BLOCK_PAGES + offset / HWT_TSLOG_PAGE, at, p, part);
        p += part;
        offset += (uint32_t)part;
        n -= part;
    }
    return 0;
}

/* --- writing --- */

static bool write_all(const struct part_bd *d, const uint8_t *buf, size_t n, off_t offset)
{
    while (n > 0) {
        ssize_t put = d->options.write_at != NULL ? d->options.write_at(d->write_fd, buf, n, offset)
                                                  : pwrite(d->write_fd, buf, n, offset);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            errno = put == 0 ? ENOSPC : errno;
            return false;
        }
        buf += put;
        n -= (size_t)put;
        offset += put;
    }
    return true;
}

static bool write_zeros(const struct part_bd *d, uint32_t block, uint32_t pages)
{
    for (uint32_t p = 0; p < pages; p++) {
        if (!write_all(d, held_content(d, HELD_MAX), HWT_TSLOG_PAGE,
                       offset_of(block * BLOCK_PAGES + p))) {
            return false;
        }
    }
    return true;
}

/* Pages that follow each other, in memory and on the device, go in one piece. */
static bool write_held(struct part_bd *d)
{
    size_t i = 0;

    while (i < d->held) {
        size_t n = 1;

        while (i + n < d->held && d->held_page[i + n] == d->held_page[i] + n) {
            n++;
        }
        if (!write_all(d, held_content(d, i), n * HWT_TSLOG_PAGE, offset_of(d->held_page[i]))) {
            return false;
        }
        i += n;
    }
    return true;
}

static int bd_sync(void *ctx)
{
    struct part_bd *d = ctx;
    int r;

    for (size_t i = 0; i < d->erased_count; i++) {
        if (!write_zeros(d, d->erased[i], BLOCK_PAGES)) {
            return failed(d, "write");
        }
    }
    if (!write_held(d)) {
        return failed(d, "write");
    }
    r = d->options.flush != NULL ? d->options.flush(d->write_fd) : fdatasync(d->write_fd);
    if (r != 0) {
        return failed(d, "sync");
    }
    pthread_mutex_lock(&d->lock);
    d->held = d->erased_count = 0;
    pthread_mutex_unlock(&d->lock);
    return 0;
}

static int bd_prog(void *ctx, uint32_t block, uint32_t offset, const void *buf, size_t n)
{
    struct part_bd *d = ctx;
    uint32_t page = block * BLOCK_PAGES + offset / HWT_TSLOG_PAGE;
    int err = 0;
    size_t i;

    if (block >= d->blocks || offset >= PART_BD_BLOCK || offset % HWT_TSLOG_PAGE != 0 ||
        n != HWT_TSLOG_PAGE) {
        return HWT_ERR_ARGUMENT;
    }
    i = find_held(d, page);
    if (i == HELD_MAX) {
        err = bd_sync(d);
        i = 0;
    }
    if (err == 0) {
        pthread_mutex_lock(&d->lock);
        memcpy(held_content(d, i), buf, n);
        d->held_page[i] = page;
        d->held += i == d->held;
        pthread_mutex_unlock(&d->lock);
    }
    return err;
}

/* What is held for the block goes with its content. The zeros are written: an erased page must read
 * as blank, and no device promises that of what was discarded. A block lasts for days. */
static int bd_erase(void *ctx, uint32_t block)
{
    struct part_bd *d = ctx;
    size_t kept = 0;

    if (block >= d->blocks) {
        return HWT_ERR_ARGUMENT;
    }
    if (d->erased_count == ERASED_MAX) {
        int err = bd_sync(d);

        if (err != 0) {
            return err;
        }
    }
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->held; i++) {
        if (d->held_page[i] / BLOCK_PAGES != block) {
            memmove(held_content(d, kept), held_content(d, i), HWT_TSLOG_PAGE);
            d->held_page[kept++] = d->held_page[i];
        }
    }
    d->held = kept;
    d->erased[d->erased_count++] = block;
    pthread_mutex_unlock(&d->lock);
    return 0;
}

int part_bd_wipe(struct part_bd *d)
{
    uint64_t all[2] = {0, (uint64_t)d->blocks * PART_BD_BLOCK};

    (void)ioctl(d->write_fd, BLKDISCARD, all); /* a kindness to flash; not all devices know it */
    for (uint32_t b = 0; b < d->blocks; b++) {
        if (!write_zeros(d, b, b == 0 ? BLOCK_PAGES : 1)) {
            return failed(d, "write");
        }
    }
    return bd_sync(d);
}

/* --- opening --- */

static bool refuse(const struct part_bd *d, const char *why, char *error, size_t n)
{
    snprintf(error, n, "%s: %s", d->path, why);
    return false;
}

static bool open_for_writing(struct part_bd *d, const struct stat *st, char *error, size_t n)
{
    int flags = O_RDWR | O_CLOEXEC | (S_ISBLK(st->st_mode) ? O_EXCL : 0);
    char where[128], why[192];

    if (part_mounted(st, where, sizeof(where))) {
        snprintf(why, sizeof(why), "it is mounted on %s", where);
        return refuse(d, why, error, n);
    }
    d->write_fd = open(d->path, flags | O_DIRECT);
    if (d->write_fd < 0 && errno == EINVAL) { /* a file on a tmpfs, before Linux 6.6 */
        d->write_fd = open(d->path, flags);
    }
    if (d->write_fd < 0) {
        return refuse(d,
                      errno == EBUSY ? "it is in use: by another heatwatt, or as part of a mount, "
                                       "a RAID or a volume"
                                     : strerror(errno),
                      error, n);
    }
    if (S_ISREG(st->st_mode) && flock(d->write_fd, LOCK_EX | LOCK_NB) != 0) {
        return refuse(d, "another heatwatt uses it", error, n);
    }
    return true;
}

static bool measure(struct part_bd *d, const struct stat *st, char *error, size_t n)
{
    uint64_t bytes = (uint64_t)st->st_size;
    char why[96];

    if (S_ISBLK(st->st_mode) && ioctl(d->read_fd, BLKGETSIZE64, &bytes) != 0) {
        return refuse(d, strerror(errno), error, n);
    }
    if (bytes < (uint64_t)PART_BD_MB_MIN * PART_BD_BLOCK) {
        snprintf(why, sizeof(why), "%llu KiB are too small for a log: at least %d MiB are needed",
                 (unsigned long long)(bytes / 1024), PART_BD_MB_MIN);
        return refuse(d, why, error, n);
    }
    bytes /= PART_BD_BLOCK;
    d->blocks = bytes < BLOCKS_MAX ? (uint32_t)bytes : BLOCKS_MAX;
    return true;
}

static bool check_content(const struct part_bd *d, char *error, size_t n)
{
    char what[PART_WHAT_BYTES], why[192];
    int content = part_look(d->read_fd, what);

    if (content < 0) {
        return refuse(d, "it cannot be read", error, n);
    }
    if (d->options.any_content || content == PART_LOG) {
        return true;
    }
    if (content == PART_BLANK) {
        return refuse(d, "there is no log on it: `heatwatt log format` makes one", error, n);
    }
    snprintf(
        why, sizeof(why),
        "it holds %s and no log; nothing was changed: `heatwatt log format` would overwrite it",
        what);
    return refuse(d, why, error, n);
}

static bool open_all(struct part_bd *d, char *error, size_t n)
{
    struct stat st;

    d->read_fd = open(d->path, O_RDONLY | O_CLOEXEC);
    if (d->read_fd < 0 || fstat(d->read_fd, &st) != 0) {
        return refuse(d, strerror(errno), error, n);
    }
    if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode)) {
        return refuse(d, "neither a block device nor a file", error, n);
    }
    return measure(d, &st, error, n) &&
           (d->options.read_only || open_for_writing(d, &st, error, n)) &&
           check_content(d, error, n);
}

struct part_bd *part_bd_open(const struct part_bd_options *options, char *error, size_t n)
{
    struct part_bd *d = calloc(1, sizeof(*d));

    if (d == NULL) {
        snprintf(error, n, "out of memory");
        return NULL;
    }
    d->options = *options;
    d->read_fd = d->write_fd = -1;
    pthread_mutex_init(&d->lock, NULL);
    d->path = strdup(options->path);
    d->memory = aligned_alloc(HWT_TSLOG_PAGE, (size_t)(HELD_MAX + 1) * HWT_TSLOG_PAGE);
    if (d->path == NULL || d->memory == NULL) {
        snprintf(error, n, "out of memory");
        part_bd_close(d);
        return NULL;
    }
    memset(held_content(d, HELD_MAX), 0, HWT_TSLOG_PAGE);
    if (!open_all(d, error, n)) {
        part_bd_close(d);
        return NULL;
    }
    return d;
}

void part_bd_close(struct part_bd *d)
{
    if (d == NULL) {
        return;
    }
    if (d->write_fd >= 0) {
        close(d->write_fd);
    }
    if (d->read_fd >= 0) {
        close(d->read_fd);
    }
    pthread_mutex_destroy(&d->lock);
    free(d->memory);
    free(d->path);
    free(d);
}

struct hwt_bd part_bd_device(struct part_bd *d)
{
    return (struct hwt_bd){
        .read = bd_read,
        .prog = bd_prog,
        .erase = bd_erase,
        .sync = bd_sync,
        .block_size = PART_BD_BLOCK,
        .block_count = d->blocks,
        .ctx = d,
    };
}

uint32_t part_bd_blocks(const struct part_bd *d)
{
    return d->blocks;
}

int part_bd_look(const struct part_bd *d, char what_out[PART_WHAT_BYTES])
{
    return part_look(d->read_fd, what_out);
}

const char *part_bd_explain(const struct part_bd *d, int err)
{
    switch (err) {
    case HWT_ERR_IO:
        return d->failure[0] != '\0' ? d->failure : "input/output error";
    case HWT_ERR_SPACE:
        return "no space left";
    case HWT_ERR_CORRUPT:
        return "its superblock is damaged or not of heatwatt; nothing was changed: restore it from "
               "a backup, or begin a new log with `heatwatt log format`";
    case HWT_ERR_UNSUPPORTED:
        return "its format is of another version (docs/LOG_FORMAT.md): open it with the heatwatt "
               "that wrote it, or begin a new log with `heatwatt log format`";
    case HWT_ERR_NOT_FOUND:
        return "its superblock is blank: restore it from a backup, or begin a new log with "
               "`heatwatt log format`";
    default:
        return hwt_err_name(err);
    }
}
