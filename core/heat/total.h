/*
 * total.h: totals that never step, made from a register that somebody else's device counts.
 *
 *   register   100   105   9 (another meter)   12    15    2105 (misread)   18
 *   event    first moved odd              swapped moved    odd        restored
 *   up         100   105   -                  108   111      -             114
 *   offset       0     0   -                  +96   +96      -             +96
 *
 * The total is the register and an offset. What a meter cannot do (go back, or rise faster than the
 * largest power or flow allows), or what says that it is another one, is odd: such a reading is not
 * taken, and the next one decides. If
 * that fits the register as it was, the odd one was a misread and nothing is lost. If it fits the
 * odd one, the register has begun anew: the offset takes up the step, and what it rose since the
 * odd reading is counted. If the step is that of a display that turned over (99 999 to 0) or of a
 * binary number that did, nothing is lost either.
 *
 * A signed register (`falls`: an emonTx's energy) falls while power is fed in: what rose is added
 * to `up`, what fell to `down`, if the caller says that it may fall.
 *
 * Values are counts of the quantity (mJ, ml). Instants are us of one clock. Nothing is kept on
 * disk: whoever keeps up, down and the offset goes on over a restart, also when the register rose
 * meanwhile.
 */
#ifndef HWT_CORE_HEAT_TOTAL_H
#define HWT_CORE_HEAT_TOTAL_H

#include <stdbool.h>
#include <stdint.h>

enum { HWT_TOTAL_UNITS = 2 };

enum hwt_total_event {
    HWT_TOTAL_FIRST,    /* nothing to compare with: the totals begin where the register stands */
    HWT_TOTAL_MOVED,    /* counted, or unchanged */
    HWT_TOTAL_ODD,      /* not taken: the next reading decides; the totals are not known now */
    HWT_TOTAL_RESTORED, /* the odd readings before were misreads: counted since the one before */
    HWT_TOTAL_WRAPPED,  /* it turned over: counted */
    HWT_TOTAL_RESET,    /* it began anew at 0 */
    HWT_TOTAL_SWAPPED   /* it stands elsewhere: another meter */
};

struct hwt_total_rules {
    int64_t most_per_s; /* counts a second, more is impossible; > 0 */
    /* Counts of what the register may be written in (1 Wh, 1 J), 0: none. A register turns over at
     * 10^5 to 10^15 of it, or at 2^16, 2^24, 2^31 or 2^32 of 1 to 10 000 of it. */
    int64_t unit[HWT_TOTAL_UNITS];
    bool falls; /* signed */
};

struct hwt_total_hint { /* what the device says beside the number */
    bool may_fall;   /* power was fed in since the reading before: a lower register is no reset */
    bool restarted;  /* it began anew: if the register does not go on, that is why */
    uint32_t device; /* who it is: any number of its own; 0: not known */
};

struct hwt_total_mark { /* a reading */
    int64_t value;
    int64_t at_us;
    int64_t since_us; /* the register has certainly reached value no earlier than this */
    uint32_t device;
};

struct hwt_total {
    int64_t up, down; /* counts, never fall */
    int64_t before;   /* of the newest event of kind WRAPPED, RESET or SWAPPED: the register's */
    int64_t after;    /* last value before the step, and its first one behind it */
    bool known, doubtful; /* a reading was taken; the newest was odd */
    /* private */
    struct hwt_total_rules rules;
    struct hwt_total_mark now, odd;
    int64_t offset, since_us; /* of the run before */
    uint32_t device;
    bool resumed;
};

void hwt_total_init(struct hwt_total *t, const struct hwt_total_rules *rules);
/* Before the first reading: goes on from the totals of an earlier run as they stood at since_us
 * (may be before the clock's zero), with the offset and the device of then. What the register rose
 * meanwhile is counted if it agrees with them. */
void hwt_total_resume(struct hwt_total *t, int64_t up, int64_t down, int64_t offset,
                      int64_t since_us, uint32_t device);
/* A reading; at_us must not fall. A value beyond a quarter of int64 is odd and never taken. */
enum hwt_total_event hwt_total_feed(struct hwt_total *t, int64_t at_us, int64_t value,
                                    struct hwt_total_hint hint);
/* Who the device was is not known any more: the next one that says who it is is not another. */
void hwt_total_forget_device(struct hwt_total *t);
/* Totals less register, as of the newest reading taken or what was resumed; 0 before. */
int64_t hwt_total_offset(const struct hwt_total *t);

#endif
