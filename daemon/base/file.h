/*
 * file.h: files that outlive a power cut.
 *
 *   file_replace: text ─▶ PATH.new ─▶ fsync ─▶ rename onto PATH      file_sync_folder: the rename
 *
 * All say false with errno. They block as long as the disk takes.
 */
#ifndef DAEMON_BASE_FILE_H
#define DAEMON_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* All n bytes, however often that is interrupted. */
bool file_write_all(int fd, const char *p, size_t n);
/* The file is the one before or holds these n bytes, at any moment; PATH.new may be left behind. */
bool file_replace(const char *path, mode_t mode, const char *p, size_t n);
/* What was made, renamed or removed in the folder stays so. */
bool file_sync_folder(const char *folder);

#endif
