#include "tests/log/ramdev.h"

#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, CONTROL_PAGES = 56 };

struct op {
    bool erase;
    uint32_t block, offset;
    uint8_t *data; /* HWT_TSLOG_PAGE bytes, or NULL */
};

struct ramdev {
    uint32_t block_size, block_count;
    uint8_t erased;
    uint8_t *stable; /* what a power cut cannot touch */
    uint8_t *now;    /* with the cache */
    struct op *op;
    size_t ops, room;
    uint64_t count, cut_at, fail_at, breaches, reads;
    unsigned fresh, fresh_max; /* pages outside the control area programmed since the last sync */
    int fail_err;
};

struct ramdev *ramdev_new(uint32_t block_size, uint32_t block_count, uint8_t erased)
{
    struct ramdev *d = calloc(1, sizeof(*d));
    size_t n = (size_t)block_size * block_count;

    d->block_size = block_size;
    d->block_count = block_count;
    d->erased = erased;
    d->stable = malloc(n);
    d->now = malloc(n);
    memset(d->stable, erased, n);
    memset(d->now, erased, n);
    return d;
}

static void forget(struct ramdev *d)
{
    for (size_t i = 0; i < d->ops; i++) {
        free(d->op[i].data);
    }
    d->ops = 0;
}

void ramdev_free(struct ramdev *d)
{
    if (d != NULL) {
        forget(d);
        free(d->op);
        free(d->stable);
        free(d->now);
        free(d);
    }
}

static void remember(struct ramdev *d, bool erase, uint32_t block, uint32_t offset, const void *buf)
{
    struct op op = {.erase = erase, .block = block, .offset = offset};

    if (!erase) {
        op.data = malloc(HWT_TSLOG_PAGE);
        memcpy(op.data, buf, HWT_TSLOG_PAGE);
    }
    if (d->ops == d->room) {
        d->room = d->room * 2 + 16;
        d->op = realloc(d->op, d->room * sizeof(*d->op));
    }
    d->op[d->ops++] = op;
}

/* What the next op is to answer; 0: go on. The op that is cut still reaches the cache. */
static int next_op(struct ramdev *d, bool *reaches)
{
    d->count++;
    *reaches = true;
    if (d->cut_at != 0 && d->count >= d->cut_at) {
        *reaches = d->count == d->cut_at;
        return HWT_ERR_IO;
    }
    if (d->fail_err != 0 && d->count >= d->fail_at) {
        *reaches = false;
        return d->fail_err;
    }
    return 0;
}

static int bd_read(void *ctx, uint32_t block, uint32_t offset, void *buf, size_t n)
{
    struct ramdev *d = ctx;

    if (block >= d->block_count || offset + n > d->block_size) {
        abort();
    }
    d->reads++;
    memcpy(buf, d->now + (size_t)block * d->block_size + offset, n);
    return 0;
}

static bool blank(const struct ramdev *d, const uint8_t *p)
{
    for (size_t i = 0; i < HWT_TSLOG_PAGE; i++) {
        if (p[i] != d->erased) {
            return false;
        }
    }
    return true;
}

/* The block's erase may still be undone by a cut, and what was in it before come back. */
static bool erase_waits(const struct ramdev *d, uint32_t block)
{
    for (size_t i = 0; i < d->ops; i++) {
        if (d->op[i].erase && d->op[i].block == block) {
            return true;
        }
    }
    return false;
}

static int bd_prog(void *ctx, uint32_t block, uint32_t offset, const void *buf, size_t n)
{
    struct ramdev *d = ctx;
    uint8_t *p = d->now + (size_t)block * d->block_size + offset;
    bool reaches;
    int err = next_op(d, &reaches);

    if (block >= d->block_count || n != HWT_TSLOG_PAGE || offset % HWT_TSLOG_PAGE != 0 ||
        offset + n > d->block_size) {
        abort();
    }
    if (reaches) {
        uint32_t page = block * (d->block_size / HWT_TSLOG_PAGE) + offset / HWT_TSLOG_PAGE;

        if (page >= CONTROL_PAGES) {
            d->breaches += !blank(d, p) || erase_waits(d, block);
            d->fresh++;
            d->fresh_max = d->fresh > d->fresh_max ? d->fresh : d->fresh_max;
        }
        memcpy(p, buf, n);
        remember(d, false, block, offset, buf);
    }
    return err;
}

