#include "daemon/store/file_bd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/store/file_pool.h"

enum {
    BLOCK_PAGES = FILE_BD_BLOCK / HWT_TSLOG_PAGE,
    CONTROL_BYTES = 64 * HWT_TSLOG_PAGE /* preallocated of block 0; the log uses 56 pages */
};

/* A block with writes that are not on the disk yet. After a flush that failed the kernel may have
 * dropped its dirty pages, so the next flush writes them again. */
struct unsynced {
    uint32_t block;
    bool failed;
    uint64_t page[BLOCK_PAGES / 64];
};

struct file_bd {
    struct file_bd_options options;
    char *dir;
    int dir_fd, lock_fd;
    uint32_t blocks;
    struct file_pool pool;
    bool dir_changed;
    bool had_records; /* when it was opened */
    struct unsynced *unsynced;
    size_t unsynced_count, unsynced_room;
    char failure[160];
};

/* Notes what failed, for people; the error for the log. */
static int failed(struct file_bd *d, const char *what, uint32_t block)
{
    char name[FILE_POOL_NAME_BYTES];
    int why = errno;

    file_pool_name(block, name);
    snprintf(d->failure, sizeof(d->failure), "%s %s: %s", what, name, strerror(why));
    return why == ENOSPC || why == EDQUOT ? HWT_ERR_SPACE : HWT_ERR_IO;
}

/* --- reading and writing --- */

static ssize_t read_all(int fd, void *buf, size_t n, off_t offset)
{
    size_t done = 0;

    while (done < n) {
        ssize_t got = pread(fd, (char *)buf + done, n - done, offset + (off_t)done);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            memset((char *)buf + done, 0, n - done);
            break;
        }
        done += (size_t)got;
    }
    return (ssize_t)n;
}

static ssize_t write_all(const struct file_bd *d, int fd, const void *buf, size_t n, off_t offset)
{
    size_t done = 0;

    while (done < n) {
        const char *p = (const char *)buf + done;
        off_t at = offset + (off_t)done;
        ssize_t put = d->options.write_at != NULL ? d->options.write_at(fd, p, n - done, at)
                                                  : pwrite(fd, p, n - done, at);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            errno = put == 0 ? ENOSPC : errno;
            return -1;
        }
        done += (size_t)put;
    }
    return (ssize_t)n;
}

static int bd_read(void *ctx, uint32_t block, uint32_t offset, void *buf, size_t n)
{
    struct file_bd *d = ctx;
    struct pool_file *f;
    ssize_t got;

    if (block >= d->blocks) {
        return HWT_ERR_ARGUMENT;
    }
    f = file_pool_exists(&d->pool, block) ? file_pool_hold(&d->pool, block, 0) : NULL;
    if (f == NULL &&
        (errno == ENOENT || !file_pool_exists(&d->pool, block))) { /* never made, or just removed */
        memset(buf, 0, n);
        return 0;
    }
    if (f == NULL) {
        return HWT_ERR_IO;
    }
    got = read_all(f->fd, buf, n, (off_t)offset);
    file_pool_release(&d->pool, f);
    return got < 0 ? HWT_ERR_IO : 0;
}

/* The block's entry among those not synced, made if new; NULL when out of memory. */
static struct unsynced *note_unsynced(struct file_bd *d, uint32_t block)
{
    struct unsynced *u;

    for (size_t i = 0; i < d->unsynced_count; i++) {
        if (d->unsynced[i].block == block) {
            return &d->unsynced[i];
        }
    }
    if (d->unsynced_count == d->unsynced_room) {
        size_t room = d->unsynced_room * 2 + 16;

        u = realloc(d->unsynced, room * sizeof(*u));
        if (u == NULL) {
            return NULL;
        }
        d->unsynced = u;
        d->unsynced_room = room;
    }
    u = &d->unsynced[d->unsynced_count++];
    memset(u, 0, sizeof(*u));
    u->block = block;
    return u;
}

static int bd_prog(void *ctx, uint32_t block, uint32_t offset, const void *buf, size_t n)
{
    struct file_bd *d = ctx;
    uint32_t page = offset / HWT_TSLOG_PAGE;
    struct unsynced *u;
    struct pool_file *f;
    int err = 0;

    if (block >= d->blocks || offset + n > FILE_BD_BLOCK) {
        return HWT_ERR_ARGUMENT;
    }
    u = note_unsynced(d, block);
    f = u != NULL ? file_pool_hold(&d->pool, block, 0) : NULL;
    if (f == NULL) {
        return failed(d, "open", block);
    }
    if (write_all(d, f->fd, buf, n, (off_t)offset) < 0) {
        err = failed(d, "write", block);
    } else {
        u->page[page / 64] |= (uint64_t)1 << page % 64;
    }
    file_pool_release(&d->pool, f);
    return err;
}

