/*
 * calibration_search.h: from what is asked to the entries of a calibration: against an instrument
 * or a resistive load at once, against the log in a worker.
 *
 *   reading, resistive:  ask ─▶ calibration_search_near ─────────────────────────────────▶ entry
 *   meter, sum:          ask ─▶ calibration_search_prepare ─▶ _in_log (worker) ─▶ _take ─▶ entries
 *
 * Keeps and applies nothing.
 */
#ifndef DAEMON_RUN_CALIBRATION_SEARCH_H
#define DAEMON_RUN_CALIBRATION_SEARCH_H

#include "daemon/base/clock.h"
#include "daemon/run/calibration.h"
#include "daemon/run/calibration_ask.h"
#include "daemon/run/calibration_near.h"

struct calibration_search {
    const struct calibration *calibration;
    const struct calibration_near *near;
    const struct installation *site;
    struct clock *clock;
    struct calibration_ask ask;
    struct calibration_series series; /* the worker's, while it works, as is result */
    struct calibration_result result;
    bool has_result;
    struct calibration_entry entry[CALIBRATION_CIRCUITS_MAX];
    size_t entries;
    char refusal[CALIBRATION_ERROR_MAX]; /* why nothing was found */
};

/* Of the last seconds. False: refused. */
HWT_MUST_CHECK bool calibration_search_near(struct calibration_search *s);
/* `snapshot` must stay until calibration_search_in_log has returned. */
void calibration_search_prepare(struct calibration_search *s,
                                const struct hwt_tslog_snapshot *snapshot);
/* Any thread; takes up to seconds. */
void calibration_search_in_log(struct calibration_search *s);
/* False: refused. */
HWT_MUST_CHECK bool calibration_search_take(struct calibration_search *s);

#endif
