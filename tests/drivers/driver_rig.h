/*
 * driver_rig.h: what a driver is tested on: an event loop, a clock whose time the test makes up,
 * the far end of the driver's line, and a note of every reading.
 *
 *     driver --- path --- pseudo-terminal or socket --- wire --- the device, played by the test
 *
 * All of it asserts by itself. A test's own rig has one as its member `base`.
 */
#ifndef TESTS_DRIVERS_DRIVER_RIG_H
#define TESTS_DRIVERS_DRIVER_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "core/flow.h"
#include "daemon/base/clock.h"
#include "daemon/base/status.h"

enum { DRIVER_RIG_READINGS_MAX = 64 };

struct driver_rig {
    uv_loop_t loop;
    struct clock *clock;
    uint64_t device_us; /* of the clock, fed last */
    int64_t wall_us;    /* unix time at device_us 0, or HWT_TIME_UNKNOWN */
    char dir[40];       /* of this test alone */
    char path[64];      /* in it: where the driver finds its line */
    int wire;           /* the device's end; -1: unplugged */
    int listener;       /* -1: none */
    /* every reading, and the newest of each quantity */
    struct hwt_reading reading[DRIVER_RIG_READINGS_MAX];
    size_t readings;
    struct hwt_reading last[HWT_Q_COUNT];
    unsigned got[HWT_Q_COUNT];
};

/* Nothing is at `path` yet. The clock has not begun. */
void driver_rig_open(struct driver_rig *r, int64_t wall_us);
/* When the driver is freed: its last callbacks, and no handle is left behind. */
void driver_rig_close(struct driver_rig *r);

/* A pseudo-terminal at `path`; its other end is `wire`, which does not block. */
void driver_rig_plug(struct driver_rig *r);
void driver_rig_unplug(struct driver_rig *r);
/* To read a terminal fails with this errno, as one that is being unplugged does; 0: no more. */
void driver_rig_lose(int error);
/* A socket at `path` that waits for one caller; driver_rig_accept makes that one `wire`. */
void driver_rig_listen(struct driver_rig *r);
void driver_rig_accept(struct driver_rig *r);

/* So much time of the clock has passed. The driver's tick is the caller's. */
void driver_rig_pass(struct driver_rig *r, uint64_t us);
/* The loop takes what has come; no real time passes. */
void driver_rig_turn(struct driver_rig *r);
/* Turns the loop once; where nothing comes, the made-up real time goes on to the next timer: time-
 * outs and pauses cost nothing, and none is met because the machine is busy. */
void driver_rig_live(struct driver_rig *r);
/* Is a timer of the loop running: a request under way, or a port waiting for its next attempt? */
bool driver_rig_is_busy(struct driver_rig *r);

/* The sink of a driver; ctx is the struct driver_rig. */
void driver_rig_take(void *ctx, const struct hwt_reading *reading, size_t n);

/* A counter of a source; `absent` if it has none of that name: status_count makes them when first
 * needed. */
uint64_t driver_rig_counter(struct status *s, const char *name, uint64_t absent);
/* The state, and a cause with `cause` in it. */
void driver_rig_expect(struct status *s, enum status_state state, const char *cause);

#endif
