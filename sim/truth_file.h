/*
 * truth_file.h: the truth as a file of JSON, replaced as a whole, readable by its owner only.
 */
#ifndef SIM_TRUTH_FILE_H
#define SIM_TRUTH_FILE_H

#include "sim/live.h"

/* 0, or -1 with errno. */
int truth_file_write(const struct live *l, const char *path);

#endif
