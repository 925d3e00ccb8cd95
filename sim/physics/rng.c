#include "sim/physics/rng.h"

void rng_init(struct rng *r, uint64_t seed, uint64_t stream)
{
    r->state = rng_mix(seed * 0xD1342543DE82EF95u + 1) ^ rng_mix(~stream);
}
