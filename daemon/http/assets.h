/*
 * assets.h: the two request headers that decide in which form a file is sent.
 */
#ifndef DAEMON_HTTP_ASSETS_H
#define DAEMON_HTTP_ASSETS_H

#include <stdbool.h>

/* Whether Accept-Encoding takes gzip; NULL (no header): no (RFC 9110 12.5.3 leaves the choice). */
bool http_accepts_gzip(const char *header);
/* Whether If-None-Match names the tag, given without quotes, or is "*"; weak comparison. */
bool http_etag_matches(const char *header, const char *etag);

#endif
