/*
 * part_look.h: what a partition holds, before anything is written to it.
 */
#ifndef DAEMON_STORE_PART_LOOK_H
#define DAEMON_STORE_PART_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum part_content {
    PART_LOG,    /* a log of heatwatt, whole or damaged */
    PART_BLANK,  /* zeros where anything would show */
    PART_FOREIGN /* anything else; what_out names it: "an ext4 file system" */
};

enum { PART_WHAT_BYTES = 64 };

/* -1: it cannot be read (errno). Blocks. */
int part_look(int fd, char what_out[PART_WHAT_BYTES]);
/* Where the block device is mounted; false: nowhere (or it is no block device). */
bool part_mounted(const struct stat *st, char *where_out, size_t n);

#endif
