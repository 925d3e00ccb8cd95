/*
 * config_value.h: one scalar of a configuration, by its row of the options table.
 */
#ifndef DAEMON_RUN_CONFIG_VALUE_H
#define DAEMON_RUN_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/run/config_table.h"

enum { CONFIG_WHY_MAX = 320 };

/*
 * Stores text as the option's kind in the `size` bytes at member. False if it is not right: why_out
 * (CONFIG_WHY_MAX bytes) says what is wrong and what would be right, member is untouched. `file` is
 * what relative paths start from.
 */
bool config_value_set(const struct config_option *o, const char *text, bool quoted,
                      const char *file, void *member, size_t size, char *why_out);

#endif
