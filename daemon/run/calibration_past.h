/*
 * calibration_past.h: corrections of the log that bring what was recorded to what counts now.
 *
 *   since ─▶ [first .. last] ─▶ stretches that rest on one sensor ─▶ corrections of one act
 *
 * Of a voltage: its V, and P, Q, S and energies of the clamps measured against it. Of a clamp: I,
 * P, Q, S and its energies, and if it is the heat pump's also those of its ledger and the COP. A
 * phase turns P and Q into each other; an energy gets the factor that the energy of its stretch
 * gets by that. The power factor is not corrected for phase.
 *
 * Counters stand at the end of the range where they stood, so that they go on without a step; a
 * step at its start that would count as energy is taken out of all records before.
 *
 * Made on the loop, planned in any thread.
 */
#ifndef DAEMON_RUN_CALIBRATION_PAST_H
#define DAEMON_RUN_CALIBRATION_PAST_H

#include "core/tslog/tslog.h"
#include "daemon/run/calibration.h"

enum { CALIBRATION_PAST_INPUTS = SOURCES_MAX };

struct calibration_past; /* opaque */

/* For an input, and if it is a voltage for its clamps, as they are now. NULL: out of memory. */
struct calibration_past *calibration_past_new(const struct calibration *c,
                                              const struct installation *site, unsigned input,
                                              int64_t since_ms, int64_t now_ms, const char *id);
void calibration_past_free(struct calibration_past *p);
/* More inputs in the same act. */
void calibration_past_add(struct calibration_past *p, const struct calibration *c, unsigned input);
/*
 * Reads the log and makes the corrections; none may be needed. Returns 0, or SPACE (memory, or more
 * than a log can hold), IO.
 */
HWT_MUST_CHECK int calibration_past_plan(struct calibration_past *p,
                                         const struct hwt_tslog_snapshot *snapshot);
size_t calibration_past_corrections(const struct calibration_past *p,
                                    const struct hwt_correction **out);
/* They are in the log: the records rest on what counts. False: too many steps are kept. */
bool calibration_past_done(const struct calibration_past *p, struct calibration *c);

#endif
