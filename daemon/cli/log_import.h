/*
 * log_import.h: `heatwatt log import`.
 */
#ifndef DAEMON_CLI_LOG_IMPORT_H
#define DAEMON_CLI_LOG_IMPORT_H

int log_import_main(int argc, char **argv);

#endif
