/*
 * samples.c: the reader of docs/SAMPLE_STREAM.md.
 *
 *   48 57 54 53 | 01 | flags | H | L | sequence | device clock | wall | dropped | period | scans
 *   | slots | bits | code bytes | 0 0 0 | slot map | tail of later versions | codes | CRC-32C
 *
 * The header is judged as soon as it is there, so a damaged length never makes the reader wait for
 * octets that do not belong to the block. Every decision depends on the octets alone, not on how
 * they were cut when fed.
 */
#include "core/wire/samples.h"

#include <string.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"

enum { MAGIC_SIZE = 4, FIXED_SIZE = 48, SLOT_SIZE = 4, CRC_SIZE = 4, FLAG_WALL = 1 };

static const uint8_t magic[MAGIC_SIZE] = {0x48, 0x57, 0x54, 0x53};

/* The fields that say how long the block is; the others are read once the CRC is known. */
struct shape {
    size_t header; /* H */
    size_t payload;
    size_t scans;
    uint8_t slots, bits, code_bytes;
};

void hwt_samples_init(struct hwt_samples *s)
{
    memset(&s->counters, 0, sizeof(s->counters));
    s->at = 0;
    s->have = 0;
}

void hwt_samples_restart(struct hwt_samples *s)
{
    s->counters.skipped_bytes += s->have - s->at;
    s->at = 0;
    s->have = 0;
}

uint8_t *hwt_samples_room(struct hwt_samples *s, size_t *room_out)
{
    if (s->at > 0) {
        memmove(s->buf, s->buf + s->at, s->have - s->at);
        s->have -= s->at;
        s->at = 0;
    }
    *room_out = sizeof(s->buf) - s->have;
    return s->buf + s->have;
}

void hwt_samples_fed(struct hwt_samples *s, size_t n)
{
    s->have += n;
}

/* Moves to the next place that is, or may become, a magic. False: fewer than its octets are left.
 */
static bool find_magic(struct hwt_samples *s)
{
    while (s->have - s->at >= MAGIC_SIZE) {
        const uint8_t *p = memchr(s->buf + s->at, magic[0], s->have - s->at - (MAGIC_SIZE - 1));
        size_t at = p != NULL ? (size_t)(p - s->buf) : s->have - (MAGIC_SIZE - 1);

        s->counters.skipped_bytes += at - s->at;
        s->at = at;
        if (p != NULL) {
            if (memcmp(p, magic, MAGIC_SIZE) == 0) {
                return true;
            }
            s->counters.skipped_bytes++;
            s->at++;
        }
    }
    return false;
}

/* Reads the lengths out of FIXED_SIZE octets. False: they contradict each other. */
static bool read_shape(const uint8_t *p, struct shape *out)
{
    struct hwt_reader r;

    hwt_reader_init(&r, p, FIXED_SIZE);
    (void)hwt_get_bytes(&r, 6); /* magic, version, flags */
    out->header = hwt_get_u16le(&r);
    out->payload = hwt_get_u32le(&r);
    (void)hwt_get_bytes(&r, 28); /* sequence .. scan period */
    out->scans = hwt_get_u16le(&r);
    out->slots = hwt_get_u8(&r);
    out->bits = hwt_get_u8(&r);
    out->code_bytes = hwt_get_u8(&r);
    return out->slots >= 1 && out->slots <= HWT_SLOTS_MAX && out->bits >= 8 && out->bits <= 24 &&
           (out->code_bytes == 2 || out->code_bytes == 4) && out->code_bytes * 8 >= out->bits &&
           out->header >= FIXED_SIZE + SLOT_SIZE * (size_t)out->slots && out->header % 4 == 0 &&
           out->header <= HWT_SAMPLES_HEADER_MAX && out->scans >= 1 &&
           out->payload == out->scans * out->slots * out->code_bytes &&
           out->payload <= HWT_SAMPLES_PAYLOAD_MAX;
}

