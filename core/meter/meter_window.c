/*
 * meter_window.c: from codes to the sums of one window, and where it ends.
 *
 * A window ends at the rising crossing of the steering voltage that completes 10 cycles (12 when 10
 * took less than those of 55 Hz); without a steering voltage after 200 ms. The search for crossings
 * runs one scan ahead of the sums, so the bound is known before the scan that holds it is added.
 */
#include <string.h>

#include "core/meter/meter_internal.h"
#include "core/meter/meter_nco.h"

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
    bool anew = m->joint == HWT_METER_RESTART || r->bits != b->bits;

    memset(r, 0, sizeof(*r));
    memcpy(r->slot, b->slot, sizeof(r->slot));
    r->period_ps = b->scan_period_ps;
    r->slots = b->slots;
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
        if (hwt_meter_has_reference(m, i)) {
            set_delays(m, i);
        }
    }
    clear_sums(m);
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
        for (size_t k = 0; k < n; k++, code += m->block.slots) {
            line[kept + k] = *code;
        }
    }
    if (n > 0) {
        r->base = first;
        r->in += n;
        m->taken = (uint16_t)(m->taken + n);
    }
    return n > 0;
}

/* The frame's phase at a scan. */
static uint32_t frame_phase(const struct hwt_meter *m, uint64_t at)
{
    return m->frame.phase + m->frame.step * (uint32_t)(at - m->frame.at);
}

/* Scans [from, from + n), n <= HWT_METER_CHUNK, into the frame's sums; m->cos, m->sin are theirs.
 */
static void add_scans(struct hwt_meter *m, uint64_t from, size_t n, struct hwt_meter_sums *frame)
{
    hwt_meter_nco(frame_phase(m, from), m->frame.step, n, m->cos, m->sin);
    frame->whole[HWT_SUM_X] += (int64_t)n;
    for (size_t k = 0; k < n; k++) {
        frame->whole[HWT_SUM_COS] += m->cos[k];
        frame->whole[HWT_SUM_SIN] += m->sin[k];
    }
}

static void add_slot(const struct hwt_meter *m, int slot, uint64_t from, size_t n,
                     struct hwt_meter_sums *sums)
{
    const struct hwt_meter_slot *config = &m->config.slot[slot];
    const struct hwt_meter_memory *s = &m->slot[slot];
    size_t at = (size_t)(from - m->run.base);
    const int32_t *x = m->line[slot] + at;

    hwt_meter_sums_add(sums, x, m->cos, m->sin, n);
    if (hwt_meter_has_reference(m, slot)) {
        const int32_t *v = m->line[config->reference] + at;

        hwt_meter_sums_add_lags(sums, HWT_SUM_LAG, x, v + s->delay[0].shift, n);
    }
    if (config->between) {
        const int32_t *v = m->line[config->minus] + at;

        hwt_meter_sums_add_lags(sums, HWT_SUM_MINUS, x, v + s->delay[1].shift, n);
    }
}

/* Scans [from, from + n) of the clamps against this voltage, and of the voltage, by pairs. */
static void add_supply_paired(struct hwt_meter *m, int voltage, size_t at, size_t n)
{
    const int32_t *v = m->line[voltage] + at - HWT_METER_MARGIN;

    hwt_meter_sums_pair(m->pair, v, v + 1, n + 2 * HWT_METER_MARGIN - 1);
    hwt_meter_sums_add_paired(&m->slot[voltage].sums, m->line[voltage] + at, m->frame_pair, NULL,
                              n);
    for (int i = 0; i < m->config.slots; i++) {
        struct hwt_meter_memory *s = &m->slot[i];

        if (hwt_meter_has_reference(m, i) && m->config.slot[i].reference == voltage) {
            hwt_meter_sums_add_paired(&s->sums, m->line[i] + at, m->frame_pair,
                                      m->pair + HWT_METER_MARGIN + s->delay[0].shift, n);
        }
    }
}

/* add_slot for all slots, two products at once. */
static void add_slots_paired(struct hwt_meter *m, uint64_t from, size_t n)
{
    size_t at = (size_t)(from - m->run.base);

    hwt_meter_sums_pair(m->frame_pair, m->cos, m->sin, n);
    for (int i = 0; i < m->config.slots; i++) {
        const struct hwt_meter_slot *config = &m->config.slot[i];
        struct hwt_meter_memory *s = &m->slot[i];

        if (hwt_meter_is_voltage(m, i)) {
            add_supply_paired(m, i, at, n);
        } else if (hwt_meter_is_clamp(m, i) && !hwt_meter_has_reference(m, i)) {
            hwt_meter_sums_add_paired(&s->sums, m->line[i] + at, m->frame_pair, NULL, n);
        }
        if (config->between) {
            hwt_meter_sums_add_lags(&s->sums, HWT_SUM_MINUS, m->line[i] + at,
                                    m->line[config->minus] + at + s->delay[1].shift, n);
        }
    }
}

