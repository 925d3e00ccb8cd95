#include "daemon/store/csv_units.h"

#include <stdio.h>
#include <string.h>

#include "core/base/quantity.h"

/* One of `name` is times / over x 10^exponent of the API's unit; the counts of one unit of a
 * quantity are a multiple of `over`. SI prefixes; 1 Wh = 3600 J; 1 bar = 10^5 Pa; 1 m3 = 1000 l. */
static const struct unit {
    const char *of, *name;
    int64_t times, over;
    int8_t exponent;
} units[] = {
    /* clang-format off */
    {"W",   "mW",    1,    1, -3},
    {"W",   "kW",    1,    1,  3},
    {"W",   "MW",    1,    1,  6},
    {"VA",  "kVA",   1,    1,  3},
    {"var", "kvar",  1,    1,  3},
    {"V",   "mV",    1,    1, -3},
    {"V",   "kV",    1,    1,  3},
    {"A",   "mA",    1,    1, -3},
    {"Wh",  "kWh",   1,    1,  3},
    {"Wh",  "MWh",   1,    1,  6},
    {"Wh",  "GWh",   1,    1,  9},
    {"Wh",  "J",     1, 3600,  0},
    {"Wh",  "kJ",    1, 3600,  3},
    {"Wh",  "MJ",    1, 3600,  6},
    {"Wh",  "GJ",    1, 3600,  9},
    {"l",   "m3",    1,    1,  3},
    {"l/h", "m3/h",  1,    1,  3},
    {"l/h", "l/min", 60,   1,  0},
    {"l/h", "l/s",   3600, 1,  0},
    {"Pa",  "hPa",   1,    1,  2},
    {"Pa",  "mbar",  1,    1,  2},
    {"Pa",  "kPa",   1,    1,  3},
    {"Pa",  "bar",   1,    1,  5},
    {"s",   "ms",    1,    1, -3},
    {"s",   "min",   60,   1,  0},
    {"s",   "h",     3600, 1,  0},
    {"1",   "%",     1,    1, -2},
    /* clang-format on */
};

bool csv_unit_scale(unsigned quantity, const char *unit, struct csv_scale *scale_out)
{
    const struct hwt_quantity_info *q = hwt_quantity_get(quantity);

    if (q == NULL) {
        return false;
    }
    if (unit == NULL || strcmp(unit, q->unit) == 0) {
        *scale_out = (struct csv_scale){.counts = q->per_unit};
        return true;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        const struct unit *u = &units[i];

        if (strcmp(u->of, q->unit) == 0 && strcmp(u->name, unit) == 0) {
            *scale_out = (struct csv_scale){q->per_unit * u->times / u->over, u->exponent};
            return true;
        }
    }
    return false;
}

void csv_unit_names(unsigned quantity, char *text, size_t n)
{
    const struct hwt_quantity_info *q = hwt_quantity_get(quantity);
    size_t at;

    snprintf(text, n, "%s", q != NULL ? q->unit : "none");
    for (size_t i = 0; q != NULL && i < sizeof(units) / sizeof(units[0]); i++) {
        at = strlen(text);
        if (strcmp(units[i].of, q->unit) == 0) {
            snprintf(text + at, n - at, ", %s", units[i].name);
        }
    }
}
