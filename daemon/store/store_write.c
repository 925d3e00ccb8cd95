#include "daemon/store/store_state.h"

#include "daemon/base/log.h"

#define DAY_MS INT64_C(86400000)

void store_publish(struct store *s)
{
    pthread_mutex_lock(&s->view_lock);
    hwt_tslog_snapshot(&s->log, &s->view);
    rolls_view(s->rolls, &s->view);
    pthread_mutex_unlock(&s->view_lock);
}

/* Records up to that are durable. */
void store_settle(struct store *s, uint64_t durable)
{
    pthread_mutex_lock(&s->lock);
    s->durable = durable;
    queue_drop(s->queue, durable);
    pthread_mutex_unlock(&s->lock);
}

/*
 * Records that are older than they may be go, after the commit: a few blocks a window, so that
 * nothing waits for it. Only a clock that is known to be right may say what is old.
 */
static void drop_old(struct store *s)
{
    int64_t keep_ms = s->options.keep_days * DAY_MS;
    int dropped = 0;

    if (keep_ms > 0 && s->last_clock >= HWT_CLOCK_SYNCED && s->last_ms != HWT_TIME_UNKNOWN) {
        dropped = hwt_tslog_drop_before(&s->log, s->last_ms - keep_ms);
        dropped =
            dropped > 0 ? hwt_tslog_commit(&s->log) == 0 : dropped; /* what is gone stays so */
    }
    if (dropped < 0) {
        LOG(LOG_WARN, "log", "old records cannot be removed: %s",
            medium_explain(s->medium, dropped));
    } else if (dropped > 0) {
        LOG(LOG_INFO, "log", "old records removed keep_days=%u", s->options.keep_days);
        store_publish(s);
    }
}

int store_commit(struct store *s)
{
    uint64_t durable;
    int err = hwt_tslog_commit(&s->log);

    if (err != 0) {
        return err;
    }
    s->pending = false;
    durable = hwt_tslog_durable(&s->log, 0);
    store_publish(s);
    s->roll_us = s->rolls != NULL ? clock_real_us() : 0;
    store_settle(s, durable);
    if (s->last_ms != HWT_TIME_UNKNOWN) {
        status_good(s->options.status, s->last_ms);
    }
    if (s->options.committed != NULL) {
        s->options.committed(s->options.ctx, durable);
    }
    drop_old(s);
    return 0;
}

/*
 * This boot has records without wall time and the record knows it: an anchor gives them theirs, and
 * a better one replaces it when the clock is known better. It becomes durable with the record.
 */
static void note_time(struct store *s, const struct hwt_record *record)
{
    struct hwt_anchor anchor = {.boot = record->boot,
                                .clock = record->clock,
                                .mono_us = record->mono_us,
                                .unix_ms = record->unix_ms};

    if (record->boot != s->boot) {
        return;
    }
    if (record->unix_ms == HWT_TIME_UNKNOWN) {
        s->timeless = true;
    } else if (s->timeless && record->clock > s->anchored &&
               hwt_tslog_anchor(&s->log, 0, &anchor) == 0) {
        s->anchored = record->clock;
        LOG(LOG_INFO, "log", "wall time of earlier records learnt boot=%u unix_ms=%lld",
            (unsigned)record->boot, (long long)record->unix_ms);
    }
}

/* sequence_out 0: the log refused it. */
static int append(struct store *s, const struct queue_item *item, uint64_t *sequence_out)
{
    int err = hwt_tslog_append(&s->log, 0, item->schema, &item->record, sequence_out);

    if (err == HWT_ERR_SPACE && s->pending) { /* blocks may come free once all is committed */
        err = store_commit(s);
        err = err == 0 ? hwt_tslog_append(&s->log, 0, item->schema, &item->record, sequence_out)
                       : err;
    }
    if (err == HWT_ERR_ARGUMENT) {
        LOG(LOG_ERROR, "log", "record refused channels=%u span_ms=%u", item->record.count,
            item->record.span_ms);
        *sequence_out = 0;
        return 0;
    }
    if (err == 0 && !s->pending) {
        s->pending = true;
        s->pending_clock_us = store_clock_us(s);
        s->pending_real_us = clock_real_us();
    }
    if (err == 0) {
        s->appended = *sequence_out > s->appended ? *sequence_out : s->appended;
        note_time(s, &item->record);
        s->last_ms = item->record.unix_ms;
        s->last_clock = item->record.clock;
    }
    return err;
}

/* Appends what waits. The first error. */
int store_drain(struct store *s)
{
    const struct queue_item *item;
    uint64_t sequence = 0;
    int err = 0;

    pthread_mutex_lock(&s->lock);
    while (err == 0 && (item = queue_peek(s->queue)) != NULL) {
        bool full;

        pthread_mutex_unlock(&s->lock);
        err = append(s, item, &sequence); /* nobody but this thread drops it */
        pthread_mutex_lock(&s->lock);
        if (err == 0) {
            queue_take(s->queue, sequence);
        }
        full = queue_half_taken(s->queue);
        if (err == 0 && full && s->pending) {
            pthread_mutex_unlock(&s->lock);
            err = store_commit(s);
            pthread_mutex_lock(&s->lock);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return err;
}
