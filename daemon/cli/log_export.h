/*
 * log_export.h: `heatwatt log export`.
 */
#ifndef DAEMON_CLI_LOG_EXPORT_H
#define DAEMON_CLI_LOG_EXPORT_H

int log_export_main(int argc, char **argv);

#endif
