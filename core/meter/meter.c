/*
 * meter.c: how blocks join, and the device clock's time of every window.
 *
 * A position in a run is a number of scans in Q16; its time is the device clock at the run's first
 * scan plus position x scan period, kept exactly (us and a rest in ps / 2^16), so that durations
 * chain without a loss and do not depend on how the scans were cut into blocks. If the device clock
 * runs away from the scans (their period is nominal), the difference is put into the window in
 * which it is seen.
 */
#include "core/meter/meter.h"

#include <string.h>

#include "core/meter/meter_internal.h"

#define PS_Q16_PER_US (UINT64_C(1000000) << 16)

enum {
    PERIOD_MIN_PS = 5000000,    /* 300 ms are 60 000 scans: the sums hold 65 536 */
    PERIOD_MAX_PS = 2000000000, /* 500 Hz */
    STAMP_US = 2,               /* the device clock's resolution and rounding */
    PERIOD_STEP = 10000,        /* a change of the period by less than one in so many is a clock
                                 * that is steered, no other layout */
    RESTART_US = 10000000       /* docs/SAMPLE_STREAM.md, rule 3 */
};

static bool is_metered(const struct hwt_meter_slot *s)
{
    return s->kind == HWT_SLOT_VOLTAGE || s->kind == HWT_SLOT_CURRENT;
}

static bool register_valid(int64_t mj)
{
    return mj >= 0 && mj <= INT64_MAX / 2;
}

static bool voltage_valid(const struct hwt_meter_config *c, unsigned slot)
{
    return slot < c->slots && c->slot[slot].kind == HWT_SLOT_VOLTAGE;
}

static bool clamp_valid(const struct hwt_meter_config *c, const struct hwt_meter_slot *s)
{
    bool registers = register_valid(s->import_mj) && register_valid(s->export_mj);
    bool referenced = s->reference != HWT_METER_NO_REFERENCE;

    for (unsigned k = 0; k < 4; k++) {
        registers = registers && register_valid(s->reactive_mj[k]);
    }
    if (!registers || !(s->noise >= -1 && s->noise <= 100) ||
        !(s->no_load_w >= 0 && s->no_load_w <= 1e6) || !(s->leak_s >= -1 && s->leak_s <= 1) ||
        !(s->leak_b_s >= -1 && s->leak_b_s <= 1) ||
        !(s->shift_deg >= -180 && s->shift_deg <= 180)) {
        return false;
    }
    if (s->between && (!referenced || s->shift_deg != 0 || s->minus == s->reference ||
                       !voltage_valid(c, s->minus))) {
        return false;
    }
    return !referenced || voltage_valid(c, s->reference);
}

static bool sensor_valid(double ratio, double phase_deg)
{
    return ratio > 0 && ratio < 1e9 && phase_deg >= -45 && phase_deg <= 45; /* no NaN is */
}

static bool slot_valid(const struct hwt_meter_config *c, unsigned slot)
{
    const struct hwt_meter_slot *s = &c->slot[slot];

    if (!is_metered(s)) {
        return true;
    }
    if (!sensor_valid(s->ratio, s->phase_deg)) {
        return false;
    }
    if (s->curve != NULL && !hwt_meter_curve_valid(s->curve)) {
        return false;
    }
    return s->kind == HWT_SLOT_VOLTAGE ? s->phase <= 3 : clamp_valid(c, s);
}

static bool group_valid(const struct hwt_meter_config *c, const struct hwt_meter_group *g)
{
    if (g->clamps == 0 || !register_valid(g->vector_import_mj) ||
        !register_valid(g->vector_export_mj)) {
        return false;
    }
    for (unsigned i = 0; i < 32; i++) {
        if ((g->clamps >> i & 1) != 0 && (i >= c->slots || c->slot[i].kind != HWT_SLOT_CURRENT ||
                                          c->slot[i].reference == HWT_METER_NO_REFERENCE)) {
            return false;
        }
    }
    return true;
}

/* How far a voltage must swing below mid-scale before a crossing counts. */
static void arm_slot(struct hwt_meter *m, unsigned slot)
{
    double arm = HWT_METER_ALIVE_V / m->config.slot[slot].ratio;

    m->slot[slot].arm = arm < 1          ? 1
                        : arm > 0x800000 ? 0x800000
                                         : (int32_t)arm; /* unreachable by 24 bits */
}

static void init_slot(struct hwt_meter *m, unsigned slot)
{
    const struct hwt_meter_slot *config = &m->config.slot[slot];
    struct hwt_meter_memory *s = &m->slot[slot];

    s->ratio = config->ratio;
    s->energy.import_mj = config->import_mj;
    s->energy.export_mj = config->export_mj;
    memcpy(s->energy.reactive_mj, config->reactive_mj, sizeof(s->energy.reactive_mj));
    if (config->noise > 0) {
        hwt_meter_noise_start(&s->noise, config->noise);
    }
    if (config->kind != HWT_SLOT_VOLTAGE) {
        return;
    }
    arm_slot(m, slot);
    if (m->steer < 0) {
        m->steer = (int8_t)slot;
    }
}

