/* calibration_state.h: what calibration.c and calibration_file.c share; no one else includes it. */
#ifndef DAEMON_RUN_CALIBRATION_STATE_H
#define DAEMON_RUN_CALIBRATION_STATE_H

#include <jansson.h>

#include "daemon/run/calibration.h"

struct calibration_steps {
    struct calibration_step at[CALIBRATION_STEPS_MAX];
    size_t count;
};

struct calibration {
    struct calibration_options options;
    struct calibration_entry entry[CALIBRATION_ENTRIES_MAX];
    size_t count;
    unsigned numbers; /* the highest ever given */
    struct calibration_steps steps[SOURCES_MAX];
    json_t *others; /* what records of inputs rest on that are not configured now; kept */
    char path[CONFIG_TEXT_MAX + 32];
};

/* Fills entries and steps from the file. False: `error` says why. */
bool calibration_load(struct calibration *c, char *error);

#endif
