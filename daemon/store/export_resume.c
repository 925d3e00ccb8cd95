#include "daemon/store/export_resume.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/quantity.h"

enum {
    TAIL_LINES = 16,
    TAIL_BYTES = 4 * EXPORT_LINE_MAX,
    LOOK_BACK_MS = 86400 * 1000 /* longer than a record's interval, as a rule */
};

struct line {
    const char *p;
    size_t n; /* with its end */
    int64_t ms;
};

struct tail {
    char *text;
    size_t lines;
    struct line line[TAIL_LINES];
};

static int refuse(char *why, size_t n, int err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int refuse(char *why, size_t n, int err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, n, format, args);
    va_end(args);
    return err;
}

/* All of [offset, offset + size), which is in the file. */
static bool read_at(int fd, char *p, size_t size, off_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(fd, p + done, size - done, offset + (off_t)done);

        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            return false;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return true;
}

/* --- the first line --- */

static bool id_is_well_formed(const char *id)
{
    size_t n = strlen(id);

    return n >= 1 && n <= HWT_ID_MAX && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_") == n &&
           hwt_quantity_of_channel(id) != HWT_Q_NONE;
}

/* text is the line without its end, NUL terminated; it is cut up. */
static int read_columns(struct export_rows *e, char *text, char *why, size_t n)
{
    char *save = NULL, *name = strtok_r(text, ",", &save);

    if (name == NULL || strcmp(name, "time") != 0) {
        return refuse(why, n, HWT_ERR_SANITY, "its first line is not that of an export");
    }
    for (size_t i = 0; (name = strtok_r(NULL, ",", &save)) != NULL; i++) {
        if (!id_is_well_formed(name) || !export_rows_add_column(e, name) || e->columns != i + 1) {
            return refuse(why, n, HWT_ERR_SANITY, "its column '%.40s' is not that of an export",
                          name);
        }
        if (e->o->series_count > 0 &&
            (i >= e->o->series_count || strcmp(e->o->series[i], name) != 0)) {
            return refuse(why, n, HWT_ERR_SANITY, "its column '%s' is not what --series asks for",
                          name);
        }
    }
    if (e->columns < e->o->series_count) {
        return refuse(why, n, HWT_ERR_SANITY, "it has no column '%s'", e->o->series[e->columns]);
    }
    return 0;
}

/* The length of the first line in *length, 0: there is none yet. */
static int read_head(struct export_rows *e, int fd, off_t size, off_t *length, char *why, size_t n)
{
    size_t part = size < EXPORT_LINE_MAX ? (size_t)size : EXPORT_LINE_MAX;
    char *text = malloc(part + 1), *end;
    int err;

    if (text == NULL || !read_at(fd, text, part, 0)) {
        err = refuse(why, n, HWT_ERR_IO, "%s", text == NULL ? "out of memory" : strerror(errno));
        free(text);
        return err;
    }
    text[part] = '\0';
    end = memchr(text, '\n', part);
    if (end == NULL &&
        (part == EXPORT_LINE_MAX || strncmp(text, "time,", part < 5 ? part : 5) != 0)) {
        err = refuse(why, n, HWT_ERR_SANITY, "its first line is not that of an export");
    } else if (end == NULL) {
        err = 0; /* cut in the first line */
        *length = 0;
    } else {
        *length = end - text + 1;
        *end = '\0';
        err = read_columns(e, text, why, n);
    }
    free(text);
    return err;
}

/* --- the tail --- */

static bool read_time(struct line *line)
{
    char *end;

    errno = 0;
    line->ms = strtoll(line->p, &end, 10); /* ends at the comma or the line's end */
    return errno == 0 && end > line->p && (*end == ',' || *end == '\n');
}

