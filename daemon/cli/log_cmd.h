/*
 * log_cmd.h: `heatwatt log`: the commands that look after a log.
 */
#ifndef DAEMON_CLI_LOG_CMD_H
#define DAEMON_CLI_LOG_CMD_H

int log_main(int argc, char **argv);

#endif
