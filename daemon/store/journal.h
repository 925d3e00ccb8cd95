/*
 * journal.h: what happened, for a person to look up later: meters swapped, registers reset or
 * turned over, sources added, the clock set, starts and stops.
 *
 *   loop ──journal_put──▶ queue ──journal's thread──▶ data_dir/journal.jsonl ──▶ written()
 *                         bounded                     journal.1.jsonl: the one before
 *
 * Lines of JSON (journal_line.h), appended and synced; a loss of power loses at most the entries
 * being written. A torn end is cut off at the next start. When the file is as large as it may get
 * it becomes journal.1.jsonl, and the new one begins with what must be known further on: the
 * offsets of counters (core/heat/total.h), the sources and their meters, as lines of kind
 * "carried", which nobody is shown.
 *
 * The journal is the memory of those offsets: they are read back when it is opened.
 */
#ifndef DAEMON_STORE_JOURNAL_H
#define DAEMON_STORE_JOURNAL_H

#include <stddef.h>

#include "daemon/store/journal_line.h"

enum {
    JOURNAL_FILE_BYTES = 512 * 1024, /* of a file, if options say nothing else; there are two */
    JOURNAL_QUEUE = 128,             /* entries that wait for the disk */
    JOURNAL_RETRY_MS = 1000
};

struct journal; /* opaque */

struct journal_options {
    const char *dir; /* the data folder; copied */
    size_t file_bytes;
    /* In the journal's thread: a line without its LF has become durable. May be NULL. */
    void (*written)(void *ctx, const char *line, size_t n);
    void *ctx;
    unsigned retry_ms;    /* real ms from a failure to the next try; 0: JOURNAL_RETRY_MS */
    int (*flush)(int fd); /* for tests, NULL: fdatasync */
};

/* What the journal said when it was opened. */
struct journal_before {
    bool any;           /* there was one */
    bool running;       /* started, and did not stop */
    size_t cut, unread; /* octets of a torn end that were cut off; lines that are none */
};

/* NULL: `error` says why in one sentence. */
struct journal *journal_open(const struct journal_options *options, char *error, size_t n);
/* Writes what waits, if the disk lets it, and closes. NULL is fine. */
void journal_close(struct journal *j);
/* Copies the entry; its seq is given here. Never blocks on the disk; what finds no room is lost,
 * which is logged, and how many when there is room again. Any thread but that of samples. */
void journal_put(struct journal *j, const struct journal_entry *e);

/* As of the opening: */
void journal_before(const struct journal *j, struct journal_before *out);
/* The offset of a channel; false, *out 0: it never had one. */
bool journal_offset(const struct journal *j, const char *channel, int64_t *out);
/* Who a source's meter was; "" if it never said. False: the journal does not know the source. */
bool journal_meter(const struct journal *j, const char *source, char out[JOURNAL_METER_MAX]);
/* The nth source that was added and not removed since, or NULL. */
const char *journal_source(const struct journal *j, size_t n);

struct journal_query {
    int64_t from_ms, to_ms; /* [from, to); HWT_TIME_UNKNOWN: without that limit */
    const char *source;     /* of the source or feed; NULL: of all */
    unsigned limit;         /* entries at most */
};

/*
 * The newest entries that fit, newest first, each line without its LF. One without a time counts as
 * the one after it. `line` returns false to end. How many were given, or IO, SPACE. Any thread or
 * process; reads the files afresh. No journal is an empty one.
 */
int journal_read(const char *dir, const struct journal_query *query,
                 bool (*line)(void *ctx, const struct journal_entry *e, const char *p, size_t n),
                 void *ctx);

#endif
