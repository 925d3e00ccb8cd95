/*
 * mbus_value.c: the data of a record as a number: integers, BCD, binary32, and their scaling.
 *
 *   integer  two's complement, 1 to 8 octets, least significant first
 *   BCD      least significant pair first; a top nibble F is the minus sign: 02 00 F0 = -2
 *            (captured: delta-T of a Landis+Gyr T230); another nibble above 9 is no number
 */
#include "core/wire/mbus_value.h"

#include "core/base/fixed.h"

enum { EXPONENT_MAX = 18 };
#define ROOM (INT64_MAX / 100000) /* a mantissa below leaves room for the largest multiplier */

int64_t hwt_mbus_integer(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    uint64_t sign;

    for (size_t i = n; i-- > 0;) {
        v = (v << 8) | p[i];
    }
    if (n == 0 || n >= 8) {
        return (int64_t)v;
    }
    sign = (uint64_t)1 << (8 * n - 1);
    return (int64_t)((v ^ sign) - sign);
}

bool hwt_mbus_bcd(const uint8_t *p, size_t n, int64_t *value_out)
{
    bool negative = n > 0 && (p[n - 1] >> 4) == 0xF;
    int64_t v = 0;

    for (size_t i = n; i-- > 0;) {
        unsigned high = p[i] >> 4, low = p[i] & 15;

        if (negative && i == n - 1) {
            high = 0;
        }
        if (high > 9 || low > 9 || v > INT64_MAX / 100 - 1) {
            return false;
        }
        v = v * 100 + (int64_t)(high * 10 + low);
    }
    *value_out = negative ? -v : v;
    return true;
}

/* A number shifted to a lower exponent, exactly. */
static bool lower_exponent(int64_t *mantissa, int from, int to)
{
    if (*mantissa == 0) {
        return true;
    }
    return from - to <= EXPONENT_MAX && hwt_mul_div(*mantissa, hwt_pow10(from - to), 1, mantissa);
}

static bool add_power_of_ten(int64_t *mantissa, int *exponent, int power)
{
    int low = *exponent < power ? *exponent : power;
    int64_t one = 1, v = *mantissa;

    if (!lower_exponent(&v, *exponent, low) || !lower_exponent(&one, power, low) ||
        v > INT64_MAX - one) {
        return false;
    }
    *mantissa = v + one;
    *exponent = low;
    return true;
}

static bool scale_number(struct hwt_mbus_record *r, const struct hwt_mbus_scaling *s)
{
    if (s->multiplier != 1 && !hwt_mul_div(r->mantissa, s->multiplier, 1, &r->mantissa)) {
        return false;
    }
    r->exponent = s->exponent;
    for (unsigned i = 0; i < s->offsets; i++) {
        if (!add_power_of_ten(&r->mantissa, &r->exponent, s->offset[i])) {
            return false;
        }
    }
    return r->exponent >= -EXPONENT_MAX && r->exponent <= EXPONENT_MAX;
}

static bool scale_real(struct hwt_mbus_record *r, const struct hwt_mbus_scaling *s)
{
    if (s->exponent < -EXPONENT_MAX || s->exponent > EXPONENT_MAX) {
        return false;
    }
    r->exponent = s->exponent;
    r->multiplier = s->multiplier;
    if (s->offsets > 0) {
        struct hwt_mbus_scaling rest = *s;

        if (!hwt_mbus_decimal(r, &r->mantissa, &rest.exponent)) {
            return false;
        }
        rest.multiplier = 1;
        r->kind = HWT_MBUS_NUMBER;
        return scale_number(r, &rest);
    }
    return true;
}

void hwt_mbus_scale(struct hwt_mbus_record *r, const struct hwt_mbus_scaling *s)
{
    if ((r->kind == HWT_MBUS_NUMBER && !scale_number(r, s)) ||
        (r->kind == HWT_MBUS_REAL && !scale_real(r, s))) {
        r->kind = HWT_MBUS_NULL;
    }
}

/*
 * significand (below 2^53) x 2^e as m x 10^x with at least 17 significant digits where it is
 * not exact. Each halving first tries to stay exact by m x 5, x - 1, because m / 2 = 5 m / 10.
 */
static int binary_to_decimal(int64_t significand, int e, int64_t *m_out)
{
    int64_t m = significand;
    int x = 0;

    for (; e > 0; e--) {
        if (m > INT64_MAX / 2) {
            m = hwt_div_round(m, 10);
            x++;
        }
        m *= 2;
    }
    for (; e < 0 && m != 0; e++) {
        if (m % 2 != 0 && m <= INT64_MAX / 5) {
            m *= 5;
            x--;
        } else {
            m = hwt_div_round(m, 2);
        }
    }
    *m_out = m;
    return x;
}

bool hwt_mbus_binary64(uint64_t bits, int64_t *mantissa_out, int *exponent_out)
{
    int64_t fraction = (int64_t)(bits & 0xFFFFFFFFFFFFF), m;
    int e = (int)((bits >> 52) & 0x7FF), x;

    if (e == 0x7FF) {
        return false; /* infinite or not a number */
    }
    x = binary_to_decimal(e > 0 ? fraction | (int64_t)1 << 52 : fraction, (e > 0 ? e : 1) - 1075,
                          &m);
    for (; x < -EXPONENT_MAX || m > ROOM; x++) {
        m = hwt_div_round(m, 10);
    }
    if (x > EXPONENT_MAX) {
        return false;
    }
    *mantissa_out = (bits >> 63) != 0 ? -m : m;
    *exponent_out = x;
    return true;
}

bool hwt_mbus_decimal(const struct hwt_mbus_record *record, int64_t *mantissa_out,
                      int *exponent_out)
{
    uint32_t bits = record->real_bits;
    uint32_t fraction = bits & 0x7FFFFF;
    int e = (int)((bits >> 23) & 0xFF), x;
    int64_t m;

    if (record->kind == HWT_MBUS_NUMBER) {
        *mantissa_out = record->mantissa;
        *exponent_out = record->exponent;
        return true;
    }
    if (record->kind != HWT_MBUS_REAL) {
        return false;
    }
    x = binary_to_decimal(e > 0 ? fraction | 0x800000 : fraction, (e > 0 ? e : 1) - 150, &m);
    x += record->exponent;
    for (; x < -EXPONENT_MAX || m > ROOM; x++) {
        m = hwt_div_round(m, 10);
    }
    m = (bits >> 31) != 0 ? -m : m;
    if (x > EXPONENT_MAX || !hwt_mul_div(m, record->multiplier, 1, mantissa_out)) {
        return false;
    }
    *exponent_out = x;
    return true;
}
