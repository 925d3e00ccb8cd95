/*
 * register.h: a meter's own energy register followed from reading to reading.
 *
 *   readings   5000  5000  5010  5020        17    17    27
 *   rise              0     10    10         -      0    10
 *   event      first                     anchored              (meter swapped: no step)
 *
 * A register is a counter in whole counts of the meter: 1 Wh, 10 Wh, 1 kWh, ... It answers by how
 * much it rose since the reading before. What a meter cannot do (go back, or rise faster than the
 * largest power allows) is a swap, a roll-over or a reset: the register is anchored anew and the
 * rise is unknown. If the next reading fits the register as it was, the odd one was a misread: the
 * old register is restored and nothing is lost.
 *
 * How coarse a count is need not be told: it is learnt as the common measure of the rises.
 * Energies are mJ, instants monotonic us of the caller's clock.
 */
#ifndef HWT_CORE_HEAT_REGISTER_H
#define HWT_CORE_HEAT_REGISTER_H

#include <stdbool.h>
#include <stdint.h>

enum hwt_register_event {
    HWT_REGISTER_FIRST,    /* nothing to compare with yet */
    HWT_REGISTER_RISE,     /* *rise_out >= 0 since the reading before */
    HWT_REGISTER_ANCHORED, /* swap, roll-over, reset or misread: the rise is unknown */
    HWT_REGISTER_RESTORED  /* the anchoring before was a misread: *rise_out spans both polls */
};

struct hwt_register_track {
    int64_t value_mj; /* of the newest reading */
    int64_t at_us;    /* when it was read */
    int64_t since_us; /* the meter has certainly reached value_mj no earlier than this */
    int64_t rose_us;  /* when a rise was last seen */
    int64_t step_mj;  /* mJ, common measure of the rises seen; 0: none yet */
    int64_t power;    /* 0.1 W, from the newest rise */
    bool rose;        /* a rise was seen */
    bool has_power;   /* two rises were seen */
};

struct hwt_register {
    int64_t step_set_mj; /* mJ of a count as the caller knows it; 0: learn */
    int64_t max_w;       /* the largest power that is possible */
    bool known;          /* `now` is filled */
    bool doubtful;       /* the newest reading anchored: `was` may come back */
    struct hwt_register_track now;
    struct hwt_register_track was;
};

/* step_mj: mJ of one count, or 0. max_w: W, > 0. */
void hwt_register_init(struct hwt_register *r, int64_t step_mj, int64_t max_w);
/* Goes on from a reading of an earlier run: value_mj was read at at_us, which may be before the
 * clock's zero. */
void hwt_register_resume(struct hwt_register *r, int64_t value_mj, int64_t at_us);
/* A reading; at_us must not fall. *rise_out is written with RISE and RESTORED, else 0. */
enum hwt_register_event hwt_register_feed(struct hwt_register *r, int64_t at_us, int64_t value_mj,
                                          int64_t *rise_out);
/* mJ of one count: as set, as learnt, or 1 kWh as long as no rise was seen. */
int64_t hwt_register_step(const struct hwt_register *r);
/* Power from the rises, in 0.1 W, for a meter that tells none: the mean between the last two rises,
 * and no more than one count over the time since. False until two rises were seen. */
bool hwt_register_power(const struct hwt_register *r, int64_t now_us, int64_t *power_out);

#endif
