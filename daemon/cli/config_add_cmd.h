/*
 * config_add_cmd.h: `heatwatt config add [--check] FILE SOURCE`.
 */
#ifndef DAEMON_CLI_CONFIG_ADD_CMD_H
#define DAEMON_CLI_CONFIG_ADD_CMD_H

/* argv[0] is "add". Returns the exit status. */
int config_add_main(int argc, char **argv);

#endif
