/*
 * problem.h: errors as application/problem+json (RFC 9457).
 */
#ifndef DAEMON_HTTP_PROBLEM_H
#define DAEMON_HTTP_PROBLEM_H

#include "daemon/http/server.h"

/* One of several things that are wrong with a body. */
struct http_fault {
    const char *path; /* the member at fault: "sources[3].address", or "" */
    const char *detail;
};

struct http_problem {
    unsigned status;
    const char *parameter; /* the query parameter at fault, static text, or NULL */
    char detail[320];      /* what is wrong and what would be right; bytes of the request may be in
                            * it, they are escaped on the way out */
    const struct http_fault *faults; /* member "errors"; fault_count of them */
    size_t fault_count;
};

/* Fills a problem without faults; a long detail is cut. */
void http_problem_set(struct http_problem *problem_out, unsigned status, const char *parameter,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* NULL: out of memory. 503 carries Retry-After. */
struct http_reply *http_problem_reply(const struct http_problem *problem);
/* Both in one. */
struct http_reply *http_problem(unsigned status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "Bad Request"; "Error" for a status that is not in the table. */
const char *http_status_title(unsigned status);

#endif
