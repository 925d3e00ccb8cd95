#include "daemon/store/medium.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/store/file_bd.h"
#include "daemon/store/part_bd.h"

/* What is open now. Exactly one of both. */
struct backend {
    struct file_bd *files;
    struct part_bd *part;
    struct hwt_bd bd;
    dev_t device; /* of the path when it was opened */
    ino_t inode;
};

struct medium {
    struct medium_options options;
    char *path;
    uint32_t blocks; /* of the first opening */
    pthread_rwlock_t
        lock; /* readers hold it while they read, so that nothing is closed under them */
    struct backend at;
};

enum medium_kind medium_kind_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode) ? MEDIUM_PARTITION : MEDIUM_FOLDER;
}

static void backend_close(struct backend *b)
{
    file_bd_close(b->files);
    part_bd_close(b->part);
    *b = (struct backend){.files = NULL};
}

static bool backend_open(struct backend *b, const struct medium *m, bool make, char *error,
                         size_t n)
{
    const struct medium_options *o = &m->options;
    struct file_bd_options files = {.dir = m->path,
                                    .blocks = m->blocks,
                                    .read_only = o->read_only,
                                    .must_exist = !make && !o->derived,
                                    .sparse = o->derived,
                                    .write_at = o->write_at,
                                    .flush = o->flush};
    struct part_bd_options part = {
        .path = m->path, .read_only = o->read_only, .write_at = o->write_at, .flush = o->flush};
    struct stat st;

    *b = (struct backend){.files = NULL};
    if (o->kind == MEDIUM_PARTITION) {
        b->part = part_bd_open(&part, error, n);
        b->bd = b->part != NULL ? part_bd_device(b->part) : b->bd;
    } else {
        b->files = file_bd_open(&files, error, n);
        b->bd = b->files != NULL ? file_bd_device(b->files) : b->bd;
    }
    if (b->bd.read == NULL) {
        return false;
    }
    if (stat(m->path, &st) == 0) {
        b->device = st.st_dev;
        b->inode = st.st_ino;
    }
    return true;
}

/* --- the block device --- */

static int bd_read(void *ctx, uint32_t block, uint32_t offset, void *buf, size_t n)
{
    struct medium *m = ctx;
    int err;

    pthread_rwlock_rdlock(&m->lock);
    err = m->at.bd.read(m->at.bd.ctx, block, offset, buf, n);
    pthread_rwlock_unlock(&m->lock);
    return err;
}

/* The others are called by the thread that reopens, so they need no lock. */

static int bd_prog(void *ctx, uint32_t block, uint32_t offset, const void *buf, size_t n)
{
    struct medium *m = ctx;

    return m->at.bd.prog(m->at.bd.ctx, block, offset, buf, n);
}

static int bd_erase(void *ctx, uint32_t block)
{
    struct medium *m = ctx;

    return m->at.bd.erase(m->at.bd.ctx, block);
}

static int bd_sync(void *ctx)
{
    struct medium *m = ctx;

    return m->at.bd.sync(m->at.bd.ctx);
}

static int bd_discard(void *ctx, uint32_t block)
{
    struct medium *m = ctx;

    return m->at.bd.discard(m->at.bd.ctx, block);
}

struct hwt_bd medium_device(struct medium *m)
{
    return (struct hwt_bd){
        .read = bd_read,
        .prog = bd_prog,
        .erase = bd_erase,
        .sync = bd_sync,
        .discard = m->at.bd.discard != NULL ? bd_discard : NULL,
        .block_size = m->at.bd.block_size,
        .block_count = m->at.bd.block_count,
        .ctx = m,
    };
}

/* --- opening --- */

struct medium *medium_open(const struct medium_options *options, char *error, size_t n)
{
    struct medium *m = calloc(1, sizeof(*m));

    if (m == NULL || (m->path = strdup(options->path)) == NULL) {
        snprintf(error, n, "out of memory");
        free(m);
        return NULL;
    }
    m->options = *options;
    m->blocks = options->blocks;
    pthread_rwlock_init(&m->lock, NULL);
    if (!backend_open(&m->at, m, true, error, n)) {
        medium_close(m);
        return NULL;
    }
    return m;
}

void medium_close(struct medium *m)
{
    if (m != NULL) {
        backend_close(&m->at);
        pthread_rwlock_destroy(&m->lock);
        free(m->path);
        free(m);
    }
}

bool medium_had_log(const struct medium *m)
{
    return m->at.part != NULL || file_bd_had_records(m->at.files);
}

bool medium_moved(const struct medium *m)
{
    struct stat st;

    return stat(m->path, &st) != 0 || st.st_dev != m->at.device || st.st_ino != m->at.inode;
}

int medium_reopen(struct medium *m, char *error, size_t n)
{
    struct backend found, before;

    if (!backend_open(&found, m, false, error, n)) {
        return HWT_ERR_IO;
    }
    pthread_rwlock_wrlock(&m->lock);
    before = m->at;
    m->at = found;
    pthread_rwlock_unlock(&m->lock);
    backend_close(&before);
    return 0;
}

const char *medium_explain(const struct medium *m, int err)
{
    return m->at.part != NULL ? part_bd_explain(m->at.part, err)
                              : file_bd_explain(m->at.files, err);
}

uint64_t medium_free_bytes(const struct medium *m)
{
    return m->at.files != NULL ? file_bd_free_bytes(m->at.files) : 0;
}
