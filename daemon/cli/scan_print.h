/* scan_print.h: what a scan found, for people: a few lines each, then a block to copy. */
#ifndef DAEMON_CLI_SCAN_PRINT_H
#define DAEMON_CLI_SCAN_PRINT_H

#include "daemon/run/scan_result.h"

/* To stdout. */
void scan_print(const struct scan_result *r);

#endif
