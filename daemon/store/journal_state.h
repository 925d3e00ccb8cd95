/*
 * journal_state.h: what the entries of a journal amount to: offsets, sources, meters.
 */
#ifndef DAEMON_STORE_JOURNAL_STATE_H
#define DAEMON_STORE_JOURNAL_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/journal_line.h"

struct journal_channel {
    char id[HWT_ID_MAX + 1];
    int64_t offset; /* counts */
};

struct journal_source {
    char id[HWT_ID_MAX + 1];
    char meter[JOURNAL_METER_MAX];
    bool added; /* and not removed since */
};

struct journal_state { /* private, but to be read */
    struct journal_channel *channel;
    struct journal_source *source;
    size_t channels, sources;
    uint64_t seq; /* of the newest entry */
    bool running; /* the newest of started and stopped is started */
};

/* Takes an entry in order. False: out of memory. */
bool journal_state_take(struct journal_state *s, const struct journal_entry *e);
void journal_state_free(struct journal_state *s);
/* Copies all of it. False: out of memory; *to is empty then. */
bool journal_state_copy(struct journal_state *to, const struct journal_state *from);
/* NULL: not known. */
const struct journal_channel *journal_state_channel(const struct journal_state *s, const char *id);
const struct journal_source *journal_state_source(const struct journal_state *s, const char *id);
/* The nth line that carries the state into a new file; false: there are no more. */
bool journal_state_carry(const struct journal_state *s, size_t n, struct journal_entry *out);

#endif
