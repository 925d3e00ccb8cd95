#include "core/wire/modbus_map.h"

#include "core/base/fixed.h"
#include "core/base/quantity.h"

enum kind { UNSIGNED, SIGNED, FLOAT };

static const struct {
    const char *name;
    uint8_t registers, kind;
} types[] = {
#define HWT_X(name, registers, kind) [HWT_MODBUS_##name] = {#name, (registers), (kind)},
    HWT_MODBUS_TYPES(HWT_X)
#undef HWT_X
};

/*
 * What a house's meter can mean, in the API's units; far outside anything real, so that only
 * nonsense (a wrong map, a wrong word order) is kept out of the log.
 */
static const struct {
    uint8_t quantity;
    int64_t min, max;
} limits[] = {
    {HWT_Q_VOLTAGE, -1000000, 1000000},
    {HWT_Q_CURRENT, -1000000, 1000000},
    {HWT_Q_POWER, -1000000000, 1000000000},
    {HWT_Q_APPARENT_POWER, -1000000000, 1000000000},
    {HWT_Q_REACTIVE_POWER, -1000000000, 1000000000},
    {HWT_Q_POWER_FACTOR, -2, 2},
    {HWT_Q_FREQUENCY, 0, 1000},
    {HWT_Q_IMPORT, 0, 1000000000000},
    {HWT_Q_EXPORT, 0, 1000000000000},
    {HWT_Q_ENERGY, 0, 1000000000000},
};
#define LIMIT_OTHER INT64_C(1000000000) /* of a quantity that is not listed */

const char *hwt_modbus_type_name(unsigned type)
{
    static const char *const names[] = {"u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64"};

    return type < HWT_MODBUS_TYPE_COUNT ? names[type] : "?";
}

const char *hwt_modbus_part_name(unsigned part)
{
    static const char *const names[] = {"total", "l1", "l2", "l3"};

    return part < HWT_MODBUS_PART_COUNT ? names[part] : "?";
}

unsigned hwt_modbus_type_registers(unsigned type)
{
    return type < HWT_MODBUS_TYPE_COUNT ? types[type].registers : 0;
}

/* --- which registers to ask for -------------------------------------------------------------- */

static unsigned end_of(const struct hwt_modbus_row *row)
{
    return row->address + hwt_modbus_type_registers(row->type);
}

/* Rows by function and address: small, so by insertion. */
static void sort_rows(const struct hwt_modbus_map *map, uint8_t order[HWT_MODBUS_ROWS_MAX])
{
    for (unsigned i = 0; i < map->rows; i++) {
        unsigned k = i;

        for (; k > 0; k--) {
            const struct hwt_modbus_row *a = &map->row[order[k - 1]], *b = &map->row[i];

            if (a->function < b->function ||
                (a->function == b->function && a->address <= b->address)) {
                break;
            }
            order[k] = order[k - 1];
        }
        order[k] = (uint8_t)i;
    }
}

/* A group of these rows, which are in ascending order. */
static void fill_group(const struct hwt_modbus_map *map, const uint8_t *rows, unsigned n,
                       struct hwt_modbus_group *out)
{
    const struct hwt_modbus_row *first = &map->row[rows[0]];
    struct hwt_modbus_group g = {.function = first->function, .address = first->address};
    unsigned end = 0;

    for (unsigned i = 0; i < n; i++) {
        unsigned e = end_of(&map->row[rows[i]]);

        g.row[g.rows++] = rows[i];
        end = e > end ? e : end;
    }
    g.count = (uint16_t)(end - g.address);
    *out = g;
}

/* Whether a row may join a group that ends at `end`. */
static bool joins(const struct hwt_modbus_map *map, const struct hwt_modbus_row *first,
                  unsigned end, const struct hwt_modbus_row *row)
{
    return row->function == first->function && row->address <= end + map->gap_max &&
           end_of(row) - first->address <= map->registers_max;
}

unsigned hwt_modbus_plan(const struct hwt_modbus_map *map, struct hwt_modbus_group *groups)
{
    uint8_t order[HWT_MODBUS_ROWS_MAX];
    unsigned n = 0;

    sort_rows(map, order);
    for (unsigned from = 0, to; from < map->rows; from = to) {
        const struct hwt_modbus_row *first = &map->row[order[from]];
        unsigned end = end_of(first);

        for (to = from + 1; to < map->rows && joins(map, first, end, &map->row[order[to]]); to++) {
            unsigned e = end_of(&map->row[order[to]]);

            end = e > end ? e : end;
        }
        fill_group(map, order + from, to - from, &groups[n++]);
    }
    return n;
}

bool hwt_modbus_split(const struct hwt_modbus_map *map, const struct hwt_modbus_group *group,
                      struct hwt_modbus_group *first, struct hwt_modbus_group *second)
{
    struct hwt_modbus_group whole = *group;
    unsigned cut = whole.rows / 2u;

    while (cut > 0 && cut < whole.rows &&
           map->row[whole.row[cut]].address == map->row[whole.row[cut - 1]].address) {
        cut++;
    }
    if (cut == 0 || cut == whole.rows) {
        return false;
    }
    fill_group(map, whole.row, cut, first);
    fill_group(map, whole.row + cut, whole.rows - cut, second);
    return true;
}

