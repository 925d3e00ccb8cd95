/*
 * history.h: days of the house in seconds of real time, as a CSV of minutes.
 *
 * A row is labelled by the end of its minute (unix ms); gauges are means of the minute, counters
 * stand as at its end and begin at 0 (the heat meter's own register: where it stood). Columns are
 * named as the demo's channels. docs/PLANT.md lists them.
 */
#ifndef SIM_HISTORY_H
#define SIM_HISTORY_H

#include <stdint.h>

#include "sim/model.h"

/* Runs the model `days` on; path NULL: without a file. 0, or -1 with errno. */
int history_run(struct model *m, int64_t days, const char *path);

#endif
