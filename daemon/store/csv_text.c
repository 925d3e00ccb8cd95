#include "daemon/store/csv_text.h"

#include <string.h>

static size_t put_digits(char *p, uint64_t v)
{
    char text[20]; /* 2^64 has 20 digits */
    size_t at = sizeof(text);

    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    memcpy(p, text + at, sizeof(text) - at);
    return sizeof(text) - at;
}

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

size_t csv_put_int(char *p, int64_t v)
{
    p[0] = '-';
    return (size_t)(v < 0) + put_digits(p + (v < 0), magnitude(v));
}

/* Trailing zeros are left off; fraction > 0. */
static size_t put_fraction(char *p, uint64_t fraction, size_t digits)
{
    while (fraction % 10 == 0) {
        fraction /= 10;
        digits--;
    }
    p[0] = '.';
    for (size_t i = digits; i > 0; i--) {
        p[i] = (char)('0' + fraction % 10);
        fraction /= 10;
    }
    return digits + 1;
}

/* Seven decimals tell millijoules apart in Wh: 1 / 3 600 000 > 10^-7. The product is less than
 * 3.6e6 x 10^7. */
size_t csv_put_value(char *p, int64_t counts, int64_t per_unit)
{
    uint64_t unit = (uint64_t)per_unit, whole = magnitude(counts) / unit;
    uint64_t rest = magnitude(counts) - whole * unit;
    uint64_t scale = unit > 1000 ? 10000000 : 1000;
    uint64_t fraction = rest == 0 ? 0 : (rest * scale + unit / 2) / unit;
    size_t n = 0;

    if (counts < 0) {
        p[n++] = '-';
    }
    n += put_digits(p + n, whole);
    return fraction == 0 ? n : n + put_fraction(p + n, fraction, unit > 1000 ? 7 : 3);
}
