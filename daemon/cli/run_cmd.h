/*
 * run_cmd.h: `heatwatt run --config FILE`.
 */
#ifndef DAEMON_CLI_RUN_CMD_H
#define DAEMON_CLI_RUN_CMD_H

/* Returns the exit code. */
int run_main(int argc, char **argv);

#endif
