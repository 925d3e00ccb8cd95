/*
 * config_cmd.h: `heatwatt config check [--json] FILE`, `heatwatt config
 * map`, `heatwatt config presets`, `heatwatt config reference`.
 *
 * check lists everything wrong with a configuration on stderr and returns 1, or prints what it sets
 * up and returns 0. With --json both are one object on stdout. Starts nothing, opens no port.
 */
#ifndef DAEMON_CLI_CONFIG_CMD_H
#define DAEMON_CLI_CONFIG_CMD_H

/* argv[0] is "config". Returns the exit status: 0 right, 1 wrong, 2 usage. */
int config_main(int argc, char **argv);

#endif