static int preallocate(int fd, uint32_t block, bool sparse)
{
    int why;

    if (ftruncate(fd, 0) != 0) {
        return -1;
    }
    if (sparse) {
        return 0;
    }
    why = posix_fallocate(fd, 0, block == 0 ? CONTROL_BYTES : FILE_BD_BLOCK);
    if (why != 0) {
        if (ftruncate(fd, 0) != 0) {
            why = errno; /* an empty file is as good as none */
        }
        errno = why;
        return -1;
    }
    return 0;
}

static int bd_erase(void *ctx, uint32_t block)
{
    struct file_bd *d = ctx;
    struct unsynced *u;
    struct pool_file *f;
    int err = 0;

    if (block >= d->blocks) {
        return HWT_ERR_ARGUMENT;
    }
    u = note_unsynced(d, block);
    f = u != NULL ? file_pool_hold(&d->pool, block, O_CREAT) : NULL;
    if (f == NULL) {
        return failed(d, "make", block);
    }
    d->dir_changed = true;
    memset(u->page, 0, sizeof(u->page));
    if (preallocate(f->fd, block, d->options.sparse) != 0) {
        err = failed(d, "preallocate", block);
    }
    file_pool_release(&d->pool, f);
    return err;
}

static int bd_discard(void *ctx, uint32_t block)
{
    struct file_bd *d = ctx;
    char name[FILE_POOL_NAME_BYTES];

    if (block >= d->blocks) {
        return HWT_ERR_ARGUMENT;
    }
    if (!file_pool_exists(&d->pool, block)) {
        return 0;
    }
    for (size_t i = 0; i < d->unsynced_count; i++) {
        if (d->unsynced[i].block == block) {
            d->unsynced[i] = d->unsynced[--d->unsynced_count];
            break;
        }
    }
    file_pool_forget(&d->pool, block);
    file_pool_name(block, name);
    if (unlinkat(d->dir_fd, name, 0) != 0 && errno != ENOENT) {
        return failed(d, "remove", block);
    }
    d->dir_changed = true;
    return 0;
}

/* --- syncing --- */

static int rewrite_pages(struct file_bd *d, int fd, const struct unsynced *u)
{
    uint8_t page[HWT_TSLOG_PAGE];

    for (uint32_t p = 0; p < BLOCK_PAGES; p++) {
        off_t at = (off_t)p * HWT_TSLOG_PAGE;

        if ((u->page[p / 64] >> p % 64 & 1) != 0 &&
            (read_all(fd, page, sizeof(page), at) < 0 ||
             write_all(d, fd, page, sizeof(page), at) < 0)) {
            return -1;
        }
    }
    return 0;
}

static int sync_block(struct file_bd *d, struct unsynced *u)
{
    struct pool_file *f = file_pool_hold(&d->pool, u->block, 0);
    int r;

    if (f == NULL) {
        return failed(d, "open", u->block);
    }
    r = u->failed ? rewrite_pages(d, f->fd, u) : 0;
    if (r == 0) {
        r = d->options.flush != NULL ? d->options.flush(f->fd) : fdatasync(f->fd);
    }
    u->failed = r != 0;
    r = r != 0 ? failed(d, "sync", u->block) : 0;
    file_pool_release(&d->pool, f);
    return r;
}

static int bd_sync(void *ctx)
{
    struct file_bd *d = ctx;

    while (d->unsynced_count > 0) {
        int err = sync_block(d, &d->unsynced[d->unsynced_count - 1]);

        if (err != 0) {
            return err;
        }
        d->unsynced_count--;
    }
    if (d->dir_changed && fsync(d->dir_fd) != 0) {
        snprintf(d->failure, sizeof(d->failure), "sync of the folder: %s", strerror(errno));
        return errno == ENOSPC ? HWT_ERR_SPACE : HWT_ERR_IO;
    }
    d->dir_changed = false;
    return 0;
}

/* --- opening --- */

static bool make_folders(const char *dir)
{
    char parent[4096];
    char *slash;

    if (mkdir(dir, 0750) == 0 || errno == EEXIST) {
        return true;
    }
    if (errno != ENOENT || snprintf(parent, sizeof(parent), "%s", dir) >= (int)sizeof(parent)) {
        return false;
    }
    slash = strrchr(parent, '/');
    if (slash == NULL || slash == parent) {
        return false;
    }
    *slash = '\0';
    return (mkdir(parent, 0750) == 0 || errno == EEXIST) && mkdir(dir, 0750) == 0;
}

