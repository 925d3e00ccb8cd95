/*
 * points.h: the rows of the table: what is asked, of which limit, and the worst of all seeds.
 */
#ifndef BENCH_ACCURACY_POINTS_H
#define BENCH_ACCURACY_POINTS_H

#include <stdbool.h>

#include "bench/accuracy/peers.h"

struct result {   /* of one row, one resolution */
    double worst; /* %, or the row's unit; NAN: not run */
    double limit; /* the same; NAN: reported only */
};

struct row {
    const char *id;
    char text[64];
    const char *unit;
    struct result bits12, bits16;
    double peer[PEER_COUNT]; /* worst, %; NAN: not modelled */
};

struct bench {
    unsigned seeds;
    const char *only; /* prefix of the ids that are run; NULL: all */
    bool full;        /* also what takes minutes */
    bool peers;
    unsigned rows, missed;
};

/* The id is to be run. */
bool bench_wants(const struct bench *b, const char *id);
/* Prints the row and counts a miss. */
void bench_row(struct bench *b, const struct row *row);
/* A row with nothing in it. */
struct row bench_start(const char *id, const char *text, const char *unit);
/* Takes a value into a result: the worst, and its limit. */
void bench_take(struct result *r, double value, double limit);

void points_power(struct bench *b);     /* E1 .. E22 */
void points_faults(struct bench *b);    /* E21 .. E25 */
void points_sensors(struct bench *b);   /* S1 .. S7 */
void points_phases(struct bench *b);    /* S8, S9 */
void points_registers(struct bench *b); /* D1 .. D5 */
void points_values(struct bench *b);    /* V1, F1, I1, Q1, H1 */
/* R1: the recordings of a folder. */
void points_recordings(struct bench *b, const char *folder);

#endif
