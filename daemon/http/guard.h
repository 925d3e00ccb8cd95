/*
 * guard.h: whether a request was meant for this server, by its Host and Origin headers. A page of a
 * foreign site that reaches us through a name it controls (DNS rebinding) sends that name as Host,
 * and is refused.
 */
#ifndef DAEMON_HTTP_GUARD_H
#define DAEMON_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The Host header: "localhost", "127.0.0.1", "[::1]" or one of `hosts`, letters in either case,
 * with or without ":port" (any port: a proxy or a tunnel may stand before us).
 */
bool http_host_served(const char *host, const char *const *hosts, size_t count);

/* The Origin header: "http://" or "https://" and a host as above. "null" is not served. */
bool http_origin_served(const char *origin, const char *const *hosts, size_t count);

#endif
