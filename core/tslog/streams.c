/*
 * streams.c: the streams of a log, and what is told of a boot.
 */
#include "core/tslog/internal.h"

static bool stream_empty(const struct hwt_tslog_stream *st)
{
    return st->tail.first == 1 && st->tail.rows == 0;
}

static int stream_make(struct hwt_tslog *log, int s, const char *name,
                       enum hwt_provenance provenance)
{
    struct hwt_tslog_stream *st = &log->stream[s];

    memset(log->root.stream[s].name, 0, sizeof(log->root.stream[s].name));
    memcpy(log->root.stream[s].name, name, strlen(name));
    log->root.stream[s].provenance = (uint8_t)provenance;
    log->root_dirty = true;
    hwt_tslog_tail_reset(log, s, 1);
    st->block = HWT_TSLOG_NO_BLOCK;
    st->durable_block = HWT_TSLOG_NO_BLOCK;
    st->next_page = 0;
    hwt_tslog_dir_reset(&st->dir, HWT_TSLOG_NO_BLOCK);
    st->schema_placed = false;
    st->columns.count = 0;
    st->durable = 0;
    st->durable_ms = HWT_TIME_UNKNOWN;
    st->ready = true;
    st->dirty = true;
    return s;
}

int hwt_tslog_stream(struct hwt_tslog *log, const char *name, enum hwt_provenance provenance)
{
    bool own = strcmp(name, HWT_TSLOG_OWN) == 0;
    int s;

    if (!hwt_tslog_id_valid(name) || (unsigned)provenance >= HWT_PROVENANCE_COUNT) {
        return HWT_ERR_ARGUMENT;
    }
    for (s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        if (strcmp(log->root.stream[s].name, name) != 0) {
            continue;
        }
        if (log->root.stream[s].provenance == provenance) {
            return s;
        }
        if (!stream_empty(&log->stream[s])) {
            return HWT_ERR_ARGUMENT;
        }
        log->root.stream[s].provenance = (uint8_t)provenance;
        log->root_dirty = true;
        return s;
    }
    for (s = own ? 0 : 1; s < HWT_TSLOG_STREAMS_MAX && hwt_tslog_stream_exists(log, s); s++) {
    }
    return s < HWT_TSLOG_STREAMS_MAX ? stream_make(log, s, name, provenance) : HWT_ERR_SPACE;
}

int hwt_tslog_boot(struct hwt_tslog *log, uint32_t *boot_out)
{
    if (log->root.boot == UINT32_MAX) {
        return HWT_ERR_SPACE;
    }
    *boot_out = ++log->root.boot;
    log->root_dirty = true;
    return 0;
}

int hwt_tslog_anchor(struct hwt_tslog *log, int stream, const struct hwt_anchor *anchor)
{
    struct hwt_tslog_root *root = &log->root;
    size_t at, oldest = 0;

    if (!hwt_tslog_stream_exists(log, stream) || anchor->clock >= HWT_CLOCK_COUNT ||
        anchor->unix_ms == HWT_TIME_UNKNOWN) {
        return HWT_ERR_ARGUMENT;
    }
    for (at = 0; at < root->anchors; at++) {
        if (root->anchor[at].stream == stream && root->anchor[at].at.boot == anchor->boot) {
            break;
        }
        oldest = root->anchor[at].at.boot < root->anchor[oldest].at.boot ? at : oldest;
    }
    if (at == HWT_TSLOG_ANCHORS_MAX) {
        at = oldest;
    } else if (at == root->anchors) {
        root->anchors++;
    }
    root->anchor[at].at = *anchor;
    root->anchor[at].stream = (uint8_t)stream;
    log->root_dirty = true;
    return 0;
}

uint64_t hwt_tslog_durable(const struct hwt_tslog *log, int stream)
{
    return hwt_tslog_stream_exists(log, stream) ? log->stream[stream].durable : 0;
}

uint64_t hwt_tslog_pending(const struct hwt_tslog *log)
{
    uint64_t n = 0;

    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        const struct hwt_tslog_stream *st = &log->stream[s];

        n += hwt_tslog_stream_exists(log, s) ? st->tail.first + st->tail.rows - 1 - st->durable : 0;
    }
    return n;
}
