#include "daemon/http/log_view.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/crc32c.h"

enum {
    SPANS = 16,     /* equal parts of a stream whose ends are looked at in any case */
    READS_MAX = 512 /* records looked at in one stream */
};

struct log_view *log_view_new(const struct http_hooks *hooks, int *err_out)
{
    struct log_view *view = calloc(1, sizeof(*view));

    *err_out = view == NULL ? HWT_ERR_SPACE : hooks->snapshot(hooks->ctx, &view->snapshot);
    if (*err_out < 0) {
        free(view);
        return NULL;
    }
    return view;
}

void log_view_free(struct log_view *view)
{
    free(view);
}

const struct log_channel *log_channels_find(const struct log_channels *channels, const char *id)
{
    for (size_t i = 0; i < channels->count; i++) {
        if (strcmp(channels->channel[i].channel.id, id) == 0) {
            return &channels->channel[i];
        }
    }
    return NULL;
}

static int add_channel(struct log_channels *all, const struct hwt_channel *channel, int stream)
{
    const struct log_channel *known = log_channels_find(all, channel->id);

    if (known == NULL && all->count == all->room) {
        size_t room = all->room == 0 ? 64 : 2 * all->room;
        struct log_channel *more = realloc(all->channel, room * sizeof(*more));

        if (more == NULL) {
            return HWT_ERR_SPACE;
        }
        all->channel = more;
        all->room = room;
    }
    if (known == NULL) {
        known = &all->channel[all->count];
        all->channel[all->count++] = (struct log_channel){.channel = *channel};
    }
    all->channel[known - all->channel].streams |= (uint32_t)1 << stream;
    return 0;
}

struct scan {
    struct log_channels *all;
    const struct hwt_tslog_snapshot *snapshot;
    struct hwt_tslog_cursor *cursor;
    int stream;
    unsigned reads;
};

/* Adds the schema at or after record `sequence`; its checksum, 0 if there is none. */
static int look_at(struct scan *s, uint64_t sequence, uint32_t *schema_out)
{
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t lost;
    int r = hwt_tslog_cursor_open(s->cursor, s->snapshot, s->stream, sequence);

    *schema_out = 0;
    s->reads++;
    if (r < 0) {
        return r;
    }
    do {
        r = hwt_tslog_cursor_next(s->cursor, &schema, &record, &lost);
    } while (r == HWT_ERR_LOST);
    if (r <= 0) {
        return r;
    }
    for (unsigned i = 0; i < schema->count; i++) {
        const struct hwt_channel *c = &schema->channel[i];

        r = add_channel(s->all, c, s->stream);
        if (r < 0) {
            return r;
        }
        *schema_out = hwt_crc32c(*schema_out, c->id, strlen(c->id) + 1);
    }
    return 0;
}

/* Halves the span between two records of different schemas; at most 64 deep. */
static int look_between(struct scan *s, uint64_t low, uint32_t low_schema, uint64_t high,
                        uint32_t high_schema)
{
    uint64_t middle = low + (high - low) / 2;
    uint32_t schema;
    int err;

    if (low_schema == high_schema || middle == low || s->reads >= READS_MAX) {
        return 0;
    }
    err = look_at(s, middle, &schema);
    if (err < 0) {
        return err;
    }
    err = look_between(s, low, low_schema, middle, schema);
    return err < 0 ? err : look_between(s, middle, schema, high, high_schema);
}

static int scan_stream(struct log_channels *all, const struct hwt_tslog_snapshot *snapshot,
                       struct hwt_tslog_cursor *cursor, int stream)
{
    const struct hwt_stream_info *info = &all->stream[stream];
    struct scan s = {.all = all, .snapshot = snapshot, .cursor = cursor, .stream = stream};
    uint64_t low = info->first;
    uint32_t low_schema, high_schema;
    int err;

    if (info->first > info->last) {
        return 0;
    }
    err = look_at(&s, low, &low_schema);
    for (unsigned i = 1; err == 0 && i <= SPANS; i++) {
        uint64_t n = info->last - info->first;
        uint64_t high = info->first + n / SPANS * i + n % SPANS * i / SPANS;

        err = look_at(&s, high, &high_schema);
        if (err == 0) {
            err = look_between(&s, low, low_schema, high, high_schema);
        }
        low = high;
        low_schema = high_schema;
    }
    return err;
}

int log_channels_read(struct log_channels *out, const struct hwt_tslog_snapshot *snapshot,
                      struct hwt_tslog_cursor *cursor)
{
    memset(out, 0, sizeof(*out));
    out->streams = hwt_tslog_streams(snapshot);
    for (int i = 0; i < out->streams; i++) {
        int err = hwt_tslog_stream_info(snapshot, i, &out->stream[i]);

        if (err == 0) {
            err = scan_stream(out, snapshot, cursor, i);
        }
        if (err < 0) {
            return err;
        }
    }
    return 0;
}

void log_channels_free(struct log_channels *channels)
{
    free(channels->channel);
    channels->channel = NULL;
    channels->count = channels->room = 0;
}
