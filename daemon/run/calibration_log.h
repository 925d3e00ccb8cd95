/*
 * calibration_log.h: what the log's records say of a clamp against a meter, and of a main clamp
 * against the sum of its circuits.
 *
 *   records ─▶ blocks (calibration_blocks.h) ─▶ hwt_fit_solve ─▶ gain, phase
 *
 * Works on a snapshot, in any thread; takes up to seconds.
 */
#ifndef DAEMON_RUN_CALIBRATION_LOG_H
#define DAEMON_RUN_CALIBRATION_LOG_H

#include "core/flow.h"
#include "core/meter/calibrate.h"
#include "core/tslog/tslog.h"

enum { CALIBRATION_CIRCUITS_MAX = HWT_SLOTS_MAX, CALIBRATION_REFUSAL_MAX = 240 };

/* An energy in the log: of counters, plus less minus, or of a gauge of power. */
struct calibration_energy {
    char plus[HWT_ID_MAX + 1];
    char minus[HWT_ID_MAX + 1];    /* "": none */
    char power[HWT_ID_MAX + 1];    /* instead of both, or "" */
    char reactive[HWT_ID_MAX + 1]; /* gauge of the fundamental's reactive power; "": none */
    bool negative;                 /* it counts against the others */
};

struct calibration_series {
    const struct hwt_tslog_snapshot *snapshot;
    struct calibration_energy what[CALIBRATION_CIRCUITS_MAX]; /* clamps: 1, or the circuits */
    unsigned count;
    struct calibration_energy against; /* a meter, or the main clamp */
    int64_t from_ms, to_ms;
    uint64_t first; /* records before this one are passed over */
};

struct calibration_result {
    struct hwt_found gain[CALIBRATION_CIRCUITS_MAX];
    bool known[CALIBRATION_CIRCUITS_MAX]; /* well enough to be used */
    struct hwt_found phase_deg;           /* of a single clamp */
    bool has_phase;
    struct hwt_found offset_w;
    bool has_offset;
    unsigned blocks, left_out;
    double hours, wh; /* that the blocks hold, of what it was compared with */
    int64_t from_ms, to_ms;
    char refusal[CALIBRATION_REFUSAL_MAX]; /* "": found */
};

/* One clamp: gain, phase and offset, as far as the records tell them apart. */
void calibration_against_meter(const struct calibration_series *series,
                               struct calibration_result *out);
/* Circuits: the gain of each. */
void calibration_against_main(const struct calibration_series *series,
                              struct calibration_result *out);

#endif