/* The last whole lines of the part of the file behind its first line; *length is its end. */
static int read_tail(struct tail *t, int fd, off_t head, off_t size, off_t *length, char *why,
                     size_t n)
{
    off_t from = size - head > TAIL_BYTES ? size - TAIL_BYTES : head;
    size_t part = (size_t)(size - from), end;

    t->text = malloc(part + 1);
    if (t->text == NULL || !read_at(fd, t->text, part, from)) {
        return refuse(why, n, HWT_ERR_IO, "%s",
                      t->text == NULL ? "out of memory" : strerror(errno));
    }
    t->text[part] = '\0';
    while (part > 0 && t->text[part - 1] != '\n') {
        part--;
    }
    *length = from + (off_t)part;
    for (end = part; end > 0 && t->lines < TAIL_LINES; t->lines++) {
        struct line *line = &t->line[TAIL_LINES - 1 - t->lines];
        size_t at = end - 1;

        while (at > 0 && t->text[at - 1] != '\n') {
            at--;
        }
        if (at == 0 && from > head) { /* may be half of one */
            break;
        }
        line->p = t->text + at;
        line->n = end - at;
        if (!read_time(line)) {
            return refuse(why, n, HWT_ERR_SANITY, "'%.*s' near its end is no row of an export",
                          (int)(line->n > 25 ? 24 : line->n - 1), line->p);
        }
        end = at;
    }
    memmove(t->line, t->line + TAIL_LINES - t->lines, t->lines * sizeof(t->line[0]));
    return 0;
}

static bool is_line(struct export_rows *e, const struct line *line, char *text)
{
    return e->record->unix_ms == line->ms && export_rows_line(e, text) == line->n &&
           memcmp(text, line->p, line->n) == 0;
}

/* From where e stands on: 1: found, e stands behind it; 0: not there; IO. */
static int find_tail(const struct tail *t, struct export_rows *e, char *text)
{
    uint64_t began = 0;
    size_t met = 0;

    for (;;) {
        int got = export_rows_next(e);

        if (got != 1) {
            return got;
        }
        if (is_line(e, &t->line[met], text)) {
            began = met == 0 ? e->record->sequence : began;
            if (++met == t->lines) {
                return 1;
            }
        } else if (met > 0) { /* a time that came twice: look on behind the first line's */
            met = 0;
            got = export_rows_seek(e, began + 1);
            if (got != 0) {
                return got;
            }
        }
    }
}

static int seek_tail(const struct tail *t, struct export_rows *e, char *why, size_t n)
{
    char *text = malloc(EXPORT_LINE_MAX);
    int got;

    if (text == NULL) {
        return refuse(why, n, HWT_ERR_IO, "out of memory");
    }
    got = export_rows_seek_ms(e, t->line[0].ms - LOOK_BACK_MS);
    got = got == 0 ? find_tail(t, e, text) : got;
    if (got == 0) { /* seldom: a longer interval, or a clock that was put back */
        got = export_rows_rewind(e);
        got = got == 0 ? find_tail(t, e, text) : got;
    }
    free(text);
    if (got == 0) {
        return refuse(
            why, n, HWT_ERR_SANITY,
            "its last %zu rows, to the time %lld, are not in the log one after the other: "
            "of another log or stream, changed, or pruned since",
            t->lines, (long long)t->line[t->lines - 1].ms);
    }
    e->lost = e->untimed = 0;
    return got == 1 ? 0 : got;
}

int export_resume(struct export_resume *r, struct export_rows *e, int fd, char *why, size_t n)
{
    struct tail tail = {0};
    struct stat st;
    off_t head = 0;
    int err = 0;

    *r = (struct export_resume){.last_ms = INT64_MIN};
    why[0] = '\0';
    if (fstat(fd, &st) != 0) {
        return refuse(why, n, HWT_ERR_IO, "%s", strerror(errno));
    }
    if (st.st_size > 0) {
        err = read_head(e, fd, st.st_size, &head, why, n);
    }
    if (err == 0 && head > 0) {
        err = read_tail(&tail, fd, head, st.st_size, &r->length, why, n);
    }
    if (err == 0 && tail.lines > 0) {
        r->last_ms = tail.line[tail.lines - 1].ms;
        err = seek_tail(&tail, e, why, n);
    } else if (err == 0) {
        r->length = e->columns > 0 ? r->length : 0;
        err = export_rows_rewind(e);
    }
    free(tail.text);
    return err;
}
