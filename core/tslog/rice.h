/*
 * rice.h: small numbers as few bits, the fewer the smaller they have been lately.
 *
 *   number u:  q = u >> k zeros │ 1 │ low k bits          k from a running mean
 *   escape:    12 zeros │ width - 1, 6 bits │ `width` bits      if q >= 12
 *
 *   while the mean is small, runs of zeros:
 *   field of m bits: n zeros ─▶ n < 2^m - 1: then u - 1 (k = 0) of a number that is not 0
 *                               n = 2^m - 1: then anew
 *
 * The field is written when the run begins and counted up in place while it goes on, so every
 * number is in the page as soon as it is known, and a page cut off behind any number can be read
 * and added to. m grows when a field fills and shrinks when a run breaks.
 *
 * State of writer and reader are the same after the same numbers. Inline: this is the inner loop
 * of all reading.
 */
#ifndef HWT_CORE_TSLOG_RICE_H
#define HWT_CORE_TSLOG_RICE_H

#include "core/tslog/bits.h"
#include "core/tslog/layout.h"

enum {
    HWT_TSLOG_RICE_ZEROS = 12,   /* of an escape */
    HWT_TSLOG_RICE_ONE = 128,    /* the mean's unit */
    HWT_TSLOG_RICE_WINDOW = 3,   /* the mean is of about 2^3 numbers */
    HWT_TSLOG_RICE_RUNS = 96,    /* below this mean (0.75) zeros come in runs */
    HWT_TSLOG_RICE_FIELD = 12,   /* greatest m */
    HWT_TSLOG_RICE_LEVELS = 32,  /* of the mean at a page's start */
    HWT_TSLOG_RICE_WIDE_MAX = 70 /* bits of a number that stands alone */
};

/* Largest share of one number in the mean: the mean stays below 2^61. */
#define HWT_TSLOG_RICE_NUMBER_MAX (UINT64_C(1) << 54)

/* A mean to begin with: about 1.5 x 2^(level - 1) / 128. */
static inline void hwt_tslog_rice_init(struct hwt_tslog_rice *c, unsigned level)
{
    c->mean = level < 2 ? level : UINT64_C(3) << (level - 2);
    c->run_at = 0;
    c->run_n = 0;
    c->run_left = 0;
    c->run_bits = (uint8_t)(level < 2 ? 6 : level < 8 ? 8 - level : 1);
    c->run_open = false;
}

static inline unsigned hwt_tslog_rice_level(const struct hwt_tslog_rice *c)
{
    unsigned level = hwt_tslog_width(c->mean);

    return level < HWT_TSLOG_RICE_LEVELS ? level : HWT_TSLOG_RICE_LEVELS - 1;
}

/* 2^k is more than half the mean. */
static inline unsigned hwt_tslog_rice_k(const struct hwt_tslog_rice *c)
{
    return hwt_tslog_width(c->mean / (2 * HWT_TSLOG_RICE_ONE));
}

static inline void hwt_tslog_rice_learn(struct hwt_tslog_rice *c, uint64_t u)
{
    uint64_t share = u < HWT_TSLOG_RICE_NUMBER_MAX ? u : HWT_TSLOG_RICE_NUMBER_MAX;

    c->mean += share * (HWT_TSLOG_RICE_ONE >> HWT_TSLOG_RICE_WINDOW);
    c->mean -=
        (c->mean - share * (HWT_TSLOG_RICE_ONE >> HWT_TSLOG_RICE_WINDOW)) >> HWT_TSLOG_RICE_WINDOW;
}

/* --- a number that stands alone: its width, then itself --- */

static inline unsigned hwt_tslog_wide_size(uint64_t u)
{
    return 6 + (u == 0 ? 1 : hwt_tslog_width(u));
}

static inline void hwt_tslog_wide_put(struct hwt_tslog_bits_out *out, uint64_t u)
{
    unsigned width = u == 0 ? 1 : hwt_tslog_width(u);

    hwt_tslog_bits_put32(out, width - 1, 6);
    hwt_tslog_bits_put(out, u, width);
}

static inline uint64_t hwt_tslog_wide_get(struct hwt_tslog_bits_in *in)
{
    unsigned width = (unsigned)hwt_tslog_bits_get(in, 6) + 1;

    return hwt_tslog_bits_get(in, width);
}

/* --- with a given k --- */

static inline unsigned hwt_tslog_golomb_size(uint64_t u, unsigned k)
{
    uint64_t q = u >> k;

    return q < HWT_TSLOG_RICE_ZEROS ? (unsigned)q + 1 + k
                                    : HWT_TSLOG_RICE_ZEROS + hwt_tslog_wide_size(u);
}

