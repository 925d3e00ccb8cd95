/*
 * buckets.c: down-sampled reads.
 *
 *   range │ window of up to 1024 / n buckets │ next window …
 *          for each stream, in order of sequence: sheets of roll-ups (buckets_rolled.c), and
 * records where there is none or an edge lies within a quarter hour (buckets_records.c)
 *
 * Work comes in bits of a page or a sheet, so that a wide bucket does not hold its reader up.
 */
#include "core/tslog/buckets.h"

int hwt_tslog_buckets_open(struct hwt_tslog_buckets *it, const struct hwt_tslog_snapshot *snapshot,
                           const char *const *ids, size_t n, const struct hwt_tslog_range *range)
{
    if (n < 1 || n > HWT_TSLOG_QUERY_MAX || range->from_ms > range->to_ms ||
        (range->next == NULL && range->step_ms < 1)) {
        return HWT_ERR_ARGUMENT;
    }
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(ids[i]);

        if (length > HWT_ID_MAX) {
            return HWT_ERR_ARGUMENT;
        }
        memcpy(it->id[i], ids[i], length + 1);
    }
    hwt_tslog_cursor_init(&it->read, snapshot, 0);
    it->n = (uint16_t)n;
    it->range = *range;
    it->range.fields = range->fields == 0 ? HWT_BUCKET_ALL : range->fields;
    it->window_to_ms = range->from_ms;
    it->window = 0;
    it->given = 0;
    it->mapped = 0;
    for (size_t s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        it->kept_before[s][0].first = 0;
        it->kept_before[s][1].first = 0;
    }
    memset(it->bad, 0, sizeof(it->bad));
    it->filled = false;
    return 0;
}

/* --- a stream --- */

bool hwt_buckets_usable(const struct hwt_tslog_buckets *it, uint32_t sheet)
{
    const struct hwt_tslog_snapshot *snapshot = it->read.snapshot;
    const struct hwt_rollup_sheet *s = &snapshot->roll.sheet[sheet];

    return (it->bad[sheet / 8] >> sheet % 8 & 1) == 0 &&
           s->last <= snapshot->stream[s->stream].durable &&
           (s->first < it->kept || hwt_roll_current(snapshot, s));
}

/* The next sheet that may be used; roll.count: none. */
static uint32_t next_sheet(const struct hwt_tslog_buckets *it)
{
    const struct hwt_rollup_view *roll = &it->read.snapshot->roll;
    uint32_t i = it->range.unrolled ? roll->count
                                    : hwt_roll_find(roll->sheet, roll->count, it->stream, it->at);

    while (i < roll->count && roll->sheet[i].stream == it->stream && !hwt_buckets_usable(it, i)) {
        i++;
    }
    return i < roll->count && roll->sheet[i].stream == it->stream ? i : roll->count;
}

static void begin_stream(struct hwt_tslog_buckets *it, int stream)
{
    if (it->read.stream != stream) {
        it->read.stream = stream;
        it->read.dir.block = HWT_TSLOG_NO_BLOCK;
    }
    it->stream = stream;
    it->at = 1;
    it->kept = hwt_roll_kept(it->read.snapshot, stream);
    it->part = 1;
    it->part_to = 0;
    it->row = it->rows = 0;
    it->follows = 0;
    for (size_t i = 0; i < (size_t)it->window * it->n; i++) {
        it->own[i].b.count = 0;
    }
}

/* A page or a sheet. 1: there may be more; 0: the stream is done. */
static int advance(struct hwt_tslog_buckets *it)
{
    const struct hwt_rollup_view *roll = &it->read.snapshot->roll;
    uint64_t end = it->read.snapshot->stream[it->stream].durable;
    uint32_t i;
    int err;

    if (it->part <= it->part_to) {
        return hwt_buckets_take_page(it);
    }
    if (it->row < it->rows) {
        hwt_buckets_next_part(it);
        return 1;
    }
    if (it->at > end) {
        return 0;
    }
    i = next_sheet(it);
    if (i == roll->count || roll->sheet[i].first > it->at) {
        hwt_buckets_begin_part(it, it->at, i == roll->count ? end : roll->sheet[i].first - 1);
        it->at = it->part_to + 1;
        return 1;
    }
    err = hwt_buckets_take_sheet(it, &roll->sheet[i]);
    if (err == HWT_ERR_CORRUPT || err == HWT_ERR_NOT_FOUND) { /* without it, from the start */
        it->bad[i / 8] |= (uint8_t)(1u << i % 8);
        begin_stream(it, it->stream);
        return 1;
    }
    it->at = roll->sheet[i].last + 1;
    return err == 0 ? 1 : err;
}

