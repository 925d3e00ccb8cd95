/*
 * medium.h: where a log lies: a folder with a file for each block (file_bd.h), or a partition
 * (part_bd.h). One block device for the engine, whichever it is.
 *
 * Reads may come from any thread; all else from one.
 */
#ifndef DAEMON_STORE_MEDIUM_H
#define DAEMON_STORE_MEDIUM_H

#include <sys/types.h>

#include "core/tslog/tslog.h"

enum medium_kind { MEDIUM_FOLDER, MEDIUM_PARTITION };

struct medium; /* opaque */

struct medium_options {
    enum medium_kind kind;
    const char *path; /* of the folder, which is made if it is not there; of the device or file */
    uint32_t blocks;  /* folder: at least that many; a partition has what its size gives */
    bool read_only;   /* takes no lock, makes nothing */
    bool derived;     /* folder: all in it can be made anew: its files grow as they are written, and
                       * medium_reopen makes it if it is gone */
    /* for tests, NULL: the system's */
    ssize_t (*write_at)(int fd, const void *buf, size_t n, off_t offset);
    int (*flush)(int fd);
};

/* What lies at that path: a partition if it is a block device or a file, else a folder. */
enum medium_kind medium_kind_of(const char *path);

/* NULL: `error` says why in one sentence. */
struct medium *medium_open(const struct medium_options *options, char *error, size_t n);
void medium_close(struct medium *m);
struct hwt_bd medium_device(struct medium *m);
/* Whether a log is to be found, never to be made. */
bool medium_had_log(const struct medium *m);
/*
 * Whether something else lies at the path by now: it was unmounted, mounted anew, or plugged in
 * again. What was opened may then be dead for good, and medium_reopen finds out what is there.
 */
bool medium_moved(const struct medium *m);
/* Opens again what lies at the path, and makes nothing unless derived. On failure (`error` as for
 * open) it stays as it was. Nothing written and not synced may matter any more. */
HWT_MUST_CHECK int medium_reopen(struct medium *m, char *error, size_t n);
/* An error of the log on this device, for people: one phrase. */
const char *medium_explain(const struct medium *m, int err);
/* Bytes free to this user on the disk; 0 if that means nothing or cannot be told. */
uint64_t medium_free_bytes(const struct medium *m);

#endif
