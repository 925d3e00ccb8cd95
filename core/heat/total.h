/*
 * total.h: totals that never step, made from a register that somebody else's device counts.
 *
 *   sent      100   105   103 (fed back)   0 (reset)   4      2147483647  -2147483648 (wrapped)
 *   up        100   105   105            105         109      …           + 1
 *   down        0     0     2              2           2
 *
 * An emonTx's energy is signed: it falls while power is fed in, is 0 after a reset, and turns over
 * at 2^31. What rose is added to `up`, what fell to `down`, if the caller says that it may fall; a
 * full turn is taken off; a move that no power makes is a reset or a misread and counts nothing. If
 * the next reading fits the register as it was before, the odd one was a misread: nothing is lost.
 *
 * Numbers sent are thousandths; totals are counts of the quantity (mJ, ml). Instants are us of one
 * clock. core/heat/register.h does the same for one register that only rises, without a total.
 */
#ifndef HWT_CORE_HEAT_TOTAL_H
#define HWT_CORE_HEAT_TOTAL_H

#include <stdbool.h>
#include <stdint.h>

enum hwt_total_event {
    HWT_TOTAL_FIRST,   /* nothing to compare with: the totals begin where the register stands */
    HWT_TOTAL_MOVED,   /* counted, or unchanged */
    HWT_TOTAL_WRAPPED, /* counted over a full turn */
    HWT_TOTAL_RESET,   /* not counted: a reset, a misread, another device */
    HWT_TOTAL_RESTORED /* the RESET before was a misread: counted since the reading before it */
};

struct hwt_total_rules {
    int64_t num, den;   /* counts = thousandths sent x num / den; den > 0, num not 0 */
    int64_t wrap;       /* thousandths sent, of a full turn; 0: none */
    int64_t most_per_s; /* counts a second, more is impossible; > 0 */
};

struct hwt_total_mark { /* a reading that was taken */
    int64_t sent, at_us;
};

struct hwt_total {
    int64_t up, down; /* counts, >= 0, never fall */
    /* private */
    struct hwt_total_rules rules;
    struct hwt_total_mark now, was;
    int64_t since_us;
    bool known, resumed, doubtful;
};

void hwt_total_init(struct hwt_total *t, const struct hwt_total_rules *rules);
/* Goes on from the totals of an earlier run, as they stood at since_us (may be before the clock's
 * zero). What the register rose meanwhile is counted if it agrees with them. */
void hwt_total_resume(struct hwt_total *t, int64_t up, int64_t down, int64_t since_us);
/*
 * A reading; at_us must not fall. may_fall: power was fed in since the reading before, so a lower
 * register is no reset. restarted: the device says that it began anew.
 */
enum hwt_total_event hwt_total_feed(struct hwt_total *t, int64_t at_us, int64_t sent, bool may_fall,
                                    bool restarted);

#endif
