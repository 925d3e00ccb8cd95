#include "daemon/base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/timex.h>
#include <time.h>

enum { PLANT_PATIENCE_US = 2000000 };

/* 2025-01-01. A computer without a clock of its own begins at 1970, or where it was switched off; a
 * time before this program was made is none. */
#define UNIX_MS_MIN INT64_C(1735689600000)

struct clock {
    pthread_mutex_t lock;
    enum clock_trust trust;
    int64_t start_us; /* CLOCK_BOOTTIME when made */
    /* plant: */
    bool fed;
    int64_t offset_us; /* mono_us - device_us */
    int64_t fed_us;    /* real, of the newest block */
    int64_t mono_us;
    int64_t unix_ms;
    /* system: the kernel is asked once a second */
    int64_t asked_us;
    bool synced;
};

static int64_t read_us(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_real_us(void)
{
    return read_us(CLOCK_BOOTTIME);
}

struct clock *clock_new(enum clock_trust trust)
{
    struct clock *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        return NULL;
    }
    pthread_mutex_init(&c->lock, NULL);
    c->trust = trust;
    c->start_us = clock_real_us();
    c->unix_ms = HWT_TIME_UNKNOWN;
    c->asked_us = INT64_MIN;
    return c;
}

void clock_free(struct clock *c)
{
    if (c != NULL) {
        pthread_mutex_destroy(&c->lock);
        free(c);
    }
}

/* How long the plant has been silent beyond the patience for it: then time goes on at its real
 * pace, so that ages grow and polls go on. */
static int64_t silence_us(const struct clock *c)
{
    int64_t silent = c->fed ? clock_real_us() - c->fed_us : 0;

    return silent > PLANT_PATIENCE_US ? silent - PLANT_PATIENCE_US : 0;
}

static bool kernel_synced(struct clock *c, int64_t now_us)
{
    if (c->asked_us == INT64_MIN || now_us - c->asked_us > 1000000) {
        struct timex t = {.modes = 0};
        int r = adjtimex(&t);

        c->synced = r >= 0 && r != TIME_ERROR;
        c->asked_us = now_us;
    }
    return c->synced;
}

struct clock_time clock_now(struct clock *c)
{
    struct clock_time t;

    pthread_mutex_lock(&c->lock);
    if (c->trust == CLOCK_TRUST_PLANT) {
        int64_t silent_us = silence_us(c);

        t.mono_us = c->mono_us + silent_us;
        t.unix_ms =
            c->unix_ms == HWT_TIME_UNKNOWN ? HWT_TIME_UNKNOWN : c->unix_ms + silent_us / 1000;
        t.quality = c->unix_ms == HWT_TIME_UNKNOWN ? HWT_CLOCK_UNKNOWN : HWT_CLOCK_PLANT;
    } else {
        int64_t now_us = clock_real_us();

        t.mono_us = now_us - c->start_us;
        t.unix_ms = read_us(CLOCK_REALTIME) / 1000;
        t.quality = c->trust == CLOCK_TRUST_ALWAYS || kernel_synced(c, now_us) ? HWT_CLOCK_SYNCED
                                                                               : HWT_CLOCK_UNSYNCED;
        if (t.unix_ms < UNIX_MS_MIN) {
            t.unix_ms = HWT_TIME_UNKNOWN;
            t.quality = HWT_CLOCK_UNKNOWN;
        }
    }
    pthread_mutex_unlock(&c->lock);
    return t;
}

int64_t clock_mono_us(struct clock *c)
{
    return clock_now(c).mono_us;
}

int64_t clock_unix_ms(struct clock *c)
{
    return clock_now(c).unix_ms;
}

int64_t clock_stamp_ms(struct clock *c)
{
    int64_t unix_ms = clock_unix_ms(c);

    return unix_ms == HWT_TIME_UNKNOWN ? 0 : unix_ms;
}

/* How much further than this clock the wall time of a restarted device has come: its absence. */
static int64_t absence_us(const struct clock *c, int64_t wall_us, int64_t silent_us)
{
    int64_t away_us;

    if (wall_us == HWT_TIME_UNKNOWN || c->unix_ms == HWT_TIME_UNKNOWN) {
        return 0;
    }
    away_us = wall_us - c->unix_ms * 1000 - silent_us;
    return away_us > 0 ? away_us : 0;
}

int64_t clock_feed(struct clock *c, uint64_t device_us, int64_t wall_us, bool restart)
{
    int64_t mono, silent_us;

    if (c->trust != CLOCK_TRUST_PLANT) {
        return clock_mono_us(c);
    }
    pthread_mutex_lock(&c->lock);
    silent_us = silence_us(c);
    c->mono_us += silent_us; /* what was shown is not taken back */
    c->mono_us += c->fed && restart ? absence_us(c, wall_us, silent_us) : 0;
    if (!c->fed || restart) {
        c->offset_us = c->mono_us - (int64_t)device_us;
        c->fed = true;
    }
    c->fed_us = clock_real_us();
    mono = (int64_t)device_us + c->offset_us;
    if (mono > c->mono_us) {
        c->mono_us = mono;
    }
    c->unix_ms = wall_us == HWT_TIME_UNKNOWN ? HWT_TIME_UNKNOWN : wall_us / 1000;
    mono = c->mono_us;
    pthread_mutex_unlock(&c->lock);
    return mono;
}
