#include "daemon/store/store.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/log.h"
#include "daemon/store/log_dir.h"
#include "daemon/store/medium.h"
#include "daemon/store/queue.h"

enum { DIR_BYTES = 512, DAY_MS = 24 * 3600 * 1000 };

struct store {
    struct store_options options;
    char dir[DIR_BYTES]; /* the folder of the log, or its partition */
    struct medium *medium;
    uint8_t uuid[16];
    uint32_t boot;
    uint64_t bad_pages;
    pthread_t thread;

    pthread_mutex_t lock; /* guards from here on */
    pthread_cond_t wake;
    struct queue *queue;
    bool stop;
    uint64_t durable;

    pthread_mutex_t view_lock;
    struct hwt_tslog_snapshot view; /* as of the last commit */

    struct hwt_tslog log;                      /* the store thread's alone, once it runs */
    bool opened;                               /* the log is; false: reopening it failed */
    bool pending;                              /* records appended, not committed */
    int64_t pending_clock_us, pending_real_us; /* since when */
    int64_t retry_us;                          /* real time of the next try after a failure; 0 */
    int64_t last_ms;                           /* wall time of the last record appended */
    uint8_t last_clock;                        /* what that rests on */
    bool timeless;                             /* this boot has records without wall time */
    uint8_t anchored; /* what its anchor's time rests on; HWT_CLOCK_UNKNOWN: it has none */
    uint64_t lost_told;
};

static bool on_partition(const struct store_options *o)
{
    return o->partition != NULL && o->partition[0] != '\0';
}

static uint32_t blocks_kept(const struct store *s)
{
    uint64_t mb = s->options.max_mb;

    return mb == 0 || mb > STORE_MAX_MB ? STORE_MAX_MB : (uint32_t)mb;
}

/* --- what people see --- */

static int64_t now_ms(const struct store *s)
{
    int64_t ms = s->options.clock != NULL ? clock_unix_ms(s->options.clock) : HWT_TIME_UNKNOWN;

    return ms == HWT_TIME_UNKNOWN ? 0 : ms;
}

static int64_t clock_us(const struct store *s)
{
    return s->options.clock != NULL ? clock_mono_us(s->options.clock) : clock_real_us();
}

static void tell_ok(struct store *s)
{
    if (s->bad_pages > 0) {
        status_set(s->options.status, STATUS_OK, now_ms(s),
                   "damaged pages of the log that are skipped: %llu (see heatwatt log verify); "
                   "the rest is served",
                   (unsigned long long)s->bad_pages);
    } else {
        status_set(s->options.status, STATUS_OK, now_ms(s), NULL);
    }
}

static void tell_failed(struct store *s, int err)
{
    if (err == HWT_ERR_SPACE) {
        status_set(s->options.status, STATUS_FAILED, now_ms(s),
                   "no space left for the log in %.60s (%llu kB free); records wait in memory",
                   s->dir, (unsigned long long)medium_free_bytes(s->medium) / 1024);
    } else {
        status_set(s->options.status, STATUS_FAILED, now_ms(s),
                   "the log in %.40s cannot be written (%.60s); records wait in memory", s->dir,
                   medium_explain(s->medium, err));
    }
}

static void tell_gone(struct store *s, const char *why)
{
    status_set(s->options.status, STATUS_FAILED, now_ms(s),
               "the log is gone from %.40s (%.80s); records wait in memory", s->dir, why);
}

static void tell_counters(struct store *s)
{
    struct store_counters c;

    store_counters(s, &c);
    status_put(s->options.status, "durable", c.durable);
    status_put(s->options.status, "lost", c.lost);
    status_put(s->options.status, "waiting", c.waiting);
    status_put(s->options.status, "bad_pages", c.bad_pages);
    if (c.lost > 0 && s->lost_told == 0) {
        LOG(LOG_WARN, "log", "records lost, the queue is full waiting=%llu",
            (unsigned long long)c.waiting);
        s->lost_told = c.lost;
    }
    if (s->lost_told > 0 && s->retry_us == 0) {
        LOG(LOG_WARN, "log", "writing again lost=%llu", (unsigned long long)c.lost);
        s->lost_told = 0;
    }
}

/* --- the store thread --- */

