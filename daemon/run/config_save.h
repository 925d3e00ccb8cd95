/*
 * config_save.h: a file is exchanged for its new text, so that whatever happens meanwhile one of
 * the two is there, whole.
 *
 *   FILE ──copy──▶ FILE.bak          new text ──▶ .FILE.XXXXXX ── fsync, rename ──▶ FILE
 *
 * Mode and owner stay. A symbolic link stays one: the file it leads to is exchanged.
 */
#ifndef DAEMON_RUN_CONFIG_SAVE_H
#define DAEMON_RUN_CONFIG_SAVE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/run/config_problems.h"

/*
 * `seen`: the seen_n bytes the new text was made from; when the file holds others by now nothing is
 * written. False after a problem that says why; the file is then as it was, but FILE.bak may be
 * there. Blocks until all is on the disk.
 */
bool config_save(const char *path, const char *seen, size_t seen_n, const char *text, size_t n,
                 struct config_problems *problems);

#endif
