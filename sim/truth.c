#include "sim/truth.h"

#include <math.h>
#include <string.h>

void truth_init(struct truth *t)
{
    memset(t, 0, sizeof(*t));
}

void truth_second(struct truth *t, const struct house *h)
{
    const struct waves *w = h->waves;

    for (int c = 0; c < CIRCUIT_COUNT; c++) {
        double square = 0, power = 0;

        for (int j = 0; j < WAVE_KINDS; j++) {
            if (h->amps[c][j] == 0.0) {
                continue;
            }
            power += h->amps[c][j] * w->p[j];
            for (int k = 0; k < WAVE_KINDS; k++) {
                square += h->amps[c][j] * h->amps[c][k] * w->g[j][k];
            }
        }
        t->amps[c] = square > 0.0 ? sqrt(square) : 0.0;
        t->per_volt[c] = power;
    }
}

/* The sign of the mean decides the register; see the header. */
static void count(struct truth_energy *e, double mean, double joules)
{
    if (mean >= 0.0) {
        e->import_j += joules;
    } else {
        e->export_j -= joules;
    }
}

void truth_add_second(struct truth *t, const struct house *h)
{
    for (int c = 0; c < CIRCUIT_COUNT; c++) {
        double p = house_power(h, (enum circuit)c);

        count(&t->energy[c], p, p);
    }
}

void truth_start(struct truth *t, int64_t start_unix_s)
{
    t->start_unix_s = start_unix_s;
    t->windows = 0;
    memset(&t->now, 0, sizeof(t->now));
    for (int c = 0; c < CIRCUIT_COUNT; c++) {
        t->energy[c].start_import_j = t->energy[c].import_j;
        t->energy[c].start_export_j = t->energy[c].export_j;
    }
}

/* The window is over; one that the plant's start cut short is not kept. */
static void complete_window(struct truth *t, double end_s)
{
    struct truth_window *w = &t->window[t->windows % TRUTH_WINDOWS];
    double span = end_s - t->now.start_s;

    if (span > TRUTH_WINDOW_S - 1e-3) {
        *w = t->now;
        w->end_s = end_s;
        w->v = sqrt(w->v / span);
        w->hz /= span;
        for (int c = 0; c < CIRCUIT_COUNT; c++) {
            w->circuit[c].p /= span;
            w->circuit[c].s /= span;
            w->circuit[c].i = sqrt(w->circuit[c].i / span);
        }
        t->windows++;
    }
    memset(&t->now, 0, sizeof(t->now));
    t->now.start_s = end_s;
}

/* A stretch inside one window. */
static void add_stretch(struct truth *t, const struct house *h, double volts, double theta,
                        double span)
{
    double turn = span * h->hz, joules_per_amp[WAVE_KINDS];

    for (int k = 0; k < WAVE_KINDS; k++) {
        joules_per_amp[k] =
            volts / h->hz * wave_energy(h->waves, (enum wave_kind)k, theta, theta + turn);
    }
    t->now.v += volts * volts * span;
    t->now.hz += h->hz * span;
    for (int c = 0; c < CIRCUIT_COUNT; c++) {
        struct truth_mean *m = &t->now.circuit[c];
        double joules = 0;

        for (int k = 0; k < WAVE_KINDS; k++) {
            joules += h->amps[c][k] * joules_per_amp[k];
        }
        count(&t->energy[c], t->per_volt[c], joules);
        m->p += joules;
        m->s += volts * t->amps[c] * span;
        m->i += t->amps[c] * t->amps[c] * span;
    }
}

/* Plant time at which the running window ends. */
static double window_end(const struct truth *t)
{
    int64_t into = t->start_unix_s % TRUTH_WINDOW_S;
    double minutes = floor((t->now.start_s + (double)into) / TRUTH_WINDOW_S + 1e-9) + 1.0;

    return minutes * TRUTH_WINDOW_S - (double)into;
}

void truth_add(struct truth *t, const struct house *h, double volts, double theta, double from_s,
               double to_s)
{
    double end = window_end(t);

    if (to_s >= end) {
        add_stretch(t, h, volts, theta, end - from_s);
        theta += (end - from_s) * h->hz;
        complete_window(t, end);
        from_s = end;
    }
    add_stretch(t, h, volts, theta, to_s - from_s);
}