static void init_state(struct hwt_meter *m, const struct hwt_meter_config *config)
{
    struct hwt_meter_config copy = *config; /* it may lie in m */

    memset(m, 0, sizeof(*m));
    memcpy(&m->config, &copy, sizeof(copy));
    m->steer = -1;
    m->frame.hz = HWT_METER_NOMINAL_HZ;
    for (unsigned i = 0; i < HWT_SLOTS_MAX; i++) {
        if (i >= copy.slots || !is_metered(&copy.slot[i])) {
            m->config.slot[i].kind = HWT_SLOT_UNUSED;
        }
        m->config.slot[i].between &= m->config.slot[i].kind == HWT_SLOT_CURRENT;
        init_slot(m, i);
    }
    for (unsigned i = 0; i < copy.groups; i++) {
        m->vector[i].import_mj = copy.group[i].vector_import_mj;
        m->vector[i].export_mj = copy.group[i].vector_export_mj;
    }
    hwt_meter_narrow_init(&m->narrow);
    m->harmonics.slot = m->harmonics.wanted = -1;
    m->harmonics.reference = m->harmonics.wanted_reference = -1;
}

int hwt_meter_init(struct hwt_meter *m, const struct hwt_meter_config *config)
{
    if (config->slots < 1 || config->slots > HWT_SLOTS_MAX ||
        config->groups > HWT_METER_GROUPS_MAX) {
        return HWT_ERR_ARGUMENT;
    }
    for (unsigned i = 0; i < config->slots; i++) {
        if (!slot_valid(config, i)) {
            return HWT_ERR_ARGUMENT;
        }
    }
    for (unsigned i = 0; i < config->groups; i++) {
        if (!group_valid(config, &config->group[i])) {
            return HWT_ERR_ARGUMENT;
        }
    }
    init_state(m, config);
    return 0;
}

int hwt_meter_trim(struct hwt_meter *m, unsigned slot, double ratio, double phase_deg)
{
    if (slot >= m->config.slots || !is_metered(&m->config.slot[slot]) ||
        !sensor_valid(ratio, phase_deg)) {
        return HWT_ERR_ARGUMENT;
    }
    m->slot[slot].ratio *= ratio / m->config.slot[slot].ratio;
    m->config.slot[slot].ratio = ratio;
    m->config.slot[slot].phase_deg = phase_deg;
    if (m->config.slot[slot].kind == HWT_SLOT_VOLTAGE) {
        arm_slot(m, slot);
    }
    return 0;
}

void hwt_meter_reset(struct hwt_meter *m)
{
    init_state(m, &m->config);
}

int hwt_meter_mismatch(const struct hwt_meter *m, const struct hwt_block *block)
{
    for (int i = 0; i < m->config.slots; i++) {
        if (hwt_meter_is_metered(m, i) &&
            (i >= block->slots || block->slot[i].kind != m->config.slot[i].kind)) {
            return i;
        }
    }
    return -1;
}

static int64_t scans_us(const struct hwt_block *b, uint64_t scans)
{
    return (int64_t)(scans * b->scan_period_ps / 1000000);
}

static bool same_layout(const struct hwt_block *a, const struct hwt_block *b)
{
    uint32_t most = a->scan_period_ps / PERIOD_STEP;
    bool same = a->slots == b->slots && a->bits == b->bits &&
                b->scan_period_ps - a->scan_period_ps + most <= 2 * most; /* modulo 2^32 */

    for (unsigned i = 0; same && i < b->slots; i++) {
        same = a->slot[i].kind == b->slot[i].kind && a->slot[i].time_q16 == b->slot[i].time_q16;
    }
    return same;
}

/* docs/SAMPLE_STREAM.md, rules 2 and 3, between m->last and the block. */
static enum hwt_meter_joint judge(struct hwt_meter *m, const struct hwt_block *b)
{
    const struct hwt_block *last = &m->last;
    int64_t block_us = scans_us(last, last->scans);
    uint32_t lost = b->sequence - last->sequence - 1;
    int64_t tolerance_us = scans_us(last, 1) / 2 + block_us / 1000;
    int64_t ahead_us, expected_us;

    if (!m->seen) {
        return HWT_METER_GAP;
    }
    if (b->device_us < last->device_us || b->device_us - last->device_us > INT64_MAX / 2) {
        return HWT_METER_RESTART;
    }
    ahead_us = (int64_t)(b->device_us - last->device_us) - block_us;
    expected_us = (int64_t)lost * block_us + scans_us(b, b->dropped);
    if (ahead_us < -tolerance_us || ahead_us - expected_us > RESTART_US ||
        expected_us - ahead_us > RESTART_US) {
        return HWT_METER_RESTART;
    }
    m->counters.lost_blocks += lost;
    m->counters.lost_scans += b->dropped;
    if (lost > 0 || b->dropped > 0 || ahead_us > tolerance_us || !m->run.on ||
        !same_layout(last, b)) {
        return HWT_METER_GAP;
    }
    return HWT_METER_FOLLOWS;
}

