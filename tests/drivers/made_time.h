/*
 * made_time.h: a program that links it lives in made-up time. CLOCK_MONOTONIC and CLOCK_BOOTTIME
 * stand until the test lets them pass, and with them clock_real_us and libuv's timers: a busy
 * machine cannot turn what it was late to run into a time-out, and a wait costs nothing.
 *
 *     device ── write ──▶ on its way ──▶ made_time_turn ── nothing came? ──▶ on to the next timer
 *        ▲                                     │
 *        └────────────── read ◀────────────────┘
 *
 * Not for programs with threads that wait for an instant, nor for uv_run with UV_RUN_ONCE or
 * UV_RUN_DEFAULT while a timer runs: they would wait for ever.
 */
#ifndef TESTS_DRIVERS_MADE_TIME_H
#define TESTS_DRIVERS_MADE_TIME_H

#include <stdint.h>

#include <uv.h>

/* Turns after which a test may give up: more than any takes, a second or two of the machine. */
enum { MADE_TIME_PATIENCE = 100000 };

void made_time_pass(uint64_t us);
/*
 * One turn of the loop. Takes what has come; if nothing came and nothing is on its way to the loop,
 * time first goes on to when the next timer is due. The devices have their turn before each call:
 * so none is late for what the loop or the test wrote.
 */
void made_time_turn(uv_loop_t *loop);
/* Turns until nothing comes any more. No time passes. */
void made_time_settle(uv_loop_t *loop);

#endif
