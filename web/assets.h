/*
 * assets.h: the page, embedded. web/build.mjs bundles web/src and writes one C source with these
 * tables; a build without Node (-Dweb=false) has no asset, and the daemon then serves the API only.
 *
 *   GET /                      ──▶ path "/"                   no-cache, revalidated by its etag
 *   GET /assets/app-HASH.js    ──▶ path "/assets/app-HASH.js" immutable: the name is the content
 *
 * Paths are matched whole. Bodies are gzip only and are sent with `Content-Encoding: gzip` to
 * everyone: every browser takes it and nothing else asks for the page. Nothing here is mutable.
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
extern const size_t web_asset_count; /* 0: built without the page */

/* What the page needs, and no more: sent with every reply. */
#define WEB_CONTENT_SECURITY_POLICY                                             \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

#endif
