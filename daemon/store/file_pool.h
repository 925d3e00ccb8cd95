/*
 * file_pool.h: the files of a log's blocks, a few of them open at a time. Any thread.
 */
#ifndef DAEMON_STORE_FILE_POOL_H
#define DAEMON_STORE_FILE_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/tslog/tslog.h"

enum {
    FILE_POOL_OPEN_MAX = 32,
    FILE_POOL_BLOCKS_MAX = HWT_TSLOG_SEGMENTS_MAX + 1,
    FILE_POOL_NAME_BYTES = 24
};

struct pool_file {
    int block; /* -1: removed, to be closed as soon as nobody uses it */
    int fd;    /* -1: free place */
    unsigned users;
    uint64_t used; /* when, for choosing which to close */
};

struct file_pool {
    int dir_fd;
    bool read_only;
    pthread_mutex_t lock; /* guards what follows */
    uint64_t clock;
    struct pool_file file[FILE_POOL_OPEN_MAX];
    bool exists[FILE_POOL_BLOCKS_MAX];
};

/* The name of a block's file. */
void file_pool_name(uint32_t block, char name[FILE_POOL_NAME_BYTES]);

void file_pool_init(struct file_pool *p, int dir_fd, bool read_only);
/* Closes all files; nobody may use one. */
void file_pool_deinit(struct file_pool *p);

/* The file of a block, open until file_pool_release; NULL with errno. flags: O_CREAT, or 0. */
struct pool_file *file_pool_hold(struct file_pool *p, uint32_t block, int flags);
void file_pool_release(struct file_pool *p, struct pool_file *f);
bool file_pool_exists(struct file_pool *p, uint32_t block);
/* The file is there: found in the folder. */
void file_pool_found(struct file_pool *p, uint32_t block);
/* The file is about to be removed. */
void file_pool_forget(struct file_pool *p, uint32_t block);

#endif
