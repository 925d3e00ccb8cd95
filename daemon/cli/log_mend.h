/*
 * log_mend.h: `heatwatt log repair` and `heatwatt log format`: what changes a log as a whole.
 */
#ifndef DAEMON_CLI_LOG_MEND_H
#define DAEMON_CLI_LOG_MEND_H

#include <stdbool.h>

/*
 * Mends what can be mended of the log at `path` (folder or partition), and prints which pages were,
 * which stay damaged, and which records are lost: stream, sequences, times. 0: no page is damaged
 * and no record lost any more; 1: some are, or it could not be opened (a daemon that runs has its
 * lock).
 */
int log_repair(const char *path);
/* Makes a log on a partition. Without `yes` it only says what would be lost, and returns 1. */
int log_format(const char *path, bool yes);

#endif
