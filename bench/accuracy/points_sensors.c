/*
 * points_sensors.c: S1 .. S7: sensors, clocks and references that are not what they should be,
 * known to the meter or not.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/accuracy/chain.h"
#include "bench/accuracy/points.h"
#include "bench/accuracy/setup.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Phase of an SCT-013 against current, and a ratio that falls at either end. */
static const struct hwt_meter_curve_point sct_points[] = {
    {0.05, 0.990, 3.15}, {2, 0.995, 3.1},  {6, 1, 3.0},      {10, 1, 2.9},     {14.5, 1, 2.8},
    {21.5, 1, 2.7},      {32, 1.002, 2.6}, {50, 1.004, 2.5}, {120, 1.01, 2.4},
};
static const struct hwt_meter_curve sct = {sct_points, COUNT(sct_points)};

/* Phase of an adaptor against voltage. */
static const struct hwt_meter_curve_point vt_points[] = {
    {185, 1, 4}, {207, 1, 4.8}, {230, 1, 6.1}, {253, 1, 7.5}};
static const struct hwt_meter_curve vt = {vt_points, COUNT(vt_points)};

struct sensor_point {
    const char *id, *text;
    double amps, volts, pf;
    double a12, a16; /* %: limits before 4 sigma; 0: reported only */
    bool peers;
    void (*adjust)(struct chain *c, uint64_t seed);
};

static void with_sct(struct chain *c, uint64_t seed)
{
    (void)seed;
    c->line[1].lead_deg = 0;
    c->line[1].curve = &sct;
}

static void with_vt(struct chain *c, uint64_t seed)
{
    (void)seed;
    c->line[0].lead_deg = 0;
    c->line[0].curve = &vt;
}

static void wrong_phase(struct chain *c, uint64_t seed)
{
    with_sct(c, seed);
    c->line[1].told_deg = seed % 2 == 0 ? 0.1 : -0.1;
}

static void wrong_ratio(struct chain *c, uint64_t seed)
{
    c->line[1].told_factor = seed % 2 == 0 ? 1.001 : 0.999;
}

static void skew_02(struct chain *c, uint64_t seed)
{
    (void)seed;
    c->line[1].late_s = 0.2e-6;
}

static void skew_1(struct chain *c, uint64_t seed)
{
    (void)seed;
    c->line[1].late_s = 1e-6;
}

static void skew_5(struct chain *c, uint64_t seed)
{
    (void)seed;
    c->line[1].late_s = 5e-6;
}

static void jitter(struct chain *c, uint64_t seed)
{
    (void)seed;
    c->line[0].jitter_s = c->line[1].jitter_s = 20e-6;
}

static void clock_off(struct chain *c, uint64_t seed)
{
    c->clock_ppm = seed % 2 == 0 ? 50 : -50;
}

static void warm_reference(struct chain *c, uint64_t seed)
{
    (void)seed;
    c->line[0].told_factor = c->line[1].told_factor = 1.001; /* 50 ppm/K, 20 K */
}

static const struct sensor_point points[] = {
    {"S1", "phase and ratio of the CT by its table, 1 A 0.5 L", 1, 230, 0.5, 0.02, 0.02, true,
     with_sct},
    {"S1", "phase and ratio of the CT by its table, 5 A 0.5 L", 5, 230, 0.5, 0.02, 0.02, true,
     with_sct},
    {"S1", "phase and ratio of the CT by its table, 50 A 0.5 L", 50, 230, 0.5, 0.02, 0.02, true,
     with_sct},
    {"S2", "the table off by 0.1 deg, 10 A 0.5 L", 10, 230, 0.5, 0, 0, false, wrong_phase},
    {"S2", "the ratio off by 0.1 %, 10 A", 10, 230, 1, 0, 0, false, wrong_ratio},
    {"S3", "phase of the VT by its table, 196 V, 10 A 0.5 L", 10, 196, 0.5, 0.04, 0.04, false,
     with_vt},
    {"S3", "phase of the VT by its table, 230 V, 10 A 0.5 L", 10, 230, 0.5, 0.04, 0.04, false,
     with_vt},
    {"S3", "phase of the VT by its table, 245 V, 10 A 0.5 L", 10, 245, 0.5, 0.04, 0.04, false,
     with_vt},
    {"S4", "the clamp converted 0.2 us late, untold, 50 A 0.5 L", 50, 230, 0.5, 0, 0, false,
     skew_02},
    {"S4", "the clamp converted 1 us late, untold, 50 A 0.5 L", 50, 230, 0.5, 0, 0, false, skew_1},
    {"S4", "the clamp converted 5 us late, untold, 50 A 0.5 L", 50, 230, 0.5, 0, 0, false, skew_5},
    {"S5", "each conversion 20 us RMS off, 50 A", 50, 230, 1, 0.03, 0.02, false, jitter},
    {"S6", "the sampler's crystal off by 50 ppm, clock right, 50 A", 50, 230, 1, 0.0005, 0.0005,
     false, clock_off},
    {"S7", "reference 50 ppm/K, 20 K, in V and I, 50 A", 50, 230, 1, 0, 0, false, warm_reference},
};

static void run_point(struct bench *b, const struct sensor_point *p)
{
    struct row row = bench_start(p->id, p->text, "%");

    for (uint64_t seed = 1; seed <= b->seeds; seed++) {
        struct signal s = signal_sine(p->amps, acos(p->pf) * 180 / 3.14159265358979323846);
        double truth = p->volts * p->amps * p->pf;

        s.volts = p->volts;
        s.turns = setup_turns(&s, seed);
        for (unsigned bits = 12; bits <= 16; bits += 4) {
            double a = bits == 12 ? p->a12 : p->a16, error = HUGE_VAL;
            struct chain c;
            struct answer o;

            setup_chain(&c, &s, bits, seed);
            p->adjust(&c, seed);
            if (chain_run(&c, &o) && o.windows > 0) {
                /* Energy in the time that has passed: a clock's error shows. */
                error = ((double)(o.energy_j[1] / (o.to_s - o.from_s)) / truth - 1) * 100;
            }
            bench_take(bits == 12 ? &row.bits12 : &row.bits16, error,
                       a > 0 ? setup_limit(a, p->amps, p->pf, bits, bits == 12 ? 0.7 : 1.5)
                             : (double)NAN);
        }
        for (int peer = 0; peer < PEER_COUNT && b->peers && p->peers; peer++) {
            double lead = hwt_meter_curve_at(&sct, p->amps, true).phase_deg, watts, from, to;
            struct peer_run run = {&s, 0.3, lead, 2.7, 10, seed}; /* trimmed at 20 A */

            if (peer_power((enum peer)peer, &run, &watts, &from, &to)) {
                double error = (watts * peer_gain((enum peer)peer, false) / truth - 1) * 100;

                row.peer[peer] = isnan(row.peer[peer]) || fabs(error) > fabs(row.peer[peer])
                                     ? error
                                     : row.peer[peer];
            }
        }
    }
    bench_row(b, &row);
}

void points_sensors(struct bench *b)
{
    for (size_t k = 0; k < COUNT(points); k++) {
        if (bench_wants(b, points[k].id)) {
            run_point(b, &points[k]);
        }
    }
}
