/*
 * log_args.h: what the commands of `heatwatt log` have in common on their command lines: options,
 * DIR and --stream. DIR is the data folder, the folder of the log itself, or its partition.
 */
#ifndef DAEMON_CLI_LOG_ARGS_H
#define DAEMON_CLI_LOG_ARGS_H

#include <getopt.h>

#include "daemon/store/log_dir.h"

enum { LOG_PATH_BYTES = 4096 };

struct log_args {
    const char *usage;
    const struct option *options; /* with {"help", no_argument, NULL, 'h'} */
    int operands;                 /* so many behind the options */
    /* An option and its text, which it may cut up; false: wrong, and said so. */
    bool (*take)(void *ctx, int option, char *text);
    void *ctx;
};

/* 0: go on, the operands are from argv[optind] on; 1: help was given; 2: wrong, and said so.
 * argv[0] is the verb. */
int log_args_parse(const struct log_args *a, int argc, char **argv);

/* The place of the log: DIR if it holds one itself or is a partition, else DIR/log. */
void log_args_place(const char *dir, char path[LOG_PATH_BYTES]);
/* Opens it for reading; NULL: it cannot be, and said so. */
struct log_dir *log_args_open(const char *dir);
/* The stream of that name (NULL: the own); negative: there is none, and said so. */
int log_args_stream(struct log_dir *log, const char *name);

#endif
