#include "daemon/store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/file.h"
#include "daemon/base/log.h"
#include "daemon/store/journal_files.h"
#include "daemon/store/journal_state.h"

struct journal {
    struct journal_options o;
    char dir[PATH_MAX];
    struct journal_state start; /* as of the opening; const afterwards */
    struct journal_before before;

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct journal_entry queue[JOURNAL_QUEUE]; /* a ring; under the lock */
    size_t first, waiting;
    uint64_t lost; /* found no room since the queue was last empty */
    bool closing;

    /* the thread's */
    struct journal_state state;
    int fd;
    size_t size; /* of the current file */
    bool failed; /* said so */
};

/* --- opening --------------------------------------------------------------------------------- */

/* Takes the lines of a file; returns where the last whole one ends. */
static size_t take_lines(struct journal *j, const struct journal_text *text, bool *memory)
{
    size_t good = 0, at = 0;

    while (at < text->n) {
        const char *line = text->p + at, *end = memchr(line, '\n', text->n - at);
        struct journal_entry e;

        if (end == NULL) {
            break;
        }
        at = (size_t)(end - text->p) + 1;
        if (!journal_line_read(line, (size_t)(end - line), &e)) {
            j->before.unread++;
            continue;
        }
        *memory = *memory && journal_state_take(&j->start, &e);
        good = at;
    }
    return good;
}

/* A new file that was whole before the old one went takes its place; another one was never needed.
 */
static bool finish_rotation(const struct journal *j)
{
    char current[PATH_MAX], new[PATH_MAX];

    if (!journal_path(j->dir, JOURNAL_CURRENT, current) ||
        !journal_path(j->dir, JOURNAL_NEW, new)) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (access(current, F_OK) == 0) {
        return unlink(new) == 0 || errno == ENOENT;
    }
    return rename(new, current) == 0 || errno == ENOENT;
}

/* Opens the current file behind its last whole line; what follows that was torn. */
static bool open_current(struct journal *j, size_t good, size_t n)
{
    char path[PATH_MAX];

    j->fd = -1;
    if (journal_path(j->dir, JOURNAL_CURRENT, path)) {
        j->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    }
    j->size = good;
    j->before.cut = n - good;
    return j->fd >= 0 && (n == good || (ftruncate(j->fd, (off_t)good) == 0 && fsync(j->fd) == 0)) &&
           file_sync_folder(j->dir);
}

static const char *load(struct journal *j)
{
    struct journal_text text[JOURNAL_NEW] = {{NULL, 0}};
    bool memory = true;
    size_t good = 0;
    int err;

    if (!finish_rotation(j)) {
        return strerror(errno);
    }
    err = journal_texts(j->dir, text);
    if (err != 0) {
        return err == HWT_ERR_SPACE ? "out of memory" : strerror(errno);
    }
    for (int f = JOURNAL_OLD; f < JOURNAL_NEW; f++) {
        good = take_lines(j, &text[f], &memory);
    }
    j->before.any = text[JOURNAL_OLD].p != NULL || text[JOURNAL_CURRENT].p != NULL;
    j->before.running = j->start.running;
    if (!memory || !journal_state_copy(&j->state, &j->start)) {
        journal_texts_free(text);
        return "out of memory";
    }
    if (!open_current(j, good, text[JOURNAL_CURRENT].n)) {
        journal_texts_free(text);
        return strerror(errno);
    }
    journal_texts_free(text);
    return NULL;
}

/* --- the thread ------------------------------------------------------------------------------ */

static int flush(const struct journal *j, int fd)
{
    return j->o.flush != NULL ? j->o.flush(fd) : fdatasync(fd);
}

/* The state as lines; the size of them, or negative. */
static ssize_t write_state(const struct journal *j, int fd)
{
    char line[JOURNAL_LINE_MAX];
    struct journal_entry e;
    ssize_t size = 0;

    for (size_t i = 0; journal_state_carry(&j->state, i, &e); i++) {
        size_t n = journal_line_write(&e, line);

        if (!file_write_all(fd, line, n)) {
            return -1;
        }
        size += (ssize_t)n;
    }
    return size;
}

/* The current file becomes the old one. At any moment there is a current file, or a new one that is
 * whole. */
static bool rotate(struct journal *j)
{
    char old[PATH_MAX], current[PATH_MAX], new[PATH_MAX];
    ssize_t size;
    int fd;

    if (!journal_path(j->dir, JOURNAL_OLD, old) || !journal_path(j->dir, JOURNAL_NEW, new) ||
        !journal_path(j->dir, JOURNAL_CURRENT, current)) {
        return false;
    }
    fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0) {
        return false;
    }
    size = write_state(j, fd);
    if (size < 0 || flush(j, fd) != 0 || (rename(current, old) != 0 && errno != ENOENT) ||
        rename(new, current) != 0) {
        close(fd);
        return false;
    }
    close(j->fd);
    j->fd = fd;
    j->size = (size_t)size;
    return file_sync_folder(j->dir);
}

/* Appends an entry and syncs it. False, the file as it was as far as it can be: it could not. */
static bool append(struct journal *j, const char *line, size_t n)
{
    if (j->size > 0 && j->size + n > j->o.file_bytes && !rotate(j)) {
        return false;
    }
    if (!file_write_all(j->fd, line, n) || flush(j, j->fd) != 0) {
        int why = errno;

        if (ftruncate(j->fd, (off_t)j->size) != 0) {
            LOG(LOG_WARN, "journal", "cannot cut off what was not written why=%s", strerror(errno));
        }
        errno = why;
        return false;
    }
    j->size += n;
    return true;
}

static void tell_failed(struct journal *j)
{
    if (!j->failed) {
        LOG(LOG_ERROR, "journal", "cannot be written why=%s; entries wait in memory",
            strerror(errno));
    }
    j->failed = true;
}

