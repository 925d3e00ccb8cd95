/*
 * stream.h: writes blocks of docs/SAMPLE_STREAM.md for tests, right or wrong as asked. Written from
 * that page, with a CRC of its own.
 */
#ifndef TESTS_UNIT_STREAM_H
#define TESTS_UNIT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct stream_block {
    uint8_t version, flags; /* flag bit 0 comes from has_wall */
    uint32_t sequence;
    uint64_t device_us;
    int64_t wall_us;
    bool has_wall;
    uint32_t dropped, period_ps;
    uint16_t scans;
    uint8_t slots, bits, code_bytes;
    struct {
        uint8_t kind, input;
        uint16_t time;
    } map[24];
    size_t tail;           /* octets of a later version's fields */
    const uint32_t *codes; /* as on the wire: mid-scale is 2^(bits - 1) */
};

static inline uint8_t *stream_le(uint8_t *p, uint64_t v, size_t n)
{
    for (; n > 0; n--, v >>= 8) {
        *p++ = (uint8_t)v;
    }
    return p;
}

static inline uint32_t stream_crc(const uint8_t *p, size_t n)
{
    uint32_t c = 0xFFFFFFFFu;

    for (; n > 0; n--, p++) {
        c ^= *p;
        for (int k = 0; k < 8; k++) {
            c = (c & 1) ? (c >> 1) ^ 0x82F63B78u : c >> 1;
        }
    }
    return ~c;
}

/* Returns the octets written at `out`. */
static inline size_t stream_put(uint8_t *out, const struct stream_block *b)
{
    size_t header = 48 + 4 * (size_t)b->slots + b->tail;
    size_t codes = (size_t)b->scans * b->slots;
    uint8_t *p = out;

    memcpy(p, "HWTS", 4);
    p = stream_le(p + 4, b->version, 1);
    p = stream_le(p, (uint64_t)(b->flags | (b->has_wall ? 1 : 0)), 1);
    p = stream_le(p, header, 2);
    p = stream_le(p, codes * b->code_bytes, 4);
    p = stream_le(p, b->sequence, 4);
    p = stream_le(p, b->device_us, 8);
    p = stream_le(p, b->has_wall ? (uint64_t)b->wall_us : 0, 8);
    p = stream_le(p, b->dropped, 4);
    p = stream_le(p, b->period_ps, 4);
    p = stream_le(p, b->scans, 2);
    p = stream_le(p, b->slots, 1);
    p = stream_le(p, b->bits, 1);
    p = stream_le(p, b->code_bytes, 1);
    p = stream_le(p, 0, 3);
    for (unsigned i = 0; i < b->slots; i++) {
        p = stream_le(p, b->map[i].kind, 1);
        p = stream_le(p, b->map[i].input, 1);
        p = stream_le(p, b->map[i].time, 2);
    }
    memset(p, 0x5A, b->tail);
    p += b->tail;
    for (size_t i = 0; i < codes; i++) {
        p = stream_le(p, b->codes[i], b->code_bytes);
    }
    p = stream_le(p, stream_crc(out, (size_t)(p - out)), 4);
    return (size_t)(p - out);
}

#endif
