/*
 * quantity.h: look-ups in the table of quantities and units of core/flow.h.
 */
#ifndef HWT_CORE_BASE_QUANTITY_H
#define HWT_CORE_BASE_QUANTITY_H

#include "core/flow.h"

struct hwt_quantity_info {
    const char *id;   /* "flow_t": second part of a channel id */
    const char *unit; /* as the API prints it: "degC" */
    const char *what; /* one phrase for people */
    int64_t per_unit; /* stored counts that make one unit */
    uint8_t digits;   /* printed after the point */
    uint8_t kind;     /* enum hwt_kind */
};

/* NULL if there is no such quantity. */
const struct hwt_quantity_info *hwt_quantity_get(unsigned quantity);

/* The quantity whose id equals the n bytes at id; HWT_Q_NONE if none does. */
enum hwt_quantity hwt_quantity_find(const char *id, size_t n);

/* The quantity of a channel id "<source>_<quantity>": the longest quantity that ends it behind a
 * '_' and a source of at least one character; HWT_Q_NONE if none does. */
enum hwt_quantity hwt_quantity_of_channel(const char *id);

/* "measured", "simulated", "imported"; "unknown" for a number that is none. */
const char *hwt_provenance_name(unsigned provenance);

/*
 * counts = number x 10^exponent in the quantity's unit, rounded half away from zero.
 * False if the result does not fit int64; *counts_out is then untouched. exponent in [-18, 18].
 */
bool hwt_quantity_from_decimal(enum hwt_quantity quantity, int64_t number, int exponent,
                               int64_t *counts_out);

#endif
