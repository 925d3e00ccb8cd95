#include "daemon/store/rolls.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/store/file_bd.h"

enum { BLOCKS = 1024 }; /* 1 GiB: a century of 50 channels */

struct rolls {
    struct file_bd *files;
    struct hwt_bd
        below; /* of the files; its block 0 is not used, it would be a log's control area */
    struct hwt_rollup_entry *pool;
    struct hwt_rollup roll;
};

/* --- blocks are the files' from 1 on --- */

static int bd_read(void *ctx, uint32_t block, uint32_t offset, void *buf, size_t n)
{
    const struct rolls *r = ctx;

    return r->below.read(r->below.ctx, block + 1, offset, buf, n);
}

static int bd_prog(void *ctx, uint32_t block, uint32_t offset, const void *buf, size_t n)
{
    const struct rolls *r = ctx;

    return r->below.prog(r->below.ctx, block + 1, offset, buf, n);
}

static int bd_erase(void *ctx, uint32_t block)
{
    const struct rolls *r = ctx;

    return r->below.erase(r->below.ctx, block + 1);
}

static int bd_discard(void *ctx, uint32_t block)
{
    const struct rolls *r = ctx;

    return r->below.discard(r->below.ctx, block + 1);
}

static int bd_sync(void *ctx)
{
    const struct rolls *r = ctx;

    return r->below.sync(r->below.ctx);
}

static struct hwt_bd device(struct rolls *r)
{
    return (struct hwt_bd){
        .read = bd_read,
        .prog = bd_prog,
        .erase = bd_erase,
        .sync = bd_sync,
        .discard = bd_discard,
        .block_size = r->below.block_size,
        .block_count = r->below.block_count - 1,
        .ctx = r,
    };
}

/* --- opening --- */

struct rolls *rolls_open(const char *dir, bool read_only, const struct hwt_tslog_snapshot *snapshot,
                         char *why, size_t n)
{
    char path[4096];
    struct file_bd_options files = {
        .dir = path, .blocks = BLOCKS, .read_only = read_only, .sparse = true};
    struct hwt_rollup_config config = {.read_only = read_only};
    struct rolls *r = calloc(1, sizeof(*r));
    int err;

    if (r != NULL && !read_only) {
        r->pool = calloc(HWT_ROLLUP_POOL, sizeof(*r->pool));
    }
    if (r == NULL || (!read_only && r->pool == NULL)) {
        snprintf(why, n, "out of memory");
        free(r);
        return NULL;
    }
    if (snprintf(path, sizeof(path), "%s/roll", dir) >= (int)sizeof(path)) {
        snprintf(why, n, "the path of the log is too long");
        rolls_close(r);
        return NULL;
    }
    r->files = file_bd_open(&files, why, n);
    if (r->files == NULL) {
        rolls_close(r);
        return NULL;
    }
    r->below = file_bd_device(r->files);
    config.bd = device(r);
    config.pool = r->pool;
    config.pool_count = read_only ? 0 : HWT_ROLLUP_POOL;
    err = hwt_rollup_open(&r->roll, &config, snapshot);
    if (err != 0) {
        snprintf(why, n, "the roll-ups in %.300s cannot be opened: %.100s", path,
                 rolls_explain(r, err));
        rolls_close(r);
        return NULL;
    }
    return r;
}

void rolls_close(struct rolls *r)
{
    if (r != NULL) {
        file_bd_close(r->files);
        free(r->pool);
        free(r);
    }
}

int rolls_step(struct rolls *r, const struct hwt_tslog_snapshot *snapshot, unsigned steps)
{
    int more = r != NULL;

    for (unsigned i = 0; more == 1 && i < steps; i++) {
        more = hwt_rollup_step(&r->roll, snapshot);
    }
    return more;
}

int rolls_flush(struct rolls *r, const struct hwt_tslog_snapshot *snapshot)
{
    return r == NULL ? 0 : hwt_rollup_flush(&r->roll, snapshot);
}

void rolls_view(const struct rolls *r, struct hwt_tslog_snapshot *snapshot)
{
    if (r != NULL) {
        hwt_rollup_view(&r->roll, snapshot);
    }
}

const char *rolls_explain(const struct rolls *r, int err)
{
    return r == NULL ? hwt_err_name(err) : file_bd_explain(r->files, err);
}
