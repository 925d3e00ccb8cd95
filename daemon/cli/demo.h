/*
 * demo.h: `heatwatt demo`: the daemon on the virtual plant, with plant-made history.
 */
#ifndef DAEMON_CLI_DEMO_H
#define DAEMON_CLI_DEMO_H

/* Returns the exit code. */
int demo_main(int argc, char **argv);

#endif
