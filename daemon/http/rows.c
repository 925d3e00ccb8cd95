#include "daemon/http/rows.h"

#include <string.h>

/* --- the streams --- */

static void add_origin(struct rows *r, int stream, const struct hwt_stream_info *info)
{
    const struct plan *plan = r->plan;
    struct rows_origin *o = &r->origin[r->origins];

    if (info->first > info->last || info->first_ms == HWT_TIME_UNKNOWN ||
        info->last_ms == HWT_TIME_UNKNOWN || info->last_ms <= plan->from_ms ||
        info->first_ms >= plan->to_ms) {
        return;
    }
    memcpy(o->name, info->name, sizeof(o->name));
    o->provenance = info->provenance;
    o->stream = stream;
    o->from_ms = info->first_ms > plan->from_ms ? info->first_ms : plan->from_ms;
    o->to_ms = info->last_ms < plan->to_ms ? info->last_ms : plan->to_ms;
    r->origins++;
}

int rows_init(struct rows *r, struct plan *plan, struct desk *desk)
{
    bool found = plan->stream[0] == '\0';

    memset(r, 0, sizeof(*r));
    r->plan = plan;
    r->desk = desk;
    r->at_ms = plan->from_ms;
    r->streams = hwt_tslog_streams(desk->snapshot);
    for (int i = 0; i < r->streams; i++) {
        struct rows_stream *s = &r->stream[i];
        struct hwt_stream_info info;
        int err = hwt_tslog_stream_info(desk->snapshot, i, &info);

        if (err < 0) {
            return err;
        }
        s->walk = (struct walk){.stream = i, .end = info.last + 1};
        s->provenance = info.provenance;
        s->first = info.first;
        s->end_ms = INT64_MIN;
        s->asked = plan->stream[0] == '\0' || strcmp(plan->stream, info.name) == 0;
        found |= s->asked;
        if (s->asked) {
            add_origin(r, i, &info);
        }
    }
    return found ? 0 : HWT_ERR_NOT_FOUND;
}

void rows_deinit(struct rows *r)
{
    if (r->desk != NULL) {
        desk_leave(r->desk, r);
    }
}

uint64_t rows_damaged(const struct rows *r)
{
    uint64_t n = 0;

    for (int i = 0; i < r->streams; i++) {
        n += r->stream[i].walk.damaged;
    }
    return n;
}

/* --- raw --- */

/* Another query had the desk: the records that wait to be given are to be read again. */
static void read_again(struct rows *r)
{
    for (int i = 0; i < r->streams; i++) {
        struct rows_stream *s = &r->stream[i];

        if (s->has_head) {
            s->has_head = false;
            s->walk.sequence--;
        }
    }
}

/* Reads the next record of each stream that has none waiting. */
static int fill_heads(struct rows *r)
{
    for (int i = 0; i < r->streams; i++) {
        struct rows_stream *s = &r->stream[i];
        int err;

        if (!s->asked || s->has_head) {
            continue;
        }
        err = walk_next(&s->walk, r->desk, r->plan, &s->head);
        if (err < 0) {
            return err;
        }
        s->has_head = err == 1;
        s->asked = err == 1;
    }
    return 0;
}

static int earliest(const struct rows *r)
{
    int found = -1;

    for (int i = 0; i < r->streams; i++) {
        if (r->stream[i].has_head &&
            (found < 0 || r->stream[i].head.start_ms < r->stream[found].head.start_ms)) {
            found = i;
        }
    }
    return found;
}

/* Whether a stream of a lower number has a record over a part of that interval: one given before,
 * or the one that waits. */
static bool is_covered(const struct rows *r, int stream)
{
    const struct walk_record *head = &r->stream[stream].head;

    for (int i = 0; i < stream; i++) {
        const struct rows_stream *lower = &r->stream[i];

        if (lower->end_ms > head->start_ms ||
            (lower->has_head && lower->head.start_ms < head->record->unix_ms)) {
            return true;
        }
    }
    return false;
}

static void put_record(const struct rows *r, const struct rows_stream *s, struct row *row)
{
    const struct plan *plan = r->plan;
    const struct hwt_record *record = s->head.record;
    unsigned step = plan->quality ? 2 : 1;

    row->time_ms = record->unix_ms;
    row->span_ms = record->span_ms;
    row->provenance = 1u << s->provenance;
    for (unsigned i = 0; i < plan->series_count; i++) {
        int column = s->head.at->column[i];
        const struct hwt_value *v = column < 0 ? NULL : &record->value[column];
        unsigned quality = v == NULL ? HWT_QUALITY_MISSING : v->quality;

        row->value[i * step] = quality == HWT_QUALITY_MISSING ? PLAN_MISSING : v->v;
        if (plan->quality) {
            row->value[i * step + 1] = quality;
        }
    }
}

