/*
 * status.h: the state of a part (a source, the log, a publisher) as the API and the page show it.
 * Written by the part's own thread, read by any: every call locks.
 */
#ifndef DAEMON_BASE_STATUS_H
#define DAEMON_BASE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

enum status_state { STATUS_STARTING, STATUS_OK, STATUS_STALE, STATUS_FAILED, STATUS_STATES };
enum { STATUS_COUNTERS_MAX = 32, STATUS_CAUSE_MAX = 160, STATUS_METER_MAX = 96 };

struct status; /* opaque */

struct status_view { /* a copy */
    char id[33];
    char type[16];
    enum status_state state;
    char cause[STATUS_CAUSE_MAX]; /* "" or one sentence: what is wrong, what to do */
    char meter[STATUS_METER_MAX]; /* "" or who answers: maker, model, serial number */
    int64_t since_ms;             /* unix ms of the last change of state; 0 unknown */
    int64_t last_ms;              /* unix ms of the last good value; 0 none yet */
    unsigned counters;
    struct {
        char name[24];
        uint64_t value;
        bool is_signed; /* value is an int64_t's bits */
    } counter[STATUS_COUNTERS_MAX];
};

/* id and type are copied. NULL when out of memory. */
struct status *status_new(const char *id, const char *type);
void status_free(struct status *s);

/* Changes state and cause; logs one line at a change of state, none at a repetition. unix_ms 0:
 * unknown. */
void status_set(struct status *s, enum status_state state, int64_t unix_ms, const char *cause, ...)
    __attribute__((format(printf, 4, 5)));
/* Who answers there, as the device itself says. */
void status_meter(struct status *s, const char *text, ...) __attribute__((format(printf, 2, 3)));
/* A good value arrived. */
void status_good(struct status *s, int64_t unix_ms);
/* Adds to a counter, made when first named. */
void status_count(struct status *s, const char *name, uint64_t add);
/* Sets a counter or gauge. */
void status_put(struct status *s, const char *name, uint64_t value);
/* Sets a gauge that may be negative. */
void status_put_signed(struct status *s, const char *name, int64_t value);
void status_get(struct status *s, struct status_view *view_out);
const char *status_state_name(enum status_state state);

#endif
