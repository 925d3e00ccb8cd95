#include "daemon/http/pages.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { LARGE = 64 * 1024, PAGE = 4096 };

static size_t whole(size_t n)
{
    return (n + PAGE - 1) / PAGE * PAGE;
}

void *pages_new(size_t n, bool all_used)
{
    void *p;

    if (n < LARGE) {
        return malloc(n);
    }
    p = mmap(NULL, whole(n), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | (all_used ? MAP_POPULATE : 0), -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

size_t pages_cut(void *p, size_t n, size_t keep)
{
    size_t rest = whole(n) - whole(keep);

    if (n < LARGE || whole(keep) < LARGE || rest == 0) {
        return n;
    }
    (void)munmap((char *)p + whole(keep), rest);
    return keep;
}

void pages_free(void *p, size_t n)
{
    if (n < LARGE) {
        free(p);
    } else if (p != NULL) {
        (void)munmap(p, whole(n));
    }
}
