/*
 * meter_window.c: from codes to lines, and where a window ends.
 *
 * A window ends at the rising crossing of the steering voltage that completes 10 cycles (12 when 10
 * took less than those of 55 Hz); without a steering voltage after 200 ms. The search for crossings
 * runs one scan ahead of the sums, so the bound is known before the scan that holds it is added.
 */
#include <string.h>

#include "core/meter/meter_internal.h"

enum {
    NO_MAINS_US = 200000,   /* a window's length when there is no crossing to wait for */
    LATE_US = 300000,       /* 10 cycles at 33 Hz: the steering voltage has failed */
    GUARD_US = 12500,       /* two crossings nearer than this (80 Hz) are not both the mains' */
    JUDGE_US = 150000,      /* a window this long tells whether a voltage lives */
    TEN_CYCLES_US = 181818, /* at 55 Hz, half-way between 50 and 60 */
    CYCLES_50 = 10,         /* IEC 61000-4-30: 10 cycles of 50 Hz, 12 of 60 Hz */
    CYCLES_60 = 12,
    CROSSINGS_MIN = 5 /* in a window, for a voltage to steer */
};

/* us as scans in Q16; us <= 300 000: < 2^19 x 2^36. */
static uint64_t us_q16(const struct hwt_meter *m, uint32_t us)
{
    return ((uint64_t)us * 1000000 << 16) / m->run.period_ps;
}

static void clear_sums(struct hwt_meter *m)
{
    hwt_meter_sums_clear(&m->frame.sums);
    for (int i = 0; i < m->config.slots; i++) {
        hwt_meter_sums_clear(&m->slot[i].sums);
        m->slot[i].crossings = 0;
    }
    m->half_at_q16[0] = m->half_at_q16[1] = 0;
    hwt_meter_harmonics_begin(&m->harmonics);
}

/* The frame turns on without a step, at the frequency now known. */
static void turn_frame(struct hwt_meter *m, uint64_t at)
{
    struct hwt_meter_frame *f = &m->frame;

    f->phase += f->step * (uint32_t)(at - f->at);
    f->step = (uint32_t)(f->hz * m->run.period_ps * 1e-12 * 4294967296.0);
    f->at = at;
}

/* How much later than its voltages the clamp is converted. */
static void set_delays(struct hwt_meter *m, int slot)
{
    const struct hwt_meter_slot *config = &m->config.slot[slot];
    const struct hwt_slot *s = m->block.slot;
    int32_t late_q16 = s[slot].time_q16;

    hwt_meter_delay_set(&m->slot[slot].delay[0], late_q16 - s[config->reference].time_q16);
    if (config->between) {
        hwt_meter_delay_set(&m->slot[slot].delay[1], late_q16 - s[config->minus].time_q16);
    }
}

void hwt_meter_begin_run(struct hwt_meter *m)
{
    struct hwt_meter_run *r = &m->run;
    const struct hwt_block *b = &m->block;
    bool other_codes = r->bits != 0 && r->bits != b->bits;
    bool anew = m->joint == HWT_METER_RESTART || r->bits != b->bits;

    memset(r, 0, sizeof(*r));
    memcpy(r->slot, b->slot, sizeof(r->slot));
    r->period_ps = b->scan_period_ps;
    r->bits = b->bits;
    r->on = true;
    r->done = HWT_METER_MARGIN;
    r->searched = 1;
    r->guard_q16 = us_q16(m, GUARD_US);
    m->frame.at = r->done;
    turn_frame(m, r->done);
    m->start_q16 = 0;
    m->aligned = false;
    m->cycles = 0;
    if (anew) {
        m->hz_known = false;
    }
    for (int i = 0; i < m->config.slots; i++) {
        struct hwt_meter_memory *s = &m->slot[i];

        hwt_meter_cross_reset(&s->cross);
        s->turns_known = false;
        s->mean_known = s->mean_known && !anew;
        if (other_codes) { /* what was learned is in codes */
            memset(&s->noise, 0, sizeof(s->noise));
        }
        if (hwt_meter_has_reference(m, i)) {
            set_delays(m, i);
        }
    }
    clear_sums(m);
}

/* n codes of one slot. Four at a time, for it is a tenth of the meter's work. */
static void take_slot(int32_t *out, const int32_t *code, size_t slots, size_t n)
{
    for (; n >= 4; n -= 4, out += 4, code += 4 * slots) {
        out[0] = code[0];
        out[1] = code[slots];
        out[2] = code[2 * slots];
        out[3] = code[3 * slots];
    }
    for (; n > 0; n--, code += slots) {
        *out++ = *code;
    }
}

bool hwt_meter_refill(struct hwt_meter *m)
{
    struct hwt_meter_run *r = &m->run;
    uint64_t first = r->done - HWT_METER_MARGIN; /* the oldest that is still needed */
    size_t old = (size_t)(first - r->base);
    size_t kept = r->in > first ? (size_t)(r->in - first) : 0;
    size_t left = (size_t)m->block.scans - m->taken;
    size_t n = left < HWT_METER_CHUNK ? left : HWT_METER_CHUNK;

    for (int i = 0; n > 0 && i < m->config.slots; i++) {
        const int32_t *code = m->block.codes + (size_t)m->taken * m->block.slots + (size_t)i;
        int32_t *line = m->line[i];

        if (!hwt_meter_is_metered(m, i)) {
            continue;
        }
        memmove(line, line + old, kept * sizeof(*line));
        take_slot(line + kept, code, m->block.slots, n);
    }
    if (n > 0) {
        r->base = first;
        r->in += n;
        m->taken = (uint16_t)(m->taken + n);
    }
    return n > 0;
}

