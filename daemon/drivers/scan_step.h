/*
 * scan_step.h: one step of the search on one port: a way to look for something. Inside
 * daemon/drivers/scan* only.
 *
 *   scan_port ── begin(task) ──▶ step ── found … progress … done ──▶ scan_port ── free ──▶ next
 */
#ifndef DAEMON_DRIVERS_SCAN_STEP_H
#define DAEMON_DRIVERS_SCAN_STEP_H

#include "daemon/drivers/scan.h"

enum scan_result {
    SCAN_STEP_THROUGH,
    SCAN_STEP_OCCUPIED, /* somebody sends by himself: nothing may be sent here */
    SCAN_STEP_FAILED    /* the port cannot be used: the sentence tells */
};

/* What a step has to do, and whom to tell. Outlives the step. */
struct scan_task {
    uv_loop_t *loop;
    const struct scan_options *o;
    const char *port;
    enum scan_target target;
    bool hit[SCAN_PROTOCOLS]; /* found on this port by the steps before */
    /* From the loop or from within begin. The step is freed later, never inside. */
    void (*found)(void *ctx, const struct scan_found *found);
    void (*progress)(void *ctx, double done, const char *what, ...)
        __attribute__((format(printf, 3, 4)));      /* done: of this step, 0 … 1 */
    void (*problem)(void *ctx, const char *detail); /* a sentence; the step goes on */
    void (*done)(void *ctx, enum scan_result result, const char *why); /* once, the last call */
    void *ctx;
};

struct scan_step_kind {
    enum scan_protocol protocol[2]; /* looks for either */
    bool sends;
    bool slow; /* a sweep: not when it shall be quick, or when its protocol was found */
    double (*estimate_s)(const struct scan_task *task); /* real s, if nothing is found */
    void *(*begin)(const struct scan_task *task);       /* NULL: out of memory */
    void (*free)(void *step);                           /* no call to the task after this */
};

extern const struct scan_step_kind scan_step_listen;     /* emon lines, Elster packets on a UART */
extern const struct scan_step_kind scan_step_listen_tcp; /* emon lines */
extern const struct scan_step_kind scan_step_light;      /* Elster packets on an input line */
extern const struct scan_step_kind scan_step_mbus;       /* secondary addresses, 254 */
extern const struct scan_step_kind scan_step_mbus_sweep; /* primary addresses */
/* Modbus units 1 and 2; 3 to 16; 17 to 247 at the commonest speed. */
extern const struct scan_step_kind scan_step_modbus, scan_step_modbus_wide, scan_step_modbus_sweep;
extern const struct scan_step_kind scan_step_w1, scan_step_iio;

/* The speeds of `usual` that the options let through, then (unless `strict`) further ones that the
 * user gave; returns how many. */
unsigned scan_speeds(const struct scan_options *o, const unsigned *usual, unsigned n, bool strict,
                     unsigned out[SCAN_SPEEDS_MAX]);
/* A find with what the task knows. */
struct scan_found scan_find(const struct scan_task *task, enum scan_protocol protocol);

#endif
