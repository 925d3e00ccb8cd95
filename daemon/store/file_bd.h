/*
 * file_bd.h: the log's block device on files.
 *
 *   DIR/lock           held while the log is open for writing
 *   DIR/control.hwl    block 0: superblock and slots
 *   DIR/seg-00007.hwl  block 7, preallocated when it is erased; removed when it is discarded
 *
 * Reads may come from any thread; all else from one. A file's length means nothing: what is not
 * there reads as zeros.
 */
#ifndef DAEMON_STORE_FILE_BD_H
#define DAEMON_STORE_FILE_BD_H

#include <sys/types.h>

#include "core/tslog/tslog.h"

enum { FILE_BD_BLOCK = 1 << 20 };

struct file_bd; /* opaque */

struct file_bd_options {
    const char *dir;
    uint32_t blocks; /* at least that many; more if files of higher blocks are there */
    bool read_only;  /* takes no lock, makes nothing */
    bool must_exist; /* the folder is not made */
    bool sparse;     /* files grow as they are written, instead of being preallocated */
    /* for tests, NULL: the system's; as those, but for any file of the log */
    ssize_t (*write_at)(int fd, const void *buf, size_t n, off_t offset);
    int (*flush)(int fd);
};

/* NULL: `error` says why in one sentence. Makes the folder (and its parent) if there is none. */
struct file_bd *file_bd_open(const struct file_bd_options *options, char *error, size_t n);
void file_bd_close(struct file_bd *d);
struct hwt_bd file_bd_device(struct file_bd *d);
/* Whether there were records when it was opened, so that a log is to be found, never to be made. */
bool file_bd_had_records(const struct file_bd *d);
/* An error of the log on this device, for people: one phrase; of IO what failed and why, "write
 * seg-00007.hwl: Input/output error". For the thread that writes. */
const char *file_bd_explain(const struct file_bd *d, int err);
/* Bytes free to this user on the disk; 0 if that cannot be told. */
uint64_t file_bd_free_bytes(const struct file_bd *d);

#endif
