/*
 * pages.h: memory of which large pieces go back to the system when they are freed, instead of
 * staying with the allocator; but for a few that are kept for the next query of the same kind,
 * since taking fresh pages costs as much as filling them.
 *
 * http's thread only.
 */
#ifndef DAEMON_HTTP_PAGES_H
#define DAEMON_HTTP_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* n bytes, n > 0; NULL: there are none. Pages of a large piece are taken when first touched, or all
 * at once if `all_used`. What was in it before is still there. */
void *pages_new(size_t n, bool all_used);
/* Gives back what of a very large piece lies behind the first `keep` bytes, 0 < keep <= n; returns
 * what is then to be freed instead of n. */
size_t pages_cut(void *p, size_t n, size_t keep);
/* p may be NULL. */
void pages_free(void *p, size_t n);

#endif
