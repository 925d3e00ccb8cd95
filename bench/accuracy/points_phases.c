/*
 * points_phases.c: S8, S9: three phases, with three voltages, with one.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/accuracy/chain.h"
#include "bench/accuracy/points.h"
#include "bench/accuracy/setup.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PI       3.14159265358979323846

struct phase_point {
    const char *id, *text;
    double amps[3], lag_deg; /* phases 1, 2, 3 */
    double turn_deg[3];      /* where V1, V2, V3 lie: behind the first */
    double scale[3];         /* their voltages, of 230 V */
    bool one_voltage;        /* clamps 2 and 3 are derived from V1 */
    bool load_between;       /* one load between 1 and 2, on clamp 1 alone, `between` */
    double a;                /* % of S; 0: reported only */
    uint8_t sequence;
    unsigned lost; /* voltage lines that must be flagged, a bit each */
};

/* clang-format off */
static const struct phase_point points[] = {
    {"S8", "three phases, balanced, 10 A 0.5 L", {10, 10, 10}, 60, {0, 120, 240}, {1, 1, 1}, false, false, 0.01, HWT_METER_SEQUENCE_RIGHT, 0},
    {"S8", "three phases, one loaded, 10 A 0.5 L", {0, 10, 0}, 60, {0, 120, 240}, {1, 1, 1}, false, false, 0.01, HWT_METER_SEQUENCE_RIGHT, 0},
    {"S8", "three phases, reversed sequence, 10 A 0.5 L", {10, 10, 10}, 60, {0, 240, 120}, {1, 1, 1}, false, false, 0.01, HWT_METER_SEQUENCE_REVERSED, 0},
    {"S8", "three phases, phase 1 lost, 10 A 0.5 L", {0, 10, 10}, 60, {0, 120, 240}, {0.02, 1, 1}, false, false, 0.01, HWT_METER_SEQUENCE_UNKNOWN, 1},
    {"S8", "a load between 1 and 2, 10 A 0.5 L", {10, 0, 0}, 30, {0, 120, 240}, {1, 1, 1}, false, true, 0.01, HWT_METER_SEQUENCE_RIGHT, 0},
    {"S9", "one voltage, phases derived, all alike, 10 A 0.5 L", {10, 10, 10}, 60, {0, 120, 240}, {1, 1, 1}, true, false, 0.03, 0, 0},
    {"S9", "one voltage, V2 and V3 1 % higher, phase 2, 10 A", {0, 10, 0}, 0, {0, 120, 240}, {1, 1.01, 1.01}, true, false, 0, 0, 0},
    {"S9", "one voltage, V2, V3 1.15 deg off, phase 2, 10 A 0.5 L", {0, 10, 0}, 60, {0, 121.15, 241.15}, {1, 1, 1}, true, false, 0, 0, 0},
    {"S9", "one voltage, V2, V3 1.15 deg off, phase 2, 10 A 0.8 C", {0, 10, 0}, -36.87, {0, 121.15, 241.15}, {1, 1, 1}, true, false, 0, 0, 0},
};
/* clang-format on */

/* Lines: the voltages, then the clamps. */
static void make_chain(const struct phase_point *p, struct chain *c, struct signal s[3],
                       unsigned bits, uint64_t seed)
{
    unsigned voltages = p->one_voltage ? 1 : 3;
    struct line v, i;

    setup_chain(c, &s[0], bits, seed);
    v = c->line[0];
    i = c->line[1];
    c->lines = voltages + (p->load_between ? 1 : 3);
    c->config.groups = 1;
    for (unsigned k = 0; k < voltages; k++) {
        c->line[k] = v;
        c->line[k].turn_deg = p->turn_deg[k];
        c->line[k].scale = p->scale[k];
        c->line[k].slot = k;
        c->config.slot[k].phase = (uint8_t)(k + 1);
    }
    for (unsigned k = 0; k < c->lines - voltages; k++) {
        struct hwt_meter_slot *slot = &c->config.slot[voltages + k];

        s[k] = s[0];
        s[k].amps = p->amps[k];
        c->line[voltages + k] = i;
        c->line[voltages + k].signal = &s[k];
        c->line[voltages + k].turn_deg = p->turn_deg[k];
        c->line[voltages + k].slot = 4 + 3 * k;
        slot->reference = (uint8_t)(p->one_voltage ? 0 : k);
        slot->shift_deg = p->one_voltage && k > 0 ? (k == 1 ? 120 : -120) : 0;
        slot->between = p->load_between;
        slot->minus = 1;
        c->config.group[0].clamps |= 1u << (voltages + k);
    }
}

/* W: what flows, and S. */
static double truth_of(const struct phase_point *p, double *s_out)
{
    double watts = 0, lag = p->lag_deg * PI / 180;

    *s_out = 0;
    for (unsigned k = 0; k < 3; k++) {
        watts += 230 * p->scale[k] * p->amps[k] * cos(lag);
        *s_out += 230 * p->scale[k] * p->amps[k];
    }
    if (p->load_between) { /* V1 - V2 is sqrt 3 larger and 30 degrees ahead */
        watts = 230 * sqrt(3.0) * p->amps[0] * cos(lag + PI / 6);
        *s_out = 230 * sqrt(3.0) * p->amps[0];
    }
    return watts;
}

static double error_of(const struct phase_point *p, unsigned bits, uint64_t seed)
{
    struct signal s[3];
    struct chain c;
    struct answer a;
    double watts = 0, s_va, truth = truth_of(p, &s_va);
    unsigned lost = 0;

    s[0] = signal_sine(1, p->lag_deg);
    s[0].turns = setup_turns(&s[0], seed);
    make_chain(p, &c, s, bits, seed);
    if (!chain_run(&c, &a) || a.windows == 0 || a.sequence != p->sequence) {
        return HUGE_VAL;
    }
    for (unsigned k = 0; k < c.lines; k++) {
        lost |= (a.flags[k] & HWT_METER_PHASE_LOST) != 0 ? 1u << k : 0;
        watts += (double)(a.energy_j[k] / a.seconds);
    }
    if (lost != p->lost || fabs(a.last.total[0].p_w / watts - 1) > 0.05) {
        return p->lost != 0 && lost == p->lost ? (watts - truth) / s_va * 100 : HUGE_VAL;
    }
    return (watts - truth) / s_va * 100;
}

void points_phases(struct bench *b)
{
    for (size_t k = 0; k < COUNT(points); k++) {
        const struct phase_point *p = &points[k];
        struct row row = bench_start(p->id, p->text, "% S");

        if (!bench_wants(b, p->id)) {
            continue;
        }
        for (uint64_t seed = 1; seed <= b->seeds; seed++) {
            for (unsigned bits = 12; bits <= 16; bits += 4) {
                double limit =
                    p->a > 0 ? setup_limit(p->a, 10, 1, bits, bits == 12 ? 0.7 : 1.5) : (double)NAN;

                bench_take(bits == 12 ? &row.bits12 : &row.bits16, error_of(p, bits, seed), limit);
            }
        }
        bench_row(b, &row);
    }
}