/* The crossings of scan n. */
static void search_scan(struct hwt_meter *m, uint64_t n)
{
    size_t at = (size_t)(n - m->run.base);

    for (int i = 0; i < m->config.slots; i++) {
        struct hwt_meter_memory *s = &m->slot[i];

        if (hwt_meter_is_voltage(m, i) &&
            hwt_meter_cross_feed(&s->cross, n, m->line[i][at - 1], m->line[i][at], s->arm,
                                 m->run.guard_q16) &&
            s->cross.last_q16 > m->start_q16) {
            s->first_q16 = s->crossings == 0 ? s->cross.last_q16 : s->first_q16;
            s->crossings++;
        }
    }
}

/* Whether the steering voltage's newest crossing ends the window. */
static bool at_bound(const struct hwt_meter *m, struct hwt_meter_bound *out)
{
    const struct hwt_meter_memory *s = &m->slot[m->steer];
    uint16_t cycles = s->crossings;

    if (!m->aligned) {
        *out = (struct hwt_meter_bound){s->cross.last_q16, 0, true, true};
        return cycles >= (m->hz_known ? 1 : 2);
    }
    *out = (struct hwt_meter_bound){s->cross.last_q16, cycles, false, true};
    return cycles >= CYCLES_60 ||
           (cycles == CYCLES_50 && s->cross.last_q16 - m->start_q16 >= us_q16(m, TEN_CYCLES_US));
}

/* Searches on up to the next scan in which a voltage rises through mid-scale, or up to `end`. */
static void skip_quiet(struct hwt_meter *m, uint64_t end)
{
    uint64_t from = m->run.searched;
    size_t n = end > from ? (size_t)(end - from) : 0, at = (size_t)(from - m->run.base);

    for (int i = 0; i < m->config.slots; i++) {
        if (hwt_meter_is_voltage(m, i)) {
            n = hwt_meter_cross_find_rise(m->line[i] + at, n);
        }
    }
    for (int i = 0; i < m->config.slots; i++) {
        if (hwt_meter_is_voltage(m, i)) {
            hwt_meter_cross_arm(&m->slot[i].cross, m->line[i] + at, n, m->slot[i].arm);
        }
    }
    m->run.searched += n;
}

enum found { NOTHING, MIDDLE, BOUND };

/* Searches up to and with scan `limit` for the window's end, which is *out then, and its middle. */
static enum found search(struct hwt_meter *m, uint64_t limit, struct hwt_meter_bound *out)
{
    uint64_t late_q16 = m->start_q16 + us_q16(m, m->steer < 0 ? NO_MAINS_US : LATE_US);
    uint64_t late = late_q16 >> 16; /* the last scan before it */

    for (;;) {
        uint16_t before = m->steer < 0 ? 0 : m->slot[m->steer].crossings, now;

        skip_quiet(m, (limit < late ? limit : late) + 1);
        if (m->run.searched > limit) {
            return NOTHING;
        }
        if (m->run.searched > late) {
            *out = (struct hwt_meter_bound){late_q16, 0, m->steer >= 0, false};
            return BOUND;
        }
        search_scan(m, m->run.searched);
        m->run.searched++;
        now = m->steer < 0 ? 0 : m->slot[m->steer].crossings;
        if (now > before && at_bound(m, out)) {
            return BOUND;
        }
        if (now > before && m->aligned && (now == CYCLES_50 / 2 || now == CYCLES_60 / 2)) {
            return MIDDLE;
        }
    }
}

bool hwt_meter_advance(struct hwt_meter *m, struct hwt_meter_bound *bound_out)
{
    struct hwt_meter_run *r = &m->run;
    uint64_t limit = r->in > HWT_METER_MARGIN ? r->in - HWT_METER_MARGIN : 0;
    enum found found;
    uint64_t edge;

    if (limit < r->searched) {
        return false;
    }
    while ((found = search(m, limit, bound_out)) == MIDDLE) {
        uint64_t at_q16 = m->slot[m->steer].cross.last_q16;

        hwt_meter_add_whole(m, at_q16 >> 16);
        hwt_meter_halve(m, m->slot[m->steer].crossings == CYCLES_60 / 2, at_q16);
    }
    if (found == NOTHING) {
        hwt_meter_add_whole(m, limit);
        return false;
    }
    edge = bound_out->at_q16 >> 16;
    hwt_meter_add_whole(m, edge);
    if ((bound_out->at_q16 & 0xFFFF) != 0) {
        hwt_meter_add_edge(m, edge, (uint32_t)(bound_out->at_q16 & 0xFFFF));
    }
    return true;
}

/* After a window long enough to tell: the first voltage that has crossings steers the next. */
static void choose_steer(struct hwt_meter *m, uint64_t length_q16, bool *aligned)
{
    int best = -1;

    if (length_q16 < us_q16(m, JUDGE_US)) {
        return;
    }
    for (int i = m->config.slots - 1; i >= 0; i--) {
        if (hwt_meter_is_voltage(m, i) && m->slot[i].crossings >= CROSSINGS_MIN) {
            best = i;
        }
    }
    if (best != m->steer) {
        m->steer = (int8_t)best;
        m->hz_known = false;
        *aligned = false;
    }
}

void hwt_meter_begin_window(struct hwt_meter *m, const struct hwt_meter_bound *bound)
{
    uint64_t at = bound->at_q16 >> 16;
    uint32_t weight_q16 = (uint32_t)(bound->at_q16 & 0xFFFF);
    bool aligned = bound->aligned;

    choose_steer(m, bound->at_q16 - m->start_q16, &aligned);
    m->aligned = aligned;
    m->start_q16 = bound->at_q16;
    turn_frame(m, at);
    clear_sums(m);
    if (weight_q16 != 0) {
        hwt_meter_add_edge(m, at, 65536 - weight_q16);
        m->run.done = at + 1;
    }
}
