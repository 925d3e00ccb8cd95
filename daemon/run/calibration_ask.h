/* calibration_ask.h: the body of POST /api/v1/calibration as a struct, or what is wrong with it. */
#ifndef DAEMON_RUN_CALIBRATION_ASK_H
#define DAEMON_RUN_CALIBRATION_ASK_H

#include <jansson.h>

#include "daemon/run/calibration.h"
#include "daemon/run/calibration_log.h"

struct calibration_ask {
    enum calibration_method method;
    unsigned input;             /* source; of a sum: the main clamp */
    double value;               /* reading: what the instrument showed */
    enum hwt_quantity quantity; /* reading: of what */
    double stated;              /* % of the value, or degrees: what the instrument is good for */
    unsigned average_s;
    bool check;       /* only found, not kept */
    int64_t since_ms; /* 0: the past stays */
    int64_t from_ms;  /* meter, sum: the records from there on */
    char meter[HWT_ID_MAX + 1];
    struct calibration_energy against;
    unsigned circuit[CALIBRATION_CIRCUITS_MAX]; /* sum: sources */
    bool negative[CALIBRATION_CIRCUITS_MAX];
    unsigned circuits;
};

/* False: `error` (CALIBRATION_ERROR_MAX) says what is wrong and what would be right. */
bool calibration_ask_read(const struct calibration *c, const struct installation *site,
                          const json_t *body, int64_t now_ms, struct calibration_ask *out,
                          char *error);

#endif
