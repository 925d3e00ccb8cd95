/*
 * bytes.h: bounded cursors over octets, with explicit byte order.
 *
 * A reader or writer that runs out of bytes fails for good: `ok` turns false, reads give 0, writes
 * do nothing. Check once at the end.
 */
#ifndef HWT_CORE_BASE_BYTES_H
#define HWT_CORE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hwt_reader {
    const uint8_t *p;
    size_t n;  /* bytes in all */
    size_t at; /* bytes taken */
    bool ok;
};

static inline void hwt_reader_init(struct hwt_reader *r, const void *p, size_t n)
{
    r->p = p;
    r->n = n;
    r->at = 0;
    r->ok = true;
}

static inline size_t hwt_reader_left(const struct hwt_reader *r)
{
    return r->ok ? r->n - r->at : 0;
}

/* The next n bytes, or NULL. */
static inline const uint8_t *hwt_get_bytes(struct hwt_reader *r, size_t n)
{
    const uint8_t *p = r->p + r->at;

    if (!r->ok || r->n - r->at < n) {
        r->ok = false;
        return NULL;
    }
    r->at += n;
    return p;
}

/* Unsigned, n bytes (1..8), least significant first. */
static inline uint64_t hwt_get_le(struct hwt_reader *r, size_t n)
{
    const uint8_t *p = hwt_get_bytes(r, n);
    uint64_t v = 0;

    while (p != NULL && n-- > 0) {
        v = (v << 8) | p[n];
    }
    return v;
}

/* Unsigned, n bytes (1..8), most significant first. */
static inline uint64_t hwt_get_be(struct hwt_reader *r, size_t n)
{
    const uint8_t *p = hwt_get_bytes(r, n);
    uint64_t v = 0;

    for (size_t i = 0; p != NULL && i < n; i++) {
        v = (v << 8) | p[i];
    }
    return v;
}

static inline uint8_t hwt_get_u8(struct hwt_reader *r)
{
    return (uint8_t)hwt_get_le(r, 1);
}

static inline uint16_t hwt_get_u16le(struct hwt_reader *r)
{
    return (uint16_t)hwt_get_le(r, 2);
}

static inline uint32_t hwt_get_u32le(struct hwt_reader *r)
{
    return (uint32_t)hwt_get_le(r, 4);
}

static inline uint64_t hwt_get_u64le(struct hwt_reader *r)
{
    return hwt_get_le(r, 8);
}

/* Little-endian base 128, at most 10 bytes; longer is a failure. */
static inline uint64_t hwt_get_varint(struct hwt_reader *r)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t b = hwt_get_u8(r);

        if (shift == 63 && b > 1) {
            break;
        }
        v |= (uint64_t)(b & 0x7F) << shift;
        if ((b & 0x80) == 0) {
            return v;
        }
    }
    r->ok = false;
    return 0;
}

struct hwt_writer {
    uint8_t *p;
    size_t n;  /* room */
    size_t at; /* bytes put */
    bool ok;
};

static inline void hwt_writer_init(struct hwt_writer *w, void *p, size_t n)
{
    w->p = p;
    w->n = n;
    w->at = 0;
    w->ok = true;
}

/* Room for n bytes, or NULL. */
static inline uint8_t *hwt_put_room(struct hwt_writer *w, size_t n)
{
    uint8_t *p = w->p + w->at;

    if (!w->ok || w->n - w->at < n) {
        w->ok = false;
        return NULL;
    }
    w->at += n;
    return p;
}

static inline void hwt_put_bytes(struct hwt_writer *w, const void *src, size_t n)
{
    uint8_t *p = hwt_put_room(w, n);

    if (p != NULL && n > 0) {
        memcpy(p, src, n);
    }
}

/* The low n bytes (1..8) of v, least significant first. */
static inline void hwt_put_le(struct hwt_writer *w, uint64_t v, size_t n)
{
    uint8_t *p = hwt_put_room(w, n);

    for (size_t i = 0; p != NULL && i < n; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}

static inline void hwt_put_u8(struct hwt_writer *w, uint8_t v)
{
    hwt_put_le(w, v, 1);
}

static inline void hwt_put_u16le(struct hwt_writer *w, uint16_t v)
{
    hwt_put_le(w, v, 2);
}

static inline void hwt_put_u32le(struct hwt_writer *w, uint32_t v)
{
    hwt_put_le(w, v, 4);
}

static inline void hwt_put_u64le(struct hwt_writer *w, uint64_t v)
{
    hwt_put_le(w, v, 8);
}

static inline void hwt_put_varint(struct hwt_writer *w, uint64_t v)
{
    while (v >= 0x80) {
        hwt_put_u8(w, (uint8_t)(v | 0x80));
        v >>= 7;
    }
    hwt_put_u8(w, (uint8_t)v);
}

/* Small magnitudes of either sign to small numbers: 0, -1, 1, -2 -> 0, 1, 2, 3. */
static inline uint64_t hwt_zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (v < 0 ? ~(uint64_t)0 : 0);
}

static inline int64_t hwt_unzigzag(uint64_t u)
{
    return (int64_t)((u >> 1) ^ (0 - (u & 1)));
}

#endif
