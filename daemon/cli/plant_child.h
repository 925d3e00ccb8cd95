/*
 * plant_child.h: heatwatt-sim as a child of `heatwatt demo`. It is found beside our own program,
 * else by PATH.
 */
#ifndef DAEMON_CLI_PLANT_CHILD_H
#define DAEMON_CLI_PLANT_CHILD_H

#include <sys/types.h>

/* Starts `heatwatt-sim ARGV[1..]` (argv[0] is filled in) and returns once it printed "ready", for
 * which it has ready_ms. The child dies with us. Its pid, or -1 after a sentence on stderr. */
pid_t plant_start(char **argv, int ready_ms);
/* Tells it to end and waits. */
void plant_stop(pid_t pid);

#endif
