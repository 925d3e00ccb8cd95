/*
 * config_add.h: adds sources to a configuration file: edited, checked as a whole, and written.
 */
#ifndef DAEMON_RUN_CONFIG_ADD_H
#define DAEMON_RUN_CONFIG_ADD_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/run/config_problems.h"

enum config_add_result {
    CONFIG_ADD_OK,
    CONFIG_ADD_TAKEN, /* another source has its id */
    CONFIG_ADD_WRONG, /* what is to be added is wrong, by itself or beside what there is */
    CONFIG_ADD_FILE,  /* the file has errors of its own, or a form to which nothing can be added */
    CONFIG_ADD_FAILED /* it could not be read or written */
};

/*
 * Items as of config_edit.h. The file is taken as it is on the disk now. With `check_only` nothing
 * is written. The problems say why not; those of the new source have fields such as
 * "sources[3].address". Blocks: reads and writes files.
 */
enum config_add_result config_add(const char *path, const char *item, size_t item_n,
                                  bool check_only, struct config_problems *problems);

#endif
