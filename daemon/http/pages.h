/*
 * pages.h: memory of which large pieces go back to the system as soon as they are freed, instead of
 * staying with the allocator.
 */
#ifndef DAEMON_HTTP_PAGES_H
#define DAEMON_HTTP_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* n bytes, n > 0; NULL: there are none. Pages of a large piece are taken when first touched, or all
 * at once if `all_used`. */
void *pages_new(size_t n, bool all_used);
/* Gives back what of a large piece lies behind the first `keep` bytes, 0 < keep <= n; returns what
 * is then to be freed instead of n. */
size_t pages_cut(void *p, size_t n, size_t keep);
/* p may be NULL. */
void pages_free(void *p, size_t n);

#endif
