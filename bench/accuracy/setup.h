/*
 * setup.h: the reference set-up of the electronics points: 230 V = 1100 codes of 12 bits, 11.8
 * codes an ampere, noise of 0.7 codes (at 16 bits 16 times the codes and noise of 1.5), 15 slots of
 * which two are used.
 */
#ifndef BENCH_ACCURACY_SETUP_H
#define BENCH_ACCURACY_SETUP_H

#include <math.h>
#include <string.h>

#include "bench/accuracy/chain.h"

/* Line 0: the voltage; line 1: the current, in another slot for each seed. 10.4 s. */
static inline void setup_chain(struct chain *c, const struct signal *s, unsigned bits,
                               uint64_t seed)
{
    double fine = bits == 12 ? 1 : 16, noise = bits == 12 ? 0.7 : 1.5;
    struct random r;

    memset(c, 0, sizeof(*c));
    random_start(&r, seed * 1000 + bits);
    c->lines = 2;
    c->bits = bits;
    c->seconds = 10.4;
    c->seed = seed * 7919 + bits;
    c->line[0] = (struct line){.signal = s, .codes = 1100 / 230.0 * fine, .noise = noise};
    c->line[1] = (struct line){.signal = s, .codes = 11.8 * fine, .noise = noise, .current = true};
    c->line[0].lead_deg = 0.3;
    c->line[1].lead_deg = 2.5;
    c->line[0].told_deg = c->line[1].told_deg = (double)NAN;
    c->line[0].offset = 16 * random_uniform(&r) - 8;
    c->line[1].offset = 16 * random_uniform(&r) - 8;
    c->line[1].slot = 1 + (unsigned)(seed * 5 % 14);
}

/* A phase by chance. A frequency at which cycles would be whole: bursts begin with one. */
static inline double setup_turns(const struct signal *s, uint64_t seed)
{
    struct random r;

    (void)s;
    random_start(&r, seed * 13 + 1);
    return random_uniform(&r);
}

/* %: a + 4 sigma over 10 s. */
static inline double setup_limit(double a, double amps, double pf, unsigned bits, double noise)
{
    double sigma = sqrt(noise * noise + 1 / 12.0);
    double codes = amps * 11.8 * (bits == 12 ? 1 : 16) * pf;

    return a + 400 * sigma / (codes * sqrt(10 / CHAIN_PERIOD_S));
}

#endif