/* --- what they say --------------------------------------------------------------------------- */

/* The octets of a value, most significant first, whatever their order on the line. */
static uint64_t gather(unsigned type, unsigned order, const uint8_t *p)
{
    unsigned n = hwt_modbus_type_registers(type);
    bool low_first = order == HWT_MODBUS_CDAB || order == HWT_MODBUS_DCBA;
    bool swapped = order == HWT_MODBUS_BADC || order == HWT_MODBUS_DCBA;
    uint64_t v = 0;

    for (unsigned i = 0; i < n; i++) {
        const uint8_t *word = p + 2 * (low_first ? n - 1 - i : i);

        v = v << 16 | (uint64_t)word[swapped ? 1 : 0] << 8 | word[swapped ? 0 : 1];
    }
    return v;
}

/* A number: sign x mantissa x 2^power, mantissa < 2^63. False: not available. */
struct number {
    uint64_t mantissa;
    int power;
    bool negative;
};

static bool read_integer(uint64_t v, unsigned bits, bool is_signed, struct number *out)
{
    uint64_t all = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
    uint64_t sign = (uint64_t)1 << (bits - 1);

    if (v == (is_signed ? sign - 1 : all) || (is_signed && v == sign)) {
        return false;
    }
    out->power = 0;
    out->negative = is_signed && (v & sign) != 0;
    out->mantissa = out->negative ? (~v + 1) & all : v;
    return true;
}

/* IEEE 754 binary32 and binary64. */
static bool read_float(uint64_t v, unsigned bits, struct number *out)
{
    unsigned fraction_bits = bits == 64 ? 52 : 23;
    unsigned exponent_max = bits == 64 ? 0x7FF : 0xFF;
    unsigned e = (unsigned)(v >> fraction_bits) & exponent_max;
    uint64_t one = (uint64_t)1 << fraction_bits;
    uint64_t fraction = v & (one - 1);

    if (e == exponent_max) {
        return false; /* NaN or infinity */
    }
    out->negative = (v >> (bits - 1)) != 0;
    out->mantissa = e > 0 ? fraction | one : fraction;
    out->power = (int)(e > 0 ? e : 1) - (int)(exponent_max / 2 + fraction_bits);
    return true;
}

/*
 * mantissa x 2^power x factor / den, rounded half away from zero. Exact as long as den x 2^-power
 * is below 2^62; below that, binary32 and binary64 of a size that matters lose no bit of the
 * result.
 */
static bool scale_number(struct number n, int64_t factor, int64_t den, int64_t *out)
{
    for (; n.power < 0 && den <= INT64_MAX / 4; n.power++) {
        den *= 2;
    }
    for (; n.power < 0 && n.mantissa != 0; n.power++) {
        n.mantissa /= 2;
    }
    for (; n.power > 0 && n.mantissa != 0; n.power--) {
        if (n.mantissa > INT64_MAX / 2) {
            return false;
        }
        n.mantissa *= 2;
    }
    if (n.mantissa > INT64_MAX) {
        return false;
    }
    return hwt_mul_div(n.negative ? -(int64_t)n.mantissa : (int64_t)n.mantissa, factor, den, out);
}

static bool is_plausible(unsigned quantity, int64_t counts)
{
    int64_t per_unit = hwt_quantity_get(quantity)->per_unit;

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (limits[i].quantity == quantity) {
            return counts >= limits[i].min * per_unit && counts <= limits[i].max * per_unit;
        }
    }
    return counts >= -LIMIT_OTHER * per_unit && counts <= LIMIT_OTHER * per_unit;
}

static bool read_number(unsigned type, unsigned order, const uint8_t *p, struct number *out)
{
    unsigned bits = 16 * hwt_modbus_type_registers(type);
    uint64_t v = gather(type, order, p);

    return types[type].kind == FLOAT ? read_float(v, bits, out)
                                     : read_integer(v, bits, types[type].kind == SIGNED, out);
}

bool hwt_modbus_number(unsigned type, unsigned order, const uint8_t *p, int64_t *out)
{
    struct number n;

    return read_number(type, order, p, &n) && scale_number(n, 1, 1, out);
}

enum hwt_modbus_presence hwt_modbus_value(const struct hwt_modbus_row *row, const uint8_t *p,
                                          int64_t *counts_out)
{
    const struct hwt_quantity_info *info = hwt_quantity_get(row->quantity);
    int64_t factor, counts;
    struct number n;

    if (!read_number(row->type, row->order, p, &n)) {
        return HWT_MODBUS_ABSENT;
    }
    if (!hwt_mul_div(info->per_unit * row->scale, row->exponent > 0 ? hwt_pow10(row->exponent) : 1,
                     1, &factor) ||
        !scale_number(n, factor, row->exponent < 0 ? hwt_pow10(-row->exponent) : 1, &counts) ||
        !is_plausible(row->quantity, counts)) {
        return HWT_MODBUS_IMPLAUSIBLE;
    }
    *counts_out = counts;
    return HWT_MODBUS_PRESENT;
}
