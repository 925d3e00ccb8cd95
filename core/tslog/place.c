/*
 * place.c: blocks and pages: the control area, free blocks, the list of segments, where the next
 * page of a stream goes.
 *
 *   block 0 …            │ block n              │ block n + 1
 *   super super slots …  │ S S data data … I    │ S S data …
 *   control area         │ one stream each; S: schema, two copies before the first page that
 *                        │ needs it; I: index (index.c), when the block is left
 */
#include "core/tslog/internal.h"

static uint32_t control_block(const struct hwt_tslog *log, uint32_t page)
{
    return page / log->pages;
}

static uint32_t control_offset(const struct hwt_tslog *log, uint32_t page)
{
    return page % log->pages * HWT_TSLOG_PAGE;
}

int hwt_tslog_control_read(struct hwt_tslog *log, uint32_t page, uint8_t *buf)
{
    log->recovery.pages_read++;
    return log->bd.read(log->bd.ctx, control_block(log, page), control_offset(log, page), buf,
                        HWT_TSLOG_PAGE);
}

int hwt_tslog_control_write(struct hwt_tslog *log, uint32_t page, const uint8_t *buf)
{
    return log->bd.prog(log->bd.ctx, control_block(log, page), control_offset(log, page), buf,
                        HWT_TSLOG_PAGE);
}

int hwt_tslog_sync(struct hwt_tslog *log)
{
    int err = log->bd.sync(log->bd.ctx);

    if (err == 0) {
        log->unsynced = false;
        log->fresh = 0;
    }
    return err;
}

int hwt_tslog_block_write(struct hwt_tslog *log, uint32_t block, uint32_t page, const uint8_t *buf)
{
    int err = log->fresh >= HWT_TSLOG_FRESH_MAX ? hwt_tslog_sync(log) : 0;

    if (err == 0) {
        log->unsynced = true;
        log->fresh++;
        err = log->bd.prog(log->bd.ctx, block, page * HWT_TSLOG_PAGE, buf, HWT_TSLOG_PAGE);
    }
    return err;
}

bool hwt_tslog_block_used(const struct hwt_tslog *log, uint32_t block)
{
    return (log->used[block / 32] >> block % 32 & 1) != 0;
}

void hwt_tslog_block_mark(struct hwt_tslog *log, uint32_t block, bool used)
{
    uint32_t bit = (uint32_t)1 << block % 32;

    log->used[block / 32] = used ? log->used[block / 32] | bit : log->used[block / 32] & ~bit;
}

int hwt_tslog_segment_add(struct hwt_tslog *log, const struct hwt_tslog_segment *segment)
{
    uint32_t i = log->segments;

    if (i == HWT_TSLOG_SEGMENTS_MAX) {
        return HWT_ERR_SPACE;
    }
    while (i > 0 && (log->segment[i - 1].stream > segment->stream ||
                     (log->segment[i - 1].stream == segment->stream &&
                      log->segment[i - 1].ordinal > segment->ordinal))) {
        log->segment[i] = log->segment[i - 1];
        i--;
    }
    log->segment[i] = *segment;
    log->segments++;
    hwt_tslog_block_mark(log, segment->block, true);
    return 0;
}

uint32_t hwt_tslog_segment_find(const struct hwt_tslog *log, uint32_t block)
{
    uint32_t i = 0;

    while (i < log->segments && log->segment[i].block != block) {
        i++;
    }
    return i;
}

static uint32_t last_ordinal(const struct hwt_tslog *log, int stream)
{
    uint32_t last = 0;

    for (uint32_t i = 0; i < log->segments; i++) {
        last = log->segment[i].stream == stream ? log->segment[i].ordinal : last;
    }
    return last;
}

/* A block of no segment, searched round robin so that wear spreads; NO_BLOCK if all are used. */
static uint32_t find_free(const struct hwt_tslog *log)
{
    uint32_t data_blocks = log->bd.block_count - log->control_blocks;

    for (uint32_t i = 0; i < data_blocks; i++) {
        uint32_t b = log->control_blocks + (log->next_block + i) % data_blocks;

        if (!hwt_tslog_block_used(log, b)) {
            return b;
        }
    }
    return HWT_TSLOG_NO_BLOCK;
}

/* Writes the index of the block that the stream leaves. Its last page may be taken already, by a
 * commit that was cut: then the index counts only if it is the same. */
