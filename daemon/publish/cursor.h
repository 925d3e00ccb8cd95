/*
 * cursor.h: how far a publisher has come, on disk.
 *
 *   heatwatt cursor 1
 *   log 6f1c0e5a9b7d4c2f8a1e3d5b7f9a2c4e
 *   stream own
 *   sequence 5120                          the newest record the server has taken
 *   slot 179516243                         of the newest row, or none
 *   crc32c 89abcdef                        of all bytes above
 *
 * Saved to a temporary file that is synced and renamed: after a power cut there is the old one or
 * the new one. Both calls may block for long: not for the loop's thread.
 */
#ifndef DAEMON_PUBLISH_CURSOR_H
#define DAEMON_PUBLISH_CURSOR_H

#include "core/base/err.h"
#include "core/flow.h"

struct cursor {
    uint8_t log[16];             /* UUID of the log */
    char stream[HWT_ID_MAX + 1]; /* its stream */
    uint64_t sequence;           /* newest record that is done; 0: none */
    int64_t slot;                /* hwt_emoncms.slot */
};

/* NOT_FOUND: no such file. CORRUPT: not a cursor. IO. Then *out is untouched. */
HWT_MUST_CHECK int cursor_load(const char *path, struct cursor *out);
/* Makes the folder of `path` if there is none (its parent must exist). SPACE: disk full. IO. */
HWT_MUST_CHECK int cursor_save(const char *path, const struct cursor *c);

#endif