static bool take_lock(struct file_bd *d, char *error, size_t n)
{
    char pid[24] = "";
    ssize_t got;

    d->lock_fd = openat(d->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (d->lock_fd < 0) {
        snprintf(error, n, "%s/lock: %s", d->dir, strerror(errno));
        return false;
    }
    if (flock(d->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        int length = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());

        if (ftruncate(d->lock_fd, 0) != 0 || pwrite(d->lock_fd, pid, (size_t)length, 0) < 0) {
            errno = 0; /* the number is for people only */
        }
        return true;
    }
    got = pread(d->lock_fd, pid, sizeof(pid) - 1, 0);
    pid[got > 0 ? strcspn(pid, "\n") : 0] = '\0';
    snprintf(error, n, "another heatwatt (process %s) uses the log in %s",
             pid[0] != '\0' ? pid : "unknown", d->dir);
    return false;
}

/* Which blocks have files. */
static bool list_files(struct file_bd *d, char *error, size_t n)
{
    DIR *dir = opendir(d->dir);
    struct dirent *e;

    if (dir == NULL) {
        snprintf(error, n, "%s: %s", d->dir, strerror(errno));
        return false;
    }
    while ((e = readdir(dir)) != NULL) {
        char name[FILE_POOL_NAME_BYTES];
        unsigned block = 0;

        if (strcmp(e->d_name, "control.hwl") != 0 &&
            (sscanf(e->d_name, "seg-%5u.hwl", &block) != 1 || block == 0)) {
            continue;
        }
        if (block >= FILE_POOL_BLOCKS_MAX) {
            continue;
        }
        file_pool_name(block, name);
        if (strcmp(name, e->d_name) == 0) {
            file_pool_found(&d->pool, block);
            d->had_records = d->had_records || block > 0;
            d->blocks = block >= d->blocks ? block + 1 : d->blocks;
        }
    }
    closedir(dir);
    return true;
}

static bool open_folder(struct file_bd *d, char *error, size_t n)
{
    if (!d->options.read_only && !d->options.must_exist && !make_folders(d->dir)) {
        snprintf(error, n, "%s: %s", d->dir, strerror(errno));
        return false;
    }
    d->dir_fd = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->dir_fd < 0) {
        snprintf(error, n, "%s: %s", d->dir, strerror(errno));
        return false;
    }
    d->pool.dir_fd = d->dir_fd;
    return (d->options.read_only || take_lock(d, error, n)) && list_files(d, error, n);
}

struct file_bd *file_bd_open(const struct file_bd_options *options, char *error, size_t n)
{
    struct file_bd *d = calloc(1, sizeof(*d));

    if (d == NULL || (d->dir = strdup(options->dir)) == NULL) {
        snprintf(error, n, "out of memory");
        free(d);
        return NULL;
    }
    d->options = *options;
    d->dir_fd = d->lock_fd = -1;
    d->blocks = options->blocks < FILE_POOL_BLOCKS_MAX ? options->blocks : FILE_POOL_BLOCKS_MAX;
    file_pool_init(&d->pool, -1, options->read_only);
    if (!open_folder(d, error, n)) {
        file_bd_close(d);
        return NULL;
    }
    return d;
}

void file_bd_close(struct file_bd *d)
{
    if (d == NULL) {
        return;
    }
    file_pool_deinit(&d->pool);
    if (d->lock_fd >= 0) {
        close(d->lock_fd);
    }
    if (d->dir_fd >= 0) {
        close(d->dir_fd);
    }
    free(d->unsynced);
    free(d->dir);
    free(d);
}

struct hwt_bd file_bd_device(struct file_bd *d)
{
    return (struct hwt_bd){
        .read = bd_read,
        .prog = bd_prog,
        .erase = bd_erase,
        .sync = bd_sync,
        .discard = bd_discard,
        .block_size = FILE_BD_BLOCK,
        .block_count = d->blocks,
        .ctx = d,
    };
}

bool file_bd_had_records(const struct file_bd *d)
{
    return d->had_records;
}

const char *file_bd_explain(const struct file_bd *d, int err)
{
    switch (err) {
    case HWT_ERR_IO:
        return d->failure[0] != '\0' ? d->failure : "input/output error";
    case HWT_ERR_SPACE:
        return "no space left";
    case HWT_ERR_CORRUPT:
        return "control.hwl is damaged or not of heatwatt; nothing was changed: restore it from a "
               "backup, or move the folder away to begin a new log";
    case HWT_ERR_UNSUPPORTED:
        return "its format is of another version (docs/LOG_FORMAT.md): open it with the heatwatt "
               "that wrote it, or move it away";
    case HWT_ERR_NOT_FOUND:
        return d->had_records
                   ? "control.hwl is missing or blank beside records (seg-*.hwl); nothing was "
                     "changed: restore it from a backup, or move the folder away to begin a new log"
                   : "there is no log";
    default:
        return hwt_err_name(err);
    }
}

uint64_t file_bd_free_bytes(const struct file_bd *d)
{
    struct statvfs v;

    return fstatvfs(d->dir_fd, &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize : 0;
}
