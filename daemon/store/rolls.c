#include "daemon/store/rolls.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/store/medium.h"

enum { BLOCKS = 1024 }; /* 1 GiB: a century of 50 channels */

struct rolls {
    char path[4096];
    struct medium *medium;
    struct hwt_bd below; /* the medium's; its block 0 is not used, it is a log's control area */
    struct hwt_rollup_entry *pool; /* NULL: of a reader */
    bool opened;                   /* false: reopening failed, roll is not to be used */
    struct hwt_rollup roll;
};

/* --- blocks are the medium's from 1 on --- */

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

static bool open_rollup(struct rolls *r, const struct hwt_tslog_snapshot *snapshot, char *why,
                        size_t n)
{
    struct hwt_rollup_config config = {
        .bd = device(r),
        .pool = r->pool,
        .pool_count = r->pool != NULL ? HWT_ROLLUP_POOL : 0,
        .read_only = r->pool == NULL,
    };
    int err = hwt_rollup_open(&r->roll, &config, snapshot);

    r->opened = err == 0;
    if (err != 0) {
        snprintf(why, n, "the roll-ups in %.300s cannot be opened: %.100s", r->path,
                 rolls_explain(r, err));
    }
    return err == 0;
}

static bool open_medium(struct rolls *r, char *why, size_t n)
{
    struct medium_options medium = {.kind = MEDIUM_FOLDER,
                                    .path = r->path,
                                    .blocks = BLOCKS,
                                    .read_only = r->pool == NULL,
                                    .derived = true};

    r->medium = medium_open(&medium, why, n);
    if (r->medium != NULL) {
        r->below = medium_device(r->medium);
    }
    return r->medium != NULL;
}

struct rolls *rolls_open(const char *dir, bool read_only, const struct hwt_tslog_snapshot *snapshot,
                         char *why, size_t n)
{
    struct rolls *r = calloc(1, sizeof(*r));

    if (r != NULL && !read_only) {
        r->pool = calloc(HWT_ROLLUP_POOL, sizeof(*r->pool));
    }
    if (r == NULL || (!read_only && r->pool == NULL)) {
        snprintf(why, n, "out of memory");
        free(r);
        return NULL;
    }
    if (snprintf(r->path, sizeof(r->path), "%s/roll", dir) >= (int)sizeof(r->path)) {
        snprintf(why, n, "the path of the log is too long");
        rolls_close(r);
        return NULL;
    }
    if (!open_medium(r, why, n) || !open_rollup(r, snapshot, why, n)) {
        rolls_close(r);
        return NULL;
    }
    return r;
}

bool rolls_reopen(struct rolls *r, const struct hwt_tslog_snapshot *snapshot, char *why, size_t n)
{
    r->opened = false;
    return (!medium_moved(r->medium) || medium_reopen(r->medium, why, n) == 0) &&
           open_rollup(r, snapshot, why, n);
}

void rolls_close(struct rolls *r)
{
    if (r != NULL) {
        medium_close(r->medium);
        free(r->pool);
        free(r);
    }
}

int rolls_step(struct rolls *r, const struct hwt_tslog_snapshot *snapshot, unsigned steps)
{
    int more = r == NULL ? 0 : r->opened ? 1 : HWT_ERR_IO;

    for (unsigned i = 0; more == 1 && i < steps; i++) {
        more = hwt_rollup_step(&r->roll, snapshot);
    }
    return more;
}

int rolls_flush(struct rolls *r, const struct hwt_tslog_snapshot *snapshot)
{
    return r == NULL ? 0 : r->opened ? hwt_rollup_flush(&r->roll, snapshot) : HWT_ERR_IO;
}

void rolls_view(const struct rolls *r, struct hwt_tslog_snapshot *snapshot)
{
    if (r != NULL && r->opened) {
        hwt_rollup_view(&r->roll, snapshot);
    }
}

const char *rolls_explain(const struct rolls *r, int err)
{
    return r == NULL ? hwt_err_name(err) : medium_explain(r->medium, err);
}
