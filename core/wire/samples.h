/*
 * samples.h: the sample stream (docs/SAMPLE_STREAM.md): octets in, sample blocks out.
 *
 *   octets ──feed──▶ [ buffer of one block ] ──next──▶ struct hwt_block
 *
 * Feeding in pieces of any size gives the same blocks. Does not know what the codes mean; does not
 * keep time; does not judge gaps (the meter does, by sequence, dropped and device_us).
 */
#ifndef HWT_CORE_WIRE_SAMPLES_H
#define HWT_CORE_WIRE_SAMPLES_H

#include "core/base/err.h"
#include "core/flow.h"

enum { HWT_SAMPLES_HEADER_MAX = 1024, HWT_SAMPLES_PAYLOAD_MAX = 65536 };
enum { HWT_SAMPLES_BLOCK_MAX = HWT_SAMPLES_HEADER_MAX + HWT_SAMPLES_PAYLOAD_MAX + 4 };

struct hwt_samples_counters {
    uint64_t blocks;                 /* delivered */
    uint64_t refused[HWT_ERR_KINDS]; /* by -reason: LENGTH, CHECKSUM, SANITY, UNSUPPORTED */
    uint64_t skipped_bytes;          /* not part of any good block */
};

/* Private but for the counters; the caller places it (about 200 kB). */
struct hwt_samples {
    struct hwt_samples_counters counters;
    size_t at;   /* bytes of buf already taken */
    size_t have; /* bytes in buf */
    uint8_t buf[HWT_SAMPLES_BLOCK_MAX];
    int32_t codes[HWT_BLOCK_CODES_MAX];
};

void hwt_samples_init(struct hwt_samples *s);

/* Forgets octets not yet taken (another connection); the counters go on. */
void hwt_samples_restart(struct hwt_samples *s);

/* Where the next octets go, and how many fit: *room_out >= 1 once hwt_samples_next has returned
 * false. Call hwt_samples_fed after. */
uint8_t *hwt_samples_room(struct hwt_samples *s, size_t *room_out);
void hwt_samples_fed(struct hwt_samples *s, size_t n);

/*
 * Takes the next whole block out of what was fed. True: *block_out is filled, its codes are valid
 * until the next call. False: more octets are needed. Refused blocks are counted and passed over.
 */
HWT_MUST_CHECK bool hwt_samples_next(struct hwt_samples *s, struct hwt_block *block_out);

#endif
