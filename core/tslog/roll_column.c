/*
 * roll_column.c: a column of numbers, one for each row of a sheet.
 *
 *   form │ scale │ origin │ factor │ first number │ blocks │ CRC
 *
 * A number is coded as its difference to an average of those before it (weight 1, 1/2, 1/4 or 1/8:
 * the writer's choice), or as it is. Blocks say how they are coded, so that reading needs no state
 * but the average: 8 numbers by Rice, or 16 of one width, which is read faster.
 */
#include "core/base/crc32c.h"
#include "core/tslog/predict.h"
#include "core/tslog/rice.h"
#include "core/tslog/roll.h"

enum {
    BLOCK_RICE = 8,
    BLOCK_PACKED = 16,
    HEADER_MAX = 64,
    WEIGHTS = 4,
    CRC_BYTES = 4,
    FORM_WEIGHT = 3, /* bits of the form */
    FORM_STEPS = 4,
    FORM_PACKED = 8,
    FORM_FLAT = 16, /* all are 0: no blocks */
    FORM_BARE = 32, /* numbers as they are, none below 0 */
    FORM_BY_HOUR = 64,
    FORM_ALL = 127
};

/* Of weight 1 the average is the last number itself. */
static int64_t begin_average(int64_t first, unsigned weight)
{
    return weight == 0 ? first : hwt_tslog_scale_up(first, HWT_TSLOG_POINT);
}

static int64_t expected(int64_t average, unsigned weight)
{
    return weight == 0 ? average : hwt_tslog_rounded(average);
}

static int64_t averaged(int64_t average, int64_t number, unsigned weight)
{
    return weight == 0 ? number : hwt_tslog_averaged(average, number, weight);
}

static uint64_t difference(int64_t *average, int64_t number, unsigned weight)
{
    uint64_t u = hwt_zigzag(hwt_wrap_sub(number, expected(*average, weight)));

    *average = averaged(*average, number, weight);
    return u;
}

static bool all_zero(const int64_t *number, size_t rows)
{
    uint64_t all = 0;

    for (size_t i = 0; i < rows; i++) {
        all |= (uint64_t)number[i];
    }
    return all == 0;
}

/* About how many bits a weight would take; *flat_out: none at all. */
static uint64_t try_weight(const int64_t *number, size_t rows, unsigned weight, bool *flat_out)
{
    int64_t average = begin_average(number[0], weight);
    uint64_t bits = 0, all = 0;

    for (size_t at = 0; at < rows; at += BLOCK_RICE) {
        size_t end = rows - at < BLOCK_RICE ? rows : at + BLOCK_RICE;
        uint64_t sum = 0;

        for (size_t i = at; i < end; i++) {
            uint64_t u = difference(&average, number[i], weight);

            all |= u;
            sum += u < HWT_TSLOG_RICE_NUMBER_MAX ? u : HWT_TSLOG_RICE_NUMBER_MAX;
        }
        bits += (uint64_t)BLOCK_RICE * hwt_tslog_width(sum) +
                (sum << 3 >> hwt_tslog_width(sum)); /* about 8 x log2(sum) */
    }
    *flat_out = all == 0;
    return bits;
}

static unsigned choose_weight(const int64_t *number, size_t rows, bool *flat_out)
{
    unsigned best = 0;
    uint64_t least = try_weight(number, rows, 0, flat_out);

    for (unsigned w = 1; !*flat_out && w < WEIGHTS; w++) {
        bool flat;
        uint64_t bits = try_weight(number, rows, w, &flat);

        if (bits < least) {
            least = bits;
            best = w;
        }
    }
    return best;
}

/* --- blocks --- */

/* How a block is coded, as the difference to the block before. */
static void put_header(struct hwt_tslog_bits_out *out, unsigned *before, unsigned header)
{
    hwt_tslog_golomb_put(out, hwt_zigzag((int64_t)header - (int64_t)*before), 0);
    *before = header;
}

static void put_packed(struct hwt_tslog_bits_out *out, const uint64_t *u, size_t n,
                       unsigned *before)
{
    uint64_t all = 0;
    unsigned width;

    for (size_t i = 0; i < n; i++) {
        all |= u[i];
    }
    width = hwt_tslog_width(all);
    put_header(out, before, width);
    for (size_t i = 0; width > 0 && i < n; i++) {
        hwt_tslog_bits_put(out, u[i], width);
    }
}

