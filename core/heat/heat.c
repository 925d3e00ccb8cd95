#include "core/heat/heat.h"

/* Steering: an error is spread over 4 counts of the register, or over 16 times what a poll brings
 * where that hides the moment of the tick. */
enum { STEER_STEPS = 4, STEER_POLLS = 16 };

static const double gain_max = 0.25;

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void hwt_heat_init(struct hwt_heat *h, int64_t positive_mj, int64_t negative_mj, int64_t gap_us,
                   int64_t step_mj, int64_t max_w)
{
    *h =
        (struct hwt_heat){.positive_mj = positive_mj, .negative_mj = negative_mj, .gap_us = gap_us};
    hwt_register_init(&h->meter, step_mj, max_w);
}

void hwt_heat_resume(struct hwt_heat *h, int64_t register_mj, int64_t anchor_mj, int64_t at_us)
{
    hwt_register_resume(&h->meter, register_mj, at_us);
    h->slave = (struct hwt_slave){.anchor_mj = anchor_mj, .anchored = true};
}

/* The register seen through the anchor: our heat differs from it by one count at most. */
static int64_t register_heat(const struct hwt_heat *h)
{
    return h->slave.anchor_mj + h->meter.now.value_mj;
}

/*
 * At a tick the register tells the energy behind it to within one poll. Where our integral stood at
 * the first tick is its phase; where it stands at later ones shows its drift, which the gain takes
 * out of the heat to come. The tick fell somewhere in the poll: its middle is the best guess.
 */
static void steer(struct hwt_heat *h, int64_t heat_mj, int64_t added_mj)
{
    struct hwt_slave *s = &h->slave;
    int64_t step = hwt_register_step(&h->meter);
    int64_t blur = min_i64(added_mj, step);
    int64_t lead = heat_mj - register_heat(h) - blur / 2;
    double spread = (double)(STEER_STEPS * step + STEER_POLLS * blur);

    if (!s->phased) {
        s->phase_mj = min_i64(max_i64(lead, -step), 0);
        s->phased = true;
        return;
    }
    s->gain = (double)(s->phase_mj - lead) / spread;
    s->gain = s->gain > gain_max ? gain_max : s->gain < -gain_max ? -gain_max : s->gain;
}

/* Takes the poll's register. *rise_out is what it rose beyond what is already booked. */
static enum hwt_register_event feed(struct hwt_heat *h, const struct hwt_poll *p, int64_t *rise_out)
{
    enum hwt_register_event event =
        hwt_register_feed(&h->meter, p->at_us, p->register_mj, rise_out);

    *rise_out = max_i64(*rise_out - h->unchecked_mj, 0);
    switch (event) {
    case HWT_REGISTER_ANCHORED:
        h->anchored++;
        h->slave_was = h->slave;
        h->slave = (struct hwt_slave){.anchored = false};
        break;
    case HWT_REGISTER_RESTORED:
        h->slave = h->slave_was;
        break;
    case HWT_REGISTER_FIRST:
    case HWT_REGISTER_RISE:
        break;
    }
    return event;
}

/* The poll's register is taken and its heat is booked. */
static void checked(struct hwt_heat *h)
{
    if (!h->slave.anchored) {
        h->slave.anchor_mj = h->positive_mj - h->meter.now.value_mj;
        h->slave.anchored = true;
    }
    h->broken = false;
    h->unchecked_mj = 0;
}

/* Our heat with the integral added: within one count of the register, never back. */
static int64_t bounded(const struct hwt_heat *h, int64_t added_mj)
{
    int64_t step = hwt_register_step(&h->meter);
    int64_t heat_mj = h->positive_mj + added_mj;

    if (!h->slave.anchored) {
        return heat_mj;
    }
    heat_mj = min_i64(heat_mj, max_i64(h->positive_mj, register_heat(h) + step));
    return max_i64(heat_mj, register_heat(h) - step);
}

/* Books the integral of a poll that has a register; returns the part that is of a COP. */
static int64_t book_checked(struct hwt_heat *h, const struct hwt_poll *p, int64_t added_mj)
{
    int64_t rise, before = h->positive_mj;
    enum hwt_register_event event;

    h->unchecked_mj += added_mj;
    event = feed(h, p, &rise);
    if (h->broken) { /* what it rose over the gap is heat, but of no COP */
        h->positive_mj += rise;
        before = h->positive_mj;
    } else if (event == HWT_REGISTER_RISE && h->meter.now.rose_us == p->at_us) {
        steer(h, before + added_mj, added_mj);
    }
    h->positive_mj = bounded(h, added_mj);
    checked(h);
    return h->positive_mj - before;
}

/* A poll whose power continues that of a poll before. */
static void settle_power(struct hwt_heat *h, const struct hwt_poll *p, struct hwt_heat_span *span)
{
    double positive, negative;
    int64_t added;

    hwt_poll_areas(h->power.power, p->power, p->at_us - h->power.at_us, &positive, &negative);
    added = hwt_poll_whole(positive * (1 + h->slave.gain), &h->positive_carry_mj);
    if (p->has_register) {
        added = book_checked(h, p, added);
    } else {
        h->positive_mj += added;
        h->unchecked_mj += added;
    }
    span->positive_mj = added;
    span->negative_mj = hwt_poll_whole(negative, &h->negative_carry_mj);
    span->continuous = true;
    h->negative_mj += span->negative_mj;
}

/* A poll without a power to go on from: the first, after a gap, or of a meter that tells none. */
static void settle_register(struct hwt_heat *h, const struct hwt_poll *p,
                            struct hwt_heat_span *span)
{
    *span = (struct hwt_heat_span){.continuous = h->known && !h->broken && p->has_register &&
                                                 p->at_us - h->at_us <= h->gap_us};
    if (p->has_register) {
        (void)feed(h, p, &span->positive_mj);
        h->positive_mj += span->positive_mj;
        checked(h);
    } else {
        h->broken = true;
    }
    h->gaps += h->known && !span->continuous ? 1 : 0;
}

bool hwt_heat_settle(struct hwt_heat *h, const struct hwt_poll *p, struct hwt_heat_span *span_out)
{
    bool goes_on = h->power.known && p->at_us - h->power.at_us <= h->gap_us;

    if (goes_on && !p->has_power) {
        return false; /* the next power spans this poll, and its register tells then */
    }
    if (goes_on) {
        settle_power(h, p, span_out);
    } else {
        settle_register(h, p, span_out);
    }
    h->power = (struct hwt_last_power){p->power, p->at_us, p->has_power, p->quality};
    h->at_us = p->at_us;
    h->known = true;
    return true;
}
