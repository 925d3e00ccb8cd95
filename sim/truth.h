/*
 * truth.h: what every circuit really did, from the closed form of its waves.
 *
 * Energies are integrals of v x i as the wires carry them, before any sensor. Import and export
 * split by the sign of a second's mean power; import less export is exact. Means are kept for
 * windows of 60 s that begin at whole minutes of wall time; the last 64 stay.
 *
 * The file is for tests: a daemon must not be able to open it (mode 0600, another directory).
 */
#ifndef SIM_TRUTH_H
#define SIM_TRUTH_H

#include <stdint.h>

#include "sim/physics/house.h"

#define TRUTH_WINDOWS  64
#define TRUTH_WINDOW_S 60

/* Sums while a window runs; means when it is complete. */
struct truth_window {
    double start_s, end_s; /* s since the plant's start */
    double v;              /* V^2 s, then V */
    double hz;             /* Hz s, then Hz */
    struct truth_mean {
        double p; /* J, then W */
        double s; /* VA s, then VA: mean of volts x amperes RMS */
        double i; /* A^2 s, then A RMS */
    } circuit[CIRCUIT_COUNT];
};

struct truth {
    struct truth_energy {
        double import_j, export_j;             /* since the plant or its history began */
        double start_import_j, start_export_j; /* at the live start */
    } energy[CIRCUIT_COUNT];
    struct truth_window window[TRUTH_WINDOWS]; /* ring of complete windows */
    uint64_t windows;                          /* ever completed */

    struct truth_window now; /* private from here */
    int64_t start_unix_s;
    double amps[CIRCUIT_COUNT];     /* RMS in this second */
    double per_volt[CIRCUIT_COUNT]; /* mean power per volt in this second, W */
};

void truth_init(struct truth *t);

/* The house went on to a new second. */
void truth_second(struct truth *t, const struct house *h);

/* A whole second passed at the house's mean power: history, without waves. */
void truth_add_second(struct truth *t, const struct house *h);

/* History ends here: plant time 0 is start_unix_s, windows begin. */
void truth_start(struct truth *t, int64_t start_unix_s);

/* A stretch of time within the second: plant time [from_s, to_s), mains at `theta` (cycles) at its
 * start, `volts` RMS during it. */
void truth_add(struct truth *t, const struct house *h, double volts, double theta, double from_s,
               double to_s);

#endif
