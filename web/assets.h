/*
 * assets.h: the files of the page, bundled at build time and linked into the program. The table is
 * generated; the HTTP server gets it by pointer.
 */
#ifndef WEB_ASSETS_H
#define WEB_ASSETS_H

#include <stdbool.h>
#include <stddef.h>

struct web_asset {
    const char *path;          /* as requested: "/index.html", "/app.3f2a91c0.js" */
    const char *content_type;  /* "text/html; charset=utf-8" */
    const char *etag;          /* of the uncompressed content, without quotes */
    const unsigned char *gzip; /* the content, compressed (RFC 1952) */
    size_t gzip_len;           /* bytes */
    size_t len;                /* bytes, uncompressed */
    bool immutable;            /* the path carries a hash of the content: may be kept for ever */
};

extern const struct web_asset web_assets[];
extern const size_t web_asset_count;

#endif
