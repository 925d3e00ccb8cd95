#include "daemon/store/store.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/log.h"
#include "daemon/store/file_bd.h"
#include "daemon/store/log_dir.h"
#include "daemon/store/queue.h"
#include "daemon/store/rolls.h"

enum {
    RETRY_US = 1000000,
    DIR_BYTES = 512,
    ROLL_PAUSE_US = 5000, /* between bits of work on roll-ups, each of a millisecond or so */
    ROLL_STEPS = 2
};

struct store {
    struct store_options options;
    char dir[DIR_BYTES];
    struct file_bd *files;
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

    struct hwt_tslog log; /* the store thread's alone, once it runs */
    struct rolls *rolls;  /* NULL: none */
    bool roll_failed;
    int64_t roll_us;                           /* real time of the next bit of work; 0: none */
    bool pending;                              /* records appended, not committed */
    int64_t pending_clock_us, pending_real_us; /* since when */
    int64_t retry_us;                          /* real time of the next try after a failure; 0 */
    int64_t last_ms;                           /* wall time of the last record appended */
    uint64_t lost_told;
};

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
                   s->dir, (unsigned long long)file_bd_free_bytes(s->files) / 1024);
    } else {
        status_set(s->options.status, STATUS_FAILED, now_ms(s),
                   "the log in %.40s cannot be written (%.60s); records wait in memory", s->dir,
                   file_bd_explain(s->files, err));
    }
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
    rolls_view(s->rolls, &s->view);
    pthread_mutex_unlock(&s->view_lock);
}

/* A bit of work on the roll-ups; what cannot be done now is tried after the next commit. */
static void roll(struct store *s)
{
    int more;

    if (s->roll_us == 0 || clock_real_us() < s->roll_us) {
        return;
    }
    more = rolls_step(s->rolls, &s->view, ROLL_STEPS); /* nobody else writes the view */
    s->roll_us = more == 1 ? clock_real_us() + ROLL_PAUSE_US : 0;
    pthread_mutex_lock(&s->view_lock);
    rolls_view(s->rolls, &s->view);
    pthread_mutex_unlock(&s->view_lock);
    if (more < 0 && !s->roll_failed) {
        LOG(LOG_WARN, "log", "roll-ups cannot be written, long queries are slow why=\"%s\"",
            rolls_explain(s->rolls, more));
    } else if (more >= 0 && s->roll_failed) {
        LOG(LOG_INFO, "log", "roll-ups are written again");
    }
    s->roll_failed = more < 0;
}