static void publish_view(struct store *s)
{
    pthread_mutex_lock(&s->view_lock);
    hwt_tslog_snapshot(&s->log, &s->view);
    pthread_mutex_unlock(&s->view_lock);
}

static int64_t retry_at_us(const struct store *s)
{
    return clock_real_us() + (int64_t)s->options.retry_ms * 1000;
}

/* Success or failure of all that was tried. */
static void note(struct store *s, int err)
{
    if (err != 0) {
        s->retry_us = retry_at_us(s);
        tell_failed(s, err);
    } else if (s->retry_us != 0) {
        s->retry_us = 0;
        tell_ok(s);
    }
}

/* Records up to that are durable. */
static void settle(struct store *s, uint64_t durable)
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
    int64_t keep_ms = (int64_t)s->options.keep_days * DAY_MS;
    int dropped = 0;

    if (keep_ms > 0 && s->last_clock >= HWT_CLOCK_SYNCED && s->last_ms != HWT_TIME_UNKNOWN) {
        dropped = hwt_tslog_drop_before(&s->log, s->last_ms - keep_ms);
        dropped = dropped > 0 ? hwt_tslog_commit(&s->log) == 0 : dropped; /* what is gone stays so */
    }
    if (dropped < 0) {
        LOG(LOG_WARN, "log", "old records cannot be removed: %s",
            medium_explain(s->medium, dropped));
    } else if (dropped > 0) {
        LOG(LOG_INFO, "log", "old records removed keep_days=%u", s->options.keep_days);
        publish_view(s);
    }
}

static int commit(struct store *s)
{
    uint64_t durable;
    int err = hwt_tslog_commit(&s->log);

    if (err != 0) {
        return err;
    }
    s->pending = false;
    durable = hwt_tslog_durable(&s->log, 0);
    publish_view(s);
    settle(s, durable);
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
        err = commit(s);
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
        s->pending_clock_us = clock_us(s);
        s->pending_real_us = clock_real_us();
    }
    if (err == 0) {
        note_time(s, &item->record);
        s->last_ms = item->record.unix_ms;
        s->last_clock = item->record.clock;
    }
    return err;
}

/* Appends what waits. The first error. */
static int drain(struct store *s)
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
            err = commit(s);
            pthread_mutex_lock(&s->lock);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return err;
}

/* --- a medium that is gone and came back --- */

/* Whether what lies there now is this log, with all that was acknowledged. Looked at without
 * touching it, before readers get it. */
static bool is_ours(struct store *s, char *error, size_t n)
{
    struct log_dir *l = log_dir_open(s->dir, true, error, n);
    uint8_t uuid[16];
    bool same, whole;

    if (l == NULL) {
        return false;
    }
    hwt_tslog_uuid(log_dir_tslog(l), uuid);
    same = memcmp(uuid, s->uuid, sizeof(uuid)) == 0;
    whole = log_dir_last(l, 0) >= s->durable;
    log_dir_close(l);
    if (!same || !whole) {
        snprintf(error, n, "%s is there now",
                 same ? "an older state of the log" : "another log, or a new one,");
    }
    return same && whole;
}

