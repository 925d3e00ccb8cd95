/*
 * sampler.h: the microcontroller that converts all inputs, scan by scan, and numbers the blocks.
 *
 *   house (amperes by kind) ─▶ sensed wave tables ─▶ + offset, noise ─▶ codes
 *
 * One scan converts slot 0 (voltage) to slot 14 at equal steps of the scan period. Blocks are a
 * fixed number of scans. The device clock counts from the plant's start. A block's codes depend on
 * the seed and the block's number only, never on who listens or how fast time runs.
 */
#ifndef SIM_DEVICES_SAMPLER_H
#define SIM_DEVICES_SAMPLER_H

#include <stdint.h>

#include "sim/devices/sensors.h"
#include "sim/physics/house.h"
#include "sim/physics/wave.h"

#define SAMPLER_PERIOD_PS 149940000u /* 133.382 scans a cycle at 50 Hz */
#define SAMPLER_SCANS     128        /* of a block: 19.19 ms */
#define SAMPLER_BITS      12
#define SAMPLER_CODES     (SAMPLER_SCANS * SENSORS_SLOTS)

/* One point of a sensed wave and the way to the next. */
struct sampler_point {
    float value; /* codes per volt or ampere */
    float step;  /* per 2^21 of the phase within the point */
};

struct sampler {
    uint64_t scan;  /* number of the next scan; time = scan x period */
    uint64_t phase; /* of the mains at that scan, 2^64 a cycle */

    struct sensors sensors; /* private from here */
    uint64_t noise_seed;
    float *noise;                                          /* gaussian, 0.7 codes with two added */
    struct sampler_point *mains;                           /* WAVE_POINTS */
    struct sampler_point *wave[CIRCUIT_COUNT][WAVE_KINDS]; /* WAVE_POINTS each */
    struct sampler_point *memory;
};

/* 0, or -1 when there is no memory. */
int sampler_init(struct sampler *s, const struct waves *w, const struct sensors *sensors,
                 uint64_t seed);
void sampler_deinit(struct sampler *s);

/* us from the plant's start to the next scan, rounded down. */
uint64_t sampler_device_us(const struct sampler *s);

/* s from the plant's start to a scan. */
double sampler_seconds(uint64_t scan);

/* Converts the next block: codes holds SAMPLER_CODES, scan by scan; volts: RMS during the block.
 * Does not move time. */
void sampler_convert(const struct sampler *s, const struct house *h, double volts, uint16_t *codes);

/* Where the mains is in its cycle at the next scan, [0, 1). */
double sampler_theta(const struct sampler *s);

/* Moves time on by one block at the house's frequency. */
void sampler_advance(struct sampler *s, double hz);

#endif
