#include "daemon/http/number.h"

#include <string.h>

/* "00" "01" … "99": two digits at a time */
static const char pairs[201] = "00010203040506070809101112131415161718192021222324"
                               "25262728293031323334353637383940414243444546474849"
                               "50515253545556575859606162636465666768697071727374"
                               "75767778798081828384858687888990919293949596979899";

static const uint32_t powers[10] = {1,      10,      100,      1000,      10000,
                                    100000, 1000000, 10000000, 100000000, 1000000000};

static char *put_small(char *p, uint32_t v)
{
    char digits[10];
    unsigned at = sizeof(digits);

    while (v >= 100) {
        at -= 2;
        memcpy(digits + at, pairs + 2 * (v % 100), 2);
        v /= 100;
    }
    if (v >= 10) {
        at -= 2;
        memcpy(digits + at, pairs + 2 * v, 2);
    } else {
        digits[--at] = (char)('0' + v);
    }
    memcpy(p, digits + at, sizeof(digits) - at);
    return p + (sizeof(digits) - at);
}

/* Exactly that many digits, zeros before. */
static char *put_padded(char *p, uint32_t v, unsigned digits)
{
    unsigned at = digits;

    while (at >= 2) {
        at -= 2;
        memcpy(p + at, pairs + 2 * (v % 100), 2);
        v /= 100;
    }
    if (at > 0) {
        p[0] = (char)('0' + v % 10);
    }
    return p + digits;
}

static char *put_large(char *p, uint64_t v)
{
    if (v <= UINT32_MAX) {
        return put_small(p, (uint32_t)v);
    }
    p = put_large(p, v / 1000000000); /* at most two deep */
    return put_padded(p, (uint32_t)(v % 1000000000), 9);
}

char *number_put_int(char *p, int64_t v)
{
    if (v < 0) {
        *p++ = '-';
        return put_large(p, 0 - (uint64_t)v);
    }
    return put_large(p, (uint64_t)v);
}

char *number_put(char *p, int64_t v, uint32_t divisor, unsigned digits)
{
    uint64_t m = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    uint32_t fraction;

    if (divisor > 1) {
        uint64_t rest = m % divisor;

        m = m / divisor + (rest >= divisor - rest);
    }
    if (v < 0 && m > 0) {
        *p++ = '-';
    }
    if (m <= UINT32_MAX) { /* most: 32-bit division is several times faster */
        fraction = (uint32_t)m % powers[digits];
        p = put_small(p, (uint32_t)m / powers[digits]);
    } else {
        fraction = (uint32_t)(m % powers[digits]);
        p = put_large(p, m / powers[digits]);
    }
    if (fraction > 0) {
        *p++ = '.';
        p = put_padded(p, fraction, digits);
        while (p[-1] == '0') {
            p--;
        }
    }
    return p;
}
