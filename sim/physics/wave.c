#include "sim/physics/wave.h"

#include <math.h>
#include <string.h>

#define FINE  (2 * WAVE_POINTS) /* points of a cycle when integrating: Simpson needs midpoints */
#define SQRT2 1.41421356237309504880
#define PI    3.14159265358979323846

const char *const wave_kind_names[WAVE_KINDS] = {
    [WAVE_SINE] = "sine",           [WAVE_QUADRATURE] = "quadrature",
    [WAVE_RESISTIVE] = "resistive", [WAVE_MOTOR] = "motor",
    [WAVE_SMPS] = "smps",           [WAVE_DIMMER] = "dimmer",
    [WAVE_CAPACITOR] = "capacitor", [WAVE_PFC] = "pfc",
    [WAVE_INVERTER] = "inverter",
};

struct line {
    int h;
    double percent; /* of the fundamental's nominal 100 */
    double deg;     /* lead over the voltage's fundamental, at its own frequency */
};

/* A distribution network at a few per cent distortion; the heat pump row set of the accuracy bench.
 */
static const struct line mains_lines[] = {
    {1, 100.0, 0}, {3, 1.0, 20}, {5, 2.5, 160}, {7, 1.2, 10}, {11, 0.6, 60}, {0, 0, 0},
};
static const struct line sine_lines[] = {{1, 100.0, 0}, {0, 0, 0}};
static const struct line quadrature_lines[] = {{1, 100.0, -90}, {0, 0, 0}};
static const struct line motor_lines[] = {
    {1, 100.0, -39}, {3, 7.0, 150}, {5, 4.0, -20}, {7, 1.5, 60}, {0, 0, 0},
};
static const struct line capacitor_lines[] = {
    {1, 100.0, 89.4},
    {5, 4.5, -120},
    {7, 5.8, 120},
    {0, 0, 0},
};
static const struct line pfc_lines[] = {
    {1, 98.5, 4}, {3, 12, 150},   {5, 7, -30}, {7, 4, 60},
    {9, 3, 0},    {11, 2.5, 100}, {13, 2, 30}, {0, 0, 0},
};
static const struct line inverter_lines[] = {
    {1, 100.0, 1}, {3, 1.8, 30}, {5, 1.4, 170}, {7, 0.8, -60}, {11, 0.5, 0}, {0, 0, 0},
};

static void normalise(struct wave_spectrum *s)
{
    double square = 0;

    for (int h = 1; h <= WAVE_HARMONICS; h++) {
        square += s->re[h] * s->re[h] + s->im[h] * s->im[h];
    }
    for (int h = 1; h <= WAVE_HARMONICS; h++) {
        s->re[h] /= sqrt(square);
        s->im[h] /= sqrt(square);
    }
}

static void from_lines(struct wave_spectrum *s, const struct line *l)
{
    memset(s, 0, sizeof(*s));
    for (; l->h != 0; l++) {
        s->re[l->h] = l->percent * cos(l->deg * PI / 180.0);
        s->im[l->h] = l->percent * sin(l->deg * PI / 180.0);
    }
    normalise(s);
}

/* Half a cycle of a shape, u in [0, 1); the other half is its negative. */
typedef double (*half_shape)(double u);

/* A raised cosine of 17 % of the half cycle, its middle 3 % before the crest. */
static double smps_shape(double u)
{
    double d = (u - 0.47) / 0.085;

    return fabs(d) < 1.0 ? 1.0 + cos(PI * d) : 0.0;
}

static double dimmer_shape(double u)
{
    return u < 0.5 ? 0.0 : sin(PI * u);
}

/* Fourier series of a shape, band-limited softly (sigma factors) so that a table needs no more than
 * its points: the wiring of a house has no steps either. */
