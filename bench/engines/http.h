/*
 * http.h: a small HTTP/1.1 client on one kept connection to a port of 127.0.0.1, so that what is
 * timed is the server: a request costs it two system calls and no allocation.
 */
#ifndef BENCH_ENGINES_HTTP_H
#define BENCH_ENGINES_HTTP_H

#include <stddef.h>

struct http_client; /* opaque */

/* All end the program with a message when they fail. */
struct http_client *http_client_open(unsigned port);
void http_client_close(struct http_client *c);
/* Sends a request with that body (NULL: none) and reads the reply to its end. Returns the status;
 * the body is borrowed until the next call. */
int http_client_ask(struct http_client *c, const char *method, const char *path, const void *send,
                    size_t send_n, const char **body_out, size_t *n_out);

#endif