/* The engine anew on what the medium has; the records it lacks are taken from the queue again. */
static int reopen_engine(struct store *s)
{
    struct hwt_tslog_config config = {
        .bd = medium_device(s->medium), .blocks_kept = blocks_kept(s), .no_format = true};
    struct hwt_tslog_recovery recovery;
    int err = hwt_tslog_open(&s->log, &config, &recovery);

    s->opened = err == 0;
    if (err != 0) {
        return err;
    }
    s->anchored = HWT_CLOCK_UNKNOWN; /* it may not have become durable */
    s->pending = false;
    settle(s, hwt_tslog_durable(&s->log, 0)); /* a commit that failed may have been done */
    pthread_mutex_lock(&s->lock);
    queue_rewind(s->queue);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

static int reopen(struct store *s)
{
    char why[256];
    int err = 0;

    if (!is_ours(s, why, sizeof(why)) ||
        (medium_moved(s->medium) && medium_reopen(s->medium, why, sizeof(why)) != 0)) {
        tell_gone(s, why);
        return HWT_ERR_IO;
    }
    err = reopen_engine(s);
    if (err != 0) {
        tell_failed(s, err);
    } else {
        LOG(LOG_WARN, "log", "opened again durable=%llu",
            (unsigned long long)hwt_tslog_durable(&s->log, 0));
        publish_view(s);
    }
    return err;
}

static bool commit_due(const struct store *s)
{
    int64_t window_us = (int64_t)s->options.commit_s * 1000000;

    return s->pending && (clock_us(s) - s->pending_clock_us >= window_us ||
                          clock_real_us() - s->pending_real_us >= window_us);
}

/* Real time at which something is to be done without being woken; 0: never. */
static int64_t next_us(const struct store *s)
{
    if (s->retry_us != 0) {
        return s->retry_us;
    }
    return s->pending ? s->pending_real_us + (int64_t)s->options.commit_s * 1000000 : 0;
}

/* Until a record was pushed, the time is due, or the store closes. True: it closes. */
static bool wait_for_work(struct store *s)
{
    int64_t due_us = next_us(s);
    size_t had = s->retry_us != 0 ? SIZE_MAX : 0; /* after a failure only time wakes it */
    struct timespec until;
    bool stop;

    pthread_mutex_lock(&s->lock);
    while (!s->stop && (had == SIZE_MAX || queue_count(s->queue) == 0)) {
        int64_t left_us = due_us - clock_real_us();

        if (due_us == 0) {
            pthread_cond_wait(&s->wake, &s->lock);
            continue;
        }
        if (left_us <= 0) {
            break;
        }
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += (time_t)(left_us / 1000000);
        until.tv_nsec += (long)(left_us % 1000000) * 1000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        pthread_cond_timedwait(&s->wake, &s->lock, &until);
    }
    stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return stop;
}

/* Writes what waits. The commit comes also when an append failed, to save what was appended, and to
 * see whether the disk is well again. */
static void work(struct store *s, bool closing)
{
    int err = 0, failed;

    if (s->retry_us != 0 && (!s->opened || medium_moved(s->medium))) {
        err = reopen(s);
    }
    if (err != 0) {
        s->retry_us = retry_at_us(s);
        return; /* reopen has said why */
    }
    err = drain(s);
    failed =
        s->pending && (closing || err != 0 || s->retry_us != 0 || commit_due(s)) ? commit(s) : 0;
    note(s, err != 0 ? err : failed);
}

static void *run(void *arg)
{
    struct store *s = arg;
    struct store_counters c;

    while (!wait_for_work(s)) {
        work(s, false);
        tell_counters(s);
    }
    for (int i = 0; i < 2; i++) { /* a commit may make room for the rest */
        work(s, true);
    }
    store_counters(s, &c);
    if (c.waiting > 0 || s->pending) {
        LOG(LOG_ERROR, "log", "closing with records unwritten waiting=%llu",
            (unsigned long long)c.waiting);
    }
    return NULL;
}

/* --- opening --- */

static bool open_own(struct store *s, char *error, size_t n)
{
    int err = hwt_tslog_stream(&s->log, HWT_TSLOG_OWN, s->options.provenance);

    if (err == HWT_ERR_ARGUMENT) {
        snprintf(error, n, "the log in %s holds %s data; choose another data_dir", s->dir,
                 s->options.provenance == HWT_PROVENANCE_SIMULATED ? "measured" : "simulated");
        return false;
    }
    err = err >= 0 ? hwt_tslog_boot(&s->log, &s->boot) : err;
    err = err == 0 ? hwt_tslog_commit(&s->log) : err;
    if (err != 0) {
        snprintf(error, n, "the log in %s cannot be written: %s", s->dir,
                 medium_explain(s->medium, err));
    }
    return err == 0;
}

static bool open_medium(struct store *s, char *error, size_t n)
{
    const struct store_options *o = &s->options;
    struct medium_options medium = {.kind = on_partition(o) ? MEDIUM_PARTITION : MEDIUM_FOLDER,
                                    .path = s->dir,
                                    .blocks = blocks_kept(s) + 1,
                                    .write_at = o->write_at,
                                    .flush = o->flush};

    s->medium = medium_open(&medium, error, n);
    return s->medium != NULL;
}

static bool open_log(struct store *s, char *error, size_t n)
{
    struct hwt_tslog_config config = {.blocks_kept = blocks_kept(s)};
    struct hwt_tslog_recovery recovery;
    int err;

    if (!open_medium(s, error, n)) {
        return false;
    }
    config.bd = medium_device(s->medium);
    config.no_format = medium_had_log(s->medium);
    if (!log_dir_make_uuid(config.uuid)) {
        snprintf(error, n, "no random numbers: %s", strerror(errno));
        return false;
    }
    err = hwt_tslog_open(&s->log, &config, &recovery);
    if (err != 0) {
        snprintf(error, n, "the log in %s cannot be opened: %s", s->dir,
                 medium_explain(s->medium, err));
        return false;
    }
    s->opened = true;
    hwt_tslog_uuid(&s->log, s->uuid);
    s->bad_pages = recovery.pages_bad;
    if (s->bad_pages > 0) {
        LOG(LOG_WARN, "log", "damaged pages skipped bad_pages=%llu dir=%s",
            (unsigned long long)s->bad_pages, s->dir);
    }
    return open_own(s, error, n);
}

static bool start_thread(struct store *s)
{
    sigset_t all, before;
    int r;

    sigfillset(&all); /* signals are for the main thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r == 0) {
        (void)pthread_setname_np(s->thread, "store");
    }
    return r == 0;
}

/* False: its path is too long. */
static bool choose_place(struct store *s)
{
    const struct store_options *o = &s->options;
    int n = on_partition(o) ? snprintf(s->dir, sizeof(s->dir), "%s", o->partition)
                            : snprintf(s->dir, sizeof(s->dir), "%s/log", o->data_dir);

    return n < (int)sizeof(s->dir);
}

static void free_store(struct store *s)
{
    medium_close(s->medium);
    queue_free(s->queue);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->view_lock);
    free(s);
}

struct store *store_open(const struct store_options *options, char *error, size_t n)
{
    struct store *s = calloc(1, sizeof(*s));
    pthread_condattr_t attr;

    if (s == NULL) {
        snprintf(error, n, "out of memory");
        return NULL;
    }
    s->options = *options;
    s->options.retry_ms = options->retry_ms != 0 ? options->retry_ms : STORE_RETRY_MS;
    s->last_ms = HWT_TIME_UNKNOWN;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->view_lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);
    s->queue = queue_new(options->queue_bytes != 0 ? options->queue_bytes : STORE_QUEUE_BYTES);
    if (s->queue == NULL) {
        snprintf(error, n, "out of memory");
        free_store(s);
        return NULL;
    }
    if (!choose_place(s)) {
        snprintf(error, n, "the path of the log is too long");
        free_store(s);
        return NULL;
    }
    if (!open_log(s, error, n)) {
        free_store(s);
        return NULL;
    }
    s->durable = hwt_tslog_durable(&s->log, 0);
    publish_view(s);
    tell_ok(s);
    tell_counters(s);
    if (!start_thread(s)) {
        snprintf(error, n, "no thread for the log");
        free_store(s);
        return NULL;
    }
    return s;
}

void store_close(struct store *s)
{
    if (s == NULL) {
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    free_store(s);
}

/* --- any thread --- */

void store_push(struct store *s, const struct hwt_schema *schema, const struct hwt_record *record)
{
    pthread_mutex_lock(&s->lock);
    (void)queue_put(s->queue, schema, record); /* the queue counts what it cannot take */
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

void store_snapshot(struct store *s, struct hwt_tslog_snapshot *out)
{
    pthread_mutex_lock(&s->view_lock);
    hwt_tslog_snapshot_copy(&s->view, out);
    pthread_mutex_unlock(&s->view_lock);
}

void store_uuid(struct store *s, uint8_t uuid[16])
{
    memcpy(uuid, s->uuid, sizeof(s->uuid));
}

uint32_t store_boot(struct store *s)
{
    return s->boot;
}

void store_counters(struct store *s, struct store_counters *out)
{
    pthread_mutex_lock(&s->lock);
    *out = (struct store_counters){
        .durable = s->durable,
        .lost = queue_lost(s->queue),
        .bad_pages = s->bad_pages,
        .waiting = queue_count(s->queue),
    };
    pthread_mutex_unlock(&s->lock);
}
