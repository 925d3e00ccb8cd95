/*
 * calibration_past_state.h: what the files of calibration_past share; no one else includes it.
 *
 *   calibration_past.c     inputs, stretches, the pass over the records, the act as a whole
 *   calibration_correct.c  from stretches to corrections
 */
#ifndef DAEMON_RUN_CALIBRATION_PAST_STATE_H
#define DAEMON_RUN_CALIBRATION_PAST_STATE_H

#include "daemon/run/calibration_past.h"

#define PAST_DEGREE (3.14159265358979323846 / 180)

enum { PAST_STRETCHES_MAX = 2 * CALIBRATION_STEPS_MAX, PAST_COUNTERS = 4 };

/* Counters of a clamp; the last two are the ledger's. */
enum { PAST_IMPORT, PAST_EXPORT, PAST_ELEC, PAST_PAIRED };

/* Records that rest on one sensor, and how they come to rest on that of now. */
struct past_stretch {
    uint64_t first, last;
    double gain_v, gain_i;      /* of V; of I */
    double turn_deg;            /* further lead */
    double energy[2][2];        /* import, export; as recorded, as corrected: sums of P */
    int64_t end[PAST_COUNTERS]; /* counters of its last record that has them */
    bool known[PAST_COUNTERS];
};

struct past_input {
    unsigned source;
    bool voltage, elec;
    double ratio, phase_deg; /* now */
    struct calibration_step step[CALIBRATION_STEPS_MAX];
    size_t steps;
    int against; /* clamps: its voltage's index in input[], or -1: that stays as it is */
    int counter[PAST_COUNTERS], power, reactive; /* clamps: columns of now, or COLUMN_NONE */
    struct past_stretch stretch[PAST_STRETCHES_MAX];
    size_t stretches;
    int64_t before[PAST_COUNTERS]; /* of the record before the first */
    bool before_known[PAST_COUNTERS];
};

struct calibration_past {
    const struct installation *site;
    int64_t since_ms, now_ms;
    char id[HWT_ID_MAX + 1];
    uint64_t first, last; /* of the range; first > last: no records */
    struct past_input *input[CALIBRATION_PAST_INPUTS];
    size_t inputs;
    bool failed; /* out of memory */
    struct hwt_correction correction[HWT_TSLOG_CORRECTIONS_MAX];
    size_t corrections;
    bool full;
};

/* The id of a column of now; "" of COLUMN_NONE. */
const char *calibration_past_channel(const struct calibration_past *p, int column);
/* Appends the corrections of an input, whose stretches have seen the records. */
void calibration_correct(struct calibration_past *p, const struct past_input *in);

#endif