static int bd_erase(void *ctx, uint32_t block)
{
    struct ramdev *d = ctx;
    bool reaches;
    int err = next_op(d, &reaches);

    if (block >= d->block_count) {
        abort();
    }
    if (reaches) {
        memset(d->now + (size_t)block * d->block_size, d->erased, d->block_size);
        remember(d, true, block, 0, NULL);
    }
    return err;
}

static int bd_sync(void *ctx)
{
    struct ramdev *d = ctx;
    bool reaches;
    int err = next_op(d, &reaches);

    if (err == 0) {
        memcpy(d->stable, d->now, (size_t)d->block_size * d->block_count);
        forget(d);
        d->fresh = 0;
    }
    return err;
}

struct hwt_bd ramdev_bd(struct ramdev *d)
{
    return (struct hwt_bd){
        .read = bd_read,
        .prog = bd_prog,
        .erase = bd_erase,
        .sync = bd_sync,
        .block_size = d->block_size,
        .block_count = d->block_count,
        .ctx = d,
    };
}

/* Part of an op reaches the medium: a prefix, or some of the sectors. */
static void apply_torn(struct ramdev *d, const struct op *op, struct rng *rng)
{
    size_t n = op->erase ? d->block_size : HWT_TSLOG_PAGE;
    uint8_t *to = d->stable + (size_t)op->block * d->block_size + op->offset;
    size_t prefix = rng_below(rng, 2) == 0 ? rng_below(rng, (uint32_t)n) : n;
    bool sectors = prefix == n;

    for (size_t at = 0; at < prefix; at += SECTOR) {
        size_t m = prefix - at < SECTOR ? prefix - at : SECTOR;

        if (sectors && rng_below(rng, 2) == 0) {
            continue;
        }
        if (op->erase) {
            memset(to + at, d->erased, m);
        } else {
            memcpy(to + at, op->data + at, m);
        }
    }
}

static void apply(struct ramdev *d, const struct op *op)
{
    uint8_t *to = d->stable + (size_t)op->block * d->block_size + op->offset;

    if (op->erase) {
        memset(to, d->erased, d->block_size);
    } else {
        memcpy(to, op->data, HWT_TSLOG_PAGE);
    }
}

static void shuffle(struct ramdev *d, struct rng *rng)
{
    for (size_t i = d->ops; i > 1; i--) {
        size_t k = rng_below(rng, (uint32_t)i);
        struct op t = d->op[i - 1];

        d->op[i - 1] = d->op[k];
        d->op[k] = t;
    }
}

void ramdev_power_cycle(struct ramdev *d, struct rng *rng)
{
    /* a third of the cuts keeps the order of the ops, as most caches do */
    if (rng_below(rng, 3) != 0) {
        shuffle(d, rng);
    }
    for (size_t i = 0; i < d->ops; i++) {
        switch (rng_below(rng, 3)) {
        case 0:
            break;
        case 1:
            apply_torn(d, &d->op[i], rng);
            break;
        default:
            apply(d, &d->op[i]);
        }
    }
    forget(d);
    memcpy(d->now, d->stable, (size_t)d->block_size * d->block_count);
    d->cut_at = 0;
    d->fail_err = 0;
}

uint64_t ramdev_ops(const struct ramdev *d)
{
    return d->count;
}

void ramdev_cut_at(struct ramdev *d, uint64_t op)
{
    d->cut_at = op;
}

void ramdev_fail(struct ramdev *d, uint64_t ops, int err)
{
    d->fail_at = d->count + ops + 1;
    d->fail_err = err;
}

uint64_t ramdev_breaches(const struct ramdev *d)
{
    return d->breaches;
}

unsigned ramdev_fresh_max(const struct ramdev *d)
{
    return d->fresh_max;
}

uint64_t ramdev_reads(const struct ramdev *d)
{
    return d->reads;
}

uint8_t *ramdev_bytes(struct ramdev *d)
{
    return d->now;
}
