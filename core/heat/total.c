#include "core/heat/total.h"

#include "core/base/fixed.h"

enum { ONE_COUNT = 1000 /* thousandths: registers are whole numbers */, US_PER_S = 1000000 };

void hwt_total_init(struct hwt_total *t, const struct hwt_total_rules *rules)
{
    *t = (struct hwt_total){.rules = *rules};
}

void hwt_total_resume(struct hwt_total *t, int64_t up, int64_t down, int64_t since_us)
{
    t->up = up;
    t->down = down;
    t->since_us = since_us;
    t->resumed = true;
}

/* False if they, or their magnitude, do not fit. */
static bool counts_of(const struct hwt_total *t, int64_t sent, int64_t *out)
{
    return hwt_mul_div(sent, t->rules.num, t->rules.den, out) && *out != INT64_MIN;
}

static int64_t magnitude(int64_t v)
{
    return v < 0 ? -v : v;
}

/* Whether so many counts can be moved in the time: one count of the register may just have fallen
 * due, however coarse it is. */
static bool possible(const struct hwt_total *t, int64_t moved, int64_t span_us)
{
    int64_t most, one = 0;

    if (!hwt_mul_div(t->rules.most_per_s, span_us, US_PER_S, &most)) {
        return true;
    }
    (void)counts_of(t, ONE_COUNT, &one);
    return magnitude(moved) <= most + magnitude(one);
}

static void add(struct hwt_total *t, int64_t moved)
{
    if (moved >= 0) {
        t->up += moved;
    } else {
        t->down -= moved;
    }
}

/* The move from a mark, over a full turn if that is the shorter way. False if it overflows. */
static bool move_from(const struct hwt_total *t, const struct hwt_total_mark *from, int64_t sent,
                      int64_t *moved_out, bool *wrapped_out)
{
    int64_t d, wrap = t->rules.wrap;

    *wrapped_out = false;
    if (__builtin_sub_overflow(sent, from->sent, &d) || d == INT64_MIN) {
        return false;
    }
    if (wrap > 0 && magnitude(d) > wrap / 2) {
        d += d < 0 ? wrap : -wrap;
        *wrapped_out = true;
    }
    return counts_of(t, d, moved_out);
}

static bool follows(const struct hwt_total *t, const struct hwt_total_mark *from, int64_t at_us,
                    int64_t sent, bool may_fall, int64_t *moved_out, bool *wrapped_out)
{
    return move_from(t, from, sent, moved_out, wrapped_out) &&
           possible(t, *moved_out, at_us - from->at_us) && (*moved_out >= 0 || may_fall);
}

/* The first reading of this run: it agrees with the totals of the run before, or is not counted. */
static enum hwt_total_event first(struct hwt_total *t, int64_t at_us, int64_t sent)
{
    int64_t counts;

    if (!counts_of(t, sent, &counts)) {
        return HWT_TOTAL_RESET;
    }
    if (!t->resumed) {
        add(t, counts);
        return HWT_TOTAL_FIRST;
    }
    counts -= t->up - t->down;
    if (counts < 0 || !possible(t, counts, at_us - t->since_us)) {
        return HWT_TOTAL_RESET;
    }
    add(t, counts);
    return HWT_TOTAL_MOVED;
}

enum hwt_total_event hwt_total_feed(struct hwt_total *t, int64_t at_us, int64_t sent, bool may_fall,
                                    bool restarted)
{
    const struct hwt_total_mark mark = {sent, at_us};
    bool doubtful = t->doubtful, wrapped;
    enum hwt_total_event event;
    int64_t moved;

    t->doubtful = false;
    if (!t->known) {
        t->known = true;
        event = first(t, at_us, sent);
    } else if (doubtful && !restarted &&
               follows(t, &t->was, at_us, sent, may_fall, &moved, &wrapped)) {
        add(t, moved);
        event = HWT_TOTAL_RESTORED;
    } else if (!restarted && follows(t, &t->now, at_us, sent, may_fall, &moved, &wrapped)) {
        add(t, moved);
        event = wrapped ? HWT_TOTAL_WRAPPED : HWT_TOTAL_MOVED;
    } else {
        t->was = t->now;
        t->doubtful = !restarted;
        event = HWT_TOTAL_RESET;
    }
    t->now = mark;
    return event;
}
