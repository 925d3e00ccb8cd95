#include "daemon/store/store.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/store/log_dir.h"
#include "daemon/store/store_state.h"

static bool on_partition(const struct store_options *o)
{
    return o->partition != NULL && o->partition[0] != '\0';
}

int64_t store_clock_us(const struct store *s)
{
    return s->options.clock != NULL ? clock_mono_us(s->options.clock) : clock_real_us();
}

/* --- the store thread --- */

static int64_t retry_at_us(const struct store *s)
{
    return clock_real_us() + (int64_t)s->options.retry_ms * 1000;
}

/* Success or failure of all that was tried. */
static void note(struct store *s, int err)
{
    if (err != 0) {
        s->retry_us = retry_at_us(s);
        store_tell_failed(s, err);
    } else if (s->retry_us != 0) {
        s->retry_us = 0;
        store_tell_ok(s);
    }
}

enum { SLACK_MAX_US = 500000 };

static bool commit_due(const struct store *s)
{
    int64_t window_us = (int64_t)s->options.commit_s * 1000000;

    return s->pending && (store_clock_us(s) - s->pending_clock_us >= window_us ||
                          clock_real_us() - s->pending_real_us >= window_us);
}

/* Real time at which something is to be done without being woken; 0: never. The record that is due
 * at the end of the window is waited for a little: it is in the commit then, and records that come
 * as often as windows end are two to a commit, whichever of both is the earlier. */
static int64_t next_us(const struct store *s)
{
    int64_t window_us = (int64_t)s->options.commit_s * 1000000;
    int64_t slack_us = window_us / 10 < SLACK_MAX_US ? window_us / 10 : SLACK_MAX_US;
    int64_t due_us;

    if (s->retry_us != 0) {
        return s->retry_us;
    }
    due_us = s->pending ? s->pending_real_us + window_us + slack_us : 0;
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
    while (!s->stop && (had == SIZE_MAX || (queue_count(s->queue) == 0 && s->asked == s->met))) {
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

/* What was asked for up to then is durable. */
static void meet(struct store *s, uint64_t asked, bool corrections)
{
    pthread_mutex_lock(&s->lock);
    s->met = asked;
    pthread_mutex_unlock(&s->lock);
    if (corrections) {
        store_end_corrections(s, 0);
    }
}

/* Writes what waits. The commit comes also when an append failed, to save what was appended, and to
 * see whether the disk is well again. */
static void work(struct store *s, bool closing)
{
    int err = 0, failed;
    bool hurry, wanted;
    uint64_t asked;

    pthread_mutex_lock(&s->lock);
    asked = s->asked;
    hurry = asked != s->met;
    pthread_mutex_unlock(&s->lock);
    if (s->retry_us != 0 && (!s->opened || medium_moved(s->medium))) {
        err = store_reopen(s);
    }
    if (err != 0) {
        s->retry_us = retry_at_us(s);
        return; /* reopen has said why */
    }
    err = store_drain(s);
    wanted = store_take_corrections(s);
    failed = wanted || (s->pending &&
                        (closing || hurry || err != 0 || s->retry_us != 0 || commit_due(s)))
                 ? store_commit(s)
                 : 0;
    if (failed == 0) {
        meet(s, asked, wanted);
    }
    note(s, err != 0 ? err : failed);
}

static void *run(void *arg)
{
    struct store *s = arg;
    struct store_counters c;

    while (!wait_for_work(s)) {
        work(s, false);
        store_tell_counters(s);
        if (s->retry_us == 0) {
            store_roll(s);
        }
    }
    for (int i = 0; i < 2; i++) { /* a commit may make room for the rest */
        work(s, true);
    }
    store_end_corrections(s, HWT_ERR_AGAIN);
    store_counters(s, &c);
    if (c.waiting > 0 || s->pending) {
        LOG(LOG_ERROR, "log", "closing with records unwritten waiting=%llu",
            (unsigned long long)c.waiting);
    }
    return NULL;
}

/* --- opening --- */

uint32_t store_blocks_kept(const struct store *s)
{
    uint64_t mb = s->options.max_mb;

    return mb == 0 || mb > STORE_MAX_MB ? STORE_MAX_MB : (uint32_t)mb;
}

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
                                    .blocks = store_blocks_kept(s) + 1,
                                    .write_at = o->write_at,
                                    .flush = o->flush};

    s->medium = medium_open(&medium, error, n);
    return s->medium != NULL;
}

/* Who moves a log to a partition should know that its history did not move with it. */
static void warn_of_folder(const struct store *s)
{
    char path[STORE_DIR_BYTES + 32];

    snprintf(path, sizeof(path), "%.500s/log/control.hwl", s->options.data_dir);
    if (on_partition(&s->options) && access(path, F_OK) == 0) {
        LOG(LOG_WARN, "log", "the log in the folder is not used dir=%.100s partition=%.100s",
            s->options.data_dir, s->dir);
    }
}

static bool open_log(struct store *s, char *error, size_t n)
{
    struct hwt_tslog_config config = {.blocks_kept = store_blocks_kept(s)};
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
    warn_of_folder(s);
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
    rolls_close(s->rolls);
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
    s->durable = s->appended = hwt_tslog_durable(&s->log, 0);
    store_publish(s);
    store_open_rolls(s);
    store_tell_ok(s);
    store_tell_counters(s);
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
