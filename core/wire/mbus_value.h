/*
 * mbus_value.h: the data octets of a record as a scaled number. Inside core/wire only.
 */
#ifndef HWT_CORE_WIRE_MBUS_VALUE_H
#define HWT_CORE_WIRE_MBUS_VALUE_H

#include "core/wire/mbus.h"

/* value in unit = data x multiplier x 10^exponent + sum of 10^offset[] */
struct hwt_mbus_scaling {
    uint32_t multiplier;
    int exponent;
    unsigned offsets;
    int8_t offset[HWT_MBUS_CHAIN_MAX];
};

/* Two's complement, n octets (0..8), least significant first. */
int64_t hwt_mbus_integer(const uint8_t *p, size_t n);
/* BCD with the sign in the top nibble; false if a nibble is no digit, or beyond 18 digits. */
HWT_MUST_CHECK bool hwt_mbus_bcd(const uint8_t *p, size_t n, int64_t *value_out);
/* A finite binary64 as mantissa x 10^exponent, -18 <= exponent <= 18; false where it does not fit.
 */
HWT_MUST_CHECK bool hwt_mbus_binary64(uint64_t bits, int64_t *mantissa_out, int *exponent_out);
/* Scales a NUMBER (mantissa as sent) or a REAL in place; what does not fit becomes a NULL. */
void hwt_mbus_scale(struct hwt_mbus_record *r, const struct hwt_mbus_scaling *s);

#endif
