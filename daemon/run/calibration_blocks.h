/*
 * calibration_blocks.h: a log's records as blocks of energy, one row of a fit each.
 *
 *   records ─▶ energies at the instants the meter was read ─▶ blocks ─▶ rows, in runs
 *
 * A block ends where the meter was read. A hole in the records, a start of the daemon, a value that
 * is missing, or a register that fell ends a run of blocks.
 */
#ifndef DAEMON_RUN_CALIBRATION_BLOCKS_H
#define DAEMON_RUN_CALIBRATION_BLOCKS_H

#include "daemon/run/calibration_log.h"

enum {
    CALIBRATION_BLOCKS_MAX = 900,
    /* Of a row: the circuits' energies, reactive energy, hours, and what was compared with. */
    CALIBRATION_COLUMNS = CALIBRATION_CIRCUITS_MAX + 3
};

struct calibration_blocks {
    const struct calibration_series *series;
    /* Wh..., varh, h, Wh: x of series->count, q, hours, y */
    double row[CALIBRATION_BLOCKS_MAX][CALIBRATION_COLUMNS];
    uint16_t run[HWT_FIT_RUNS_MAX]; /* rows of each */
    unsigned rows, runs;
    int64_t block_ms; /* the shortest block there is; more than fit are joined by twos */
};

/* All records of the series. False: out of memory. */
bool calibration_blocks_read(const struct calibration_series *series,
                             struct calibration_blocks *out);
/*
 * A register's error is of each instant by itself only if it has stepped since the instant before:
 * blocks become as long as two steps, as long as enough of them are left.
 */
void calibration_blocks_fit_to_steps(struct calibration_blocks *b);

#endif
