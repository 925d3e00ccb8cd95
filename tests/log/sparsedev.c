#include "tests/log/sparsedev.h"

#include <stdlib.h>
#include <string.h>

struct sparsedev {
    uint32_t block_size, block_count;
    uint8_t **page; /* NULL: never written, reads as zeros */
    uint8_t *touched;
    struct sparsedev_read read;
};

static size_t pages_of(const struct sparsedev *d)
{
    return (size_t)d->block_count * (d->block_size / HWT_TSLOG_PAGE);
}

struct sparsedev *sparsedev_new(uint32_t block_size, uint32_t block_count)
{
    struct sparsedev *d = calloc(1, sizeof(*d));

    d->block_size = block_size;
    d->block_count = block_count;
    d->page = calloc(pages_of(d), sizeof(*d->page));
    d->touched = calloc(pages_of(d), 1);
    return d;
}

void sparsedev_free(struct sparsedev *d)
{
    for (size_t i = 0; i < pages_of(d); i++) {
        free(d->page[i]);
    }
    free(d->page);
    free(d->touched);
    free(d);
}

/* Number of the page; aborts outside the device. */
static size_t page_at(const struct sparsedev *d, uint32_t block, uint32_t offset, size_t n)
{
    if (block >= d->block_count || offset + n > d->block_size ||
        offset % HWT_TSLOG_PAGE + n > HWT_TSLOG_PAGE) {
        abort();
    }
    return (size_t)block * (d->block_size / HWT_TSLOG_PAGE) + offset / HWT_TSLOG_PAGE;
}

static int bd_read(void *ctx, uint32_t block, uint32_t offset, void *buf, size_t n)
{
    struct sparsedev *d = ctx;
    size_t at = page_at(d, block, offset, n);

    d->read.calls++;
    d->read.pages += d->touched[at] == 0;
    d->touched[at] = 1;
    if (d->page[at] == NULL) {
        memset(buf, 0, n);
    } else {
        memcpy(buf, d->page[at] + offset % HWT_TSLOG_PAGE, n);
    }
    return 0;
}

static int bd_prog(void *ctx, uint32_t block, uint32_t offset, const void *buf, size_t n)
{
    struct sparsedev *d = ctx;
    size_t at = page_at(d, block, offset, n);

    if (d->page[at] == NULL) {
        d->page[at] = malloc(HWT_TSLOG_PAGE);
    }
    memcpy(d->page[at], buf, n);
    return 0;
}

static int bd_erase(void *ctx, uint32_t block)
{
    struct sparsedev *d = ctx;
    size_t at = page_at(d, block, 0, 1);

    for (size_t i = 0; i < d->block_size / HWT_TSLOG_PAGE; i++) {
        free(d->page[at + i]);
        d->page[at + i] = NULL;
    }
    return 0;
}

static int bd_sync(void *ctx)
{
    (void)ctx;
    return 0;
}

struct hwt_bd sparsedev_bd(struct sparsedev *d)
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

struct sparsedev_read sparsedev_reads(struct sparsedev *d)
{
    struct sparsedev_read read = d->read;

    memset(d->touched, 0, pages_of(d));
    d->read = (struct sparsedev_read){0, 0};
    return read;
}
