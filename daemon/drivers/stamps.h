/*
 * stamps.h: what the time stamps of edges are on the clock of the daemon, which is another: it
 * starts elsewhere, and with the virtual plant it may run a hundred times as fast.
 *
 * An edge is read a little after it happened, sometimes later. The least delay seen of late counts,
 * so that a late reader does not make later edges look late. More than half a minute is no delay:
 * one of the clocks stood still, as the kernel's stamps do while the computer sleeps.
 */
#ifndef DAEMON_DRIVERS_STAMPS_H
#define DAEMON_DRIVERS_STAMPS_H

#include <stdbool.h>
#include <stdint.h>

enum { STAMPS_ASLEEP_US = 30000000 };

struct stamps {
    bool any;
    int64_t offset_us; /* clock - stamp */
    int64_t newest_us; /* stamp */
};

/* An edge stamped stamp_us was read when the clock stood at mono_us. */
static inline void stamps_put(struct stamps *s, int64_t stamp_us, int64_t mono_us)
{
    int64_t offset_us = mono_us - stamp_us;

    /* Two clocks part by 100 ppm at most; this lets the offset grow by 1000 ppm. */
    if (!s->any || offset_us < s->offset_us + (stamp_us - s->newest_us) / 1000 ||
        offset_us > s->offset_us + STAMPS_ASLEEP_US) {
        s->offset_us = offset_us;
    } else {
        s->offset_us += stamp_us > s->newest_us ? (stamp_us - s->newest_us) / 1000 : 0;
    }
    s->any = true;
    s->newest_us = stamp_us;
}

/* The stamp that an edge at mono_us would have; not before the newest one. */
static inline int64_t stamps_at(const struct stamps *s, int64_t mono_us)
{
    int64_t at = mono_us - s->offset_us;

    return at > s->newest_us ? at : s->newest_us;
}

#endif