/* Whole scans up to `end`. */
static void add_whole(struct hwt_meter *m, uint64_t end)
{
    uint64_t from = m->run.done;
    size_t n = end > from ? (size_t)(end - from) : 0, at = (size_t)(from - m->run.base);
    bool paired = hwt_meter_sums_can_pair(m->run.bits);
    struct hwt_meter_harmonics *h = &m->harmonics;

    if (n == 0) {
        return;
    }
    add_scans(m, from, n, &m->frame.sums);
    if (paired) {
        add_slots_paired(m, from, n);
    }
    for (int i = 0; i < m->config.slots; i++) {
        struct hwt_meter_memory *s = &m->slot[i];

        if (!paired && hwt_meter_is_metered(m, i)) {
            add_slot(m, i, from, n, &s->sums);
        }
        if (hwt_meter_is_clamp(m, i) && s->noise.count < HWT_METER_NOISE_MAX) {
            hwt_meter_noise_add(&s->noise, m->line[i] + at, n);
        }
    }
    if (h->slot >= 0) {
        hwt_meter_harmonics_add(h, m->line[h->slot] + at,
                                h->reference >= 0 ? m->line[h->reference] + at : NULL,
                                frame_phase(m, from), m->frame.step, n);
    }
    m->run.done = end;
}

/* The scan `at`, with a weight. */
static void add_edge(struct hwt_meter *m, uint64_t at, uint32_t weight_q16)
{
    struct hwt_meter_sums one;
    struct hwt_meter_harmonics *h = &m->harmonics;

    hwt_meter_sums_clear(&one);
    add_scans(m, at, 1, &one);
    hwt_meter_sums_add_edge(&m->frame.sums, &one, weight_q16);
    for (int i = 0; i < m->config.slots; i++) {
        if (hwt_meter_is_metered(m, i)) {
            hwt_meter_sums_clear(&one);
            add_slot(m, i, at, 1, &one);
            hwt_meter_sums_add_edge(&m->slot[i].sums, &one, weight_q16);
        }
    }
    for (unsigned k = 0; k < 2; k++) {
        int analysed = k == 0 ? h->slot : h->reference;

        if (analysed >= 0) {
            hwt_meter_harmonics_add_edge(h, k, m->line[analysed][at - m->run.base],
                                         frame_phase(m, at), weight_q16);
        }
    }
}

/* The middle crossing of 10 cycles (k = 0) or of 12 (k = 1): the sums of x so far, for the slope of
 * the offset. Scans up to it are in the sums. */
static void halve(struct hwt_meter *m, unsigned k, uint64_t at_q16)
{
    size_t at = (size_t)((at_q16 >> 16) - m->run.base);
    int64_t weight_q16 = (int64_t)(at_q16 & 0xFFFF);

    m->half_at_q16[k] = at_q16;
    for (int i = 0; i < m->config.slots; i++) {
        struct hwt_meter_memory *s = &m->slot[i];

        if (hwt_meter_is_metered(m, i)) { /* < 2^23 x 2^16 scans x 2^16 */
            s->half_q16[k] = s->sums.whole[HWT_SUM_X] * 65536 + s->sums.edge_q16[HWT_SUM_X] +
                             weight_q16 * m->line[i][at];
        }
    }
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

enum found { NOTHING, MIDDLE, BOUND };

/* Searches up to and with scan `limit` for the window's end, which is *out then, and its middle. */
static enum found search(struct hwt_meter *m, uint64_t limit, struct hwt_meter_bound *out)
{
    uint64_t late_q16 = m->start_q16 + us_q16(m, m->steer < 0 ? NO_MAINS_US : LATE_US);

    while (m->run.searched <= limit) {
        uint64_t n = m->run.searched;
        uint16_t before = m->steer < 0 ? 0 : m->slot[m->steer].crossings, now;

        if (n << 16 > late_q16) {
            *out = (struct hwt_meter_bound){late_q16, 0, m->steer >= 0, false};
            return BOUND;
        }
        search_scan(m, n);
        m->run.searched++;
        now = m->steer < 0 ? 0 : m->slot[m->steer].crossings;
        if (now > before && at_bound(m, out)) {
            return BOUND;
        }
        if (now > before && m->aligned && (now == CYCLES_50 / 2 || now == CYCLES_60 / 2)) {
            return MIDDLE;
        }
    }
    return NOTHING;
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

        add_whole(m, at_q16 >> 16);
        halve(m, m->slot[m->steer].crossings == CYCLES_60 / 2, at_q16);
    }
    if (found == NOTHING) {
        add_whole(m, limit);
        return false;
    }
    edge = bound_out->at_q16 >> 16;
    add_whole(m, edge);
    if ((bound_out->at_q16 & 0xFFFF) != 0) {
        add_edge(m, edge, (uint32_t)(bound_out->at_q16 & 0xFFFF));
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
        add_edge(m, at, 65536 - weight_q16);
        m->run.done = at + 1;
    }
}