/* us from the window's start to the position, and the rest below. */
static uint64_t elapsed_us(const struct hwt_meter *m, uint64_t at_q16, uint64_t *rest_out)
{
    uint64_t ps_q16 = (at_q16 - m->start_q16) * m->run.period_ps + m->start_rest; /* < 2^55 */

    *rest_out = ps_q16 % PS_Q16_PER_US;
    return ps_q16 / PS_Q16_PER_US;
}

/* The device clock against the scans counted since the run began. */
static void follow_clock(struct hwt_meter *m, const struct hwt_block *b)
{
    uint64_t rest;
    uint64_t scans_say_us = m->start_us + elapsed_us(m, m->run.in << 16, &rest);
    int64_t ahead_us = (int64_t)(b->device_us - scans_say_us) - m->slew_us;

    if (ahead_us > STAMP_US || ahead_us < -STAMP_US) {
        m->slew_us += ahead_us;
    }
}

int hwt_meter_feed(struct hwt_meter *m, const struct hwt_block *block)
{
    if (m->taken < m->block.scans || m->cut) {
        return HWT_ERR_AGAIN;
    }
    if (block->scan_period_ps < PERIOD_MIN_PS || block->scan_period_ps > PERIOD_MAX_PS ||
        block->bits < 8 || block->bits > 24 || hwt_meter_mismatch(m, block) >= 0) {
        m->counters.refused++;
        return HWT_ERR_UNSUPPORTED;
    }
    m->joint = (uint8_t)judge(m, block);
    m->counters.blocks++;
    if (m->joint == HWT_METER_FOLLOWS) {
        m->run.period_ps = block->scan_period_ps;
        follow_clock(m, block);
    } else {
        m->cut = true;
        m->begin = true;
        m->counters.gaps += m->seen;
        m->counters.restarts += m->joint == HWT_METER_RESTART;
    }
    m->block = *block;
    m->taken = 0;
    m->last = *block;
    m->last.codes = NULL;
    m->seen = true;
    return (int)m->joint;
}

void hwt_meter_close(struct hwt_meter *m)
{
    m->cut = m->run.on;
    m->begin = false;
}

/* The window's time, up to the bound; time goes on from there. */
static void close_time(struct hwt_meter *m, uint64_t at_q16, struct hwt_meter_window *out)
{
    uint64_t rest;
    int64_t duration_us = (int64_t)elapsed_us(m, at_q16, &rest) + m->slew_us;

    if (duration_us < 0) {
        duration_us = 0; /* a clock that stood still */
    }
    out->device_us = m->start_us;
    out->duration_us = (uint32_t)duration_us;
    out->gap_us = m->gap_us;
    out->restarted = m->restarted;
    m->restarted = false;
    m->gap_us = 0;
    m->slew_us = 0;
    m->start_us += (uint64_t)duration_us;
    m->start_rest = rest;
}

static void end_window(struct hwt_meter *m, const struct hwt_meter_bound *bound,
                       struct hwt_meter_window *out)
{
    out->cycles = bound->cycles;
    out->partial = bound->partial;
    out->slots = m->config.slots;
    out->groups = m->config.groups;
    close_time(m, bound->at_q16, out);
    hwt_meter_report(m, bound, out);
    hwt_meter_begin_window(m, bound);
}

/* The run is over: what it measured since the last bound, if anything. */
static bool end_run(struct hwt_meter *m, struct hwt_meter_window *out)
{
    struct hwt_meter_bound bound = {.at_q16 = m->run.done << 16, .partial = true};
    bool any = m->run.on && bound.at_q16 > m->start_q16;

    if (any) {
        end_window(m, &bound, out);
    }
    m->run.on = false;
    return any;
}

/* The first scan that counts is the first that has its neighbours. */
static void begin_run(struct hwt_meter *m)
{
    uint64_t end_us = m->start_us; /* of what was measured before */

    if (m->joint == HWT_METER_RESTART) { /* the scans that waited for their neighbours */
        m->gap_us += (m->run.in - m->run.done) * m->run.period_ps / 1000000;
        end_us = m->block.device_us;
        m->restarted = true;
    } else if (m->counters.blocks == 1) {
        end_us = m->block.device_us;
    }
    hwt_meter_begin_run(m);
    m->slew_us = 0;
    m->start_rest = 0;
    m->start_us = m->block.device_us;
    m->start_us += elapsed_us(m, m->run.done << 16, &m->start_rest);
    m->start_q16 = m->run.done << 16;
    m->gap_us += m->start_us - end_us;
}

bool hwt_meter_next(struct hwt_meter *m, struct hwt_meter_window *out)
{
    struct hwt_meter_bound bound;

    if (m->cut) {
        bool any = end_run(m, out);

        m->cut = false;
        if (m->begin) {
            begin_run(m);
        }
        if (any) {
            return true;
        }
    }
    while (m->run.on) {
        if (hwt_meter_advance(m, &bound)) {
            end_window(m, &bound, out);
            return true;
        }
        if (!hwt_meter_refill(m)) {
            break;
        }
    }
    return false;
}
