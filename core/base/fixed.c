#include "core/base/fixed.h"

int64_t hwt_pow10(int n)
{
    int64_t p = 1;

    while (n-- > 0) {
        p *= 10;
    }
    return p;
}

int64_t hwt_div_round(int64_t num, int64_t den)
{
    int64_t q = num / den;
    int64_t r = num % den;

    if (r < 0 ? -r >= den - (-r) : r >= den - r) {
        q += num < 0 ? -1 : 1;
    }
    return q;
}

static uint64_t magnitude(int64_t x)
{
    return x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
}

/* 64 x 64 -> 128 bits in two words; no compiler has to know a 128-bit type. */
static void mul_wide(uint64_t a, uint64_t b, uint64_t *hi, uint64_t *lo)
{
    uint64_t al = a & 0xFFFFFFFFu, ah = a >> 32, bl = b & 0xFFFFFFFFu, bh = b >> 32;
    uint64_t ll = al * bl, lh = al * bh, hl = ah * bl, hh = ah * bh;
    uint64_t mid = (ll >> 32) + (lh & 0xFFFFFFFFu) + (hl & 0xFFFFFFFFu); /* < 3 x 2^32 */

    *lo = (mid << 32) | (ll & 0xFFFFFFFFu);
    *hi = hh + (lh >> 32) + (hl >> 32) + (mid >> 32);
}

/* hi:lo / den by shift and subtract; hi < den < 2^63, so the remainder never overflows. */
static uint64_t div_wide(uint64_t hi, uint64_t lo, uint64_t den, uint64_t *rem)
{
    uint64_t q = 0;

    for (int i = 0; i < 64; i++) {
        hi = (hi << 1) | (lo >> 63);
        lo <<= 1;
        q <<= 1;
        if (hi >= den) {
            hi -= den;
            q |= 1;
        }
    }
    *rem = hi;
    return q;
}

bool hwt_mul_div(int64_t a, int64_t b, int64_t den, int64_t *out)
{
    bool negative = (a < 0) != (b < 0);
    uint64_t d = (uint64_t)den;
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t hi, lo, q, rem;

    if (den <= 0) {
        return false;
    }
    mul_wide(magnitude(a), magnitude(b), &hi, &lo);
    if (hi == 0) {
        q = lo / d;
        rem = lo % d;
    } else if (hi >= d) {
        return false;
    } else {
        q = div_wide(hi, lo, d, &rem);
    }
    if (rem >= d - rem) {
        q++; /* cannot wrap: q <= 2^64 - 1 - (rem > 0) only if the result is refused below */
    }
    if (q > limit || (q == 0 && rem >= d - rem)) {
        return false;
    }
    *out = negative ? (int64_t)(0 - q) : (int64_t)q;
    return true;
}
