/*
 * log_dir.h: a log opened by a command, without the store's thread.
 */
#ifndef DAEMON_STORE_LOG_DIR_H
#define DAEMON_STORE_LOG_DIR_H

#include <stddef.h>

#include "core/tslog/tslog.h"

struct log_dir; /* opaque */

/* Opens the log in that folder, which it makes unless read_only, or on that partition. Writing
 * takes the lock, reading does not. NULL: `why` says it in one sentence. */
struct log_dir *log_dir_open(const char *dir, bool read_only, char *why, size_t n);
void log_dir_close(struct log_dir *l);
struct hwt_tslog *log_dir_tslog(struct log_dir *l);
/* The log as it is now, durable records and roll-ups; valid until the next call. */
const struct hwt_tslog_snapshot *log_dir_snapshot(struct log_dir *l);
/* Rolls up what was committed; `all`: also what is worth it only because no more comes. What cannot
 * be rolled up now is when the log is opened next. */
void log_dir_roll(struct log_dir *l, bool all);
/* The stream of that name, or NOT_FOUND; the sequence of its last record, 0: none. */
int log_dir_find(struct log_dir *l, const char *name);
uint64_t log_dir_last(struct log_dir *l, int stream);
/* Whether the log has all the blocks it may have. */
bool log_dir_at_limit(struct log_dir *l);
/* An error of the log, for people. */
const char *log_dir_explain(const struct log_dir *l, int err);
/* A random UUID; false if there are no random numbers. */
bool log_dir_make_uuid(uint8_t uuid[16]);

#endif
