/*
 * wave.h: what voltages and currents of a household look like within a mains cycle.
 *
 *   x(t) = X sqrt2 sum over h of |z_h| sin(2 pi h theta + arg z_h),   theta in cycles
 *
 * theta = 0 is the upward zero crossing of the voltage's fundamental. Every spectrum here has an
 * RMS of 1; a circuit is a sum of kinds, each with its RMS amperes. Because the spectra are known,
 * power and energy of any stretch of time are known in closed form: that is the plant's truth.
 *
 * Nothing here knows of sensors or samples.
 */
#ifndef SIM_PHYSICS_WAVE_H
#define SIM_PHYSICS_WAVE_H

#include <stdint.h>

#define WAVE_HARMONICS 40   /* z[1] ... z[40] */
#define WAVE_POINTS    2048 /* of a table of one cycle */

enum wave_kind {
    WAVE_SINE,       /* pure, in phase with the voltage */
    WAVE_QUADRATURE, /* pure, lagging 90 degrees */
    WAVE_RESISTIVE,  /* the shape of the voltage */
    WAVE_MOTOR,      /* lagging, saturated iron */
    WAVE_SMPS,       /* rectifier and capacitor: a pulse near the crest */
    WAVE_DIMMER,     /* phase fired at 90 degrees */
    WAVE_CAPACITOR,  /* the filter capacitors of electronics at rest */
    WAVE_PFC,        /* inverter with active power factor correction */
    WAVE_INVERTER,   /* solar inverter */
    WAVE_KINDS
};

struct wave_spectrum {
    double re[WAVE_HARMONICS + 1]; /* |z_h| cos(arg z_h); [0] unused */
    double im[WAVE_HARMONICS + 1];
};

struct waves {
    struct wave_spectrum mains;            /* the voltage */
    struct wave_spectrum kind[WAVE_KINDS]; /* the currents */
    double p[WAVE_KINDS];                  /* mean of v i over a cycle: the power factor */
    double g[WAVE_KINDS][WAVE_KINDS];      /* mean of i_j i_k over a cycle */
    /* Integral of v i over theta from 0, in cycles; the last entry is p. */
    double energy[WAVE_KINDS][WAVE_POINTS + 1];
};

extern const char *const wave_kind_names[WAVE_KINDS];

/* Fills the tables. Pure: no state, no randomness. */
void waves_init(struct waves *w);

/* Integral of v i of a kind over [from, to], in cycles (to >= from; the integral over a whole cycle
 * is p[kind]). Times volts x amperes / hertz it is joules. Exact but for the straight line between
 * two points of the table, whose error does not add up. */
double wave_energy(const struct waves *w, enum wave_kind kind, double from, double to);

/* One cycle of a spectrum, out[i] = x(i / points) for X = 1; out holds `points` values. */
void wave_table(const struct wave_spectrum *s, int points, double *out);

#endif