static void read_header(const uint8_t *p, const struct shape *shape, struct hwt_block *out)
{
    struct hwt_reader r;
    uint8_t flags;

    hwt_reader_init(&r, p, shape->header);
    (void)hwt_get_bytes(&r, 5); /* magic, version */
    flags = hwt_get_u8(&r);
    (void)hwt_get_bytes(&r, 6); /* H, L */
    out->sequence = hwt_get_u32le(&r);
    out->device_us = hwt_get_u64le(&r);
    out->wall_us = (int64_t)hwt_get_u64le(&r);
    if ((flags & FLAG_WALL) == 0) {
        out->wall_us = HWT_TIME_UNKNOWN;
    }
    out->dropped = hwt_get_u32le(&r);
    out->scan_period_ps = hwt_get_u32le(&r);
    (void)hwt_get_bytes(&r, 8); /* scans .. reserved */
    out->scans = (uint16_t)shape->scans;
    out->slots = shape->slots;
    out->bits = shape->bits;
    memset(out->slot, 0, sizeof(out->slot));
    for (size_t i = 0; i < shape->slots; i++) {
        uint8_t kind = hwt_get_u8(&r);

        out->slot[i].kind = kind <= HWT_SLOT_ANALOG ? kind : HWT_SLOT_UNUSED;
        out->slot[i].input = hwt_get_u8(&r);
        out->slot[i].time_q16 = hwt_get_u16le(&r);
    }
}

/* Moves mid-scale to 0. False: a code has bits above `bits`. */
static bool read_codes(const uint8_t *p, const struct shape *shape, int32_t *codes)
{
    size_t n = shape->scans * shape->slots;
    int32_t mid = (int32_t)1 << (shape->bits - 1);
    uint32_t seen = 0; /* every bit that any code has */

    for (size_t i = 0; i < n; i++) {
        uint32_t code = (uint32_t)p[0] | (uint32_t)p[1] << 8;

        if (shape->code_bytes == 4) {
            code |= (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        }
        seen |= code;
        codes[i] = (int32_t)(code & 0xFFFFFF) - mid;
        p += shape->code_bytes;
    }
    return seen >> shape->bits == 0;
}

/* A block whose CRC is right. False: refused. */
static bool read_block(struct hwt_samples *s, const struct shape *shape, struct hwt_block *out)
{
    const uint8_t *p = s->buf + s->at;
    struct hwt_block block;

    read_header(p, shape, &block);
    if (!read_codes(p + shape->header, shape, s->codes) || block.scan_period_ps == 0) {
        return false;
    }
    block.codes = s->codes;
    *out = block;
    return true;
}

/* The search goes on after the first `pass` octets of the refused block. */
static void refuse(struct hwt_samples *s, enum hwt_err reason, size_t pass)
{
    s->counters.refused[-(int)reason]++;
    s->counters.skipped_bytes += pass;
    s->at += pass;
}

bool hwt_samples_next(struct hwt_samples *s, struct hwt_block *block_out)
{
    while (find_magic(s)) {
        const uint8_t *p = s->buf + s->at;
        size_t left = s->have - s->at;
        struct shape shape;
        struct hwt_reader crc;
        size_t size;

        if (left < FIXED_SIZE) {
            return false;
        }
        if (!read_shape(p, &shape)) {
            refuse(s, HWT_ERR_LENGTH, 1);
            continue;
        }
        size = shape.header + shape.payload;
        if (left < size + CRC_SIZE) {
            return false;
        }
        hwt_reader_init(&crc, p + size, CRC_SIZE);
        if (hwt_crc32c(0, p, size) != hwt_get_u32le(&crc)) {
            refuse(s, HWT_ERR_CHECKSUM, 1);
            continue;
        }
        if (!read_block(s, &shape, block_out)) {
            refuse(s, HWT_ERR_SANITY, size + CRC_SIZE); /* whole: nothing else is inside */
            continue;
        }
        s->at += size + CRC_SIZE;
        s->counters.blocks++;
        return true;
    }
    return false;
}
