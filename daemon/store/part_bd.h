/*
 * part_bd.h: the log's block device on a partition without a file system, or on a file of fixed
 * length.
 *
 *   0         1 MiB     2 MiB
 *   │ block 0 │ block 1 │ block 2 …      block 0 begins with the superblock
 *
 * What is programmed is held in memory until sync, which writes whole pages past the kernel's cache
 * and then flushes the device's: a commit of one page gives the device these 4096 bytes and no
 * others. What a sync could not make safe stays held and the next one writes all of it again, so
 * that nothing hangs on what a device or a kernel keeps after an error. A sync comes by itself when
 * HELD_MAX pages are held.
 *
 * Reads may come from any thread; all else from one. It never makes a log where there is none:
 * part_format.h does.
 */
#ifndef DAEMON_STORE_PART_BD_H
#define DAEMON_STORE_PART_BD_H

#include <sys/types.h>

#include "core/tslog/tslog.h"
#include "daemon/store/part_look.h"

enum {
    PART_BD_BLOCK = 1 << 20,
    PART_BD_MB_MIN = 16 /* MiB, smaller is refused; beyond 4097 the rest is not used */
};

struct part_bd; /* opaque */

struct part_bd_options {
    const char *path;
    bool read_only;   /* takes no lock */
    bool any_content; /* not refused for what is on it: to be formatted */
    /* for tests, NULL: the system's */
    ssize_t (*write_at)(int fd, const void *buf, size_t n, off_t offset);
    int (*flush)(int fd);
};

/*
 * NULL: `error` says why in one sentence: not there, too small, mounted, in use by another program,
 * or it holds something else than a log. For writing, a block device is opened exclusively (O_EXCL:
 * neither can it be mounted meanwhile), a file is locked (flock).
 */
struct part_bd *part_bd_open(const struct part_bd_options *options, char *error, size_t n);
void part_bd_close(struct part_bd *d);
struct hwt_bd part_bd_device(struct part_bd *d);
/* Nothing of what was on it is found again: tells the device that no content is needed, blanks the
 * first block and the first page of each other. 0 or IO. */
HWT_MUST_CHECK int part_bd_wipe(struct part_bd *d);
uint32_t part_bd_blocks(const struct part_bd *d); /* MiB that are used */
/* What is on it (part_look.h); -1: it cannot be read. */
int part_bd_look(const struct part_bd *d, char what_out[PART_WHAT_BYTES]);
/* An error of the log on this device, for people: one phrase; of IO what failed and why. For the
 * thread that writes. */
const char *part_bd_explain(const struct part_bd *d, int err);

#endif
