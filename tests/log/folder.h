/*
 * folder.h: a folder of a test's own, and whole files.
 */
#ifndef TESTS_LOG_FOLDER_H
#define TESTS_LOG_FOLDER_H

#include <stddef.h>

enum { FOLDER_PATH_MAX = 160 };

struct folder {
    char dir[FOLDER_PATH_MAX];
};

/* Setup and teardown of cmocka: *state is a struct folder. */
int folder_setup(void **state);
int folder_teardown(void **state);

/* DIR/name; valid until the next but three. */
const char *folder_path(const struct folder *f, const char *name);
void folder_write(const struct folder *f, const char *name, const void *p, size_t n);
/* Its content, NUL terminated, to be freed; its length into *n if not NULL. */
char *folder_read(const struct folder *f, const char *name, size_t *n);

#endif
