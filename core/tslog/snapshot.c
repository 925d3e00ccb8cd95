/*
 * snapshot.c: what a reader needs of the writer, copied.
 */
#include "core/base/crc32c.h"
#include "core/tslog/internal.h"

bool hwt_tslog_snapshot_has(const struct hwt_tslog_snapshot *snapshot, int stream)
{
    return stream >= 0 && stream < HWT_TSLOG_STREAMS_MAX &&
           snapshot->root.stream[stream].name[0] != '\0';
}

static void copy_amended(const struct hwt_tslog_amended *from, uint16_t count,
                         struct hwt_tslog_amended *to)
{
    to->count = count;
    memcpy(to->at, from->at, count * sizeof(from->at[0]));
}

void hwt_tslog_snapshot(const struct hwt_tslog *log, struct hwt_tslog_snapshot *snapshot_out)
{
    struct hwt_tslog_snapshot *to = snapshot_out;

    to->bd = log->bd;
    to->log = log->log;
    to->pages = log->pages;
    to->control_blocks = log->control_blocks;
    to->segments = log->segments;
    to->root = log->root_durable;
    copy_amended(&log->amended, log->amended_durable, &to->amended);
    to->roll.count = 0;
    memcpy(to->segment, log->segment, log->segments * sizeof(log->segment[0]));
    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        const struct hwt_tslog_stream *from = &log->stream[s];

        to->stream[s].durable = from->durable;
        to->stream[s].durable_ms = from->durable_ms;
        to->stream[s].block = from->block;
        to->stream[s].tail = from->tail;
        if (hwt_tslog_snapshot_has(to, s)) {
            hwt_tslog_dir_copy(&from->dir, &to->dir[s]);
            memcpy(to->page[s], from->page, HWT_TSLOG_PAGE);
        }
    }
}

void hwt_tslog_snapshot_copy(const struct hwt_tslog_snapshot *from,
                             struct hwt_tslog_snapshot *snapshot_out)
{
    struct hwt_tslog_snapshot *to = snapshot_out;

    to->bd = from->bd;
    to->log = from->log;
    to->pages = from->pages;
    to->control_blocks = from->control_blocks;
    to->segments = from->segments;
    to->root = from->root;
    copy_amended(&from->amended, from->amended.count, &to->amended);
    memcpy(to->stream, from->stream, sizeof(to->stream));
    memcpy(to->segment, from->segment, from->segments * sizeof(from->segment[0]));
    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        if (hwt_tslog_snapshot_has(from, s)) {
            hwt_tslog_dir_copy(&from->dir[s], &to->dir[s]);
            memcpy(to->page[s], from->page[s], HWT_TSLOG_PAGE);
        }
    }
    to->roll.bd = from->roll.bd;
    to->roll.count = from->roll.count;
    memcpy(to->roll.sheet, from->roll.sheet, from->roll.count * sizeof(from->roll.sheet[0]));
}

int hwt_tslog_streams(const struct hwt_tslog_snapshot *snapshot)
{
    int n = 1; /* the own stream counts before it holds anything */

    for (int s = 1; s < HWT_TSLOG_STREAMS_MAX; s++) {
        n = hwt_tslog_snapshot_has(snapshot, s) ? s + 1 : n;
    }
    return n;
}

/* The oldest record: in the stream's first segment, or in its tail. */
static void find_first(const struct hwt_tslog_snapshot *snapshot, int stream,
                       struct hwt_stream_info *info)
{
    const struct hwt_tslog_head *tail = &snapshot->stream[stream].tail;
    uint32_t i = 0;

    info->first = tail->first;
    info->first_ms = tail->rows > 0 ? tail->first_ms : HWT_TIME_UNKNOWN;
    while (i < snapshot->segments && snapshot->segment[i].stream != stream) {
        i++;
    }
    if (i < snapshot->segments && snapshot->segment[i].first < tail->first) {
        info->first = snapshot->segment[i].first;
        info->first_ms = snapshot->segment[i].first_ms;
    }
}

int hwt_tslog_stream_info(const struct hwt_tslog_snapshot *snapshot, int stream,
                          struct hwt_stream_info *info_out)
{
    struct hwt_stream_info info = {
        .name = HWT_TSLOG_OWN,
        .first = 1,
        .first_ms = HWT_TIME_UNKNOWN,
        .last_ms = HWT_TIME_UNKNOWN,
    };

    if (stream != 0 && !hwt_tslog_snapshot_has(snapshot, stream)) {
        return HWT_ERR_ARGUMENT;
    }
    if (hwt_tslog_snapshot_has(snapshot, stream)) {
        memcpy(info.name, snapshot->root.stream[stream].name, sizeof(info.name));
        info.provenance = snapshot->root.stream[stream].provenance;
        info.last = snapshot->stream[stream].durable;
        info.last_ms = snapshot->stream[stream].durable_ms;
        find_first(snapshot, stream, &info);
    }
    *info_out = info;
    return 0;
}
