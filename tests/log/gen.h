/*
 * gen.h: random numbers with a seed, and records made of one: a record of the model is its seed.
 */
#ifndef TESTS_LOG_GEN_H
#define TESTS_LOG_GEN_H

#include "core/flow.h"

struct rng {
    uint64_t s;
};

uint64_t rng_next(struct rng *r);
/* 0..n-1 */
uint32_t rng_below(struct rng *r, uint32_t n);
/* The seed after -s, else a fixed one; printed either way. */
uint64_t gen_seed(int argc, char **argv);

struct gen_schema {
    struct hwt_channel channel[HWT_CHANNELS_MAX];
    struct hwt_schema schema;
};

/* Schema number `which`: number, order and kinds of channels depend on it. */
void gen_schema(struct gen_schema *s, unsigned which);

struct gen_record {
    struct hwt_value value[HWT_CHANNELS_MAX];
    struct hwt_record record;
};

/* Record `index` of a series, drawn from `seed`: walks, counters, resets, gaps, missing values,
 * wild numbers. */
void gen_record(struct gen_record *r, const struct hwt_schema *schema, uint64_t index,
                uint64_t seed);
/* Whether they are the same but for the sequence; prints the first difference. */
bool gen_equal(const struct hwt_record *a, const struct hwt_record *b);

#endif
