/*
 * sampler_ring.h: the newest scans of a sample stream, for those who want to look at them.
 *
 *   sampling thread ──put, a block──▶ [ 0.3 s of scans ] ──get, a copy──▶ any thread
 *
 * A sequence lock: the writer never waits and is not told of readers; a reader whose copy was
 * written into takes another. Each put is one copy of the block's codes. Scans before a gap are
 * forgotten with the gap: what is here has none inside.
 *
 * 5 MiB are set aside, 12 cycles of 45 Hz of all slots at the fastest rate there is; only what 0.3
 * s of the stream take are ever touched: 120 kB for 15 slots at 6.67 kscans/s.
 */
#ifndef DAEMON_DRIVERS_SAMPLER_RING_H
#define DAEMON_DRIVERS_SAMPLER_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/flow.h"
#include "core/meter/meter_scope.h"

enum {
    SAMPLER_RING_CODES = 54000 * HWT_SLOTS_MAX, /* 0.27 s of scans of 5 us */
    SAMPLER_RING_MS = 300
};

/* What the sampling thread knows of a slot. */
struct sampler_ring_sensor {
    double ratio;     /* V or A for each code */
    double phase_deg; /* degrees it leads at 50 Hz */
    double noise;     /* codes, RMS, as learned; < 0: not known */
};

/* What is known beside the codes. A multiple of 4 octets. */
struct sampler_ring_head {
    struct hwt_slot slot[HWT_SLOTS_MAX];
    struct sampler_ring_sensor sensor[HWT_SLOTS_MAX];
    int64_t unix_ms; /* of the end of the newest scan, or HWT_TIME_UNKNOWN */
    int64_t real_us; /* when it was put */
    uint32_t period_ps;
    uint32_t room;  /* scans that fit */
    uint32_t next;  /* where the next scan goes, 0..room - 1 */
    uint32_t scans; /* held, 0..room */
    uint32_t slots, bits;
};

struct sampler_ring {
    struct sampler_ring_head head;  /* the writer's own */
    atomic_uint_least32_t sequence; /* odd while it is written */
    atomic_int_least32_t shared[sizeof(struct sampler_ring_head) / sizeof(int32_t)];
    atomic_int_least32_t *codes; /* SAMPLER_RING_CODES */
};

/* SPACE: out of memory. */
HWT_MUST_CHECK int sampler_ring_init(struct sampler_ring *r);
void sampler_ring_deinit(struct sampler_ring *r);

/*
 * The writer's. follows: no scan is missing between this block and the one before; its period may
 * be another one by parts in a million, as a disciplined clock makes it: the newest counts for all.
 */
void sampler_ring_put(struct sampler_ring *r, const struct hwt_block *b, bool follows,
                      const struct sampler_ring_sensor sensor[HWT_SLOTS_MAX], int64_t unix_ms,
                      int64_t real_us);
/* No block: what comes next does not follow. */
void sampler_ring_break(struct sampler_ring *r);

/*
 * A copy of what is held: *codes_out is scans_out->codes, to be freed. Any thread. AGAIN: nothing
 * is held, or the writer came in between each time; SPACE.
 */
HWT_MUST_CHECK int sampler_ring_get(struct sampler_ring *r, struct sampler_ring_head *head_out,
                                    struct hwt_meter_scans *scans_out, int32_t **codes_out);

#endif
