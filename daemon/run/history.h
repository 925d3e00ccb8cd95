/*
 * history.h: what the log knows of the own stream's counters: where they stood last, so that they
 * go on over a restart without a step, and where they stood at local midnight, so that today's
 * energies are right.
 *
 * Only the own stream (number 0) counts: imports never enter today's or all-time energies.
 */
#ifndef DAEMON_RUN_HISTORY_H
#define DAEMON_RUN_HISTORY_H

#include "core/tslog/tslog.h"

enum { HISTORY_OWN_STREAM = 0 };

/* Counters by column of the schema; gauges stay missing. */
struct history {
    bool any;                                 /* a record was found */
    int64_t unix_ms;                          /* its wall time, or HWT_TIME_UNKNOWN */
    struct hwt_value value[HWT_CHANNELS_MAX]; /* quality missing: never recorded */
    bool later[HWT_CHANNELS_MAX]; /* history_at: first ever recorded after the time asked for */
};

/* The newest value of each counter of `schema`, found by channel id; `unix_ms` is the newest
 * record's. */
void history_last(const struct hwt_tslog_snapshot *snapshot, const struct hwt_schema *schema,
                  struct history *history_out);
/* The value each counter had at from_ms: its last one before, or its first one after if there is
 * none before. */
void history_at(const struct hwt_tslog_snapshot *snapshot, const struct hwt_schema *schema,
                int64_t from_ms, struct history *history_out);

#endif
