/*
 * store_state.h: what the files of the store share; no one else includes it.
 *
 *   store.c         opening, the thread, calls of other threads
 *   store_write.c   from the queue into the log: append, commit, retention, anchors
 *   store_correct.c corrections of the past
 *   store_reopen.c  a log that is gone from under the store, and back
 *   store_roll.c    roll-ups, while nothing else is to be done
 *   store_tell.c    what people see
 *
 * All functions here are for the store's thread (or its opening, before that runs).
 */
#ifndef DAEMON_STORE_STORE_STATE_H
#define DAEMON_STORE_STORE_STATE_H

#include <pthread.h>

#include "daemon/store/medium.h"
#include "daemon/store/queue.h"
#include "daemon/store/rolls.h"
#include "daemon/store/store.h"

enum { STORE_DIR_BYTES = 512 };

struct store {
    struct store_options options;
    char dir[STORE_DIR_BYTES]; /* the folder of the log, or its partition */
    struct medium *medium;
    uint8_t uuid[16];
    uint32_t boot;
    uint64_t bad_pages;
    pthread_t thread;

    pthread_mutex_t lock; /* guards from here on */
    pthread_cond_t wake;
    struct queue *queue;
    bool stop;
    uint64_t asked, met; /* commits asked for soon, and those that were made */
    uint64_t durable;
    struct {
        struct hwt_correction *at; /* NULL: none; the store's */
        size_t n;
        void (*done)(void *ctx, int err);
        void *ctx;
    } corrections;

    pthread_mutex_t view_lock;
    struct hwt_tslog_snapshot view; /* as of the last commit */

    struct hwt_tslog log;                      /* the store thread's alone, once it runs */
    struct rolls *rolls;                       /* NULL: none */
    bool roll_failed;                          /* and it was said */
    int64_t roll_us;                           /* real time of the next bit of work on them; 0 */
    uint64_t appended;                         /* sequence of the last record ever appended */
    bool opened;                               /* the log is; false: reopening it failed */
    bool corrected;                            /* corrections are in the log, not yet durable */
    size_t corrections_before;                 /* how many the log had without them */
    bool pending;                              /* records appended, not committed */
    int64_t pending_clock_us, pending_real_us; /* since when */
    int64_t retry_us;                          /* real time of the next try after a failure; 0 */
    int64_t last_ms;                           /* wall time of the last record appended */
    uint8_t last_clock;                        /* what that rests on */
    bool timeless;                             /* this boot has records without wall time */
    uint8_t anchored; /* what its anchor's time rests on; HWT_CLOCK_UNKNOWN: it has none */
    uint64_t lost_told;
};

/* --- store.c --- */

/* MiB of records, at most. */
uint32_t store_blocks_kept(const struct store *s);
/* Monotonic us of the store's clock. */
int64_t store_clock_us(const struct store *s);

/* --- store_write.c --- */

/* Appends what waits in the queue, commits when it hoards. The first error. */
HWT_MUST_CHECK int store_drain(struct store *s);
/* Makes durable what was appended, and tells. */
HWT_MUST_CHECK int store_commit(struct store *s);
/* Records up to that are durable: they leave the queue. */
void store_settle(struct store *s, uint64_t durable);
/* Readers see the log as it is now, durable records. */
void store_publish(struct store *s);

/* --- store_correct.c --- */

/* Puts waiting corrections into the log. True: a commit is wanted for them. */
bool store_take_corrections(struct store *s);
/* They are durable (0), or will never be. */
void store_end_corrections(struct store *s, int err);

/* --- store_reopen.c --- */

/* Opens the log again, after a failure, if what lies at its place is the log with all that was
 * acknowledged; the rest comes from the queue again. An error: it said why. */
HWT_MUST_CHECK int store_reopen(struct store *s);

/* --- store_roll.c --- */

/* Opens them, again if they were, and publishes; the view is of the log as it is. Without them long
 * queries are slow, no more. */
void store_open_rolls(struct store *s);
/* A bit of work on them, if it is time; what cannot be done now is tried after the next commit. */
void store_roll(struct store *s);

/* --- store_tell.c --- */

void store_tell_ok(struct store *s);
void store_tell_failed(struct store *s, int err);
void store_tell_gone(struct store *s, const char *why);
void store_tell_counters(struct store *s);

#endif
