/*
 * peers.h: our models of how other firmwares measure active power, on the same signals: the method
 * as published, with an ideal converter of their resolution, perfect constants at 50 Hz, and the
 * gain calibrated at 50 A, PF 1. Models of the methods, not the firmwares.
 */
#ifndef BENCH_ACCURACY_PEERS_H
#define BENCH_ACCURACY_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/accuracy/signal.h"

enum peer { PEER_EMONLIBCM, PEER_EMONLIBDB, PEER_EMON32, PEER_IOTAWATT, PEER_COUNT };

extern const char *const peer_names[PEER_COUNT];

struct peer_run {
    const struct signal *signal;
    double vt_lead_deg, ct_lead_deg; /* at 50 Hz */
    double ct_told_deg;              /* the one constant of those that have no table */
    double seconds;
    uint64_t seed;
};

/* W, the mean of about `seconds` from 0.4 s on, and between which instants; false: it found no
 * crossings. Not calibrated: see peer_gain. */
bool peer_power(enum peer peer, const struct peer_run *run, double *watts_out, double *from_out,
                double *to_out);

/* What peer_power must be multiplied with: calibrated with sensors that lead, or with ideal ones.
 */
double peer_gain(enum peer peer, bool ideal);

#endif
