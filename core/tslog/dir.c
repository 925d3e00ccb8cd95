/*
 * dir.c: the directory of a block: its live pages, from their headers.
 *
 *   place   0  1   2       3       4       5       6
 *           S  S  data    data    data    data    (blank)
 *   first   1  1   1      240     480     240 ◀ written after a power cut: 3 and 4 are dead
 *
 * A cut leaves full pages whose commit never happened. The stream then goes on behind them with the
 * same sequences, so of two pages that start at or before one another in the wrong order of place
 * the later place is the true one.
 *
 * When a block is full, its directory is written into its last page (index.c): one read instead of
 * one for each page. It is believed only if it is the one whose checksum the stream's newer blocks
 * or slots tell; else the headers are read.
 */
#include "core/tslog/internal.h"

/* Whether the page can be live, before those with sequences from `limit` on. */
static bool fits(const struct hwt_tslog_head *head, const struct hwt_tslog_place *place,
                 uint64_t limit)
{
    return head->log == place->log && head->stream == place->stream &&
           head->generation == place->ordinal && head->kind == HWT_TSLOG_DATA && head->rows > 0 &&
           head->first < limit && head->rows <= limit - head->first;
}

static struct hwt_tslog_dir_entry make_entry(const struct hwt_tslog_head *head, uint32_t page)
{
    return (struct hwt_tslog_dir_entry){
        .first = head->first,
        .min_ms = head->min_ms,
        .max_ms = head->max_ms,
        .schema = head->schema,
        .rows = head->rows,
        .page = (uint16_t)page,
        .flags = head->flags,
    };
}

static void reverse(struct hwt_tslog_dir *dir)
{
    for (size_t i = 0, k = dir->count; i + 1 < k; i++) {
        struct hwt_tslog_dir_entry t = dir->entry[i];

        k--;
        dir->entry[i] = dir->entry[k];
        dir->entry[k] = t;
    }
}

void hwt_tslog_dir_reset(struct hwt_tslog_dir *dir, uint32_t block)
{
    dir->block = block;
    dir->count = 0;
    dir->first_ms = HWT_TIME_UNKNOWN;
}

void hwt_tslog_dir_copy(const struct hwt_tslog_dir *from, struct hwt_tslog_dir *to)
{
    to->block = from->block;
    to->count = from->count;
    to->first_ms = from->first_ms;
    memcpy(to->entry, from->entry, from->count * sizeof(from->entry[0]));
}

void hwt_tslog_dir_add(struct hwt_tslog_dir *dir, const struct hwt_tslog_head *head, uint32_t page)
{
    if (dir->count == 0) {
        dir->first_ms = head->first_ms;
    }
    if (dir->count < HWT_TSLOG_BLOCK_PAGES_MAX) {
        dir->entry[dir->count++] = make_entry(head, page);
    }
}

static int load_heads(struct hwt_tslog_dir *dir, const struct hwt_bd *bd,
                      const struct hwt_tslog_place *place)
{
    uint64_t limit = place->limit;
    uint8_t buf[HWT_TSLOG_HEAD];

    for (uint32_t p = bd->block_size / HWT_TSLOG_PAGE; p-- > 0;) {
        struct hwt_tslog_head head;
        int err = bd->read(bd->ctx, place->block, p * HWT_TSLOG_PAGE, buf, sizeof(buf));

        if (err != 0) {
            return err;
        }
        if (hwt_tslog_head_get(buf, &head) == 0 && fits(&head, place, limit)) {
            limit = head.first;
            dir->first_ms = head.first_ms;
            dir->entry[dir->count++] = make_entry(&head, p);
        }
    }
    reverse(dir);
    dir->block = place->block;
    return 0;
}

int hwt_tslog_dir_load(struct hwt_tslog_dir *dir, const struct hwt_bd *bd,
                       const struct hwt_tslog_place *place, uint8_t scratch[HWT_TSLOG_PAGE])
{
    hwt_tslog_dir_reset(dir, HWT_TSLOG_NO_BLOCK);
    if (place->index != 0) {
        int err = bd->read(bd->ctx, place->block, bd->block_size - HWT_TSLOG_PAGE, scratch,
                           HWT_TSLOG_PAGE);

        if (err != 0 || hwt_tslog_index_get(dir, place, scratch) == 0) {
            return err;
        }
    }
    return load_heads(dir, bd, place);
}

uint64_t hwt_tslog_segment_limit(const struct hwt_tslog_segment *segment, uint32_t count,
                                 uint32_t i, uint64_t tail_first)
{
    if (i + 1 < count && segment[i + 1].stream == segment[i].stream) {
        return segment[i + 1].first;
    }
    return tail_first;
}

void hwt_tslog_segment_time(struct hwt_tslog_segment *segment, const struct hwt_tslog_dir *dir)
{
    segment->min_ms = INT64_MAX;
    segment->max_ms = INT64_MIN;
    segment->first_ms = dir->first_ms;
    segment->flags = 0;
    for (size_t i = 0; i < dir->count; i++) {
        const struct hwt_tslog_dir_entry *e = &dir->entry[i];

        segment->min_ms = e->min_ms < segment->min_ms ? e->min_ms : segment->min_ms;
        segment->max_ms = e->max_ms > segment->max_ms ? e->max_ms : segment->max_ms;
        segment->flags |= e->flags & HWT_TSLOG_UNKNOWN_TIME;
    }
}
