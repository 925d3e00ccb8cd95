/*
 * meter_cmd.h: `heatwatt meter`: recorded waveforms through the metering core, as JSON.
 */
#ifndef DAEMON_CLI_METER_CMD_H
#define DAEMON_CLI_METER_CMD_H

/*
 * argv[0] is "meter". Exit status: 0 measured, 1 a file is wrong or holds no whole cycles of a
 * mains voltage, 2 usage.
 */
int meter_main(int argc, char **argv);

#endif
