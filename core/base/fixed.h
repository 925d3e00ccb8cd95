/*
 * fixed.h: integer products and quotients that cannot overflow unseen.
 */
#ifndef HWT_CORE_BASE_FIXED_H
#define HWT_CORE_BASE_FIXED_H

#include <stdbool.h>
#include <stdint.h>

/* The product, widened first. */
static inline int64_t hwt_mul_i64(int32_t a, int32_t b)
{
    return (int64_t)a * b;
}

/* 10^n, 0 <= n <= 18. */
int64_t hwt_pow10(int n);

/* Quotient rounded half away from zero; den > 0. */
int64_t hwt_div_round(int64_t num, int64_t den);

/*
 * a x b / den, rounded half away from zero, with a 128-bit product; den > 0.
 * False, *out untouched, if the result does not fit int64.
 */
bool hwt_mul_div(int64_t a, int64_t b, int64_t den, int64_t *out);

#endif
