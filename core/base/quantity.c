#include "core/base/quantity.h"

#include <string.h>

#include "core/base/fixed.h"

static const struct hwt_quantity_info table[HWT_Q_COUNT] = {
#define HWT_X(name, no, id_, unit_, per_unit_, digits_, kind_, what_) \
    [no] = {                                                          \
        .id = (id_),                                                  \
        .unit = (unit_),                                              \
        .what = (what_),                                              \
        .per_unit = (per_unit_),                                      \
        .digits = (digits_),                                          \
        .kind = HWT_##kind_,                                          \
    },
    HWT_QUANTITIES(HWT_X)
#undef HWT_X
};

const struct hwt_quantity_info *hwt_quantity_get(unsigned quantity)
{
    if (quantity == HWT_Q_NONE || quantity >= HWT_Q_COUNT) {
        return NULL;
    }
    return &table[quantity];
}

enum hwt_quantity hwt_quantity_find(const char *id, size_t n)
{
    for (unsigned q = 1; q < HWT_Q_COUNT; q++) {
        if (strlen(table[q].id) == n && memcmp(table[q].id, id, n) == 0) {
            return (enum hwt_quantity)q;
        }
    }
    return HWT_Q_NONE;
}

enum hwt_quantity hwt_quantity_of_channel(const char *id)
{
    size_t n = strlen(id);

    for (size_t i = 1; i < n; i++) { /* the first '_' that fits leaves the longest ending */
        enum hwt_quantity q = HWT_Q_NONE;

        if (id[i] == '_') {
            q = hwt_quantity_find(id + i + 1, n - i - 1);
        }
        if (q != HWT_Q_NONE) {
            return q;
        }
    }
    return HWT_Q_NONE;
}

const char *hwt_provenance_name(unsigned provenance)
{
    static const char *const names[HWT_PROVENANCE_COUNT] = {
        [HWT_PROVENANCE_MEASURED] = "measured",
        [HWT_PROVENANCE_SIMULATED] = "simulated",
        [HWT_PROVENANCE_IMPORTED] = "imported",
    };

    return provenance < HWT_PROVENANCE_COUNT ? names[provenance] : "unknown";
}

bool hwt_quantity_from_decimal(enum hwt_quantity quantity, int64_t number, int exponent,
                               int64_t *counts_out)
{
    const struct hwt_quantity_info *info = hwt_quantity_get(quantity);
    int64_t num, den;

    if (info == NULL || exponent < -18 || exponent > 18) {
        return false;
    }
    num = exponent > 0 ? hwt_pow10(exponent) : 1;
    den = exponent < 0 ? hwt_pow10(-exponent) : 1;
    return hwt_mul_div(number, info->per_unit, den, &number) &&
           hwt_mul_div(number, num, 1, counts_out);
}
