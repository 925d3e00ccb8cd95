/*
 * log_info.h: `heatwatt log info`.
 */
#ifndef DAEMON_CLI_LOG_INFO_H
#define DAEMON_CLI_LOG_INFO_H

int log_info_main(int argc, char **argv);

#endif
