/*
 * clock.h: the one clock that timers, polls, records and the ledger ask. Thread-safe.
 *
 * mono_us runs from the daemon's start and never steps. wall is unix time: may be unknown, may
 * step. Source `system`: CLOCK_BOOTTIME and CLOCK_REALTIME. Source `plant`: both follow the sample
 * stream's device clock, so that plant time may run faster than real time; between two blocks the
 * clock stands. Reply time-outs, HTTP, uploads and fsync do not ask this clock: they live in real
 * time.
 */
#ifndef DAEMON_BASE_CLOCK_H
#define DAEMON_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/flow.h"

enum clock_trust {
    CLOCK_TRUST_AUTO,   /* the system's wall time; synced when the kernel says so */
    CLOCK_TRUST_ALWAYS, /* the system's wall time, taken as synchronised */
    CLOCK_TRUST_PLANT   /* the sample stream's device clock and wall */
};

struct clock;

struct clock_time {
    int64_t mono_us;
    int64_t unix_ms; /* or HWT_TIME_UNKNOWN */
    enum hwt_clock_quality quality;
};

struct clock *clock_new(enum clock_trust trust);
void clock_free(struct clock *c);
struct clock_time clock_now(struct clock *c);
int64_t clock_mono_us(struct clock *c);
int64_t clock_unix_ms(struct clock *c); /* or HWT_TIME_UNKNOWN */
/* The same as a status takes it: 0 while it is not known. */
int64_t clock_stamp_ms(struct clock *c);
/*
 * The sampler tells the end of a block: device_us of the stream, wall_us or HWT_TIME_UNKNOWN.
 * Returns the clock's mono_us for that instant. A restarted device (restart true) continues where
 * the clock stands, or as much later as its wall time is. With another trust than plant the device
 * clock only maps onto the system's: the result is the mono_us now.
 */
int64_t clock_feed(struct clock *c, uint64_t device_us, int64_t wall_us, bool restart);
/* Real monotonic microseconds, for what lives in real time. */
int64_t clock_real_us(void);

#endif
