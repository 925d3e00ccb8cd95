#include "daemon/run/log_reader.h"

#include <stdlib.h>
#include <string.h>

struct reader {
    int stream;
    struct hwt_tslog_snapshot snapshot;
    struct hwt_tslog_cursor cursor;
};

static int find_stream(const struct hwt_tslog_snapshot *snapshot, const char *name,
                       struct hwt_stream_info *info_out)
{
    for (int i = 0; i < hwt_tslog_streams(snapshot); i++) {
        if (hwt_tslog_stream_info(snapshot, i, info_out) == 0 &&
            strcmp(info_out->name, name) == 0) {
            return i;
        }
    }
    return HWT_ERR_NOT_FOUND;
}

static int reader_open(void *ctx, const char *stream, struct log_view *view_out, void **reader_out)
{
    struct reader *r = malloc(sizeof(*r));
    struct hwt_stream_info info;

    if (r == NULL) {
        return HWT_ERR_SPACE;
    }
    store_snapshot(ctx, &r->snapshot);
    r->stream = find_stream(&r->snapshot, stream, &info);
    if (r->stream < 0) {
        free(r);
        return HWT_ERR_NOT_FOUND;
    }
    store_uuid(ctx, view_out->uuid);
    view_out->last = info.last;
    *reader_out = r;
    return 0;
}

static int reader_seek(void *reader, uint64_t sequence)
{
    struct reader *r = reader;

    return hwt_tslog_cursor_open(&r->cursor, &r->snapshot, r->stream, sequence);
}

static int reader_next(void *reader, const struct hwt_schema **schema_out,
                       const struct hwt_record **record_out, uint64_t *lost_out)
{
    struct reader *r = reader;

    return hwt_tslog_cursor_next(&r->cursor, schema_out, record_out, lost_out);
}

static void reader_close(void *reader)
{
    free(reader);
}

struct log_source log_reader_source(struct store *store)
{
    return (struct log_source){.open = reader_open,
                               .seek = reader_seek,
                               .next = reader_next,
                               .close = reader_close,
                               .ctx = store};
}