static bool write_entry(struct journal *j, struct journal_entry *e)
{
    char line[JOURNAL_LINE_MAX];
    size_t n;

    e->seq = j->state.seq + 1;
    n = journal_line_write(e, line);
    if (!append(j, line, n)) {
        tell_failed(j);
        return false;
    }
    if (j->failed) {
        LOG(LOG_INFO, "journal", "is written again");
        j->failed = false;
    }
    if (!journal_state_take(&j->state, e)) {
        LOG(LOG_ERROR, "journal", "out of memory: a new file will not know all offsets");
    }
    if (j->o.written != NULL) {
        j->o.written(j->o.ctx, line, n - 1);
    }
    return true;
}

/* Waits for an entry, or until closing; a failure is tried again after a while. Locked. */
static void wait_for_work(struct journal *j, bool failed)
{
    struct timespec until;

    if (!failed) {
        while (j->waiting == 0 && !j->closing) {
            pthread_cond_wait(&j->more, &j->lock);
        }
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(j->o.retry_ms % 1000) * 1000000;
    until.tv_sec += j->o.retry_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!j->closing && pthread_cond_timedwait(&j->more, &j->lock, &until) == 0) {
    }
}

/* Locked. */
static void tell_lost(struct journal *j)
{
    if (j->waiting == 0 && j->lost > 0) {
        LOG(LOG_WARN, "journal", "has room again lost=%llu", (unsigned long long)j->lost);
        j->lost = 0;
    }
}

static void *run(void *ctx)
{
    struct journal *j = ctx;
    bool failed = false;

    pthread_mutex_lock(&j->lock);
    for (;;) {
        struct journal_entry e;

        wait_for_work(j, failed);
        if (j->waiting == 0 || (j->closing && failed)) {
            break;
        }
        e = j->queue[j->first];
        pthread_mutex_unlock(&j->lock);
        failed = !write_entry(j, &e);
        pthread_mutex_lock(&j->lock);
        if (!failed) {
            j->first = (j->first + 1) % JOURNAL_QUEUE;
            j->waiting--;
            tell_lost(j);
        }
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

/* --- the journal ----------------------------------------------------------------------------- */

static void destroy(struct journal *j)
{
    if (j->fd >= 0) {
        close(j->fd);
    }
    journal_state_free(&j->start);
    journal_state_free(&j->state);
    pthread_cond_destroy(&j->more);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

static struct journal *make(const struct journal_options *options)
{
    struct journal *j = calloc(1, sizeof(*j));
    pthread_condattr_t attributes;

    if (j == NULL) {
        return NULL;
    }
    j->o = *options;
    j->o.file_bytes = options->file_bytes > 0 ? options->file_bytes : JOURNAL_FILE_BYTES;
    j->o.retry_ms = options->retry_ms > 0 ? options->retry_ms : JOURNAL_RETRY_MS;
    j->fd = -1;
    pthread_mutex_init(&j->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&j->more, &attributes);
    pthread_condattr_destroy(&attributes);
    return j;
}

struct journal *journal_open(const struct journal_options *options, char *error, size_t n)
{
    struct journal *j = make(options);
    const char *why = "out of memory";

    if (j != NULL) {
        why = snprintf(j->dir, sizeof(j->dir), "%s", options->dir) < (int)sizeof(j->dir)
                  ? load(j)
                  : "the path is too long";
        if (why == NULL && pthread_create(&j->thread, NULL, run, j) != 0) {
            why = "no thread";
        }
    }
    if (why == NULL) {
        return j;
    }
    snprintf(error, n, "%s/journal.jsonl: %s", options->dir, why);
    if (j != NULL) {
        destroy(j);
    }
    return NULL;
}

void journal_close(struct journal *j)
{
    if (j == NULL) {
        return;
    }
    pthread_mutex_lock(&j->lock);
    j->closing = true;
    pthread_cond_signal(&j->more);
    pthread_mutex_unlock(&j->lock);
    pthread_join(j->thread, NULL);
    if (j->waiting + j->lost > 0) {
        LOG(LOG_ERROR, "journal", "entries lost count=%llu",
            (unsigned long long)(j->waiting + j->lost));
    }
    destroy(j);
}

void journal_put(struct journal *j, const struct journal_entry *e)
{
    bool overflows = false;

    pthread_mutex_lock(&j->lock);
    if (j->waiting == JOURNAL_QUEUE) {
        overflows = j->lost++ == 0;
    } else {
        j->queue[(j->first + j->waiting) % JOURNAL_QUEUE] = *e;
        j->waiting++;
        pthread_cond_signal(&j->more);
    }
    pthread_mutex_unlock(&j->lock);
    if (overflows) {
        LOG(LOG_ERROR, "journal", "no room for more entries waiting=%d; they are lost",
            JOURNAL_QUEUE);
    }
}

void journal_before(const struct journal *j, struct journal_before *out)
{
    *out = j->before;
}

bool journal_offset(const struct journal *j, const char *channel, int64_t *out)
{
    const struct journal_channel *c = journal_state_channel(&j->start, channel);

    *out = c != NULL ? c->offset : 0;
    return c != NULL;
}

bool journal_meter(const struct journal *j, const char *source, char out[JOURNAL_METER_MAX])
{
    const struct journal_source *s = journal_state_source(&j->start, source);

    snprintf(out, JOURNAL_METER_MAX, "%s", s != NULL ? s->meter : "");
    return s != NULL;
}

const char *journal_source(const struct journal *j, size_t n)
{
    for (size_t i = 0; i < j->start.sources; i++) {
        if (j->start.source[i].added && n-- == 0) {
            return j->start.source[i].id;
        }
    }
    return NULL;
}
