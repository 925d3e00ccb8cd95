#include "daemon/store/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/quantity.h"
#include "daemon/store/import_match.h"
#include "daemon/store/log_dir.h"

enum {
    PROGRESS_STEPS = 200,
    COMMIT_VALUES = 1 << 18 /* a part of a second's work, and seldom enough for a card */
};

struct import {
    const struct log_import_options *o;
    struct log_import_result *result;
    const char *text;
    size_t n;
    struct log_dir *log;
    int stream;
    bool matching;      /* rows may be in the log already */
    uint64_t waiting;   /* rows appended and not committed */
    int64_t waiting_ms; /* the last of them */
    size_t shown;
    struct import_rows rows;
    struct import_match match;
};

static bool fail(struct import *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct import *m, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(m->result->why, sizeof(m->result->why), format, args);
    va_end(args);
    return false;
}

static bool wrong(struct import *m, const struct csv_error *e)
{
    if (e->line == 0) {
        return fail(m, "--columns, at %u: %s", e->column, e->text);
    }
    m->result->line = e->line;
    m->result->column = e->column;
    return fail(m, "%s", e->text);
}

/* --- the file --- */

static bool map_file(struct import *m)
{
    int fd = open(m->o->file, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *p;

    if (fd < 0 || fstat(fd, &st) != 0) {
        fail(m, "%s", strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        fail(m, "not a file");
    } else if (st.st_size == 0) {
        fail(m, "empty: a line time,CHANNEL,... is needed");
    } else if ((p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
        fail(m, "%s", strerror(errno));
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

    if (import_rows_measure(&m->rows, &m->o->csv, m->o->by_start, m->text, m->n, &error) != 0) {
        return wrong(m, &error);
    }
    m->result->channels = m->rows.csv.schema.count;
    return m->rows.csv.rows > 0 || fail(m, "no rows");
}

/* --- the stream --- */

/* Of import_1, import_2 … the last that has records, to resume; else the first that has none. */
static void choose_name(struct import *m, char name[HWT_ID_MAX + 1])
{
    char candidate[HWT_ID_MAX + 1];
    bool found = false;

    for (int i = 1; i <= HWT_TSLOG_STREAMS_MAX && (m->o->resume || !found); i++) {
        int stream;
        bool empty;

        snprintf(candidate, sizeof(candidate), "import_%d", i);
        stream = log_dir_find(m->log, candidate);
        empty = stream < 0 || log_dir_last(m->log, stream) == 0;
        if (empty != m->o->resume || (i == 1 && m->o->resume)) {
            memcpy(name, candidate, sizeof(candidate));
            found = true;
        }
    }
    if (!found) {
        memcpy(name, candidate, sizeof(candidate));
    }
}

/* A stream that has records. */
static bool check_stream(struct import *m, const char *name)
{
    struct hwt_stream_info info;
    int err = hwt_tslog_stream_info(log_dir_snapshot(m->log), m->stream, &info);

    if (err != 0) {
        return fail(m, "%s", log_dir_explain(m->log, err));
    }
    if (!m->o->resume) {
        return fail(m,
                    "the log has a stream '%s' already: --resume goes on with it, --stream NAME "
                    "makes another",
                    name);
    }
    if (info.provenance != m->o->provenance) {
        return fail(m, "the stream '%s' is %s, not %s", name, hwt_provenance_name(info.provenance),
                    hwt_provenance_name(m->o->provenance));
    }
    err = import_match_open(&m->match, log_dir_snapshot(m->log), m->stream);
    m->matching = true;
    return err == 0 || fail(m, "%s", log_dir_explain(m->log, err));
}

static bool make_stream(struct import *m)
{
    char *name = m->result->stream;

    if (m->o->stream == NULL) {
        choose_name(m, name);
    } else if (strlen(m->o->stream) > HWT_ID_MAX || strcmp(m->o->stream, HWT_TSLOG_OWN) == 0) {
        return fail(m, "a stream's name is 1 to 32 of a-z, 0-9 and _, and not 'own'");
    } else {
        memcpy(name, m->o->stream, strlen(m->o->stream) + 1);
    }
    m->stream = log_dir_find(m->log, name);
    if (m->stream >= 0 && log_dir_last(m->log, m->stream) > 0) {
        return check_stream(m, name);
    }
    m->stream = hwt_tslog_stream(log_dir_tslog(m->log), name, m->o->provenance);
    if (m->stream == HWT_ERR_SPACE) {
        return fail(m, "the log has %d streams, as many as it can have", HWT_TSLOG_STREAMS_MAX);
    }
    return m->stream >= 0 || fail(m, "'%s' is no name for a stream", name);
}

/* --- the rows --- */

static bool commit(struct import *m)
{
    int err = hwt_tslog_commit(log_dir_tslog(m->log));

    if (err != 0) {
        return fail(m, "%s", log_dir_explain(m->log, err));
    }
    m->result->rows += m->waiting;
    m->result->last_ms = m->waiting_ms;
    m->waiting = 0;
    return true;
}

static bool append_row(struct import *m)
{
    struct hwt_tslog *log = log_dir_tslog(m->log);
    const struct hwt_schema *schema = &m->rows.csv.schema;
    struct hwt_record r = {
        .mono_us = m->rows.unix_ms * 1000,
        .unix_ms = m->rows.unix_ms,
        .span_ms = m->rows.span_ms,
        .clock =
            m->o->provenance == HWT_PROVENANCE_SIMULATED ? HWT_CLOCK_PLANT : HWT_CLOCK_UNSYNCED,
        .count = schema->count,
        .value = m->rows.value,
    };
    uint64_t sequence;
    int err = hwt_tslog_append(log, m->stream, schema, &r, &sequence);

    if (err == HWT_ERR_SPACE && log_dir_at_limit(m->log)) {
        /* larger than the log may be: what is in by now must count before it can give way */
        if (!commit(m)) {
            return false;
        }
        err = hwt_tslog_append(log, m->stream, schema, &r, &sequence);
    }
    if (err != 0) {
        return fail(m, "%s", log_dir_explain(m->log, err));
    }
    m->waiting++;
    m->waiting_ms = r.unix_ms;
    return m->waiting * schema->count < COMMIT_VALUES || commit(m);
}

/* One that the log has already is compared, any other is appended. */
static bool take_row(struct import *m)
{
    int got = 0;

    if (m->result->first_ms == HWT_TIME_UNKNOWN) {
        m->result->first_ms = m->rows.unix_ms;
    }
    if (m->matching) {
        got = import_match_row(&m->match, &m->rows, m->result->why, sizeof(m->result->why));
        m->matching = got == 1;
    }
    if (got == HWT_ERR_NOT_MINE) {
        m->result->line = m->rows.line;
        m->result->column = 1;
        return false;
    }
    if (got < 0) {
        return fail(m, "%s", log_dir_explain(m->log, got));
    }
    if (got == 0) {
        return append_row(m);
    }
    m->result->before++;
    m->result->rows++;
    m->result->last_ms = m->rows.unix_ms;
    return true;
}

static void show(struct import *m)
{
    size_t done = (size_t)(m->rows.csv.at - m->rows.csv.begin);

    if (m->o->progress != NULL && (done - m->shown >= m->n / PROGRESS_STEPS || done == m->n) &&
        done > m->shown) {
        m->o->progress(m->o->ctx, done, m->n);
        m->shown = done;
    }
}

static bool told_to_stop(const struct import *m)
{
    return m->o->stop != NULL && *m->o->stop != 0;
}

/* True at the file's end, and when told to stop. */
static bool take_rows(struct import *m)
{
    struct csv_error error;
    int got = import_rows_rewind(&m->rows, &error);

    while (got == 0 && !m->result->stopped && (got = import_rows_next(&m->rows, &error)) == 1) {
        if (!take_row(m)) {
            return false;
        }
        show(m);
        m->result->stopped = told_to_stop(m);
        got = 0;
    }
    if (got < 0) { /* the file changed meanwhile */
        return wrong(m, &error);
    }
    if (m->matching && m->result->stopped) { /* it has more than was looked at */
        m->result->rows = log_dir_last(m->log, m->stream);
        m->result->last_ms = HWT_TIME_UNKNOWN;
    } else if (m->matching) {
        got = import_match_end(&m->match, m->result->why, sizeof(m->result->why));
    }
    return got == 0 || (got != HWT_ERR_NOT_MINE && fail(m, "%s", log_dir_explain(m->log, got)));
}

static bool append_rows(struct import *m)
{
    bool ok = take_rows(m);

    m->result->gone = m->match.gone;
    m->result->skipped = (uint64_t)m->rows.csv.skipped;
    ok = ok && (m->waiting == 0 || commit(m));
    if (ok && !m->result->stopped) {
        log_dir_roll(m->log, true);
    }
    return ok && (!m->result->stopped || fail(m, "interrupted"));
}

bool log_import(const struct log_import_options *options, struct log_import_result *result_out)
{
    struct import *m = calloc(1, sizeof(*m));
    char why[512];

    *result_out =
        (struct log_import_result){.first_ms = HWT_TIME_UNKNOWN, .last_ms = HWT_TIME_UNKNOWN};
    if (m == NULL) {
        snprintf(result_out->why, sizeof(result_out->why), "out of memory");
        return false;
    }
    m->o = options;
    m->result = result_out;
    if (map_file(m) && check_file(m)) {
        m->log = log_dir_open(options->dir, false, why, sizeof(why));
        result_out->ok = m->log != NULL ? make_stream(m) && append_rows(m) : fail(m, "%s", why);
    }
    log_dir_close(m->log);
    if (m->text != NULL) {
        munmap((void *)(uintptr_t)m->text, m->n);
    }
    free(m);
    return result_out->ok;
}

int log_import_csv(const char *dir, const char *csv, enum hwt_provenance provenance,
                   const char *name, void (*progress)(void *ctx, uint64_t done, uint64_t all),
                   void *ctx, FILE *errors)
{
    struct log_import_options options = {.dir = dir,
                                         .file = csv,
                                         .provenance = provenance,
                                         .stream = name,
                                         .progress = progress,
                                         .ctx = ctx};
    struct log_import_result result;

    if (log_import(&options, &result)) {
        return 0;
    }
    if (result.line > 0) {
        fprintf(errors, "%s:%u:%u: %s\n", csv, result.line, result.column, result.why);
    } else {
        fprintf(errors, "%s: %s\n", csv, result.why);
    }
    return 1;
}
