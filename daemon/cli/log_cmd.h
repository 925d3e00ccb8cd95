/*
 * log_cmd.h: `heatwatt log`: the commands that look after a log. DIR is the data folder, the folder
 * of the log itself, or its partition.
 */
#ifndef DAEMON_CLI_LOG_CMD_H
#define DAEMON_CLI_LOG_CMD_H

#include "daemon/store/log_dir.h"

enum { LOG_PATH_BYTES = 4096 };

int log_main(int argc, char **argv);

/* The place of the log: DIR if it holds one itself or is a partition, else DIR/log. */
void log_cmd_find(const char *dir, char path[LOG_PATH_BYTES]);
/* Opens it for reading; NULL: it cannot be, and said so. */
struct log_dir *log_cmd_open(const char *dir);
/* The stream of that name (NULL: the own); negative: there is none, and said so. */
int log_cmd_find_stream(struct log_dir *log, const char *name);

#endif
