#include "tests/log/folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void need(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int folder_setup(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    const char *tmp = getenv("TMPDIR");

    need(f != NULL, "calloc");
    snprintf(f->dir, sizeof(f->dir), "%s/heatwatt-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
    need(mkdtemp(f->dir) != NULL, f->dir);
    *state = f;
    return 0;
}

int folder_teardown(void **state)
{
    struct folder *f = *state;

    nftw(f->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

const char *folder_path(const struct folder *f, const char *name)
{
    static char path[4][2 * FOLDER_PATH_MAX];
    static unsigned next;
    char *p = path[next++ % 4];

    snprintf(p, sizeof(path[0]), "%s/%s", f->dir, name);
    return p;
}

void folder_write(const struct folder *f, const char *name, const void *p, size_t n)
{
    FILE *out = fopen(folder_path(f, name), "wb");

    need(out != NULL && fwrite(p, 1, n, out) == n && fclose(out) == 0, name);
}

char *folder_read(const struct folder *f, const char *name, size_t *n)
{
    FILE *in = fopen(folder_path(f, name), "rb");
    char *text;
    long size = 0;

    need(in != NULL && fseek(in, 0, SEEK_END) == 0 && (size = ftell(in)) >= 0, name);
    rewind(in);
    text = malloc((size_t)size + 1);
    need(text != NULL && fread(text, 1, (size_t)size, in) == (size_t)size, name);
    text[size] = '\0';
    fclose(in);
    if (n != NULL) {
        *n = (size_t)size;
    }
    return text;
}
