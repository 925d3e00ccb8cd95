#include "daemon/store/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/csv.h"
#include "daemon/store/log_dir.h"

enum { ONE_ROW_SPAN_MS = 60000, PROGRESS_STEPS = 200 };

struct import {
    const char *file;
    const char *text;
    size_t n;
    FILE *errors;
    int64_t step_ms; /* shortest from row to row */
    struct csv csv;
    struct log_dir *log;
    int stream;
    const char *name;
    enum hwt_provenance provenance;
    void (*progress)(void *ctx, uint64_t done, uint64_t all);
    void *ctx;
};

static bool fail(const struct import *m, const char *why)
{
    fprintf(m->errors, "%s: %s\n", m->file, why);
    return false;
}

static bool wrong(const struct import *m, const struct csv_error *e)
{
    fprintf(m->errors, "%s:%u:%u: %s\n", m->file, e->line, e->column, e->text);
    return false;
}

static bool map_file(struct import *m)
{
    int fd = open(m->file, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *p;

    if (fd < 0 || fstat(fd, &st) != 0) {
        fail(m, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        fail(m, "not a file");
    } else if (st.st_size == 0) {
        fail(m, "empty: a line time,CHANNEL,... is needed");
    } else if ((p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
        fail(m, strerror(errno));
    } else {
        m->text = p;
        m->n = (size_t)st.st_size;
    }
    if (fd >= 0) {
        close(fd);
    }
    return m->text != NULL;
}

static bool check_file(struct import *m)
{
    struct csv_error error;
    int64_t before = HWT_TIME_UNKNOWN;
    int got = csv_open(&m->csv, m->text, m->n, &error);

    m->step_ms = INT64_MAX;
    while (got == 0 && (got = csv_next(&m->csv, &error)) == 1) {
        int64_t step = before == HWT_TIME_UNKNOWN ? INT64_MAX : m->csv.unix_ms - before;

        m->step_ms = step < m->step_ms ? step : m->step_ms;
        before = m->csv.unix_ms;
        got = 0;
    }
    if (got < 0) {
        return wrong(m, &error);
    }
    if (m->csv.rows == 0) {
        return fail(m, "no rows");
    }
    m->step_ms = m->csv.rows == 1 ? ONE_ROW_SPAN_MS : m->step_ms;
    m->step_ms = m->step_ms > UINT32_MAX ? UINT32_MAX : m->step_ms;
    return true;
}

/* The first name import_N that no stream has. */
static void choose_name(struct log_dir *log, char *name, size_t n)
{
    for (int i = 1; i <= HWT_TSLOG_STREAMS_MAX; i++) {
        snprintf(name, n, "import_%d", i);
        if (log_dir_find(log, name) < 0) {
            return;
        }
    }
}

static bool make_stream(struct import *m)
{
    char name[HWT_ID_MAX + 1], why[160];

    if (m->name == NULL) {
        choose_name(m->log, name, sizeof(name));
    } else if (strlen(m->name) > HWT_ID_MAX || strcmp(m->name, HWT_TSLOG_OWN) == 0) {
        return fail(m, "a stream's name is 1 to 32 of a-z, 0-9 and _, and not 'own'");
    } else {
        memcpy(name, m->name, strlen(m->name) + 1);
    }
    m->stream = log_dir_find(m->log, name);
    if (m->stream >= 0 && log_dir_last(m->log, m->stream) > 0) {
        snprintf(why, sizeof(why), "the log has a stream '%s' already", name);
        return fail(m, why);
    }
    m->stream = hwt_tslog_stream(log_dir_tslog(m->log), name, m->provenance);
    if (m->stream == HWT_ERR_SPACE) {
        snprintf(why, sizeof(why), "the log has %d streams, as many as it can have",
                 HWT_TSLOG_STREAMS_MAX);
        return fail(m, why);
    }
    if (m->stream < 0) {
        snprintf(why, sizeof(why), "'%s' is no name for a stream", name);
        return fail(m, why);
    }
    return true;
}

static bool append_row(struct import *m, int64_t before_ms)
{
    struct hwt_tslog *log = log_dir_tslog(m->log);
    int64_t span = before_ms == HWT_TIME_UNKNOWN ? m->step_ms : m->csv.unix_ms - before_ms;
    struct hwt_record r = {
        .mono_us = m->csv.unix_ms * 1000,
        .unix_ms = m->csv.unix_ms,
        .span_ms = (uint32_t)(span > 2 * m->step_ms ? m->step_ms : span),
        .clock = m->provenance == HWT_PROVENANCE_SIMULATED ? HWT_CLOCK_PLANT : HWT_CLOCK_UNSYNCED,
        .count = m->csv.schema.count,
        .value = m->csv.value,
    };
    uint64_t sequence;
    int err = hwt_tslog_append(log, m->stream, &m->csv.schema, &r, &sequence);

    if (err == HWT_ERR_SPACE && log_dir_at_limit(m->log)) {
        /* larger than the log may be: what is in by now must count before it can give way */
        err = hwt_tslog_commit(log);
        err = err == 0 ? hwt_tslog_append(log, m->stream, &m->csv.schema, &r, &sequence) : err;
    }
    return err == 0 || fail(m, log_dir_explain(m->log, err));
}

static void show(const struct import *m, size_t *shown)
{
    size_t done = (size_t)(m->csv.at - m->csv.begin);

    if (m->progress != NULL && (done - *shown >= m->n / PROGRESS_STEPS || done == m->n)) {
        m->progress(m->ctx, done, m->n);
        *shown = done;
    }
}

static bool append_rows(struct import *m)
{
    struct csv_error error;
    int64_t before = HWT_TIME_UNKNOWN;
    size_t shown = 0;
    int got = csv_open(&m->csv, m->text, m->n, &error), err;

    while (got == 0 && (got = csv_next(&m->csv, &error)) == 1) {
        if (!append_row(m, before)) {
            return false;
        }
        before = m->csv.unix_ms;
        show(m, &shown);
        got = 0;
    }
    if (got < 0) { /* the file changed meanwhile */
        return wrong(m, &error);
    }
    err = hwt_tslog_commit(log_dir_tslog(m->log));
    if (err == 0) {
        log_dir_roll(m->log, true);
    }
    return err == 0 || fail(m, log_dir_explain(m->log, err));
}

int log_import_csv(const char *dir, const char *csv, enum hwt_provenance provenance,
                   const char *name, void (*progress)(void *ctx, uint64_t done, uint64_t all),
                   void *ctx, FILE *errors)
{
    struct import *m = calloc(1, sizeof(*m));
    char why[512];
    bool ok = false;

    if (m == NULL) {
        fputs("out of memory\n", errors);
        return 1;
    }
    *m = (struct import){.file = csv,
                         .errors = errors,
                         .name = name,
                         .provenance = provenance,
                         .progress = progress,
                         .ctx = ctx};
    if (map_file(m) && check_file(m)) {
        m->log = log_dir_open(dir, false, why, sizeof(why));
        ok = m->log != NULL ? make_stream(m) && append_rows(m) : fail(m, why);
    }
    log_dir_close(m->log);
    if (m->text != NULL) {
        munmap((void *)(uintptr_t)m->text, m->n);
    }
    free(m);
    return ok ? 0 : 1;
}
