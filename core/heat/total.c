#include "core/heat/total.h"

#include "core/base/fixed.h"

#define VALUE_MAX (INT64_MAX / 4)

enum {
    US_PER_S = 1000000,
    SLACK_US = 5000000,   /* readings are stamped when they come, not when they were made */
    RESUME_US = 60000000, /* a register resumed was read up to a minute before the totals were
                           * kept, and its next count may be about to fall */
    SMALL_PART = 64,      /* of a turn: more than that of it is no roll-over */
    DIGITS_MIN = 5,       /* of a display */
    DIGITS_MAX = 15,
    BINARY_TENS = 4
};

void hwt_total_init(struct hwt_total *t, const struct hwt_total_rules *rules)
{
    *t = (struct hwt_total){.rules = *rules};
}

void hwt_total_resume(struct hwt_total *t, int64_t up, int64_t down, int64_t offset,
                      int64_t since_us, uint32_t device)
{
    t->up = up;
    t->down = down;
    t->offset = offset;
    t->since_us = since_us;
    t->device = device;
    t->resumed = true;
}

void hwt_total_forget_device(struct hwt_total *t)
{
    t->device = t->now.device = t->odd.device = 0;
}

int64_t hwt_total_offset(const struct hwt_total *t)
{
    return t->known ? t->up - t->down - t->now.value : t->offset;
}

static int64_t magnitude(int64_t v)
{
    return v < 0 ? -v : v;
}

static bool in_range(int64_t v)
{
    return v >= -VALUE_MAX && v <= VALUE_MAX;
}

/* Whether so many counts can be moved between a mark and at_us: with T(t) the energy behind the
 * register, T(since) <= value and T(at) >= value + moved, however coarse the register counts. */
static bool possible(const struct hwt_total *t, const struct hwt_total_mark *from, int64_t at_us,
                     int64_t moved)
{
    int64_t most;

    return !hwt_mul_div(t->rules.most_per_s, at_us - from->since_us + SLACK_US, US_PER_S, &most) ||
           magnitude(moved) <= most;
}

static bool same_device(const struct hwt_total_mark *a, const struct hwt_total_mark *b)
{
    return a->device == 0 || b->device == 0 || a->device == b->device;
}

/* Whether a reading goes on from a mark. */
static bool follows(const struct hwt_total *t, const struct hwt_total_mark *from,
                    const struct hwt_total_mark *to, bool may_fall)
{
    int64_t moved = to->value - from->value;

    return same_device(from, to) && (moved >= 0 || (may_fall && t->rules.falls)) &&
           possible(t, from, to->at_us, moved);
}

/* --- turning over ---------------------------------------------------------------------------- */

/* The nth width at which a register of this unit may turn over; 0: beyond int64; false: no more. */
static bool width(int64_t unit, unsigned n, int64_t *out)
{
    static const uint8_t bits[] = {16, 24, 31, 32};
    enum { BINARIES = sizeof(bits) * (BINARY_TENS + 1) };
    int64_t count;

    *out = 0;
    if (n < BINARIES) {
        (void)(hwt_mul_div(unit, hwt_pow10((int)(n / sizeof(bits))), 1, &count) &&
               hwt_mul_div(count, INT64_C(1) << bits[n % sizeof(bits)], 1, out));
        return true;
    }
    n = n - BINARIES + DIGITS_MIN;
    (void)(n <= DIGITS_MAX && hwt_mul_div(unit, hwt_pow10((int)n), 1, out));
    return n <= DIGITS_MAX;
}

/* How far it moved from `from` to `to` if it turned over at w. False: it did not. The difference of
 * two values in range and a width in range fit int64. */
static bool over_width(const struct hwt_total *t, const struct hwt_total_mark *from,
                       const struct hwt_total_mark *to, int64_t w, int64_t *moved_out)
{
    int64_t d = to->value - from->value;
    bool back = t->rules.falls && d > 0;

    if (w <= 0 || w > VALUE_MAX || magnitude(from->value) >= w ||
        magnitude(from->value) < w / 2 - w / SMALL_PART) {
        return false;
    }
    *moved_out = back ? d - w : d + w;
    return (back || *moved_out >= 0) && magnitude(*moved_out) <= w / SMALL_PART &&
           possible(t, from, to->at_us, *moved_out);
}

