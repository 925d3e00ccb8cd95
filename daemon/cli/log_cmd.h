/*
 * log_cmd.h: `heatwatt log`: import, verify, dump and info of a log. DIR is the data folder, or the
 * folder of the log itself.
 */
#ifndef DAEMON_CLI_LOG_CMD_H
#define DAEMON_CLI_LOG_CMD_H

#include "daemon/store/import.h" /* log_import_csv */

int log_main(int argc, char **argv);

#endif
