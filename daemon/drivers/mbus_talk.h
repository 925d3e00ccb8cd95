/*
 * mbus_talk.h: one M-Bus task after the other, for commands: opens the line, runs the loop until
 * the task is done. Blocks; not for the daemon.
 */
#ifndef DAEMON_DRIVERS_MBUS_TALK_H
#define DAEMON_DRIVERS_MBUS_TALK_H

#include "core/wire/mbus_master.h"

struct mbus_talk; /* opaque */

enum { MBUS_TALK_WHY_MAX = 200 };

/* One of port and tcp. NULL if the line cannot be opened: why_out tells. */
struct mbus_talk *mbus_talk_open(const char *port, const char *tcp, unsigned baud,
                                 char why_out[MBUS_TALK_WHY_MAX]);
/*
 * Runs a task; returns the master's result, or HWT_ERR_IO when the line was lost. *master_out: with
 * the reply, until the next task.
 */
HWT_MUST_CHECK int mbus_talk_run(struct mbus_talk *t, const struct hwt_mbus_task *task,
                                 const struct hwt_mbus_master **master_out);
/* NULL is fine. */
void mbus_talk_close(struct mbus_talk *t);

#endif
