/*
 * live.h: logging as a daemon does it, for counting what the disk is given.
 */
#ifndef BENCH_ENGINES_LIVE_H
#define BENCH_ENGINES_LIVE_H

#include "bench/engines/data.h"

/* Logging, a record each 10 s of real time, into folder `dir` (ours: or onto a partition with a
 * log), until the program is ended. commit_s: of ours; SQLite's records are transactions of their
 * own. */
_Noreturn void live_ours(const char *dir, const struct data *d, unsigned commit_s);
_Noreturn void live_sqlite(const char *dir, const struct data *d, bool full);
/* Sleeps until record `number` is due; the first call's was due when it is made. */
void live_wait(size_t number);

struct live_count {
    uint64_t bytes; /* that the device was given */
    uint64_t commits;
    double hours; /* of the log's clock */
};

/*
 * The same in compressed time: that many hours of the log's clock, as fast as it goes; `stat` is
 * the device's /sys/block/NAME/stat.
 *
 * What the kernel does by its own timers is asked for when the log's clock says that it would have
 * been done: 5 s after a write ext4 commits its journal (the file's time of change is in it), and
 * what the journal holds is written to its place when it is 30 s old. Writes are kept 12 ms apart,
 * for within a tick of the kernel a file's time does not change and nothing would be journalled.
 */
void live_ours_fast(const char *dir, const struct data *d, unsigned commit_s, double hours,
                    const char *stat, struct live_count *out);

#endif
