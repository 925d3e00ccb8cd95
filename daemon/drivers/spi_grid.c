#include "daemon/drivers/spi_grid.h"

#include <math.h>
#include <string.h>

#define LEARN_NS INT64_C(250000000)

enum { NODES = 4, LEARN_SCANS = 16, WEIGHT_BITS = 20, MID_SCALE = 2048, CODE_MAX = 4095 };

void spi_grid_init(struct spi_grid *g)
{
    g->begun = false;
    g->period_ps = 0;
    g->next = g->dropped = 0;
}

/* The mean time from scan to scan of what a chip has given so far; 0: not long enough. */
static int64_t mean_ps(struct spi_ring *r)
{
    size_t n = spi_ring_count(r);
    int64_t span_ns;

    if (n < LEARN_SCANS) {
        return 0;
    }
    span_ns = spi_ring_at(r, n - 1)->t_ns - spi_ring_at(r, 0)->t_ns;
    return span_ns < LEARN_NS ? 0 : (int64_t)((double)span_ns * 1e3 / (double)(n - 1));
}

int64_t spi_grid_period_ps(struct spi_grid *g)
{
    int64_t slowest_ps = 0;

    for (unsigned i = 0; i < g->chips && g->period_ps == 0; i++) {
        int64_t ps = mean_ps(g->ring[i]);

        if (ps == 0) {
            return 0;
        }
        slowest_ps = ps > slowest_ps ? ps : slowest_ps;
    }
    g->period_ps = g->period_ps != 0 ? g->period_ps : slowest_ps;
    return g->period_ps;
}

uint16_t spi_grid_slot_q16(const struct spi_grid *g, unsigned chip, unsigned n)
{
    double q16 = 65536e3 * (double)(n * g->chip[chip]->conversion_ns) / (double)g->period_ps;

    return (uint16_t)fmin(65535, q16 + 0.5);
}

static int64_t instant_ns(const struct spi_grid *g, uint64_t scan)
{
    uint64_t ps = (uint64_t)g->period_ps, ns = scan * (ps / 1000); /* below 2^63 for 292 years */

    return g->origin_ns + (int64_t)(ns + scan * (ps % 1000) / 1000);
}

/* The grid begins where all chips have given two scans. */
static bool begin(struct spi_grid *g)
{
    g->origin_ns = INT64_MIN;
    for (unsigned i = 0; i < g->chips; i++) {
        if (spi_ring_count(g->ring[i]) < NODES) {
            return false;
        }
        if (spi_ring_at(g->ring[i], 1)->t_ns > g->origin_ns) {
            g->origin_ns = spi_ring_at(g->ring[i], 1)->t_ns;
        }
    }
    g->begun = true;
    return true;
}

/* Makes the ring's first four scans those around the instant. */
static bool bring_up(struct spi_ring *r, int64_t t_ns)
{
    while (spi_ring_count(r) >= NODES && spi_ring_at(r, 2)->t_ns <= t_ns) {
        spi_ring_drop(r, 1);
    }
    return spi_ring_count(r) >= NODES;
}

/* The first instant at which the chip can tell a value again; t_ns itself if it can. */
static int64_t tells_from_ns(const struct spi_grid *g, unsigned chip, int64_t t_ns)
{
    const struct spi_ring *r = g->ring[chip];
    int64_t from_ns = spi_ring_at(r, 1)->t_ns, to_ns = spi_ring_at(r, 2)->t_ns;

    if (t_ns < from_ns) {
        return from_ns;
    }
    return to_ns - from_ns > g->period_ps / 1000 + SPI_PAUSE_NS ? to_ns : t_ns;
}

/* Lagrange's weights of the four scans at the instant; they add up to one exactly. */
static void weigh(const struct spi_ring *r, int64_t t_ns, int32_t weight_out[NODES])
{
    double x[NODES], one = 1 << WEIGHT_BITS;
    int32_t sum = 0;

    for (unsigned k = 0; k < NODES; k++) {
        x[k] = (double)(spi_ring_at(r, k)->t_ns - t_ns);
    }
    for (unsigned k = 0; k < NODES; k++) {
        double w = one;

        for (unsigned m = 0; m < NODES; m++) {
            w *= m == k ? 1 : x[m] / (x[m] - x[k]);
        }
        weight_out[k] = (int32_t)lrint(w);
        sum += weight_out[k];
    }
    weight_out[1] += (1 << WEIGHT_BITS) - sum;
}

static void interpolate(const struct spi_grid *g, unsigned chip, int64_t t_ns, int32_t *code_out)
{
    const struct spi_ring *r = g->ring[chip];
    const struct spi_chip *c = g->chip[chip];
    int32_t weight[NODES];

    weigh(r, t_ns, weight);
    for (unsigned i = 0; i < c->channels; i++) {
        int64_t sum = INT64_C(1) << (WEIGHT_BITS - 1); /* rounds */
        int64_t code;

        for (unsigned k = 0; k < NODES; k++) {
            sum += (int64_t)weight[k] * spi_ring_at(r, k)->code[i];
        }
        code = sum >> WEIGHT_BITS;
        code = code < 0 ? 0 : code > CODE_MAX ? CODE_MAX : code;
        code_out[c->channel[i]] = (int32_t)code - MID_SCALE;
    }
}

/* Passes over the scans of the grid that no chip, or not every chip, can tell. False: more scans
 * are needed. */
static bool pass_gap(struct spi_grid *g)
{
    for (unsigned i = 0; i < g->chips;) {
        int64_t t_ns = instant_ns(g, g->next), from_ns;

        if (!bring_up(g->ring[i], t_ns)) {
            return false;
        }
        from_ns = tells_from_ns(g, i, t_ns);
        if (from_ns == t_ns) {
            i++;
        } else {
            int64_t hole_ps = (from_ns - t_ns) * 1000;
            uint64_t lost = (uint64_t)((hole_ps + g->period_ps - 1) / g->period_ps);

            g->next += lost;
            g->dropped += lost;
            i = 0;
        }
    }
    return true;
}

bool spi_grid_next(struct spi_grid *g, struct spi_grid_scan *out)
{
    int64_t t_ns;

    if ((!g->begun && !begin(g)) || !pass_gap(g)) {
        return false;
    }
    t_ns = instant_ns(g, g->next);
    memset(out->code, 0, sizeof(out->code));
    for (unsigned i = 0; i < g->chips; i++) {
        interpolate(g, i, t_ns, out->code + i * SPI_CHANNELS);
    }
    out->t_ns = t_ns;
    out->dropped = g->dropped;
    g->dropped = 0;
    g->next++;
    return true;
}
