#include "daemon/store/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/export_resume.h"

enum { BUFFER_BYTES = 4 * EXPORT_LINE_MAX, PROGRESS_STEPS = 200 };

struct export
{
    const struct log_export_options *o;
    struct log_export_result *result;
    FILE *out;
    size_t n;         /* of the buffer; whole lines */
    uint64_t waiting; /* rows in it */
    uint64_t shown;
    struct export_rows rows;
    char buffer[BUFFER_BYTES];
};

static bool fail(struct export *x, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct export *x, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(x->result->why, sizeof(x->result->why), format, args);
    va_end(args);
    return false;
}

static const char *name(const struct export *x)
{
    return x->o->file != NULL ? x->o->file : "the output";
}

static bool log_failed(struct export *x, int err)
{
    return fail(x, "the log cannot be read: %s", hwt_err_name(err));
}

static bool flush(struct export *x)
{
    if (fwrite(x->buffer, 1, x->n, x->out) != x->n || fflush(x->out) != 0) {
        return fail(x, "%s cannot be written: %s", name(x), strerror(errno));
    }
    x->result->rows += x->waiting;
    x->n = 0;
    x->waiting = 0;
    return true;
}

/* --- the file --- */

static bool open_file(struct export *x)
{
    int flags = O_RDWR | O_CREAT | O_CLOEXEC | (x->o->resume ? 0 : O_EXCL);
    int fd = open(x->o->file, flags, 0666);
    struct stat st;

    if (fd < 0 && errno == EEXIST) {
        return fail(x, "%s is there already: --resume goes on with it", x->o->file);
    }
    if (fd < 0 || fstat(fd, &st) != 0) {
        fail(x, "%s: %s", x->o->file, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        fail(x, "%s: not a file", x->o->file);
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        fail(x, "%s: another export is writing it", x->o->file);
    } else {
        x->out = fdopen(fd, "r+");
    }
    if (x->out == NULL && fd >= 0) {
        close(fd);
    }
    if (x->out == NULL && x->result->why[0] == '\0') {
        fail(x, "out of memory");
    }
    return x->out != NULL;
}

static bool close_file(struct export *x, bool ok)
{
    if (ok && fsync(fileno(x->out)) != 0) {
        ok = fail(x, "%s cannot be written: %s", name(x), strerror(errno));
    }
    if (fclose(x->out) != 0 && ok) {
        ok = fail(x, "%s cannot be written: %s", name(x), strerror(errno));
    }
    return ok;
}

/* --- the columns --- */

static bool add_column(struct export *x, const char *id)
{
    return export_rows_add_column(&x->rows, id) ||
           fail(x, "more than %d channels: --series chooses", EXPORT_COLUMNS_MAX);
}

static bool find_columns(struct export *x)
{
    struct export_rows *e = &x->rows;
    const char *id;
    int got;

    for (size_t i = 0; i < x->o->series_count; i++) {
        if (!add_column(x, x->o->series[i])) {
            return false;
        }
    }
    got = export_rows_rewind(e);
    if (got == 0 && x->o->series_count == 0) {
        while ((got = export_rows_next(e)) == 1) {
            while ((id = export_rows_stranger(e)) != NULL) {
                if (!add_column(x, id)) {
                    return false;
                }
            }
        }
        got = got == 0 ? export_rows_rewind(e) : got;
    }
    return got == 0 || log_failed(x, got);
}

/* True: the rows to come follow what the file has. */
static bool resume(struct export *x)
{
    struct export_resume r;
    char why[256];
    int err = export_resume(&r, &x->rows, fileno(x->out), why, sizeof(why));

    if (err != 0) {
        return why[0] != '\0' ? fail(x, "%s: %s", x->o->file, why) : log_failed(x, err);
    }
    if (ftruncate(fileno(x->out), r.length) != 0 || fseeko(x->out, r.length, SEEK_SET) != 0) {
        return fail(x, "%s: %s", x->o->file, strerror(errno));
    }
    x->result->resumed_ms = r.last_ms;
    if (r.length == 0) {
        x->rows.columns = 0;
    }
    return true;
}

static bool begin(struct export *x)
{
    int err = export_rows_init(&x->rows, x->o);

    if (err != 0) {
        return log_failed(x, err);
    }
    if (x->o->file != NULL && x->o->resume && !resume(x)) {
        return false;
    }
    if (x->rows.columns == 0) {
        if (!find_columns(x)) {
            return false;
        }
        x->n = export_rows_head(&x->rows, x->buffer);
    }
    x->result->columns = x->rows.columns;
    return true;
}

/* --- the rows --- */

static void show(struct export *x)
{
    const struct export_rows *e = &x->rows;
    uint64_t all = e->last - e->first + 1, done = e->record->sequence - e->first + 1;

    if (x->o->progress != NULL && done - x->shown >= all / PROGRESS_STEPS) {
        x->o->progress(x->o->ctx, done, all);
        x->shown = done;
    }
}

static bool put_row(struct export *x)
{
    const char *stranger = x->o->series_count == 0 ? export_rows_stranger(&x->rows) : NULL;

    if (stranger != NULL) { /* resumed: the columns are the file's */
        (void)flush(x);
        return fail(x,
                    "%s has no column for '%s', new in the log at %lld: start a new file there "
                    "(--from), or name the columns (--series)",
                    name(x), stranger, (long long)x->rows.record->unix_ms);
    }
    x->n += export_rows_line(&x->rows, x->buffer + x->n);
    x->waiting++;
    return BUFFER_BYTES - x->n >= EXPORT_LINE_MAX || flush(x);
}

static bool put_rows(struct export *x)
{
    int got = 0;

    while (!x->result->stopped && (got = export_rows_next(&x->rows)) == 1) {
        if (!put_row(x)) {
            return false;
        }
        show(x);
        x->result->stopped = x->o->stop != NULL && *x->o->stop != 0;
    }
    x->result->lost = x->rows.lost;
    x->result->untimed = x->rows.untimed;
    if (!flush(x)) {
        return false;
    }
    if (got < 0) {
        return log_failed(x, got);
    }
    if (x->o->progress != NULL && !x->result->stopped) {
        x->o->progress(x->o->ctx, 1, 1);
    }
    return true;
}

bool log_export(const struct log_export_options *options, struct log_export_result *result_out)
{
    struct export *x = calloc(1, sizeof(*x));

    *result_out = (struct log_export_result){.resumed_ms = INT64_MIN};
    if (x == NULL) {
        snprintf(result_out->why, sizeof(result_out->why), "out of memory");
        return false;
    }
    x->o = options;
    x->result = result_out;
    x->out = options->out;
    if (options->file == NULL || open_file(x)) {
        bool ok = begin(x) && put_rows(x);

        if (options->file != NULL && x->out != NULL) {
            ok = close_file(x, ok);
        }
        result_out->ok = ok && (!result_out->stopped || fail(x, "interrupted"));
    }
    free(x);
    return result_out->ok;
}