static void from_shape(struct wave_spectrum *s, half_shape shape)
{
    memset(s, 0, sizeof(*s));
    for (int h = 1; h < WAVE_HARMONICS; h += 2) {
        double x = PI * (double)h / (WAVE_HARMONICS + 1);
        double sigma = sin(x) / x;

        for (int i = 0; i < FINE; i++) {
            double u = ((double)i + 0.5) / FINE;

            s->re[h] += sigma * shape(u) * sin(PI * (double)h * u);
            s->im[h] += sigma * shape(u) * cos(PI * (double)h * u);
        }
    }
    normalise(s);
}

void wave_table(const struct wave_spectrum *s, int points, double *out)
{
    for (int i = 0; i < points; i++) {
        out[i] = 0;
    }
    for (int h = 1; h <= WAVE_HARMONICS; h++) {
        if (s->re[h] == 0.0 && s->im[h] == 0.0) {
            continue;
        }
        /* sin(h theta) from point to point by rotation; started anew every 64 points */
        double turn = 2.0 * PI * (double)h / points, cs = cos(turn), sn = sin(turn), a = 0, b = 1;

        for (int i = 0; i < points; i++) {
            if (i % 64 == 0) {
                a = sin(turn * (double)i);
                b = cos(turn * (double)i);
            }
            out[i] += SQRT2 * (s->re[h] * a + s->im[h] * b);

            double next = a * cs + b * sn;

            b = b * cs - a * sn;
            a = next;
        }
    }
}

/* Simpson's rule over pairs of the fine points: with products of harmonics up to the 78th the error
 * is below 1e-7 of the integral. */
static void integrate(struct waves *w, enum wave_kind k, const double *v, const double *i)
{
    double sum = 0;

    w->energy[k][0] = 0;
    for (int n = 0; n < WAVE_POINTS; n++) {
        int a = 2 * n, b = a + 1, c = (a + 2) % FINE;

        sum += (v[a] * i[a] + 4.0 * v[b] * i[b] + v[c] * i[c]) / (6.0 * WAVE_POINTS);
        w->energy[k][n + 1] = sum;
    }
    w->p[k] = sum;
}

static double spectrum_product(const struct wave_spectrum *a, const struct wave_spectrum *b)
{
    double sum = 0;

    for (int h = 1; h <= WAVE_HARMONICS; h++) {
        sum += a->re[h] * b->re[h] + a->im[h] * b->im[h];
    }
    return sum;
}

void waves_init(struct waves *w)
{
    double v[FINE], i[FINE];

    from_lines(&w->mains, mains_lines);
    from_lines(&w->kind[WAVE_SINE], sine_lines);
    from_lines(&w->kind[WAVE_QUADRATURE], quadrature_lines);
    w->kind[WAVE_RESISTIVE] = w->mains;
    from_lines(&w->kind[WAVE_MOTOR], motor_lines);
    from_shape(&w->kind[WAVE_SMPS], smps_shape);
    from_shape(&w->kind[WAVE_DIMMER], dimmer_shape);
    from_lines(&w->kind[WAVE_CAPACITOR], capacitor_lines);
    from_lines(&w->kind[WAVE_PFC], pfc_lines);
    from_lines(&w->kind[WAVE_INVERTER], inverter_lines);

    wave_table(&w->mains, FINE, v);
    for (int k = 0; k < WAVE_KINDS; k++) {
        wave_table(&w->kind[k], FINE, i);
        integrate(w, (enum wave_kind)k, v, i);
        for (int j = 0; j < WAVE_KINDS; j++) {
            w->g[k][j] = spectrum_product(&w->kind[k], &w->kind[j]);
        }
    }
}

/* The integral from 0 to theta, 0 <= theta < 1. */
static double energy_at(const double *table, double theta)
{
    double x = theta * WAVE_POINTS;
    int n = (int)x;

    if (n >= WAVE_POINTS) {
        n = WAVE_POINTS - 1;
    }
    return table[n] + (table[n + 1] - table[n]) * (x - (double)n);
}

double wave_energy(const struct waves *w, enum wave_kind kind, double from, double to)
{
    double whole_from = floor(from), whole_to = floor(to);

    return (whole_to - whole_from) * w->p[kind] + energy_at(w->energy[kind], to - whole_to) -
           energy_at(w->energy[kind], from - whole_from);
}
