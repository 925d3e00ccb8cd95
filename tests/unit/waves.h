/*
 * waves.h: sample blocks made from formulas, for tests of the metering: a voltage and clamps as
 * sums of harmonics, seen by sensors that are first-order high passes, by a converter that rounds,
 * clips, has an offset and noise. Shares nothing with core/meter but the block's type.
 */
#ifndef TESTS_UNIT_WAVES_H
#define TESTS_UNIT_WAVES_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/flow.h"

enum { WAVES_SLOTS_MAX = 6, WAVES_TERMS_MAX = 4, WAVES_SCANS_MAX = 4096 };

#define WAVES_PI        3.14159265358979323846
#define WAVES_PERIOD_PS 149940000u /* 133.382 scans a cycle of 50 Hz */

struct waves_term {
    double h;       /* times the mains frequency */
    double rms;     /* V or A */
    double lag_deg; /* at its own frequency, behind a sine that starts at 0 */
};

struct waves_slot {
    struct waves_term term[WAVES_TERMS_MAX];
    double fire_deg; /* > 0: nothing flows in each half cycle before this angle */
    double codes;    /* for each V or A */
    double lead_deg; /* of the sensor, at 50 Hz */
    double offset;   /* codes */
    double drift;    /* codes a second, of the offset */
    double noise;    /* codes, RMS */
    uint8_t kind;    /* enum hwt_slot_kind */
    uint16_t time_q16;
};

struct waves {
    struct waves_slot slot[WAVES_SLOTS_MAX];
    unsigned slots;
    double hz;
    double turns; /* of the mains, at the first scan */
    uint8_t bits;
    uint64_t random;
    uint64_t scan;    /* of the next */
    uint64_t from_us; /* device clock at scan 0 */
    uint32_t sequence;
    int32_t codes[WAVES_SCANS_MAX * WAVES_SLOTS_MAX];
};

static inline double waves_uniform(struct waves *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return ((double)(w->random >> 11) + 0.5) / 9007199254740992.0;
}

static inline double waves_gauss(struct waves *w)
{
    double radius = sqrt(-2 * log(waves_uniform(w)));

    return radius * cos(2 * WAVES_PI * waves_uniform(w));
}

/* What the sensor gives for the slot's quantity when the mains has turned this far. */
static inline double waves_sensed(const struct waves *w, const struct waves_slot *s, double turns)
{
    double sum = 0, half = turns * 2 - floor(turns * 2);

    if (s->fire_deg > 0 && half * 180 < s->fire_deg) {
        return 0;
    }
    for (unsigned k = 0; k < WAVES_TERMS_MAX && s->term[k].rms > 0; k++) {
        double lead50 = s->lead_deg * WAVES_PI / 180;
        double lead = atan(tan(lead50) * 50 / (w->hz * s->term[k].h));
        double angle = s->term[k].h * 2 * WAVES_PI * turns - s->term[k].lag_deg * WAVES_PI / 180;

        sum += s->term[k].rms * cos(lead) / cos(lead50) * sin(angle + lead);
    }
    return sum * sqrt(2.0);
}

static inline int32_t waves_code(struct waves *w, const struct waves_slot *s, double turns)
{
    double top = (double)(1 << (w->bits - 1)) - 1;
    double drifted = s->drift * (double)w->scan * WAVES_PERIOD_PS * 1e-12;
    double x = waves_sensed(w, s, turns) * s->codes + s->offset + drifted;

    x = floor(x + (s->noise > 0 ? s->noise * waves_gauss(w) : 0) + 0.5);
    return (int32_t)(x > top ? top : x < -top - 1 ? -top - 1 : x);
}

/* The next `scans` scans as a block; its codes stay until the next call. */
static inline struct hwt_block waves_block(struct waves *w, unsigned scans)
{
    struct hwt_block b = {
        .device_us = w->from_us + w->scan * WAVES_PERIOD_PS / 1000000,
        .wall_us = HWT_TIME_UNKNOWN,
        .sequence = w->sequence++,
        .scan_period_ps = WAVES_PERIOD_PS,
        .scans = (uint16_t)scans,
        .slots = (uint8_t)w->slots,
        .bits = w->bits,
        .codes = w->codes,
    };

    for (unsigned i = 0; i < w->slots; i++) {
        b.slot[i] = (struct hwt_slot){w->slot[i].kind, (uint8_t)i, w->slot[i].time_q16};
    }
    for (unsigned n = 0; n < scans; n++, w->scan++) {
        for (unsigned i = 0; i < w->slots; i++) {
            double scan = (double)w->scan + w->slot[i].time_q16 / 65536.0;

            w->codes[n * w->slots + i] =
                waves_code(w, &w->slot[i], w->turns + scan * WAVES_PERIOD_PS * 1e-12 * w->hz);
        }
    }
    return b;
}

/* Slot 0: 230 V in 12 bits at 1100 codes. Slots 1.. : clamps of 11.8 codes an ampere, the last of
 * 15 converted; all without current. Noise of 0.7 codes. */
static inline void waves_init(struct waves *w, unsigned clamps, uint64_t seed)
{
    memset(w, 0, sizeof(*w));
    w->slots = clamps + 1;
    w->hz = 50;
    w->bits = 12;
    w->random = seed * 0x9E3779B97F4A7C15u + 1;
    w->turns = waves_uniform(w);
    w->slot[0] = (struct waves_slot){
        .term = {{1, 230, 0}}, .codes = 1100 / 230.0, .noise = 0.7, .kind = HWT_SLOT_VOLTAGE};
    for (unsigned i = 1; i < w->slots; i++) {
        w->slot[i] = (struct waves_slot){.codes = 11.8,
                                         .noise = 0.7,
                                         .kind = HWT_SLOT_CURRENT,
                                         .time_q16 = (uint16_t)((15 - i) * 65536 / 15)};
    }
}

#endif
