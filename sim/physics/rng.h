/*
 * rng.h: the plant's random numbers.
 *
 * One seed feeds any number of independent streams (house, sensors, converter noise), so that a
 * draw more in one of them changes nothing in the others.
 */
#ifndef SIM_PHYSICS_RNG_H
#define SIM_PHYSICS_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state;
};

/* The stream of a seed; equal arguments give equal numbers on every machine. */
void rng_init(struct rng *r, uint64_t seed, uint64_t stream);

/* Mixes 64 bits (the finaliser of SplitMix64): a stateless draw for an index. */
static inline uint64_t rng_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline uint64_t rng_u64(struct rng *r)
{
    r->state += 0x9E3779B97F4A7C15u;
    return rng_mix(r->state);
}

/* In [0, 1). */
static inline double rng_uniform(struct rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

static inline double rng_between(struct rng *r, double lo, double hi)
{
    return lo + (hi - lo) * rng_uniform(r);
}

/* Mean 0, variance 1, within +-3.5: the sum of four 16-bit uniforms. For weather and loads; the
 * converter's noise needs true tails and is made in devices/sensors.c. */
static inline double rng_gauss(struct rng *r)
{
    uint64_t u = rng_u64(r);
    double sum = (double)(u & 0xFFFF) + (double)((u >> 16) & 0xFFFF) +
                 (double)((u >> 32) & 0xFFFF) + (double)(u >> 48);

    return (sum - 2.0 * 65535.0) / 37837.2; /* sd of a sum of four: 65536 / sqrt(3) */
}

#endif
