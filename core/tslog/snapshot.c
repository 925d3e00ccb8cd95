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

void hwt_tslog_snapshot(const struct hwt_tslog *log, struct hwt_tslog_snapshot *snapshot_out)
{
    struct hwt_tslog_snapshot *to = snapshot_out;

    to->bd = log->bd;
    to->log = log->log;
    to->pages = log->pages;
    to->control_blocks = log->control_blocks;
    to->segments = log->segments;
    to->root = log->root_durable;
    to->roll.count = 0;
    memcpy(to->segment, log->segment, log->segments * sizeof(log->segment[0]));
    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        const struct hwt_tslog_stream *from = &log->stream[s];

        to->stream[s].durable = from->durable;
        to->stream[s].durable_ms = from->durable_ms;
        to->stream[s].block = from->block;
        to->stream[s].tail = from->tail;
        if (hwt_tslog_snapshot_has(to, s)) {
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
    memcpy(to->stream, from->stream, sizeof(to->stream));
    memcpy(to->segment, from->segment, from->segments * sizeof(from->segment[0]));
    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        if (hwt_tslog_snapshot_has(from, s)) {
            memcpy(to->page[s], from->page[s], HWT_TSLOG_PAGE);
        }
    }
    to->roll.bd = from->roll.bd;
    to->roll.count = from->roll.count;
    memcpy(to->roll.sheet, from->roll.sheet, from->roll.count * sizeof(from->roll.sheet[0]));
}

/* Anchors are few and matter only to records without wall time. */
uint32_t hwt_tslog_revision(const struct hwt_tslog_snapshot *snapshot, int stream, uint64_t first,
                            uint64_t last, bool unknown_time)
{
    const struct hwt_tslog_root *root = &snapshot->root;
    uint32_t revision = 0;

    (void)first;
    (void)last;
    for (size_t i = 0; unknown_time && i < root->anchors; i++) {
        uint8_t b[4 + 8 + 8];
        struct hwt_writer w;

        if (root->anchor[i].stream == stream) {
            hwt_writer_init(&w, b, sizeof(b));
            hwt_put_u32le(&w, root->anchor[i].at.boot);
            hwt_put_u64le(&w, (uint64_t)root->anchor[i].at.mono_us);
            hwt_put_u64le(&w, (uint64_t)root->anchor[i].at.unix_ms);
            revision = hwt_crc32c(revision, b, sizeof(b));
        }
    }
    return revision;
}

int hwt_tslog_streams(const struct hwt_tslog_snapshot *snapshot)
{
    int n = 1; /* the own stream counts before it holds anything */

    for (int s = 1; s < HWT_TSLOG_STREAMS_MAX; s++) {
        n = hwt_tslog_snapshot_has(snapshot, s) ? s + 1 : n;
    }
    return n;
}

/* Header of the first page of records in the block. NOT_FOUND: none. */
static int first_head(const struct hwt_tslog_snapshot *snapshot, uint32_t block, int stream,
                      struct hwt_tslog_head *head)
{
    for (uint32_t p = 0; p < snapshot->pages; p++) {
        uint8_t buf[HWT_TSLOG_HEAD];
        int err = snapshot->bd.read(snapshot->bd.ctx, block, p * HWT_TSLOG_PAGE, buf, sizeof(buf));

        if (err != 0) {
            return err;
        }
        if (hwt_tslog_head_get(buf, head) == 0 && head->kind == HWT_TSLOG_DATA &&
            head->stream == stream) {
            return 0;
        }
    }
    return HWT_ERR_NOT_FOUND;
}

/* The oldest record: in the stream's first segment, or in its tail. */
static int find_first(const struct hwt_tslog_snapshot *snapshot, int stream,
                      struct hwt_stream_info *info)
{
    const struct hwt_tslog_head *tail = &snapshot->stream[stream].tail;
    struct hwt_tslog_head head;
    uint32_t i = 0;
    int err;

    info->first = tail->first;
    info->first_ms = tail->rows > 0 ? tail->first_ms : HWT_TIME_UNKNOWN;
    while (i < snapshot->segments && snapshot->segment[i].stream != stream) {
        i++;
    }
    if (i == snapshot->segments || snapshot->segment[i].first >= tail->first) {
        return 0;
    }
    info->first = snapshot->segment[i].first;
    err = first_head(snapshot, snapshot->segment[i].block, stream, &head);
    info->first_ms = err == 0 ? head.first_ms : HWT_TIME_UNKNOWN;
    return err == HWT_ERR_NOT_FOUND ? 0 : err;
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
    int err = 0;

    if (stream != 0 && !hwt_tslog_snapshot_has(snapshot, stream)) {
        return HWT_ERR_ARGUMENT;
    }
    if (hwt_tslog_snapshot_has(snapshot, stream)) {
        memcpy(info.name, snapshot->root.stream[stream].name, sizeof(info.name));
        info.provenance = snapshot->root.stream[stream].provenance;
        info.last = snapshot->stream[stream].durable;
        info.last_ms = snapshot->stream[stream].durable_ms;
        err = find_first(snapshot, stream, &info);
    }
    if (err == 0) {
        *info_out = info;
    }
    return err;
}
