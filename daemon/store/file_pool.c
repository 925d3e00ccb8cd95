#include "daemon/store/file_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { REMOVED = -1, CLOSED = -1 };

void file_pool_name(uint32_t block, char name[FILE_POOL_NAME_BYTES])
{
    if (block == 0) {
        snprintf(name, FILE_POOL_NAME_BYTES, "control.hwl");
    } else {
        snprintf(name, FILE_POOL_NAME_BYTES, "seg-%05u.hwl", block);
    }
}

void file_pool_init(struct file_pool *p, int dir_fd, bool read_only)
{
    memset(p, 0, sizeof(*p));
    p->dir_fd = dir_fd;
    p->read_only = read_only;
    pthread_mutex_init(&p->lock, NULL);
    for (int i = 0; i < FILE_POOL_OPEN_MAX; i++) {
        p->file[i].fd = CLOSED;
    }
}

static void close_file(struct pool_file *f)
{
    close(f->fd);
    f->fd = CLOSED;
}

void file_pool_deinit(struct file_pool *p)
{
    for (int i = 0; i < FILE_POOL_OPEN_MAX; i++) {
        if (p->file[i].fd != CLOSED) {
            close_file(&p->file[i]);
        }
    }
    pthread_mutex_destroy(&p->lock);
}

static struct pool_file *find_open(struct file_pool *p, uint32_t block)
{
    for (int i = 0; i < FILE_POOL_OPEN_MAX; i++) {
        if (p->file[i].fd != CLOSED && p->file[i].block == (int)block) {
            return &p->file[i];
        }
    }
    return NULL;
}

/* A place for a file to open: an empty one, else the one unused for longest; NULL: all in use. */
static struct pool_file *find_place(struct file_pool *p)
{
    struct pool_file *best = NULL;

    for (int i = 0; i < FILE_POOL_OPEN_MAX; i++) {
        struct pool_file *f = &p->file[i];

        if (f->fd == CLOSED) {
            return f;
        }
        if (f->users == 0 && (best == NULL || f->used < best->used)) {
            best = f;
        }
    }
    if (best != NULL) {
        close_file(best);
    }
    return best;
}

static struct pool_file *open_file(struct file_pool *p, uint32_t block, int flags)
{
    struct pool_file *f = find_place(p);
    char name[FILE_POOL_NAME_BYTES];

    if (f == NULL) {
        errno = EMFILE;
        return NULL;
    }
    file_pool_name(block, name);
    f->fd = openat(p->dir_fd, name, (p->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | flags, 0640);
    f->block = (int)block;
    f->users = 0;
    return f->fd == CLOSED ? NULL : f;
}

struct pool_file *file_pool_hold(struct file_pool *p, uint32_t block, int flags)
{
    struct pool_file *f;

    pthread_mutex_lock(&p->lock);
    f = find_open(p, block);
    f = f == NULL ? open_file(p, block, flags) : f;
    if (f != NULL) {
        f->users++;
        f->used = ++p->clock;
        p->exists[block] = true;
    }
    pthread_mutex_unlock(&p->lock);
    return f;
}

void file_pool_release(struct file_pool *p, struct pool_file *f)
{
    pthread_mutex_lock(&p->lock);
    f->users--;
    if (f->users == 0 && f->block == REMOVED) {
        close_file(f);
    }
    pthread_mutex_unlock(&p->lock);
}

bool file_pool_exists(struct file_pool *p, uint32_t block)
{
    bool yes;

    pthread_mutex_lock(&p->lock);
    yes = p->exists[block];
    pthread_mutex_unlock(&p->lock);
    return yes;
}

void file_pool_found(struct file_pool *p, uint32_t block)
{
    pthread_mutex_lock(&p->lock);
    p->exists[block] = true;
    pthread_mutex_unlock(&p->lock);
}

void file_pool_forget(struct file_pool *p, uint32_t block)
{
    struct pool_file *f;

    pthread_mutex_lock(&p->lock);
    f = find_open(p, block);
    if (f != NULL) {
        f->block = REMOVED;
        if (f->users == 0) {
            close_file(f);
        }
    }
    p->exists[block] = false;
    pthread_mutex_unlock(&p->lock);
}
