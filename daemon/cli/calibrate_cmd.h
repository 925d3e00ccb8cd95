/* calibrate_cmd.h: `heatwatt calibrate`: asks the running daemon by its API (docs/CALIBRATION.md).
 */
#ifndef DAEMON_CLI_CALIBRATE_CMD_H
#define DAEMON_CLI_CALIBRATE_CMD_H

/* argv[0] is "calibrate". Returns the exit status: 0 done, 1 failed or refused, 2 usage. */
int calibrate_main(int argc, char **argv);

#endif
