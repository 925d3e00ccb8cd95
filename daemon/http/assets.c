/*
 * assets.c: the files of the page, out of the table in the program. They are kept compressed and
 * sent so; the rare client that does not take gzip gets them inflated. The validator is weak: one
 * for both forms (RFC 9110 8.8.1).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "daemon/http/api.h"
#include "daemon/http/assets.h"

enum { GZIP_WINDOW = 16 + MAX_WBITS /* zlib: a gzip header, the largest window */ };

/* Whether a list "a, b;q=0.5" holds the token, and not with q=0. */
bool http_accepts_gzip(const char *header)
{
    bool any = false;

    while (header != NULL && *header != '\0') {
        size_t part, n;
        const char *q;
        bool refused;

        header += strspn(header, " \t");
        part = strcspn(header, ",");
        n = strcspn(header, ",; \t");
        q = memchr(header, '=', part);
        /* q=0, q=0.0, q=0.000 */
        refused = q != NULL && q[1] == '0' && strspn(q + 1, "0.") >= strcspn(q + 1, ", \t");
        if ((n == 4 && strncasecmp(header, "gzip", 4) == 0) ||
            (n == 6 && strncasecmp(header, "x-gzip", 6) == 0)) {
            return !refused;
        }
        if (n == 1 && header[0] == '*') {
            any = !refused;
        }
        header += part;
        header += *header == ',';
    }
    return any;
}

/* Whether If-None-Match names the tag (given without quotes), weak comparison, or is "*". */
bool http_etag_matches(const char *header, const char *etag)
{
    size_t n = strlen(etag);

    while (header != NULL && *header != '\0') {
        header += strspn(header, " \t,");
        if (*header == '*') {
            return true;
        }
        if (strncmp(header, "W/", 2) == 0) {
            header += 2;
        }
        if (*header == '"' && strncmp(header + 1, etag, n) == 0 && header[1 + n] == '"') {
            return true;
        }
        header += strcspn(header, ",");
    }
    return false;
}

static const struct web_asset *find(const struct http *h, const char *path)
{
    for (size_t i = 0; i < h->asset_count; i++) {
        if (strcmp(h->assets[i].path, path) == 0) {
            return &h->assets[i];
        }
    }
    return strcmp(path, "/") == 0 ? find(h, "/index.html") : NULL;
}

static struct http_reply *inflated(const struct web_asset *asset)
{
    unsigned char *p = malloc(asset->len > 0 ? asset->len : 1);
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)asset->gzip,
                  .avail_in = (uInt)asset->gzip_len,
                  .next_out = p,
                  .avail_out = (uInt)asset->len};
    int r;

    if (p == NULL || inflateInit2(&z, GZIP_WINDOW) != Z_OK) {
        free(p);
        return NULL;
    }
    r = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    if (r != Z_STREAM_END || z.avail_out != 0) {
        free(p);
        return http_problem(500, "%s: the file in the program is damaged", asset->path);
    }
    return http_reply_lend(200, asset->content_type, p, asset->len, free, p);
}

static bool add_headers(struct http_reply *reply, const struct web_asset *asset)
{
    char etag[80];

    snprintf(etag, sizeof(etag), "W/\"%s\"", asset->etag);
    return http_reply_header(reply, "ETag", etag) &&
           http_reply_header(reply, "Vary", "Accept-Encoding") &&
           http_reply_header(reply, "Cache-Control",
                             asset->immutable ? "public, max-age=31536000, immutable" : "no-cache");
}

static struct http_reply *serve(const struct web_asset *asset, const struct http_request *request)
{
    struct http_reply *reply;

    if (http_etag_matches(request->header[HTTP_IF_NONE_MATCH], asset->etag)) {
        reply = http_reply_lend(304, NULL, "", 0, NULL, NULL);
    } else if (http_accepts_gzip(request->header[HTTP_ACCEPT_ENCODING])) {
        reply = http_reply_lend(200, asset->content_type, asset->gzip, asset->gzip_len, NULL, NULL);
        if (reply != NULL && !http_reply_header(reply, "Content-Encoding", "gzip")) {
            http_reply_unref(reply);
            return NULL;
        }
    } else {
        reply = inflated(asset);
    }
    if (reply != NULL && !add_headers(reply, asset)) {
        http_reply_unref(reply);
        return NULL;
    }
    return reply;
}

struct http_reply *assets_reply(struct http *h, const struct http_request *request, bool *found_out)
{
    const struct web_asset *asset = find(h, request->path);

    *found_out = asset != NULL;
    return asset != NULL ? serve(asset, request) : NULL;
}