/* Success or failure of all that was tried. */
static void note(struct store *s, int err)
{
    if (err != 0) {
        s->retry_us = clock_real_us() + RETRY_US;
        tell_failed(s, err);
    } else if (s->retry_us != 0) {
        s->retry_us = 0;
        tell_ok(s);
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
    s->roll_us = s->rolls != NULL ? clock_real_us() : 0;
    pthread_mutex_lock(&s->lock);
    s->durable = durable;
    pthread_mutex_unlock(&s->lock);
    if (s->last_ms != HWT_TIME_UNKNOWN) {
        status_good(s->options.status, s->last_ms);
    }
    if (s->options.committed != NULL) {
        s->options.committed(s->options.ctx, durable);
    }
    return 0;
}

static int append(struct store *s, const struct queue_item *item)
{
    uint64_t sequence;
    int err = hwt_tslog_append(&s->log, 0, item->schema, &item->record, &sequence);

    if (err == HWT_ERR_SPACE && s->pending) { /* blocks may come free once all is committed */
        err = commit(s);
        err = err == 0 ? hwt_tslog_append(&s->log, 0, item->schema, &item->record, &sequence) : err;
    }
    if (err == HWT_ERR_ARGUMENT) {
        LOG(LOG_ERROR, "log", "record refused channels=%u span_ms=%u", item->record.count,
            item->record.span_ms);
        return 0;
    }
    if (err == 0 && !s->pending) {
        s->pending = true;
        s->pending_clock_us = clock_us(s);
        s->pending_real_us = clock_real_us();
    }
    if (err == 0) {
        s->last_ms = item->record.unix_ms;
    }
    return err;
}

/* Appends what waits. The first error. */
static int drain(struct store *s)
{
    const struct queue_item *item;
    int err = 0;

    pthread_mutex_lock(&s->lock);
    while (err == 0 && (item = queue_peek(s->queue)) != NULL) {
        pthread_mutex_unlock(&s->lock);
        err = append(s, item); /* nobody but this thread drops it */
        pthread_mutex_lock(&s->lock);
        if (err == 0) {
            queue_drop(s->queue);
        }
    }
    pthread_mutex_unlock(&s->lock);
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
    int64_t due_us;

    if (s->retry_us != 0) {
        return s->retry_us;
    }
    due_us = s->pending ? s->pending_real_us + (int64_t)s->options.commit_s * 1000000 : 0;
    return s->roll_us != 0 && (due_us == 0 || s->roll_us < due_us) ? s->roll_us : due_us;
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

static void *run(void *arg)
{
    struct store *s = arg;
    struct store_counters c;

    while (!wait_for_work(s)) {
        int err = drain(s), failed;

        /* Also when an append failed, to save what was appended, and to see whether the disk is
         * well again. */
        failed = s->pending && (err != 0 || s->retry_us != 0 || commit_due(s)) ? commit(s) : 0;
        note(s, err != 0 ? err : failed);
        tell_counters(s);
        if (s->retry_us == 0) {
            roll(s);
        }
    }
    for (int i = 0; i < 2; i++) { /* a commit may make room for the rest */
        int err = drain(s), failed = s->pending ? commit(s) : 0;

        note(s, err != 0 ? err : failed);
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
                 file_bd_explain(s->files, err));
    }
    return err == 0;
}

static bool open_log(struct store *s, char *error, size_t n)
{
    const struct store_options *o = &s->options;
    uint32_t mb = o->max_mb == 0 || o->max_mb > STORE_MAX_MB ? STORE_MAX_MB : (uint32_t)o->max_mb;
    struct file_bd_options files = {
        .dir = s->dir, .blocks = mb + 1, .write_at = o->write_at, .flush = o->flush};
    struct hwt_tslog_config config = {.blocks_kept = mb};
    struct hwt_tslog_recovery recovery;
    int err;

    s->files = file_bd_open(&files, error, n);
    if (s->files == NULL) {
        return false;
    }
    config.bd = file_bd_device(s->files);
    config.no_format = file_bd_had_records(s->files);
    if (!log_dir_make_uuid(config.uuid)) {
        snprintf(error, n, "no random numbers: %s", strerror(errno));
        return false;
    }
    err = hwt_tslog_open(&s->log, &config, &recovery);
    if (err != 0) {
        snprintf(error, n, "the log in %s cannot be opened: %s", s->dir,
                 file_bd_explain(s->files, err));
        return false;
    }
    hwt_tslog_uuid(&s->log, s->uuid);
    s->bad_pages = recovery.pages_bad;
    if (s->bad_pages > 0) {
        LOG(LOG_WARN, "log", "damaged pages skipped bad_pages=%llu dir=%s",
            (unsigned long long)s->bad_pages, s->dir);
    }
    return open_own(s, error, n);
}

/* Without them long queries are slow, no more. */
static void open_rolls(struct store *s)
{
    char why[512];

    s->rolls = rolls_open(s->dir, false, &s->view, why, sizeof(why));
    if (s->rolls == NULL) {
        LOG(LOG_WARN, "log", "no roll-ups, long queries are slow why=\"%.150s\"", why);
        return;
    }
    rolls_view(s->rolls, &s->view);
    s->roll_us = clock_real_us();
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

static void free_store(struct store *s)
{
    rolls_close(s->rolls);
    file_bd_close(s->files);
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
    if (snprintf(s->dir, sizeof(s->dir), "%s/log", options->data_dir) >= (int)sizeof(s->dir)) {
        snprintf(error, n, "the path of the data folder is too long");
        free_store(s);
        return NULL;
    }
    if (!open_log(s, error, n)) {
        free_store(s);
        return NULL;
    }
    s->durable = hwt_tslog_durable(&s->log, 0);
    publish_view(s);
    open_rolls(s);
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
