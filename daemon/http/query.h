/*
 * query.h: the query string of a request, "series=a,b&from=0&step=1000", and the numbers in it.
 *
 * Strict, because a silently ignored typo answers another question than the one asked: a broken
 * percent escape, a repeated name or too many parameters refuse the whole string. Needs nothing of
 * the server: it is also a fuzz target.
 */
#ifndef DAEMON_HTTP_QUERY_H
#define DAEMON_HTTP_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum { HTTP_PARAMETERS_MAX = 16 };

struct http_parameter {
    const char *name;  /* decoded, NUL terminated, no NUL inside */
    const char *value; /* "" when there was no '=' */
};

struct http_query {
    size_t count;
    struct http_parameter parameter[HTTP_PARAMETERS_MAX];
};

/*
 * Splits and decodes `text` (what follows the '?') in place; the query borrows it. Percent escapes
 * and '+' are decoded once (WHATWG URL, application/x-www-form-urlencoded); empty parts ("a=1&&")
 * are skipped. Errors: SANITY (broken escape, an escaped NUL, an empty name), SPACE (more than
 * HTTP_PARAMETERS_MAX), ARGUMENT (a name twice); *why_out then says it in words, static text.
 */
HWT_MUST_CHECK int http_query_parse(struct http_query *query_out, char *text, const char **why_out);

/* The value of a parameter; NULL if it was not given. */
const char *http_query_get(const struct http_query *query, const char *name);

/* A whole decimal number in [min, max], "-12": no sign '+', no spaces, nothing after it. */
bool http_number(const char *text, int64_t min, int64_t max, int64_t *out);

#endif