/* With the header before it, which says k + 1, or 0: they are 0. */
static unsigned rice_bits(const uint64_t *u, size_t n, unsigned k, unsigned before)
{
    unsigned header = k + 1;
    unsigned bits = 2 * (header > before ? header - before : before - header);

    for (size_t i = 0; i < n; i++) {
        bits += hwt_tslog_golomb_size(u[i], k);
    }
    return bits;
}

static void put_rice(struct hwt_tslog_bits_out *out, const uint64_t *u, size_t n, unsigned *before)
{
    uint64_t sum = 0;
    unsigned k, best, least;

    for (size_t i = 0; i < n; i++) {
        sum += u[i] < HWT_TSLOG_RICE_NUMBER_MAX ? u[i] : HWT_TSLOG_RICE_NUMBER_MAX;
    }
    if (sum == 0) {
        put_header(out, before, 0);
        return;
    }
    k = hwt_tslog_width(sum / n);
    k = k > 1 ? k - 2 : 0;
    best = k;
    least = rice_bits(u, n, k, *before);
    for (unsigned more = 1; more < 4; more++) {
        unsigned bits = rice_bits(u, n, k + more, *before);

        if (bits < least) {
            least = bits;
            best = k + more;
        }
    }
    put_header(out, before, best + 1);
    for (size_t i = 0; i < n; i++) {
        hwt_tslog_golomb_put(out, u[i], best);
    }
}

static void put_blocks(struct hwt_tslog_bits_out *out, const int64_t *number, size_t rows,
                       unsigned weight, const struct hwt_roll_form *form)
{
    int64_t average = begin_average(number[0], weight);
    size_t block = form->packed ? BLOCK_PACKED : BLOCK_RICE;
    unsigned header = 0;

    for (size_t at = 0; at < rows && out->ok; at += block) {
        size_t n = rows - at < block ? rows - at : block;
        uint64_t u[BLOCK_PACKED];

        for (size_t i = 0; i < n; i++) {
            u[i] = form->bare ? (uint64_t)number[at + i]
                              : difference(&average, number[at + i], weight);
        }
        if (form->packed) {
            put_packed(out, u, n, &header);
        } else {
            put_rice(out, u, n, &header);
        }
    }
    hwt_tslog_bits_end(out);
}

size_t hwt_roll_column_put(const struct hwt_roll_form *form, const int64_t *number, size_t rows,
                           uint32_t seed, uint8_t *out, size_t room)
{
    bool flat = all_zero(number, rows);
    unsigned weight = flat || form->bare ? 0 : choose_weight(number, rows, &flat);
    struct hwt_writer w;
    struct hwt_tslog_bits_out bits;
    uint32_t crc;

    hwt_writer_init(&w, out, room < CRC_BYTES ? 0 : room - CRC_BYTES);
    hwt_put_u8(&w, (uint8_t)(weight | (form->steps ? FORM_STEPS : 0) |
                             (form->packed ? FORM_PACKED : 0) | (flat ? FORM_FLAT : 0) |
                             (form->bare ? FORM_BARE : 0) | (form->by_hour ? FORM_BY_HOUR : 0)));
    hwt_put_varint(&w, form->scale);
    hwt_put_varint(&w, hwt_zigzag(form->origin));
    hwt_put_varint(&w, form->by_hour ? rows : form->factor);
    hwt_put_varint(&w, rows > 0 && !form->bare ? hwt_zigzag(number[0]) : 0);
    if (!w.ok) {
        return 0;
    }
    if (!flat) {
        hwt_tslog_bits_out_init(&bits, out + w.at, w.n - w.at, 0);
        put_blocks(&bits, number, rows, weight, form);
        if (!bits.ok) {
            return 0;
        }
        w.at += bits.byte;
    }
    crc = hwt_crc32c(seed, out, w.at);
    w.n += CRC_BYTES;
    hwt_put_u32le(&w, crc);
    return w.at;
}

/* --- reading --- */