/* The same at any width: the shortest way of those that are possible. */
static bool over_a_turn(const struct hwt_total *t, const struct hwt_total_mark *from,
                        const struct hwt_total_mark *to, int64_t *moved_out)
{
    bool found = false;
    int64_t w, moved;

    for (unsigned u = 0; u < HWT_TOTAL_UNITS; u++) {
        for (unsigned n = 0; t->rules.unit[u] > 0 && width(t->rules.unit[u], n, &w); n++) {
            if (over_width(t, from, to, w, &moved) &&
                (!found || magnitude(moved) < magnitude(*moved_out))) {
                *moved_out = moved;
                found = true;
            }
        }
    }
    return found;
}

/* --- readings -------------------------------------------------------------------------------- */

static void add(struct hwt_total *t, int64_t moved)
{
    if (moved >= 0) {
        t->up += moved;
    } else {
        t->down -= moved;
    }
}

/* A register that is met at a value. Where inside its count it stands is not known: the next one
 * may be about to fall. */
static struct hwt_total_mark mark_at(int64_t at_us, int64_t value, uint32_t device)
{
    return (struct hwt_total_mark){
        .value = value, .at_us = at_us, .since_us = at_us - RESUME_US, .device = device};
}

/* A reading that goes on from a mark becomes the newest one. */
static void take(struct hwt_total *t, const struct hwt_total_mark *from,
                 const struct hwt_total_mark *to)
{
    struct hwt_total_mark mark = *to;

    mark.since_us = to->value == from->value ? from->since_us : from->at_us; /* not reached then */
    mark.device = to->device != 0 ? to->device : from->device;
    add(t, to->value - from->value);
    t->now = mark;
    t->doubtful = false;
}

static void first(struct hwt_total *t, const struct hwt_total_mark *mark)
{
    t->now = *mark;
    t->up = mark->value;
    if (t->rules.falls && mark->value < 0) {
        t->up = 0;
        t->down = -mark->value;
    }
}

/* Leaves the register behind and goes on at a mark. Returns what kind of step it was. */
static enum hwt_total_event begin(struct hwt_total *t, const struct hwt_total_mark *mark,
                                  bool restarted)
{
    bool exchanged = !same_device(&t->now, mark), wrapped;
    bool from_zero = mark->value >= 0 && mark->value < t->now.value &&
                     possible(t, &t->now, mark->at_us, mark->value);
    int64_t moved = 0;

    wrapped = !exchanged && !restarted && over_a_turn(t, &t->now, mark, &moved);
    t->before = t->now.value;
    t->after = mark->value;
    if (wrapped) {
        add(t, moved);
    }
    t->now = *mark;
    t->doubtful = false;
    if (wrapped) {
        return HWT_TOTAL_WRAPPED;
    }
    return !exchanged && (from_zero || (restarted && t->after < t->before)) ? HWT_TOTAL_RESET
                                                                            : HWT_TOTAL_SWAPPED;
}

static enum hwt_total_event judge(struct hwt_total *t, const struct hwt_total_mark *mark,
                                  struct hwt_total_hint hint)
{
    enum hwt_total_event event;

    if (follows(t, &t->now, mark, hint.may_fall && !hint.restarted)) {
        event = t->doubtful ? HWT_TOTAL_RESTORED : HWT_TOTAL_MOVED;
        take(t, &t->now, mark);
        return event;
    }
    if (hint.restarted) {
        return begin(t, mark, true);
    }
    if (t->doubtful && follows(t, &t->odd, mark, hint.may_fall)) {
        event = begin(t, &t->odd, false);
        take(t, &t->odd, mark);
        return event;
    }
    t->odd = *mark;
    t->doubtful = true;
    return HWT_TOTAL_ODD;
}

enum hwt_total_event hwt_total_feed(struct hwt_total *t, int64_t at_us, int64_t value,
                                    struct hwt_total_hint hint)
{
    struct hwt_total_mark mark = mark_at(at_us, value, hint.device);

    if (!in_range(value)) {
        return HWT_TOTAL_ODD;
    }
    if (!t->known && !t->resumed) {
        t->known = true;
        first(t, &mark);
        return HWT_TOTAL_FIRST;
    }
    if (!t->known) {
        t->known = true;
        t->now = mark_at(t->since_us, t->up - t->down - t->offset, t->device);
    }
    return judge(t, &mark, hint);
}