/* --- windows --- */

static void merge_stream(struct hwt_tslog_buckets *it)
{
    for (size_t i = 0; i < (size_t)it->window * it->n; i++) {
        struct hwt_bucket *to = &it->bucket[i];
        const struct hwt_tslog_own *from = &it->own[i];

        if (to->count == 0 && from->b.count > 0) {
            int64_t from_ms = to->from_ms, to_ms = to->to_ms;

            *to = from->b;
            to->from_ms = from_ms;
            to->to_ms = to_ms;
            to->mean = (double)from->base + from->b.mean / (double)from->b.measured_ms;
        }
    }
}

static int64_t next_edge(const struct hwt_tslog_range *range, int64_t at)
{
    int64_t edge;

    if (range->next != NULL) {
        edge = range->next(range->ctx, at);
    } else if (__builtin_add_overflow(at, range->step_ms, &edge)) {
        return range->to_ms;
    }
    return edge <= at || edge > range->to_ms ? range->to_ms : edge;
}

/* false: the range is at its end. */
static bool begin_window(struct hwt_tslog_buckets *it)
{
    uint32_t most = HWT_TSLOG_WINDOW / it->n;
    int64_t at = it->window_to_ms;

    it->given = 0;
    it->window_from_ms = at;
    for (it->window = 0; it->window < most && at < it->range.to_ms; it->window++) {
        int64_t end = next_edge(&it->range, at);

        for (size_t i = 0; i < it->n; i++) {
            it->bucket[it->window * it->n + i] = (struct hwt_bucket){.from_ms = at, .to_ms = end};
        }
        at = end;
    }
    it->window_to_ms = at;
    return it->window > 0;
}

static int next_stream(const struct hwt_tslog_buckets *it, int stream)
{
    while (stream < HWT_TSLOG_STREAMS_MAX && !hwt_tslog_snapshot_has(it->read.snapshot, stream)) {
        stream++;
    }
    return stream;
}

/* 0: the window is filled. */
static int fill_window(struct hwt_tslog_buckets *it)
{
    uint32_t work = 0;

    while (it->stream < HWT_TSLOG_STREAMS_MAX) {
        int more = advance(it);

        if (more < 0) {
            return more;
        }
        if (more == 0) {
            int stream = next_stream(it, it->stream + 1);

            merge_stream(it);
            it->stream = stream;
            if (stream < HWT_TSLOG_STREAMS_MAX) {
                begin_stream(it, stream);
            }
        } else if (it->range.budget != 0 && ++work >= it->range.budget) {
            return HWT_ERR_AGAIN;
        }
    }
    it->filled = true;
    return 0;
}

int hwt_tslog_buckets_next(struct hwt_tslog_buckets *it, struct hwt_bucket *buckets_out)
{
    if (it->given == it->window) {
        if (!begin_window(it)) {
            return 0;
        }
        it->filled = false;
        it->stream = next_stream(it, 0);
        if (it->stream < HWT_TSLOG_STREAMS_MAX) {
            begin_stream(it, it->stream);
        }
    }
    if (!it->filled) {
        int err = fill_window(it);

        if (err != 0) {
            it->window = err == HWT_ERR_AGAIN ? it->window : 0;
            it->given = 0;
            return err;
        }
    }
    memcpy(buckets_out, &it->bucket[it->given * it->n], it->n * sizeof(*buckets_out));
    it->given++;
    return 1;
}
