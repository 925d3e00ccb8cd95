#include "daemon/http/pages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    PAGE = 4096,
    LARGE = 64 * 1024,          /* from here on pages of their own */
    VERY_LARGE = 1024 * 1024,   /* from here on worth cutting */
    SPARES = 4,                 /* pieces kept: a table and a text, of two kinds of queries */
    SPARE_MAX = 4 * 1024 * 1024 /* bytes of one, of which most are never touched */
};

static struct {
    void *p;
    size_t n;     /* whole pages */
} spares[SPARES]; /* the newest first */

static size_t whole(size_t n)
{
    return (n + PAGE - 1) / PAGE * PAGE;
}

static void *take_spare(size_t n)
{
    for (size_t i = 0; i < SPARES; i++) {
        if (spares[i].p != NULL && spares[i].n == n) {
            void *p = spares[i].p;

            spares[i].p = NULL;
            return p;
        }
    }
    return NULL;
}

/* Makes room before the others; the oldest goes. */
static void keep_spare(void *p, size_t n)
{
    size_t at = 0;

    while (at < SPARES - 1 && spares[at].p != NULL) {
        at++;
    }
    if (spares[at].p != NULL) {
        (void)munmap(spares[at].p, spares[at].n);
    }
    memmove(spares + 1, spares, at * sizeof(spares[0]));
    spares[0].p = p;
    spares[0].n = n;
}

void *pages_new(size_t n, bool all_used)
{
    void *p;

    if (n < LARGE) {
        return malloc(n);
    }
    p = take_spare(whole(n));
    if (p != NULL) {
        return p;
    }
    p = mmap(NULL, whole(n), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | (all_used ? MAP_POPULATE : 0), -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

size_t pages_cut(void *p, size_t n, size_t keep)
{
    size_t rest = whole(n) - whole(keep);

    if (n < VERY_LARGE || whole(keep) < LARGE || rest == 0) {
        return n;
    }
    (void)munmap((char *)p + whole(keep), rest);
    return keep;
}

void pages_free(void *p, size_t n)
{
    if (n < LARGE) {
        free(p);
    } else if (p != NULL && whole(n) <= SPARE_MAX) {
        keep_spare(p, whole(n));
    } else if (p != NULL) {
        (void)munmap(p, whole(n));
    }
}
