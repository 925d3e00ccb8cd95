/*
 * json.h: a streaming JSON writer into memory of the caller. No tree, no malloc, no floats by
 * printf: numbers are scaled integers.
 *
 * Commas are put by the writer. Running out of room is sticky: `ok` turns false and nothing more is
 * written; check once at the end. Nesting to 32 levels.
 */
#ifndef HWT_CORE_BASE_JSON_H
#define HWT_CORE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hwt_json {
    char *p;        /* not NUL terminated */
    size_t n;       /* room */
    size_t at;      /* bytes written */
    uint32_t comma; /* bit d: level d already has a member */
    uint8_t depth;
    bool ok;
};

void hwt_json_init(struct hwt_json *j, char *p, size_t n);

/* An object or array, as a member (key) or as an element or the root (key NULL). */
void hwt_json_object(struct hwt_json *j, const char *key);
void hwt_json_array(struct hwt_json *j, const char *key);
/* Closes the innermost object or array. */
void hwt_json_end_object(struct hwt_json *j);
void hwt_json_end_array(struct hwt_json *j);

/* NUL terminated UTF-8; NULL writes null. Quotes, backslashes and control characters are escaped.
 */
void hwt_json_string(struct hwt_json *j, const char *key, const char *s);
/* n bytes; those that are not printable ASCII are escaped as their Latin-1 code points. */
void hwt_json_bytes(struct hwt_json *j, const char *key, const void *s, size_t n);
void hwt_json_int(struct hwt_json *j, const char *key, int64_t v);
void hwt_json_uint(struct hwt_json *j, const char *key, uint64_t v);
void hwt_json_bool(struct hwt_json *j, const char *key, bool v);
void hwt_json_null(struct hwt_json *j, const char *key);
/* number x 10^exponent, exactly, without trailing zeros after the point: -18 <= exponent <= 18. */
void hwt_json_decimal(struct hwt_json *j, const char *key, int64_t number, int exponent);
/* counts / per_unit rounded to `digits` (0..9) after the point, trailing zeros kept off. */
void hwt_json_scaled(struct hwt_json *j, const char *key, int64_t counts, int64_t per_unit,
                     unsigned digits);
/* A number that is already text, or any JSON made elsewhere. */
void hwt_json_raw(struct hwt_json *j, const char *key, const char *s, size_t n);

#endif
