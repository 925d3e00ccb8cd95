/*
 * scan_emon.h: what a line of an emonTx or of a radio receiver tells about who sends it. Inside
 * daemon/drivers/scan* only.
 */
#ifndef DAEMON_DRIVERS_SCAN_EMON_H
#define DAEMON_DRIVERS_SCAN_EMON_H

#include "daemon/drivers/scan_step.h"

enum scan_line {
    SCAN_LINE_EMON,  /* *found is filled in */
    SCAN_LINE_TEXT,  /* readable, but no values: the speed is right */
    SCAN_LINE_OTHER, /* neither */
};

/* A line without its end. Of found only what the line tells is written. */
enum scan_line scan_emon_line(const char *line, size_t n, struct scan_found *found);

#endif
