/*
 * notes.h: what the daemon itself notes in the journal: that it started and stopped, which sources
 * came and went since the last start, when the clock was set and the log could not be written.
 * On the loop's thread.
 */
#ifndef DAEMON_RUN_NOTES_H
#define DAEMON_RUN_NOTES_H

#include "daemon/base/clock.h"
#include "daemon/base/status.h"
#include "daemon/run/config.h"
#include "daemon/store/journal.h"

struct notes; /* opaque */

struct notes_options {
    const struct config *config;
    struct clock *clock;
    struct journal *journal;
    struct status *log;
    uint32_t boot;
    uint64_t bad_pages; /* of the log, when it was opened */
};

/* NULL: out of memory. */
struct notes *notes_new(const struct notes_options *options);
/* Once a second. The start is noted when the time is known, or some seconds later. */
void notes_tick(struct notes *n);
/* The last note, and the end. NULL is fine. */
void notes_free(struct notes *n);

#endif
