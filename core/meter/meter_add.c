/* meter_add.c: scans of the lines into the sums of the window. */
#include "core/meter/meter_internal.h"
#include "core/meter/meter_nco.h"

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

void hwt_meter_add_whole(struct hwt_meter *m, uint64_t end)
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

void hwt_meter_add_edge(struct hwt_meter *m, uint64_t at, uint32_t weight_q16)
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

void hwt_meter_halve(struct hwt_meter *m, unsigned k, uint64_t at_q16)
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
