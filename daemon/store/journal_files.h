/*
 * journal_files.h: the two files of a journal, read whole; shared by the writer and by readers.
 */
#ifndef DAEMON_STORE_JOURNAL_FILES_H
#define DAEMON_STORE_JOURNAL_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

enum journal_file { JOURNAL_OLD, JOURNAL_CURRENT, JOURNAL_NEW, JOURNAL_FILES };

struct journal_text {
    char *p; /* malloc; NULL: there is no such file */
    size_t n;
};

/* The path of a file; false: too long. */
bool journal_path(const char *dir, enum journal_file file, char out[PATH_MAX]);
/* The file before the current one, and the current one, as of one instant. 0, IO, SPACE. */
HWT_MUST_CHECK int journal_texts(const char *dir, struct journal_text out[JOURNAL_NEW]);
void journal_texts_free(struct journal_text text[JOURNAL_NEW]);

#endif
