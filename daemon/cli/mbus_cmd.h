/*
 * mbus_cmd.h: `heatwatt mbus search` finds the meters of a bus, `heatwatt mbus set-address` gives
 * one another primary address: the only part of the program that changes a meter.
 */
#ifndef DAEMON_CLI_MBUS_CMD_H
#define DAEMON_CLI_MBUS_CMD_H

/* argv[0] is "mbus". Returns the exit status: 0 ok, 1 failed, 2 usage. */
int mbus_main(int argc, char **argv);

#endif
