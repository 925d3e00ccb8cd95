#include "daemon/http/number.h"

#include <string.h>

/* "00" "01" … "99": two digits at a time */
static const char pairs[201] = "00010203040506070809101112131415161718192021222324"
                               "25262728293031323334353637383940414243444546474849"
                               "50515253545556575859606162636465666768697071727374"
                               "75767778798081828384858687888990919293949596979899";

static char *put_pair(char *p, uint32_t v)
{
    memcpy(p, pairs + 2 * v, 2);
    return p + 2;
}

static char *put_small(char *p, uint32_t v)
{
    if (v >= 10000) {
        p = put_small(p, v / 10000); /* at most two deep */
        v %= 10000;
        return put_pair(put_pair(p, v / 100), v % 100);
    }
    if (v >= 1000) {
        return put_pair(put_pair(p, v / 100), v % 100);
    }
    if (v >= 100) {
        *p++ = (char)('0' + v / 100);
        return put_pair(p, v % 100);
    }
    if (v >= 10) {
        return put_pair(p, v);
    }
    *p++ = (char)('0' + v);
    return p;
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

/* 1 to 9 digits. */
static inline char *put_digits(char *p, uint32_t v)
{
    if (v < 10) {
        *p = (char)('0' + v);
        return p + 1;
    }
    if (v < 100) {
        return put_pair(p, v);
    }
    return put_small(p, v);
}

char *number_put_small(char *p, int32_t v, unsigned digits)
{
    uint32_t m = v < 0 ? 0 - (uint32_t)v : (uint32_t)v, rest;

    *p = '-';
    p += v < 0;
    switch (digits) {
    case 0:
        return put_digits(p, m);
    case 1:
        p = put_digits(p, m / 10);
        rest = m % 10;
        p[0] = '.';
        p[1] = (char)('0' + rest);
        return rest > 0 ? p + 2 : p;
    case 2:
        p = put_digits(p, m / 100);
        rest = m % 100;
        p[0] = '.';
        (void)put_pair(p + 1, rest);
        return rest == 0 ? p : rest % 10 == 0 ? p + 2 : p + 3;
    default:
        p = put_digits(p, m / 1000);
        rest = m % 1000;
        if (rest == 0) {
            return p;
        }
        *p++ = '.';
        p = put_padded(p, rest, 3);
        while (p[-1] == '0') {
            p--;
        }
        return p;
    }
}

static void set_upper(struct number_stepper *s)
{
    s->upper_n = s->upper > 0 ? (unsigned)(number_put_int(s->text, s->upper) - s->text) : 0;
}

void number_stepper_init(struct number_stepper *s, int64_t first, int64_t step)
{
    *s = (struct number_stepper){
        .upper = first / NUMBER_LOWER,
        .lower = (uint32_t)(first % NUMBER_LOWER),
        .step_upper = step / NUMBER_LOWER,
        .step_lower = (uint32_t)(step % NUMBER_LOWER),
    };
    set_upper(s);
}

char *number_stepper_put(struct number_stepper *s, char *p)
{
    bool carry;

    if (s->upper > 0) {
        memcpy(p, s->text, NUMBER_MAX);
        p = put_padded(p + s->upper_n, s->lower, NUMBER_LOWER_DIGITS);
    } else {
        p = put_small(p, s->lower);
    }
    s->lower += s->step_lower;
    carry = s->lower >= NUMBER_LOWER;
    s->lower -= carry ? NUMBER_LOWER : 0;
    if (carry || s->step_upper > 0) {
        s->upper += s->step_upper + carry;
        set_upper(s);
    }
    return p;
}

/* m = whole x 10^digits + fraction. By constants: several times faster than by a variable. */
static uint64_t split(uint64_t m, unsigned digits, uint32_t *fraction_out)
{
    uint32_t power = 10000;

#define HWT_SPLIT(power)                     \
    *fraction_out = (uint32_t)(m % (power)); \
    return m / (power)
    switch (digits) {
    case 0:
        HWT_SPLIT(1);
    case 1:
        HWT_SPLIT(10);
    case 2:
        HWT_SPLIT(100);
    case 3:
        HWT_SPLIT(1000);
    case 4:
        HWT_SPLIT(10000);
    default:
        break;
    }
#undef HWT_SPLIT
    for (unsigned i = 4; i < digits; i++) {
        power *= 10;
    }
    *fraction_out = (uint32_t)(m % power);
    return m / power;
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
    p = put_large(p, split(m, digits, &fraction));
    if (fraction > 0) {
        *p++ = '.';
        p = put_padded(p, fraction, digits);
        while (p[-1] == '0') {
            p--;
        }
    }
    return p;
}