static int close_block(struct hwt_tslog *log, int stream)
{
    struct hwt_tslog_stream *st = &log->stream[stream];
    struct hwt_tslog_segment *segment;
    uint32_t index, last = log->pages - 1;
    uint8_t start[HWT_TSLOG_HEAD];
    int err = 0;

    if (st->block == HWT_TSLOG_NO_BLOCK || st->left) {
        return 0;
    }
    segment = &log->segment[hwt_tslog_segment_find(log, st->block)];
    index = hwt_tslog_index_put(&st->dir, log->log, segment, log->scratch);
    if (st->closed) {
        err = log->bd.read(log->bd.ctx, st->block, last * HWT_TSLOG_PAGE, start, sizeof(start));
        index = err == 0 && hwt_tslog_page_crc(start) == index ? index : 0;
    } else if (index != 0) {
        err = hwt_tslog_block_write(log, st->block, last, log->scratch);
    }
    if (err == 0) {
        segment->index = index;
        st->left = true;
        st->next_page = log->pages;
    }
    return err;
}

/* An erased block becomes the stream's newest segment. The erase is synced first: a block never
 * holds pages of two lives. */
static int take_block(struct hwt_tslog *log, int stream)
{
    struct hwt_tslog_stream *st = &log->stream[stream];
    struct hwt_tslog_segment segment = {
        .first = st->tail.first,
        .ordinal = last_ordinal(log, stream) + 1,
        .min_ms = INT64_MAX,
        .max_ms = INT64_MIN,
        .first_ms = HWT_TIME_UNKNOWN,
        .stream = (uint8_t)stream,
    };
    int err = close_block(log, stream);

    if (err != 0) {
        return err;
    }
    while (log->segments >= log->blocks_kept ||
           (segment.block = find_free(log)) == HWT_TSLOG_NO_BLOCK) {
        err = hwt_tslog_drop_oldest(log, stream);
        if (err != 0) {
            return err;
        }
    }
    err = log->bd.erase(log->bd.ctx, segment.block);
    err = err == 0 ? hwt_tslog_sync(log) : err;
    err = err == 0 ? hwt_tslog_segment_add(log, &segment) : err;
    if (err == 0) {
        log->next_block = segment.block - log->control_blocks + 1;
        st->block = segment.block;
        st->next_page = 0;
        st->schema_placed = false;
        st->closed = st->left = false;
        st->index_dirty = true;
        hwt_tslog_dir_reset(&st->dir, segment.block);
    }
    return err;
}

static int write_schema(struct hwt_tslog *log, int stream)
{
    struct hwt_tslog_stream *st = &log->stream[stream];
    unsigned parts = hwt_tslog_columns_parts(&st->columns);
    uint32_t segment = hwt_tslog_segment_find(log, st->block);
    bool first = st->next_page == 0; /* of the block */

    for (unsigned i = 0; i < HWT_TSLOG_SCHEMA_COPIES * parts; i++) {
        struct hwt_tslog_head head = hwt_tslog_head_new(log->log, HWT_TSLOG_SCHEMA, stream);
        int err;

        head.first = st->tail.first;
        head.generation = log->segment[segment].ordinal;
        hwt_tslog_columns_put(&st->columns, i % parts, log->scratch, &head);
        if (first && i % parts == 0) {
            hwt_tslog_chain_put(log, segment, log->scratch, &head);
        }
        hwt_tslog_page_seal(log->scratch, &head);
        err = hwt_tslog_block_write(log, st->block, st->next_page, log->scratch);
        if (err != 0) {
            return err;
        }
        st->next_page++;
    }
    st->schema_placed = true;
    return 0;
}

int hwt_tslog_place(struct hwt_tslog *log, int stream)
{
    struct hwt_tslog_stream *st = &log->stream[stream];
    uint32_t need = 1;

    if (!st->schema_placed) {
        need += HWT_TSLOG_SCHEMA_COPIES * hwt_tslog_columns_parts(&st->columns);
    }
    if (st->block == HWT_TSLOG_NO_BLOCK || st->next_page + need > log->pages - 1) {
        int err = take_block(log, stream);

        if (err != 0) {
            return err;
        }
    }
    return st->schema_placed ? 0 : write_schema(log, stream);
}
