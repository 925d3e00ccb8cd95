#include "tests/log/gen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t rng_next(struct rng *r) /* splitmix64 */
{
    uint64_t z = r->s += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

uint64_t gen_seed(int argc, char **argv)
{
    uint64_t seed = 1;

    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "-s") == 0) {
            seed = strtoull(argv[i + 1], NULL, 0);
        }
    }
    printf("# seed %" PRIu64 " (another: -s SEED)\n", seed);
    return seed;
}

void gen_schema(struct gen_schema *s, unsigned which)
{
    static const uint16_t counts[] = {1, 5, 17, 40, 256, 6};
    static const uint8_t quantities[] = {HWT_Q_POWER, HWT_Q_ENERGY, HWT_Q_FLOW_T, HWT_Q_IMPORT};

    memset(s, 0, sizeof(*s));
    s->schema.count = counts[which % 6];
    s->schema.channel = s->channel;
    for (unsigned i = 0; i < s->schema.count; i++) {
        snprintf(s->channel[i].id, sizeof(s->channel[i].id), "c%u_%u%s", i, which % 7,
                 s->schema.count == 256 ? "_with_a_long_name_as_it" : "");
        s->channel[i].quantity = quantities[(i + which) % 4];
    }
}

static int64_t wild(struct rng *rng)
{
    static const int64_t edge[] = {INT64_MIN, INT64_MAX, 0, -1, 1, INT32_MAX};

    return rng_below(rng, 4) == 0 ? edge[rng_below(rng, 6)] : (int64_t)rng_next(rng);
}

static struct hwt_value gen_value(struct rng *rng, uint64_t index, unsigned quantity)
{
    struct hwt_value v = {.quality = HWT_QUALITY_GOOD};
    bool counter = quantity == HWT_Q_ENERGY || quantity == HWT_Q_IMPORT;
    uint32_t dice = rng_below(rng, 100);

    if (dice < 5) {
        v.quality = HWT_QUALITY_MISSING;
    } else if (dice < 7) {
        v.quality = HWT_QUALITY_SUSPECT;
        v.v = wild(rng);
    } else if (counter) { /* 3 kW for the span, a reset now and then by another index base */
        v.v = (int64_t)(index % 1000 * 30000000 + rng_below(rng, 1000000));
    } else {
        v.v = (int64_t)rng_below(rng, 4000) - 2000;
    }
    return v;
}

/* Counters are read each minute at times, and some values are as old as can be. */
static uint32_t gen_age(struct rng *rng, uint64_t index, unsigned quantity)
{
    if (index % 100 < 60) {
        return 0;
    }
    if (rng_below(rng, 200) == 0) {
        return UINT32_MAX - rng_below(rng, 20000);
    }
    return quantity == HWT_Q_ENERGY && index % 6 != 0 ? (uint32_t)(index % 6) * 10000 - 3000 : 0;
}

void gen_record(struct gen_record *r, const struct hwt_schema *schema, uint64_t index,
                uint64_t seed)
{
    struct rng rng = {seed};

    memset(r, 0, sizeof(*r));
    r->record.mono_us = (int64_t)index * 10000000 + rng_below(&rng, 3);
    r->record.unix_ms = INT64_C(1790000000000) + (int64_t)index * 10000;
    r->record.span_ms = 10000;
    r->record.boot = 1 + (uint32_t)(index / 300);
    r->record.clock = HWT_CLOCK_SYNCED;
    if (rng_below(&rng, 50) == 0) {
        r->record.unix_ms = HWT_TIME_UNKNOWN;
        r->record.clock = HWT_CLOCK_UNKNOWN;
    } else if (rng_below(&rng, 20) == 0) {
        r->record.unix_ms += (int64_t)rng_below(&rng, 5000) - 2500;
        r->record.span_ms = 1 + rng_below(&rng, 20000);
    }
    r->record.count = schema->count;
    r->record.value = r->value;
    for (unsigned i = 0; i < schema->count; i++) {
        r->value[i] = gen_value(&rng, index, schema->channel[i].quantity);
        r->value[i].age_ms = gen_age(&rng, index, schema->channel[i].quantity);
    }
}

bool gen_equal(const struct hwt_record *a, const struct hwt_record *b)
{
    if (a->mono_us != b->mono_us || a->unix_ms != b->unix_ms || a->boot != b->boot ||
        a->span_ms != b->span_ms || a->clock != b->clock || a->count != b->count) {
        printf("# records differ: mono %" PRId64 " %" PRId64 ", unix %" PRId64 " %" PRId64
               ", boot %u %u, span %u %u, clock %u %u, count %u %u\n",
               a->mono_us, b->mono_us, a->unix_ms, b->unix_ms, a->boot, b->boot, a->span_ms,
               b->span_ms, a->clock, b->clock, a->count, b->count);
        return false;
    }
    for (unsigned i = 0; i < a->count; i++) {
        bool missing = a->value[i].quality == HWT_QUALITY_MISSING;

        if (a->value[i].quality != b->value[i].quality ||
            (!missing &&
             (a->value[i].v != b->value[i].v || a->value[i].age_ms != b->value[i].age_ms))) {
            printf("# value %u differs: %" PRId64 "/%u %" PRId64 "/%u\n", i, a->value[i].v,
                   a->value[i].quality, b->value[i].v, b->value[i].quality);
            return false;
        }
    }
    return true;
}
