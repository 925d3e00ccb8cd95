/* scan_cmd.h: `heatwatt scan`: what is on these ports, and how a configuration would say it. */
#ifndef DAEMON_CLI_SCAN_CMD_H
#define DAEMON_CLI_SCAN_CMD_H

/* argv[0] is "scan". The exit status: 0 found, 1 nothing found or a port failed, 2 usage. */
int scan_main(int argc, char **argv);

#endif
