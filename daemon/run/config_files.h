/*
 * config_files.h: reading a small file whole.
 */
#ifndef DAEMON_RUN_CONFIG_FILES_H
#define DAEMON_RUN_CONFIG_FILES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * All of an open file, but at most CONFIG_FILE_MAX + 1 bytes: one more than a configuration may
 * have, so that config_tree_parse() refuses it. The caller frees the text. False: errno says why.
 */
bool config_read_file(int fd, char **text_out, size_t *n_out);

#endif
