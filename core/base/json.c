#include "core/base/json.h"

#include <string.h>

#include "core/base/fixed.h"

enum { DEPTH_MAX = 32 };

static void put(struct hwt_json *j, const char *s, size_t n)
{
    if (!j->ok || j->n - j->at < n) {
        j->ok = false;
        return;
    }
    if (n > 0) { /* s may be NULL if not */
        memcpy(j->p + j->at, s, n);
        j->at += n;
    }
}

static void put_char(struct hwt_json *j, char c)
{
    put(j, &c, 1);
}

static void put_escaped(struct hwt_json *j, unsigned char c, bool ascii_only)
{
    static const char hex[] = "0123456789abcdef";
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (size_t i = 0; i + 1 < sizeof(named) - 1; i += 2) {
        if ((unsigned char)named[i] == c) {
            char e[2] = {'\\', named[i + 1]};
            put(j, e, 2);
            return;
        }
    }
    if (c < 0x20 || c == 0x7F || (ascii_only && c > 0x7F)) {
        char e[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        put(j, e, 6);
        return;
    }
    put_char(j, (char)c);
}

static void put_quoted(struct hwt_json *j, const char *s, size_t n, bool ascii_only)
{
    put_char(j, '"');
    for (size_t i = 0; i < n; i++) {
        put_escaped(j, (unsigned char)s[i], ascii_only);
    }
    put_char(j, '"');
}

/* The comma before and the key of the next value. */
static void lead(struct hwt_json *j, const char *key)
{
    uint32_t bit = (uint32_t)1 << j->depth;

    if (j->comma & bit) {
        put_char(j, ',');
    }
    j->comma |= bit;
    if (key != NULL) {
        put_quoted(j, key, strlen(key), false);
        put_char(j, ':');
    }
}

static void open_level(struct hwt_json *j, const char *key, char c)
{
    lead(j, key);
    put_char(j, c);
    if (j->depth + 1 >= DEPTH_MAX) {
        j->ok = false;
        return;
    }
    j->depth++;
    j->comma &= ~((uint32_t)1 << j->depth);
}

static void close_level(struct hwt_json *j, char c)
{
    if (j->depth == 0) {
        j->ok = false;
        return;
    }
    j->depth--;
    put_char(j, c);
}

void hwt_json_init(struct hwt_json *j, char *p, size_t n)
{
    j->p = p;
    j->n = n;
    j->at = 0;
    j->comma = 0;
    j->depth = 0;
    j->ok = true;
}

void hwt_json_object(struct hwt_json *j, const char *key)
{
    open_level(j, key, '{');
}

void hwt_json_array(struct hwt_json *j, const char *key)
{
    open_level(j, key, '[');
}

void hwt_json_end_object(struct hwt_json *j)
{
    close_level(j, '}');
}

void hwt_json_end_array(struct hwt_json *j)
{
    close_level(j, ']');
}

void hwt_json_string(struct hwt_json *j, const char *key, const char *s)
{
    if (s == NULL) {
        hwt_json_null(j, key);
        return;
    }
    lead(j, key);
    put_quoted(j, s, strlen(s), false);
}

void hwt_json_bytes(struct hwt_json *j, const char *key, const void *s, size_t n)
{
    lead(j, key);
    put_quoted(j, s, n, true);
}

static void put_uint(struct hwt_json *j, uint64_t v, unsigned min_digits)
{
    char digits[20];
    size_t n = sizeof(digits);

    do {
        digits[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0 || sizeof(digits) - n < min_digits);
    put(j, digits + n, sizeof(digits) - n);
}

static uint64_t put_sign(struct hwt_json *j, int64_t v)
{
    if (v < 0) {
        put_char(j, '-');
        return 0 - (uint64_t)v;
    }
    return (uint64_t)v;
}

void hwt_json_int(struct hwt_json *j, const char *key, int64_t v)
{
    lead(j, key);
    put_uint(j, put_sign(j, v), 1);
}

void hwt_json_uint(struct hwt_json *j, const char *key, uint64_t v)
{
    lead(j, key);
    put_uint(j, v, 1);
}

void hwt_json_bool(struct hwt_json *j, const char *key, bool v)
{
    lead(j, key);
    put(j, v ? "true" : "false", v ? 4 : 5);
}

void hwt_json_null(struct hwt_json *j, const char *key)
{
    lead(j, key);
    put(j, "null", 4);
}

static void put_decimal(struct hwt_json *j, int64_t number, unsigned places)
{
    uint64_t m, scale;

    while (places > 0 && number % 10 == 0) {
        number /= 10;
        places--;
    }
    m = put_sign(j, number);
    scale = (uint64_t)hwt_pow10((int)places);
    put_uint(j, m / scale, 1);
    if (places > 0) {
        put_char(j, '.');
        put_uint(j, m % scale, places);
    }
}

void hwt_json_decimal(struct hwt_json *j, const char *key, int64_t number, int exponent)
{
    lead(j, key);
    if (exponent <= 0) {
        put_decimal(j, number, (unsigned)-exponent);
        return;
    }
    put_uint(j, put_sign(j, number), 1);
    while (number != 0 && exponent-- > 0) {
        put_char(j, '0');
    }
}

void hwt_json_scaled(struct hwt_json *j, const char *key, int64_t counts, int64_t per_unit,
                     unsigned digits)
{
    int64_t scaled;

    if (!hwt_mul_div(counts, hwt_pow10((int)digits), per_unit, &scaled)) {
        hwt_json_null(j, key);
        return;
    }
    lead(j, key);
    put_decimal(j, scaled, digits);
}

void hwt_json_raw(struct hwt_json *j, const char *key, const char *s, size_t n)
{
    lead(j, key);
    put(j, s, n);
}
