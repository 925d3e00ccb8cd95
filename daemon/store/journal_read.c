/* Reading a journal: its files, newest entry first. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/journal.h"
#include "daemon/store/journal_files.h"

enum { FILE_BYTES_MAX = 16 << 20 };

bool journal_path(const char *dir, enum journal_file file, char out[PATH_MAX])
{
    static const char *const names[JOURNAL_FILES] = {"journal.1.jsonl", "journal.jsonl",
                                                     "journal.new"};

    return snprintf(out, PATH_MAX, "%s/%s", dir, names[file]) < PATH_MAX;
}

/* --- files ----------------------------------------------------------------------------------- */

static int read_whole(int fd, struct journal_text *out)
{
    struct stat st;
    ssize_t got = 1;

    if (fstat(fd, &st) != 0 || st.st_size > FILE_BYTES_MAX) {
        return HWT_ERR_IO;
    }
    out->p = malloc((size_t)st.st_size + 1);
    out->n = 0;
    while (out->p != NULL && out->n < (size_t)st.st_size && got != 0) {
        got = read(fd, out->p + out->n, (size_t)st.st_size - out->n);
        if (got < 0 && errno != EINTR) {
            return HWT_ERR_IO;
        }
        out->n += got > 0 ? (size_t)got : 0;
    }
    return out->p != NULL ? 0 : HWT_ERR_SPACE;
}

static bool same_file(int a, int b)
{
    struct stat x, y;

    return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
           x.st_dev == y.st_dev;
}

/* Opens the current file first: should it become the old one meanwhile, it is the same twice, and
 * the one before it is gone for good. */
static int open_both(const char *dir, int fd[JOURNAL_NEW])
{
    char path[PATH_MAX];

    for (int f = JOURNAL_CURRENT; f >= JOURNAL_OLD; f--) {
        fd[f] = -1;
        errno = ENAMETOOLONG;
        if (journal_path(dir, (enum journal_file)f, path)) {
            fd[f] = open(path, O_RDONLY | O_CLOEXEC);
        }
        if (fd[f] < 0 && errno != ENOENT) {
            return HWT_ERR_IO;
        }
    }
    if (same_file(fd[JOURNAL_OLD], fd[JOURNAL_CURRENT])) {
        close(fd[JOURNAL_OLD]);
        fd[JOURNAL_OLD] = -1;
    }
    return 0;
}

int journal_texts(const char *dir, struct journal_text out[JOURNAL_NEW])
{
    int fd[JOURNAL_NEW] = {-1, -1}, err = open_both(dir, fd);

    memset(out, 0, JOURNAL_NEW * sizeof(out[0]));
    for (int f = JOURNAL_OLD; f < JOURNAL_NEW; f++) {
        if (fd[f] >= 0 && err == 0) {
            err = read_whole(fd[f], &out[f]);
        }
        if (fd[f] >= 0) {
            close(fd[f]);
        }
    }
    if (err != 0) {
        journal_texts_free(out);
    }
    return err;
}

void journal_texts_free(struct journal_text text[JOURNAL_NEW])
{
    for (int f = JOURNAL_OLD; f < JOURNAL_NEW; f++) {
        free(text[f].p);
        text[f] = (struct journal_text){NULL, 0};
    }
}

/* --- entries --------------------------------------------------------------------------------- */

struct reader {
    const struct journal_query *query;
    int64_t later_ms; /* time of the entry after this one */
    unsigned given;
    bool (*line)(void *ctx, const struct journal_entry *e, const char *p, size_t n);
    void *ctx;
};

static bool is_wanted(struct reader *r, const struct journal_entry *e)
{
    const struct journal_query *q = r->query;
    int64_t ms = e->unix_ms != HWT_TIME_UNKNOWN ? e->unix_ms : r->later_ms;

    r->later_ms = ms;
    return strcmp(e->kind, "carried") != 0 &&
           (q->from_ms == HWT_TIME_UNKNOWN || ms >= q->from_ms) &&
           (q->to_ms == HWT_TIME_UNKNOWN || ms < q->to_ms) &&
           (q->source == NULL || strcmp(q->source, e->source) == 0 ||
            strcmp(q->source, e->feed) == 0);
}

/* The lines of a file from its end; what follows the last LF is not whole yet. False: enough. */
static bool read_backward(struct reader *r, const struct journal_text *text)
{
    size_t end = text->n;

    while (end > 0 && text->p[end - 1] != '\n') {
        end--;
    }
    while (end > 0) {
        size_t start = end - 1;
        struct journal_entry e;

        while (start > 0 && text->p[start - 1] != '\n') {
            start--;
        }
        if (journal_line_read(text->p + start, end - 1 - start, &e) && is_wanted(r, &e)) {
            r->given++;
            if (!r->line(r->ctx, &e, text->p + start, end - 1 - start) ||
                r->given >= r->query->limit) {
                return false;
            }
        }
        end = start;
    }
    return true;
}

int journal_read(const char *dir, const struct journal_query *query,
                 bool (*line)(void *ctx, const struct journal_entry *e, const char *p, size_t n),
                 void *ctx)
{
    struct reader r = {.query = query, .later_ms = INT64_MAX, .line = line, .ctx = ctx};
    struct journal_text text[JOURNAL_NEW];
    int err = journal_texts(dir, text);

    if (err != 0) {
        return err;
    }
    if (query->limit > 0 && read_backward(&r, &text[JOURNAL_CURRENT])) {
        (void)read_backward(&r, &text[JOURNAL_OLD]);
    }
    journal_texts_free(text);
    return (int)r.given;
}
