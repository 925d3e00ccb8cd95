/*
 * drop.c: retention: whole blocks, the oldest of a stream first, by size and by age.
 *
 * A block that holds what the last commit refers to is never given up. The stream's slot tells the
 * oldest block kept, with the next commit; cursors tell what is gone as lost.
 */
#include "core/tslog/internal.h"

/* How many segments of the stream may be given up, and the oldest: those before the one that its
 * durable tail belongs to. Before a first commit none, for all would be lost at a cut. */
static uint32_t segments_spare(const struct hwt_tslog *log, int stream, uint32_t *oldest_out)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < log->segments; i++) {
        if (log->segment[i].stream != stream) {
            continue;
        }
        if (log->segment[i].block == log->stream[stream].durable_block) {
            return n;
        }
        *oldest_out = n == 0 ? i : *oldest_out;
        n++;
    }
    return 0;
}

/* The segment to give up: the stream's own oldest, else that of the stream with most. */
static uint32_t find_victim(const struct hwt_tslog *log, int stream)
{
    uint32_t best = log->segments, most = 0, oldest = 0;

    if (segments_spare(log, stream, &oldest) > 0) {
        return oldest;
    }
    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        uint32_t n = segments_spare(log, s, &oldest);

        if (n > most) {
            most = n;
            best = oldest;
        }
    }
    return best;
}

static int drop_segment(struct hwt_tslog *log, uint32_t i)
{
    struct hwt_tslog_segment *s = &log->segment[i];
    int err = log->bd.discard != NULL ? log->bd.discard(log->bd.ctx, s->block) : 0;

    if (err == 0) {
        log->stream[s->stream].dirty = true; /* its slot tells what it keeps */
        hwt_tslog_block_mark(log, s->block, false);
        log->segments--;
        memmove(s, s + 1, (log->segments - i) * sizeof(*s));
    }
    return err;
}

int hwt_tslog_drop_oldest(struct hwt_tslog *log, int stream)
{
    uint32_t i = find_victim(log, stream), block;
    int err;

    if (i == log->segments) {
        return HWT_ERR_SPACE;
    }
    block = log->segment[i].block;
    err = drop_segment(log, i);
    if (err == 0) {
        log->next_block = block - log->control_blocks;
    }
    return err;
}

/* Whether all records of segment i start before that time. Of a segment without wall times that is
 * known once the one behind it is old. */
static bool older(const struct hwt_tslog *log, uint32_t i, int64_t unix_ms)
{
    int stream = log->segment[i].stream;

    while (i < log->segments && log->segment[i].stream == stream &&
           log->segment[i].min_ms > log->segment[i].max_ms) {
        i++;
    }
    return i < log->segments && log->segment[i].stream == stream &&
           log->segment[i].max_ms < unix_ms;
}

int hwt_tslog_drop_before(struct hwt_tslog *log, int64_t unix_ms)
{
    int dropped = 0;

    if (log->read_only) {
        return HWT_ERR_ARGUMENT;
    }
    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        uint32_t i = 0;

        while (dropped < HWT_TSLOG_DROP_MAX && segments_spare(log, s, &i) > 0 &&
               older(log, i, unix_ms)) {
            int err = drop_segment(log, i);

            if (err != 0) {
                return err;
            }
            dropped++;
        }
    }
    return dropped;
}
