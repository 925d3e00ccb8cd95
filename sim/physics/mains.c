#include "sim/physics/mains.h"

#define OPEN_V    233.5
#define LINE_OHM  0.24
#define NOMINAL_V 230.0
#define DF_MAX    0.095 /* Hz */

void mains_init(struct mains *m, uint64_t seed)
{
    *m = (struct mains){.volts = OPEN_V, .hz = 50.0};
    rng_init(&m->rng, seed, 5);
}

void mains_step(struct mains *m, double import_w)
{
    /* 1.8 V over a quarter of an hour, 25 mHz over five minutes */
    m->open_v += -m->open_v / 900.0 + 0.085 * rng_gauss(&m->rng);
    m->df += -m->df / 300.0 + 0.0020 * rng_gauss(&m->rng);
    m->df = m->df > DF_MAX ? DF_MAX : m->df < -DF_MAX ? -DF_MAX : m->df;
    m->volts = OPEN_V + m->open_v - LINE_OHM * import_w / NOMINAL_V;
    m->hz = 50.0 + m->df;
}