static int next_raw(struct rows *r, struct row *row_out)
{
    for (unsigned passed = 0; passed < 64; passed++) {
        struct rows_stream *s;
        int i, err = 0;

        if (!desk_take(r->desk, r)) {
            read_again(r);
        }
        err = fill_heads(r);
        if (err < 0) {
            return err;
        }
        i = earliest(r);
        if (i < 0) {
            return 0;
        }
        s = &r->stream[i];
        s->has_head = false;
        if (!is_covered(r, i)) {
            put_record(r, s, row_out);
            s->end_ms = row_out->time_ms > s->end_ms ? row_out->time_ms : s->end_ms;
            return 1;
        }
    }
    return HWT_ERR_AGAIN;
}

/* --- buckets --- */

/* Whether records of what is still to be answered have been pruned since the query began. */
static int check_pruned(const struct rows *r)
{
    for (int i = 0; i < r->streams; i++) {
        struct hwt_stream_info info;
        int err = hwt_tslog_stream_info(r->desk->snapshot, i, &info);

        if (err < 0) {
            return err;
        }
        if (info.first > r->stream[i].first && info.first_ms != HWT_TIME_UNKNOWN &&
            info.first_ms > r->at_ms && r->stream[i].first < r->stream[i].walk.end) {
            return HWT_ERR_LOST;
        }
    }
    return 0;
}

static int open_buckets(struct rows *r)
{
    struct hwt_tslog_range range = plan_range(r->plan, r->at_ms);
    const char *ids[PLAN_SERIES_MAX];
    int err = check_pruned(r);

    for (unsigned i = 0; i < r->plan->series_count; i++) {
        ids[i] = r->plan->series[i].id;
    }
    r->given = 0;
    return err < 0 ? err
                   : hwt_tslog_buckets_open(r->desk->buckets, r->desk->snapshot, ids,
                                            r->plan->series_count, &range);
}

/* The log's next bucket. The desk is held while a window has buckets that are not given. */
static int read_bucket(struct rows *r, struct hwt_bucket *bucket_out)
{
    int got = desk_take_buckets(r->desk, r);

    if (got == 1 && r->given == HWT_TSLOG_WINDOW / r->plan->series_count) {
        r->given = 0;
        if (desk_release(r->desk)) {
            return HWT_ERR_AGAIN;
        }
    } else if (got == 0) {
        got = open_buckets(r);
    }
    if (got < 0) {
        return got;
    }
    got = hwt_tslog_buckets_next(r->desk->buckets, bucket_out);
    if (got == HWT_ERR_AGAIN || (got == 1 && r->given == 0)) {
        desk_hold(r->desk);
    } else if (got != 1) {
        (void)desk_release(r->desk);
    }
    r->given += got == 1;
    return got;
}

/* Of a bucket with values: the streams with records there, or the one that begins next, whose first
 * record ends behind the bucket. */
static unsigned provenance_of(const struct rows *r, const struct hwt_bucket *bucket)
{
    int64_t next_ms = INT64_MAX;
    unsigned mask = 0, next = 0;

    for (unsigned i = 0; i < r->origins; i++) {
        const struct rows_origin *o = &r->origin[i];

        if (o->from_ms < bucket->to_ms && o->to_ms > bucket->from_ms) {
            mask |= 1u << o->provenance;
        } else if (o->from_ms >= bucket->to_ms && o->from_ms < next_ms) {
            next_ms = o->from_ms;
            next = 1u << o->provenance;
        }
    }
    return mask != 0 ? mask : next;
}

static int next_bucket(struct rows *r, struct row *row_out)
{
    bool tells = r->plan->format != PLAN_JSON; /* which tells it of the range, not of each row */
    struct hwt_bucket bucket[PLAN_SERIES_MAX];
    int err = read_bucket(r, bucket);

    if (err != 1) {
        return err;
    }
    row_out->provenance = 0;
    for (unsigned i = 0; tells && i < r->plan->series_count && row_out->provenance == 0; i++) {
        row_out->provenance = bucket[i].count > 0 ? provenance_of(r, bucket) : 0;
    }
    for (unsigned c = 0; c < r->plan->column_count; c++) {
        row_out->value[c] = plan_value(r->plan, c, &bucket[r->plan->column[c].series]);
    }
    row_out->time_ms = bucket[0].from_ms;
    row_out->span_ms = 0;
    r->at_ms = bucket[0].to_ms;
    return 1;
}

int rows_next(struct rows *r, struct row *row_out)
{
    return r->plan->cut == PLAN_CUT_RAW ? next_raw(r, row_out) : next_bucket(r, row_out);
}
