/*
 * store.h: the thread that owns the log: the only one that writes and syncs.
 *
 *   loop ──store_push──▶ queue ──store thread──▶ tslog ──commit──▶ medium, committed(), snapshot
 *                        bounded                       http, publishers: store_snapshot
 *
 * store_push never blocks on the disk. A record stays in the queue until it is durable: records
 * wait there while the disk is full or broken and are written when it is well again, also when that
 * means to open the log anew, because it was unmounted and mounted or its disk plugged in again.
 * What the queue cannot hold is counted as lost. Commits come each commit window of the clock, of
 * real time at the latest (half a second later, for the record that ends it), when half of the
 * queue is taken by one window, and when the store closes.
 */
#ifndef DAEMON_STORE_STORE_H
#define DAEMON_STORE_STORE_H

#include <stddef.h>
#include <sys/types.h>

#include "core/tslog/tslog.h"
#include "daemon/base/clock.h"
#include "daemon/base/status.h"

enum {
    STORE_QUEUE_BYTES = 1 << 20, /* of records that wait, if options say nothing else */
    STORE_RETRY_MS = 1000,
    STORE_MAX_MB = HWT_TSLOG_SEGMENTS_MAX
};

struct store;

struct store_options {
    const char *data_dir; /* the log is data_dir/log; both are made if they are not there */
    const char
        *partition; /* the log is on this block device or file instead; NULL or "": it is not */
    enum hwt_provenance provenance; /* of the own stream */
    unsigned commit_s;              /* s of the clock */
    uint64_t max_mb;                /* MiB, size of the log, at most STORE_MAX_MB; 0: that */
    unsigned keep_days;    /* older records go, a block at a time; 0: as long as there is room */
    struct clock *clock;   /* borrowed; NULL: real time */
    struct status *status; /* borrowed */
    /* in the store thread, after each commit that made records durable; may be NULL */
    void (*committed)(void *ctx, uint64_t durable);
    void *ctx;
    size_t queue_bytes; /* 0: STORE_QUEUE_BYTES */
    unsigned retry_ms;  /* real ms from a failure to the next try; 0: STORE_RETRY_MS */
    /* for tests, NULL: the system's */
    ssize_t (*write_at)(int fd, const void *buf, size_t n, off_t offset);
    int (*flush)(int fd);
};

struct store_counters {
    uint64_t durable;   /* sequence of the own stream's last durable record; 0: none */
    uint64_t lost;      /* records the queue had no room for */
    uint64_t bad_pages; /* damaged pages found when the log was opened */
    uint64_t waiting;   /* records in the queue */
};

/* Opens or makes the log, counts the boot up and starts the thread. NULL: `error` says why in one
 * sentence. */
struct store *store_open(const struct store_options *options, char *error, size_t n);
/* Writes and commits what waits, if the disk lets it; NULL is fine. No reader may be at work. */
void store_close(struct store *s);

/* Copies both. Any thread, but records of one thread keep their order. Never blocks on the disk. */
void store_push(struct store *s, const struct hwt_schema *schema, const struct hwt_record *record);

/* The next commit comes as soon as the disk lets it, whatever the commit window. Any thread. */
void store_commit_soon(struct store *s);

enum { STORE_CORRECTIONS_MAX = HWT_TSLOG_CORRECTIONS_MAX };

/*
 * Records corrections of the own stream, all or none, and commits. Copies them. Any thread; `done`
 * is called in the store's thread when they are durable, or with the error that keeps them out:
 * SPACE (the log holds no more corrections), ARGUMENT, AGAIN (the store closes first). False, and
 * nothing will be done: others are under way.
 */
bool store_correct(struct store *s, const struct hwt_correction *corrections, size_t n,
                   void (*done)(void *ctx, int err), void *ctx);

/* The log as of the last commit. Any thread; never waits for the disk. */
void store_snapshot(struct store *s, struct hwt_tslog_snapshot *out);
void store_uuid(struct store *s, uint8_t uuid[16]);
uint32_t store_boot(struct store *s);
void store_counters(struct store *s, struct store_counters *out);

#endif
