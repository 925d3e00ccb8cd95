/* meter_add.c: scans of the lines into the sums of the window. */
#include "core/meter/meter_internal.h"
#include "core/meter/meter_nco.h"

/* The scan, counted from where the frame's phase is known. */
static uint32_t frame_scan(const struct hwt_meter *m, uint64_t at)
{
    return (uint32_t)(at - m->frame.at);
}

/* Scans [from, from + n), n <= HWT_METER_CHUNK, into the frame's sums; m->cos, m->sin are theirs.
 */
static void add_scans(struct hwt_meter *m, uint64_t from, size_t n, struct hwt_meter_sums *frame)
{
    int32_t cos = 0, sin = 0; /* of n x 2^15 */

    hwt_meter_nco(m->frame.phase, m->frame.step, frame_scan(m, from), n, m->cos, m->sin);
    for (size_t k = 0; k < n; k++) {
        cos += m->cos[k];
        sin += m->sin[k];
    }
    frame->whole[HWT_SUM_X] += (int64_t)n;
    frame->whole[HWT_SUM_COS] += cos;
    frame->whole[HWT_SUM_SIN] += sin;
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

/* Scans [from, from + n) of this voltage and of the clamps against it. */
static void add_supply_narrow(struct hwt_meter *m, int voltage, size_t at, size_t n)
{
    hwt_meter_narrow_add(&m->narrow, &m->slot[voltage].sums, m->line[voltage] + at, n);
    hwt_meter_narrow_voltage(&m->narrow, m->line[voltage] + at, n);
    for (int i = 0; i < m->config.slots; i++) {
        struct hwt_meter_memory *s = &m->slot[i];

        if (hwt_meter_has_reference(m, i) && m->config.slot[i].reference == voltage) {
            hwt_meter_narrow_add_lags(&m->narrow, &s->sums, m->line[i] + at, s->delay[0].shift, n);
        }
    }
}

/* add_slot for all slots, of codes that are narrow. */
static void add_slots_narrow(struct hwt_meter *m, uint64_t from, size_t n)
{
    size_t at = (size_t)(from - m->run.base);

    hwt_meter_narrow_frame(&m->narrow, m->cos, m->sin, n);
    for (int i = 0; i < m->config.slots; i++) {
        const struct hwt_meter_slot *config = &m->config.slot[i];
        struct hwt_meter_memory *s = &m->slot[i];

        if (hwt_meter_is_voltage(m, i)) {
            add_supply_narrow(m, i, at, n);
        } else if (hwt_meter_is_clamp(m, i) && !hwt_meter_has_reference(m, i)) {
            hwt_meter_narrow_add(&m->narrow, &s->sums, m->line[i] + at, n);
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
    bool narrow = m->run.bits <= HWT_METER_NARROW_BITS;
    struct hwt_meter_harmonics *h = &m->harmonics;

    if (n == 0) {
        return;
    }
    add_scans(m, from, n, &m->frame.sums);
    if (narrow) {
        add_slots_narrow(m, from, n);
    }
    for (int i = 0; i < m->config.slots; i++) {
        struct hwt_meter_memory *s = &m->slot[i];

        if (!narrow && hwt_meter_is_metered(m, i)) {
            add_slot(m, i, from, n, &s->sums);
        }
        if (hwt_meter_is_clamp(m, i) && s->noise.count < HWT_METER_NOISE_MAX) {
            hwt_meter_noise_add(&s->noise, m->line[i] + at, n);
        }
    }
    if (h->slot >= 0) {
        hwt_meter_harmonics_add(h, m->line[h->slot] + at,
                                h->reference >= 0 ? m->line[h->reference] + at : NULL,
                                m->frame.phase, m->frame.step, frame_scan(m, from), n);
    }
    m->run.done = end;
}

void hwt_meter_add_edge(struct hwt_meter *m, uint64_t at, uint32_t weight_q16)
{
    struct hwt_meter_sums one;
    struct hwt_meter_harmonics *h = &m->harmonics;

    hwt_meter_sums_clear_scan(&one);
    add_scans(m, at, 1, &one);
    hwt_meter_sums_add_edge(&m->frame.sums, &one, weight_q16);
    for (int i = 0; i < m->config.slots; i++) {
        if (hwt_meter_is_metered(m, i)) {
            hwt_meter_sums_clear_scan(&one);
            add_slot(m, i, at, 1, &one);
            hwt_meter_sums_add_edge(&m->slot[i].sums, &one, weight_q16);
        }
    }
    for (unsigned k = 0; k < 2; k++) {
        int analysed = k == 0 ? h->slot : h->reference;

        if (analysed >= 0) {
            hwt_meter_harmonics_add_edge(h, k, m->line[analysed][at - m->run.base],
                                         m->frame.phase + m->frame.step * frame_scan(m, at),
                                         weight_q16);
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
