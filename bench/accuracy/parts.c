/* parts.c: chance, converters and sensors of the chain. */
#include <math.h>
#include <string.h>

#include "bench/accuracy/chain.h"

#define PI 3.14159265358979323846

/* --- chance ---------------------------------------------------------------------------------- */

void random_start(struct random *r, uint64_t seed)
{
    r->state = seed * 0x9E3779B97F4A7C15u + 0x1234567;
    r->has_spare = false;
    for (int k = 0; k < 10; k++) {
        (void)random_uniform(r);
    }
}

double random_uniform(struct random *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return ((double)(r->state >> 11) + 0.5) / 9007199254740992.0;
}

double random_gauss(struct random *r)
{
    double x, y, square;

    if (r->has_spare) {
        r->has_spare = false;
        return r->spare;
    }
    do { /* Marsaglia's polar method */
        x = 2 * random_uniform(r) - 1;
        y = 2 * random_uniform(r) - 1;
        square = x * x + y * y;
    } while (square >= 1);
    square = sqrt(-2 * log(square) / square);
    r->spare = x * square;
    r->has_spare = true;
    return y * square;
}

/* --- converter ------------------------------------------------------------------------------- */

void sar_make(struct sar *sar, struct random *r, double random_codes)
{
    double bit[12], s_curve = random_uniform(r) < 0.5 ? -0.5 : 0.5;

    /* Unit elements with a deviation of 0.35 / 64 each: the step from 0111.. to 1000.. has 0.35. */
    for (int k = 0; k < 12; k++) {
        bit[k] = (double)(1 << k) + 0.35 / 64 * sqrt((double)(1 << k)) * random_gauss(r);
    }
    for (int code = 0; code < CHAIN_CODES; code++) {
        double sum = 0;

        for (int k = 0; k < 12; k++) {
            sum += (code >> k & 1) != 0 ? bit[k] : 0;
        }
        sum += s_curve * sin(2 * PI * code / CHAIN_CODES) + random_codes * random_gauss(r);
        sar->threshold[code] = sum - 0.5 - CHAIN_CODES / 2;
    }
}

int32_t convert(double codes, unsigned bits, const struct sar *sar)
{
    double top = ldexp(1, (int)bits - 1) - 1;
    int code = 0;

    if (sar == NULL) {
        codes = floor(codes + 0.5);
        return (int32_t)(codes > top ? top : codes < -top - 1 ? -top - 1 : codes);
    }
    for (int bit = 11; bit >= 0; bit--) {
        code |= codes >= sar->threshold[code | 1 << bit] ? 1 << bit : 0;
    }
    return code - CHAIN_CODES / 2;
}

/* --- sensor ---------------------------------------------------------------------------------- */

void sensor_start(struct sensor *s, double lead_deg)
{
    double lead = lead_deg * PI / 180;

    memset(s, 0, sizeof(*s));
    s->corner = 2 * PI * 50 * tan(lead);
    s->gain = 1 / cos(lead);
}

/* low' = corner (x - low), by the trapezoid rule; out = x - low. */
double sensor_feed(struct sensor *s, double x, double dt_s)
{
    double k = s->corner * dt_s / 2;

    if (s->started) {
        s->low = ((1 - k) * s->low + k * (x + s->last)) / (1 + k);
    }
    s->started = true;
    s->last = x;
    return s->gain * (x - s->low);
}
