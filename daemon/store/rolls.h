/*
 * rolls.h: the roll-ups of a log folder, on files of their own.
 *
 *   DIR/roll/lock           held while they are open for writing
 *   DIR/roll/seg-00001.hwl  block 0 of the roll-ups, and so on; grows as it is written
 *
 * They can be made anew from the log at any time: a folder that cannot be opened or written is told
 * and done without.
 */
#ifndef DAEMON_STORE_ROLLS_H
#define DAEMON_STORE_ROLLS_H

#include <stddef.h>

#include "core/tslog/rollup.h"

struct rolls; /* opaque */

/* Those of the log folder `dir`, as the snapshot has it. NULL: `why` says it in one sentence; of a
 * reader also that there are none. */
struct rolls *rolls_open(const char *dir, bool read_only, const struct hwt_tslog_snapshot *snapshot,
                         char *why, size_t n);
/* NULL is fine, and does nothing, here and below. No reader may be at work. */
void rolls_close(struct rolls *r);
/* Opens again what lies at their place now; readers of views of before may be at work, and go on.
 * False: `why` says it in one sentence, and until the next try there are none. */
HWT_MUST_CHECK bool rolls_reopen(struct rolls *r, const struct hwt_tslog_snapshot *snapshot,
                                 char *why, size_t n);
/* So many steps (rollup.h) at most. 1: there is more to do; 0; or a negative enum hwt_err. */
int rolls_step(struct rolls *r, const struct hwt_tslog_snapshot *snapshot, unsigned steps);
/* Rolls up and writes all there is. */
int rolls_flush(struct rolls *r, const struct hwt_tslog_snapshot *snapshot);
void rolls_view(const struct rolls *r, struct hwt_tslog_snapshot *snapshot);
/* What the last error was, for people. */
const char *rolls_explain(const struct rolls *r, int err);

#endif
