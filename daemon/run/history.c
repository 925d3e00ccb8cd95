#include "daemon/run/history.h"

#include <string.h>

#include "core/base/quantity.h"

enum { FIRST_LOOK_BACK = 16, LOOK_BACK_MAX = 100000 };

static bool is_counter(const struct hwt_channel *c)
{
    const struct hwt_quantity_info *info = hwt_quantity_get(c->quantity);

    return info != NULL && info->kind == HWT_COUNTER;
}

/* Copies the counters that a record holds; those already known are kept unless `newer`. */
static void take(struct history *h, const struct hwt_schema *mine, const struct hwt_schema *theirs,
                 const struct hwt_record *record, bool newer)
{
    for (unsigned i = 0; i < mine->count; i++) {
        const struct hwt_channel *c = &mine->channel[i];
        unsigned k = i; /* usually the same schema */

        if (!is_counter(c) || (!newer && h->value[i].quality != HWT_QUALITY_MISSING)) {
            continue;
        }
        if (k >= theirs->count || strcmp(theirs->channel[k].id, c->id) != 0) {
            for (k = 0; k < theirs->count && strcmp(theirs->channel[k].id, c->id) != 0; k++) {
            }
        }
        if (k < theirs->count && record->value[k].quality != HWT_QUALITY_MISSING) {
            h->value[i] = record->value[k];
            h->later[i] = !newer;
        }
    }
    h->any = true;
}

/* Takes the records [from, to] of the own stream, the later over the earlier. */
static void take_range(struct history *h, const struct hwt_tslog_snapshot *snapshot,
                       const struct hwt_schema *mine, uint64_t from, uint64_t to)
{
    struct hwt_tslog_cursor cursor;
    const struct hwt_schema *theirs;
    const struct hwt_record *record;
    uint64_t lost;
    int r;

    if (hwt_tslog_cursor_open(&cursor, snapshot, HISTORY_OWN_STREAM, from) != 0) {
        return;
    }
    do {
        r = hwt_tslog_cursor_next(&cursor, &theirs, &record, &lost);
        if (r == 1 && record->sequence <= to) {
            take(h, mine, theirs, record, true);
            h->unix_ms = record->unix_ms;
        }
    } while ((r == 1 && record->sequence < to) || r == HWT_ERR_LOST);
}

static bool all_known(const struct history *h, const struct hwt_schema *mine)
{
    for (unsigned i = 0; i < mine->count; i++) {
        if (is_counter(&mine->channel[i]) && h->value[i].quality == HWT_QUALITY_MISSING) {
            return false;
        }
    }
    return true;
}

static void clear(struct history *h)
{
    memset(h, 0, sizeof(*h));
    h->unix_ms = HWT_TIME_UNKNOWN;
}

/* Looks back from `to` in growing steps until every counter was seen: a meter may have been silent
 * for long. */
static void look_back(struct history *h, const struct hwt_tslog_snapshot *snapshot,
                      const struct hwt_schema *mine, uint64_t first, uint64_t to)
{
    uint64_t span = FIRST_LOOK_BACK;

    do {
        uint64_t from = to - first >= span ? to - span + 1 : first;

        clear(h);
        take_range(h, snapshot, mine, from, to);
        if (from == first || all_known(h, mine)) {
            return;
        }
        span *= 16;
    } while (span <= LOOK_BACK_MAX);
}

void history_last(const struct hwt_tslog_snapshot *snapshot, const struct hwt_schema *schema,
                  struct history *history_out)
{
    struct hwt_stream_info info;

    clear(history_out);
    if (hwt_tslog_stream_info(snapshot, HISTORY_OWN_STREAM, &info) == 0 &&
        info.first <= info.last) {
        look_back(history_out, snapshot, schema, info.first, info.last);
    }
}

void history_at(const struct hwt_tslog_snapshot *snapshot, const struct hwt_schema *schema,
                int64_t from_ms, struct history *history_out)
{
    struct hwt_tslog_cursor cursor;
    struct hwt_stream_info info;
    const struct hwt_schema *theirs;
    const struct hwt_record *record;
    uint64_t lost;
    int r, looked = 0;

    clear(history_out);
    if (hwt_tslog_stream_info(snapshot, HISTORY_OWN_STREAM, &info) != 0 || info.first > info.last ||
        hwt_tslog_cursor_seek(&cursor, snapshot, HISTORY_OWN_STREAM, from_ms) != 0) {
        return;
    }
    do {
        r = hwt_tslog_cursor_next(&cursor, &theirs, &record, &lost);
        if (r == 1 && looked == 0 && record->sequence > info.first) {
            look_back(history_out, snapshot, schema, info.first, record->sequence - 1);
        }
        if (r == 1) {
            take(history_out, schema, theirs, record, false);
            looked++;
        }
    } while ((r == 1 && looked < LOOK_BACK_MAX && !all_known(history_out, schema)) ||
             r == HWT_ERR_LOST);
    if (info.first > 1) { /* the log has forgotten how they began */
        memset(history_out->later, 0, sizeof(history_out->later));
    }
    if (looked == 0) { /* nothing after from_ms: where they stood last */
        look_back(history_out, snapshot, schema, info.first, info.last);
    }
}
