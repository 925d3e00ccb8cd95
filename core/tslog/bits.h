/*
 * bits.h: bounded cursors over bits, the lowest bit of a byte first.
 *
 * A reader that runs out of bits reads zeros and its position goes on past the end: check once,
 * with hwt_tslog_bits_over(). A writer is given no more than it has room for: its caller measures
 * before it writes.
 */
#ifndef HWT_CORE_TSLOG_BITS_H
#define HWT_CORE_TSLOG_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Number of bits of v; 0 for 0. */
static inline unsigned hwt_tslog_width(uint64_t v)
{
    return v == 0 ? 0 : 64 - (unsigned)__builtin_clzll(v);
}

static inline uint64_t hwt_tslog_low_bits(uint64_t v, unsigned n)
{
    return n >= 64 ? v : v & ((UINT64_C(1) << n) - 1);
}

struct hwt_tslog_bits_in {
    const uint8_t *p;
    size_t n;    /* bytes in all */
    uint32_t at; /* bits taken */
};

static inline bool hwt_tslog_bits_over(const struct hwt_tslog_bits_in *in)
{
    return in->at > 8 * in->n;
}

/* The last bytes. Not inlined: it is rare, and `in` by value can stay in registers. */
uint64_t hwt_tslog_bits_peek_last(struct hwt_tslog_bits_in in);

/* The next bits without taking them, at least 57. */
static inline uint64_t hwt_tslog_bits_peek(const struct hwt_tslog_bits_in *in)
{
    const uint8_t *p = in->p + in->at / 8;
    uint64_t v;

    if (in->at / 8 + 8 > in->n) {
        return hwt_tslog_bits_peek_last(*in);
    }
    v = (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
        (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
    return v >> in->at % 8;
}

/* 0 to 64 bits. */
static inline uint64_t hwt_tslog_bits_get(struct hwt_tslog_bits_in *in, unsigned n)
{
    unsigned first = n > 56 ? 32 : n;
    uint64_t v = hwt_tslog_low_bits(hwt_tslog_bits_peek(in), first);

    in->at += first;
    if (n > first) {
        v |= hwt_tslog_low_bits(hwt_tslog_bits_peek(in), n - first) << first;
        in->at += n - first;
    }
    return v;
}

struct hwt_tslog_bits_out {
    uint8_t *p;
    size_t n;      /* bytes of room */
    size_t byte;   /* stored */
    uint64_t held; /* bits not yet stored */
    unsigned fill; /* how many, below 32 between calls */
    bool ok;       /* false: there was no room */
};

/* Goes on at bit `at`; what is behind it in its byte is dropped. */
static inline void hwt_tslog_bits_out_init(struct hwt_tslog_bits_out *out, uint8_t *p, size_t n,
                                           uint32_t at)
{
    out->p = p;
    out->n = n;
    out->byte = at / 8;
    out->fill = at % 8;
    out->held = out->fill == 0 ? 0 : hwt_tslog_low_bits(p[out->byte], out->fill);
    out->ok = true;
}

static inline void hwt_tslog_bits_store(struct hwt_tslog_bits_out *out, unsigned bytes)
{
    if (out->n - out->byte < bytes) {
        out->ok = false;
        return;
    }
    for (unsigned i = 0; i < bytes; i++) {
        out->p[out->byte + i] = (uint8_t)(out->held >> (8 * i));
    }
    out->byte += bytes;
}

/* The low n bits of v, 0 to 32, nothing above them. */
static inline void hwt_tslog_bits_put32(struct hwt_tslog_bits_out *out, uint64_t v, unsigned n)
{
    out->held |= v << out->fill;
    out->fill += n;
    if (out->fill >= 32) {
        hwt_tslog_bits_store(out, 4);
        out->held >>= 32;
        out->fill -= 32;
    }
}

/* The low n bits of v, 0 to 64. */
static inline void hwt_tslog_bits_put(struct hwt_tslog_bits_out *out, uint64_t v, unsigned n)
{
    unsigned first = n > 32 ? 32 : n;

    hwt_tslog_bits_put32(out, hwt_tslog_low_bits(v, first), first);
    if (n > first) {
        hwt_tslog_bits_put32(out, hwt_tslog_low_bits(v >> 32, n - first), n - first);
    }
}

static inline uint32_t hwt_tslog_bits_at(const struct hwt_tslog_bits_out *out)
{
    return (uint32_t)(8 * out->byte + out->fill);
}

/* Stores what is held, its last byte filled up with zeros. */
static inline void hwt_tslog_bits_end(struct hwt_tslog_bits_out *out)
{
    hwt_tslog_bits_store(out, (out->fill + 7) / 8);
}

/* Overwrites n bits (1 to 32) from bit `at`, all of them written before. */
static inline void hwt_tslog_bits_patch(uint8_t *p, uint32_t at, uint32_t v, unsigned n)
{
    for (unsigned i = 0; i < n;) {
        unsigned shift = (at + i) % 8;
        unsigned take = n - i < 8 - shift ? n - i : 8 - shift;
        unsigned mask = ((1u << take) - 1) << shift;
        uint8_t *to = &p[(at + i) / 8];

        *to = (uint8_t)((*to & ~mask) | (v >> i << shift & mask));
        i += take;
    }
}

#endif