/* The bits from `at` on, at least 57. */
static uint64_t bits_from(const uint8_t *p, uint32_t at)
{
    p += at / 8;
    return ((uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
            (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
            (uint64_t)p[7] << 56) >>
           at % 8;
}

static void get_packed(struct hwt_tslog_bits_in *in, int64_t *to, size_t n, unsigned width)
{
    uint64_t mask = (UINT64_C(1) << (width & 63)) - 1;
    const uint8_t *p = in->p;
    uint32_t at = in->at, end = at + (uint32_t)n * width;

    if (width > 56 || end > 8 * in->n) { /* too far: what is taken then is refused */
        for (size_t i = 0; i < n; i++) {
            to[i] = (int64_t)hwt_tslog_bits_get(in, width);
        }
        return;
    }
    for (size_t i = 0; i < n; i++, at += width) {
        to[i] = (int64_t)(bits_from(p, at) & mask);
    }
    in->at = end;
}

static void get_rice(struct hwt_tslog_bits_in *in, int64_t *to, size_t n, unsigned header)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = header == 0 ? 0 : (int64_t)hwt_tslog_golomb_get(in, header - 1);
    }
}

/* The differences become the numbers. */
static void add_up(int64_t *number, size_t n, int64_t *average, unsigned weight)
{
    int64_t a = *average;

    if (weight == 0) {
        for (size_t i = 0; i < n; i++) {
            number[i] = a = hwt_wrap_add(a, hwt_unzigzag((uint64_t)number[i]));
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            number[i] = hwt_wrap_add(hwt_tslog_rounded(a), hwt_unzigzag((uint64_t)number[i]));
            a = hwt_tslog_averaged(a, number[i], weight);
        }
    }
    *average = a;
}

/* `n` bytes are the blocks'; SLACK more can be read, so that the last need no care. */
static int get_blocks(const uint8_t *p, size_t n, int64_t *number, size_t rows, int64_t first,
                      unsigned form)
{
    int64_t average = begin_average(first, form & FORM_WEIGHT), header = 0;
    size_t block = (form & FORM_PACKED) != 0 ? BLOCK_PACKED : BLOCK_RICE;
    struct hwt_tslog_bits_in in = {p, n + HWT_ROLL_SLACK, 0};

    for (size_t at = 0; at < rows; at += block) {
        size_t take = rows - at < block ? rows - at : block;

        header = hwt_wrap_add(header, hwt_unzigzag(hwt_tslog_golomb_get(&in, 0)));
        if (in.at > 8 * n || header < 0 || header > HEADER_MAX) {
            return HWT_ERR_CORRUPT;
        }
        if ((form & FORM_PACKED) != 0) {
            get_packed(&in, number + at, take, (unsigned)header);
        } else {
            get_rice(&in, number + at, take, (unsigned)header);
        }
        if ((form & FORM_BARE) == 0) {
            add_up(number + at, take, &average, form & FORM_WEIGHT);
        }
    }
    return in.at > 8 * n ? HWT_ERR_CORRUPT : 0;
}

int hwt_roll_column_get(const uint8_t *p, size_t n, uint32_t seed, size_t rows,
                        struct hwt_roll_form *form_out, int64_t *number_out)
{
    struct hwt_reader r;
    unsigned form;
    int64_t first;
    uint32_t crc;

    hwt_reader_init(&r, p, n);
    if (n < CRC_BYTES) {
        return HWT_ERR_CORRUPT;
    }
    r.at = n - CRC_BYTES;
    crc = hwt_get_u32le(&r);
    if (hwt_crc32c(seed, p, n - CRC_BYTES) != crc) {
        return HWT_ERR_CORRUPT;
    }
    hwt_reader_init(&r, p, n - CRC_BYTES);
    form = hwt_get_u8(&r);
    form_out->steps = (form & FORM_STEPS) != 0;
    form_out->packed = (form & FORM_PACKED) != 0;
    form_out->bare = (form & FORM_BARE) != 0;
    form_out->by_hour = (form & FORM_BY_HOUR) != 0;
    form_out->scale = hwt_get_varint(&r);
    form_out->origin = hwt_unzigzag(hwt_get_varint(&r));
    form_out->factor = hwt_get_varint(&r);
    first = hwt_unzigzag(hwt_get_varint(&r));
    if (!r.ok || form > FORM_ALL || (form_out->by_hour && form_out->factor > rows)) {
        return HWT_ERR_CORRUPT;
    }
    for (; form_out->by_hour && rows > form_out->factor; rows--) {
        number_out[rows - 1] = 0;
    }
    if ((form & FORM_FLAT) != 0) {
        for (size_t i = 0; i < rows; i++) {
            number_out[i] = first;
        }
        return 0;
    }
    return get_blocks(p + r.at, r.n - r.at, number_out, rows, first, form);
}