static inline void hwt_tslog_golomb_put(struct hwt_tslog_bits_out *out, uint64_t u, unsigned k)
{
    uint64_t q = u >> k;

    if (q >= HWT_TSLOG_RICE_ZEROS) {
        hwt_tslog_bits_put32(out, 0, HWT_TSLOG_RICE_ZEROS);
        hwt_tslog_wide_put(out, u);
        return;
    }
    if (k < 20) {
        unsigned n = (unsigned)q + 1;

        hwt_tslog_bits_put32(out, (hwt_tslog_low_bits(u, k) << 1 | 1) << q, n + k);
        return;
    }
    hwt_tslog_bits_put32(out, UINT64_C(1) << q, (unsigned)q + 1);
    hwt_tslog_bits_put(out, u, k);
}

struct hwt_tslog_taken { /* a number, and where the next starts */
    uint64_t u;
    uint32_t at;
};

/* The rare ones: escapes, and k so large that two looks are needed. */
struct hwt_tslog_taken hwt_tslog_golomb_get_large(struct hwt_tslog_bits_in in, unsigned k);

static inline uint64_t hwt_tslog_golomb_get(struct hwt_tslog_bits_in *in, unsigned k)
{
    uint64_t v = hwt_tslog_bits_peek(in);
    unsigned q = (unsigned)__builtin_ctzll(v | UINT64_C(1) << HWT_TSLOG_RICE_ZEROS);
    struct hwt_tslog_taken taken;

    if (q < HWT_TSLOG_RICE_ZEROS && k <= 57 - HWT_TSLOG_RICE_ZEROS) {
        in->at += q + 1 + k;
        return (uint64_t)q << k | (v >> (q + 1) & ((UINT64_C(1) << k) - 1));
    }
    taken = hwt_tslog_golomb_get_large(*in, k);
    in->at = taken.at;
    return taken.u;
}

/* --- with the state's k and runs --- */

/* Also in a run, where the mean only falls. */
static inline bool hwt_tslog_rice_runs(const struct hwt_tslog_rice *c)
{
    return c->mean < HWT_TSLOG_RICE_RUNS;
}

/* Bits that putting u takes now. */
static inline unsigned hwt_tslog_rice_size(const struct hwt_tslog_rice *c, uint64_t u)
{
    if (!hwt_tslog_rice_runs(c)) {
        return hwt_tslog_golomb_size(u, hwt_tslog_rice_k(c));
    }
    return (c->run_open ? 0u : c->run_bits) + (u == 0 ? 0u : hwt_tslog_golomb_size(u - 1, 0));
}

static inline void hwt_tslog_rice_run_broken(struct hwt_tslog_rice *c)
{
    c->run_open = false;
    c->run_bits = (uint8_t)(c->run_bits > 1 ? c->run_bits - 1 : 1);
}

/* The field now says run_n: it stays open, or is full. */
static inline void hwt_tslog_rice_run_counted(struct hwt_tslog_rice *c)
{
    c->run_open = c->run_n < (1u << c->run_bits) - 1;
    if (!c->run_open && c->run_bits < HWT_TSLOG_RICE_FIELD) {
        c->run_bits++;
    }
}

/* One more zero in an open run; p is what the bits are written to. */
static inline void hwt_tslog_rice_put_in_run(struct hwt_tslog_rice *c, uint8_t *p)
{
    c->run_n++;
    hwt_tslog_bits_patch(p, c->run_at, c->run_n, c->run_bits);
    hwt_tslog_rice_run_counted(c);
    hwt_tslog_rice_learn(c, 0);
}

/* Any number but a zero in an open run. */
static inline void hwt_tslog_rice_put(struct hwt_tslog_rice *c, struct hwt_tslog_bits_out *out,
                                      uint64_t u)
{
    if (!hwt_tslog_rice_runs(c)) {
        hwt_tslog_golomb_put(out, u, hwt_tslog_rice_k(c));
    } else {
        if (!c->run_open) {
            c->run_at = hwt_tslog_bits_at(out);
            c->run_n = u == 0;
            hwt_tslog_bits_put32(out, c->run_n, c->run_bits);
            hwt_tslog_rice_run_counted(c);
        }
        if (u != 0) {
            hwt_tslog_rice_run_broken(c);
            hwt_tslog_golomb_put(out, u - 1, 0);
        }
    }
    hwt_tslog_rice_learn(c, u);
}

/* The next number of one that is in runs. */
struct hwt_tslog_taken hwt_tslog_rice_get_run(struct hwt_tslog_rice *c,
                                              struct hwt_tslog_bits_in in);

static inline uint64_t hwt_tslog_rice_get(struct hwt_tslog_rice *c, struct hwt_tslog_bits_in *in)
{
    struct hwt_tslog_taken taken;
    uint64_t u = 0;

    if (!hwt_tslog_rice_runs(c)) {
        u = hwt_tslog_golomb_get(in, hwt_tslog_rice_k(c));
    } else if (c->run_left > 0) {
        c->run_left--;
    } else {
        taken = hwt_tslog_rice_get_run(c, *in);
        in->at = taken.at;
        u = taken.u;
    }
    hwt_tslog_rice_learn(c, u);
    return u;
}

#endif
