/*
 * drop.c: retention by age: the oldest block of a stream goes when all its records are old.
 */
#include "core/tslog/internal.h"

/* A record's time is not known: it is as old as the block after it. */
static bool is_old(const struct hwt_tslog_segment *segment, int64_t unix_ms)
{
    return segment->max_ms < unix_ms &&
           (segment->min_ms <= segment->max_ms || segment[1].max_ms < unix_ms);
}

/* Whether the stream's durable tail is in a later block: then this one is not needed by it. */
static bool is_settled(const struct hwt_tslog *log, uint32_t i)
{
    int stream = log->segment[i].stream;

    for (uint32_t k = i + 1; k < log->segments && log->segment[k].stream == stream; k++) {
        if (log->segment[k].block == log->stream[stream].durable_block) {
            return true;
        }
    }
    return false;
}

static int drop(struct hwt_tslog *log, uint32_t i)
{
    uint32_t block = log->segment[i].block;
    int err = log->bd.discard != NULL ? log->bd.discard(log->bd.ctx, block)
                                      : log->bd.erase(log->bd.ctx, block);

    if (err != 0) {
        return err;
    }
    log->unsynced = true;
    log->segments--;
    memmove(&log->segment[i], &log->segment[i + 1], (log->segments - i) * sizeof(log->segment[0]));
    return 1;
}

int hwt_tslog_drop_before(struct hwt_tslog *log, int64_t unix_ms)
{
    for (uint32_t i = 0; i < log->segments; i++) {
        bool oldest = i == 0 || log->segment[i - 1].stream != log->segment[i].stream;

        if (oldest && is_settled(log, i) && is_old(&log->segment[i], unix_ms)) {
            return drop(log, i);
        }
    }
    return 0;
}
