#include "daemon/drivers/sampler_ring.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES = 20, HEAD_WORDS = sizeof(struct sampler_ring_head) / sizeof(int32_t) };

_Static_assert(sizeof(struct sampler_ring_head) % sizeof(int32_t) == 0, "whole words");

int sampler_ring_init(struct sampler_ring *r)
{
    memset(r, 0, sizeof(*r));
    r->codes = calloc(SAMPLER_RING_CODES, sizeof(*r->codes));
    return r->codes != NULL ? 0 : HWT_ERR_SPACE;
}

void sampler_ring_deinit(struct sampler_ring *r)
{
    free(r->codes);
    r->codes = NULL;
}

/* Word by word, so that reader and writer may meet without undefined behaviour. */
static void store(atomic_int_least32_t *to, const int32_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        atomic_store_explicit(&to[i], from[i], memory_order_relaxed);
    }
}

static void load(int32_t *to, const atomic_int_least32_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
    }
}

static uint32_t room_for(const struct hwt_block *b)
{
    uint64_t wanted = (uint64_t)SAMPLER_RING_MS * 1000000000 / b->scan_period_ps + 1;
    uint64_t most = SAMPLER_RING_CODES / b->slots;

    return (uint32_t)(wanted < most ? wanted : most);
}

static bool is_like(const struct sampler_ring_head *h, const struct hwt_block *b)
{
    return h->slots == b->slots && h->bits == b->bits &&
           memcmp(h->slot, b->slot, b->slots * sizeof(b->slot[0])) == 0;
}

static void begin(struct sampler_ring_head *h, const struct hwt_block *b)
{
    memset(h, 0, sizeof(*h));
    memcpy(h->slot, b->slot, b->slots * sizeof(b->slot[0]));
    h->slots = b->slots;
    h->bits = b->bits;
    h->room = room_for(b);
}

/* The block's newest scans that fit, in one or two runs. */
static void put_codes(struct sampler_ring *r, const struct hwt_block *b)
{
    struct sampler_ring_head *h = &r->head;
    uint32_t n = b->scans < h->room ? b->scans : h->room;
    const int32_t *from = b->codes + (size_t)(b->scans - n) * b->slots;
    uint32_t first = n < h->room - h->next ? n : h->room - h->next;

    store(r->codes + (size_t)h->next * h->slots, from, (size_t)first * h->slots);
    store(r->codes, from + (size_t)first * h->slots, (size_t)(n - first) * h->slots);
    h->next = (h->next + n) % h->room;
    h->scans = h->scans + n < h->room ? h->scans + n : h->room;
}

static void begin_writing(struct sampler_ring *r)
{
    uint32_t sequence = atomic_load_explicit(&r->sequence, memory_order_relaxed);

    atomic_store_explicit(&r->sequence, sequence + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

static void end_writing(struct sampler_ring *r)
{
    int32_t words[HEAD_WORDS];
    uint32_t sequence = atomic_load_explicit(&r->sequence, memory_order_relaxed);

    memcpy(words, &r->head, sizeof(words));
    store(r->shared, words, HEAD_WORDS);
    atomic_store_explicit(&r->sequence, sequence + 1, memory_order_release);
}

void sampler_ring_put(struct sampler_ring *r, const struct hwt_block *b, bool follows,
                      const struct sampler_ring_sensor sensor[HWT_SLOTS_MAX], int64_t unix_ms,
                      int64_t real_us)
{
    if (!follows || !is_like(&r->head, b)) {
        begin(&r->head, b);
    }
    memcpy(r->head.sensor, sensor, sizeof(r->head.sensor));
    r->head.period_ps = b->scan_period_ps;
    r->head.unix_ms = unix_ms;
    r->head.real_us = real_us;
    begin_writing(r);
    put_codes(r, b);
    end_writing(r);
}

void sampler_ring_break(struct sampler_ring *r)
{
    r->head.scans = 0;
    r->head.slots = 0;
    begin_writing(r);
    end_writing(r);
}

/* The words of the head, if nobody wrote meanwhile; *sequence_out tells when. */
static bool get_head(struct sampler_ring *r, struct sampler_ring_head *out, uint32_t *sequence_out)
{
    int32_t words[HEAD_WORDS];
    uint32_t sequence = atomic_load_explicit(&r->sequence, memory_order_acquire);

    load(words, r->shared, HEAD_WORDS);
    atomic_thread_fence(memory_order_acquire);
    memcpy(out, words, sizeof(words));
    *sequence_out = sequence;
    return sequence % 2 == 0 &&
           atomic_load_explicit(&r->sequence, memory_order_relaxed) == sequence;
}

/* The codes, oldest first, if nobody wrote since `sequence`. */
static bool get_codes(struct sampler_ring *r, const struct sampler_ring_head *h, uint32_t sequence,
                      int32_t *to)
{
    uint32_t oldest = (h->next + h->room - h->scans) % h->room;
    uint32_t first = h->scans < h->room - oldest ? h->scans : h->room - oldest;

    load(to, r->codes + (size_t)oldest * h->slots, (size_t)first * h->slots);
    load(to + (size_t)first * h->slots, r->codes, (size_t)(h->scans - first) * h->slots);
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&r->sequence, memory_order_relaxed) == sequence;
}

static void describe(const struct sampler_ring_head *h, const int32_t *codes,
                     struct hwt_meter_scans *out)
{
    *out = (struct hwt_meter_scans){.codes = codes,
                                    .scans = h->scans,
                                    .period_ps = h->period_ps,
                                    .slots = (uint8_t)h->slots,
                                    .bits = (uint8_t)h->bits};
    memcpy(out->slot, h->slot, sizeof(out->slot));
}

int sampler_ring_get(struct sampler_ring *r, struct sampler_ring_head *head_out,
                     struct hwt_meter_scans *scans_out, int32_t **codes_out)
{
    for (int i = 0; i < TRIES; i++) {
        struct sampler_ring_head h;
        uint32_t sequence;
        int32_t *codes;

        if (!get_head(r, &h, &sequence)) {
            continue;
        }
        if (h.scans == 0) {
            return HWT_ERR_AGAIN;
        }
        codes = malloc((size_t)h.scans * h.slots * sizeof(*codes));
        if (codes == NULL) {
            return HWT_ERR_SPACE;
        }
        if (get_codes(r, &h, sequence, codes)) {
            *head_out = h;
            *codes_out = codes;
            describe(&h, codes, scans_out);
            return 0;
        }
        free(codes);
    }
    return HWT_ERR_AGAIN;
}
