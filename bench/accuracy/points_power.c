/*
 * points_power.c: E1 .. E20: active power of one clamp with its voltage, windows of 10 s.
 *
 * Limit: a + 4 sigma, sigma the converter's noise (and rounding) averaged over the samples of the
 * window, for a clamp of that current and power factor; a is 0.01 % unless the row says otherwise.
 * Both sensors lead, VT 0.3 and CT 2.5 degrees at 50 Hz, and the meter is told so.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/accuracy/chain.h"
#include "bench/accuracy/points.h"
#include "bench/accuracy/setup.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct power_point {
    const char *id, *text;
    struct signal signal;
    double a;    /* %; 0: 0.01 */
    bool of_s;   /* per cent of S, not of P */
    bool select; /* the clamp is analysed, harmonics corrected */
    bool bare;   /* no sensors: their own transients are not the point's */
    bool no_limit;
    double seconds; /* 0: 10 */
    void (*adjust)(struct chain *c);
};

/* clang-format off */
#define SINE(A, LAG)      .signal = {.volts = 230, .hz = 50, .amps = (A), .i = {{1, 1, -(LAG)}}}
#define AT_HZ(HZ)         .signal = {.volts = 230, .hz = (HZ), .amps = 10, .i = {{1, 1, -60}}}
#define AT_V(V)           .signal = {.volts = (V), .hz = 50, .amps = 10, .i = {{1, 1, -60}}}
#define FIFTH(A, DEG)     .signal = {.volts = 230, .hz = 50, .amps = (A), .v = {{1, 1, 0}, {5, 0.1, 0}}, .i = {{1, 1, 0}, {5, 0.4, DEG}}}
#define FIRED(A, DEG)     .signal = {.volts = 230, .hz = 50, .amps = (A), .shape = LOAD_FIRED, .fire_deg = (DEG)}
#define BURST(A, ON, OFF) .signal = {.volts = 230, .hz = 50, .amps = (A), .on_cycles = (ON), .off_cycles = (OFF)}
#define PULSE(A)          .signal = {.volts = 230, .hz = 50, .amps = (A), .shape = LOAD_PULSE}
#define PFC(A)            .signal = {.volts = 230, .hz = 50, .amps = (A), \
                           .v = {{1, 1, 0}, {3, 0.01, 20}, {5, 0.025, 160}, {7, 0.012, 10}, {11, 0.006, 60}}, \
                           .i = {{1, 0.985, 4}, {3, 0.12, 150}, {5, 0.07, -30}, {7, 0.04, 60}, {9, 0.03, 0}, {11, 0.025, 100}, {13, 0.02, 30}}}
#define SIX_PULSE(A)      .signal = {.volts = 230, .hz = 50, .amps = (A), .v = {{1, 1, 0}, {5, 0.02, 180}, {7, 0.012, 0}}, \
                           .i = {{1, 1, -12}, {5, 0.35, 170}, {7, 0.14, 10}, {11, 0.09, 165}, {13, 0.055, 5}, {17, 0.04, 160}, {19, 0.03, 0}}}

static void offset_20(struct chain *c)   { c->line[0].offset = 20; c->line[1].offset = -20; }
static void drift_10(struct chain *c)    { c->line[1].drift = 1; }
static void step_5(struct chain *c)      { c->line[1].step = 5; c->line[1].step_s = 5; }
static void noise_0(struct chain *c)     { c->line[0].noise = c->line[1].noise = 0; }
static void noise_01(struct chain *c)    { c->line[0].noise = c->line[1].noise = 0.1; }
static void noise_03(struct chain *c)    { c->line[0].noise = c->line[1].noise = 0.3; }
static void noise_2(struct chain *c)     { c->line[0].noise = c->line[1].noise = 2; }
static void hum(struct chain *c)         { c->line[1].hum = 2; }
static void impulses(struct chain *c)    { c->line[1].impulse = 1000; }
static void crosstalk(struct chain *c)   { c->line[1].crosstalk = 1e-4; }

static const struct power_point points[] = {
    {"E1", "PF 1, 120 A",  SINE(120, 0)}, {"E1", "PF 1, 100 A", SINE(100, 0)}, {"E1", "PF 1, 50 A", SINE(50, 0)},
    {"E1", "PF 1, 20 A",   SINE(20, 0)},  {"E1", "PF 1, 10 A",  SINE(10, 0)},  {"E1", "PF 1, 5 A",  SINE(5, 0)},
    {"E1", "PF 1, 2 A",    SINE(2, 0)},   {"E1", "PF 1, 1 A",   SINE(1, 0)},   {"E1", "PF 1, 0.5 A", SINE(0.5, 0)},
    {"E1", "PF 1, 0.2 A",  SINE(0.2, 0)}, {"E1", "PF 1, 0.1 A", SINE(0.1, 0)},
    {"E2", "0.5 L, 100 A", SINE(100, 60)}, {"E2", "0.5 L, 50 A", SINE(50, 60)}, {"E2", "0.5 L, 10 A", SINE(10, 60)},
    {"E2", "0.5 L, 5 A",   SINE(5, 60)},   {"E2", "0.5 L, 1 A",  SINE(1, 60)},  {"E2", "0.5 L, 0.5 A", SINE(0.5, 60)},
    {"E2", "0.5 L, 0.2 A", SINE(0.2, 60)},
    {"E3", "0.8 C, 50 A",  SINE(50, -36.869897646)}, {"E3", "0.8 C, 5 A", SINE(5, -36.869897646)},
    {"E3", "0.8 C, 1 A",   SINE(1, -36.869897646)},  {"E3", "0.8 C, 0.5 A", SINE(0.5, -36.869897646)},
    {"E4", "0.25 L, 10 A", SINE(10, 75.522487814)},
    {"E4", "PF 0 L, 10 A, of S", SINE(10, 90), .of_s = true},
    {"E4", "PF 0 C, 10 A, of S", SINE(10, -90), .of_s = true},
    {"E5", "export PF 1, 10 A", SINE(10, 180)}, {"E5", "export 0.5 L, 10 A", SINE(10, 240)},
    {"E5", "sign flips each 3 cycles, 10 A, of S", .signal = {.volts = 230, .hz = 50, .amps = 10, .flip_cycles = 3}, .of_s = true, .bare = true},
    {"E6", "45 Hz, 0.5 L, 10 A", AT_HZ(45)},     {"E6", "47.5 Hz, 0.5 L, 10 A", AT_HZ(47.5)},
    {"E6", "49 Hz, 0.5 L, 10 A", AT_HZ(49)},     {"E6", "50 Hz, 0.5 L, 10 A", AT_HZ(50)},
    {"E6", "51 Hz, 0.5 L, 10 A", AT_HZ(51)},     {"E6", "52.5 Hz, 0.5 L, 10 A", AT_HZ(52.5)},
    {"E6", "55 Hz, 0.5 L, 10 A", AT_HZ(55)},     {"E6", "60 Hz, 0.5 L, 10 A", AT_HZ(60)},
    {"E6", "65 Hz, 0.5 L, 10 A", AT_HZ(65)},
    {"E7", "49.9 to 50.1 Hz in 10 s, 0.5 L, 10 A", .signal = {.volts = 230, .hz = 49.9, .hz_end = 50.1, .ramp_s = 10, .amps = 10, .i = {{1, 1, -60}}}, .a = 0.02},
    {"E7", "step 50 to 49.5 Hz, 0.5 L, 10 A", .signal = {.volts = 230, .hz = 50, .step_at_s = 5, .step_hz = 49.5, .amps = 10, .i = {{1, 1, -60}}}, .a = 0.02},
    {"E7", "phase jump of 20 deg, 0.5 L, 10 A", .signal = {.volts = 230, .hz = 50, .step_at_s = 5, .step_hz = 50, .step_deg = 20, .amps = 10, .i = {{1, 1, -60}}}, .a = 0.02},
    {"E8", "207 V, 0.5 L, 10 A", AT_V(207)}, {"E8", "253 V, 0.5 L, 10 A", AT_V(253)},
    {"E8", "184 V, 0.5 L, 10 A", AT_V(184)}, {"E8", "276 V, 0.5 L, 10 A", AT_V(276)},
    {"E9", "5th 10 % V, 40 % I, 50 A", FIFTH(50, 0)},              {"E9", "5th 10 % V, 40 % I, 5 A", FIFTH(5, 0)},
    {"E9", "5th at 90 deg, 50 A, analysed", FIFTH(50, 90), .select = true}, {"E9", "5th at 90 deg, 5 A, analysed", FIFTH(5, 90), .select = true},
    {"E9", "5th at 90 deg, 50 A, sensors ideal", FIFTH(50, 90), .bare = true},
    {"E10", "quadriform, 10 A", .signal = {.volts = 230, .hz = 50, .amps = 10,
        .v = {{1, 1, 0}, {3, 0.038, 180}, {5, 0.024, 180}, {7, 0.017, 180}, {11, 0.010, 180}, {13, 0.008, 180}},
        .i = {{1, 1, 0}, {3, 0.30, 0}, {5, 0.18, 0}, {7, 0.14, 0}, {11, 0.09, 0}, {13, 0.05, 0}}}},
    {"E10", "peaked, 10 A", .signal = {.volts = 230, .hz = 50, .amps = 10,
        .v = {{1, 1, 0}, {3, 0.038, 0}, {5, 0.024, 180}, {7, 0.017, 0}, {11, 0.010, 0}, {13, 0.008, 180}},
        .i = {{1, 1, 0}, {3, 0.30, 180}, {5, 0.18, 0}, {7, 0.14, 180}, {11, 0.09, 180}, {13, 0.05, 180}}}},
    {"E12", "fired at 45 deg, 50 A",  FIRED(50, 45), .a = 0.03, .bare = true},
    {"E12", "fired at 90 deg, 50 A",  FIRED(50, 90), .a = 0.03, .bare = true},
    {"E12", "fired at 90 deg, 2 A",   FIRED(2, 90), .a = 0.03, .bare = true},
    {"E12", "fired at 135 deg, 10 A", FIRED(10, 135), .a = 0.08, .bare = true},
    {"E13", "half wave, 10 A, CT ideal", .signal = {.volts = 230, .hz = 50, .amps = 10, .shape = LOAD_HALF_WAVE}, .bare = true},
    {"E14", "burst 2/2 cycles, 50 A", BURST(50, 2, 2), .bare = true}, {"E14", "burst 2/2 cycles, 5 A", BURST(5, 2, 2), .bare = true},
    {"E14", "burst 35/65 cycles, 10 A", BURST(10, 35, 65), .bare = true}, {"E14", "burst 7/13 cycles, 10 A", BURST(10, 7, 13), .bare = true},
    {"E15", "heat pump, PFC, 10 A", PFC(10)}, {"E15", "heat pump, PFC, 1 A", PFC(1)},
    {"E15", "heat pump, six-pulse, 16 A", SIX_PULSE(16)}, {"E15", "heat pump, six-pulse, 1 A", SIX_PULSE(1)},
    {"E15", "SMPS, crest factor 3, 5 A", PULSE(5), .bare = true}, {"E15", "SMPS, crest factor 3, 0.5 A", PULSE(0.5), .bare = true},
    {"E16", "EMI capacitor, 1.4 A, PF 0.01, of S", .signal = {.volts = 230, .hz = 50, .amps = 1.4, .i = {{1, 1, 89.4}, {5, 0.045, -120}, {7, 0.058, 120}}}, .of_s = true},
    {"E17", "compressor 1 to 12 A in 30 s, its energy", .signal = {.volts = 230, .hz = 50, .amps = 1, .amps_end = 12, .amps_s = 30, .drive_hz_end = 60}, .a = 0.01, .seconds = 30.6},
    {"E18", "offsets +-20 codes, 1 A", SINE(1, 0), .adjust = offset_20}, {"E18", "offsets +-20 codes, 0.2 A", SINE(0.2, 0), .adjust = offset_20},
    {"E18", "drift 10 codes in 10 s, 1 A", SINE(1, 0), .adjust = drift_10}, {"E18", "drift 10 codes in 10 s, 0.2 A", SINE(0.2, 0), .adjust = drift_10},
    {"E18", "step of 5 codes, 1 A", SINE(1, 0), .adjust = step_5}, {"E18", "step of 5 codes, 0.2 A", SINE(0.2, 0), .adjust = step_5},
    {"E19", "noise 0, 1 A", SINE(1, 0), .adjust = noise_0, .no_limit = true}, {"E19", "noise 0.1 codes, 1 A", SINE(1, 0), .adjust = noise_01, .no_limit = true},
    {"E19", "noise 0.3 codes, 1 A", SINE(1, 0), .adjust = noise_03, .no_limit = true}, {"E19", "noise 2 codes, 1 A", SINE(1, 0), .adjust = noise_2},
    {"E19", "hum of 2 codes at 50.2 Hz, 1 A", SINE(1, 0), .adjust = hum, .no_limit = true},
    {"E19", "one sample +-1000 codes a second, 1 A", SINE(1, 0), .adjust = impulses},
    {"E22", "crosstalk V to I -80 dB, 1 A, not nulled, of S", SINE(1, 0), .adjust = crosstalk, .no_limit = true, .of_s = true},
};
/* clang-format on */

/* Seconds of the window, W, and what S is. */
struct judged {
    double error, s_va, pf, noise;
};

static bool measure(const struct power_point *p, const struct signal *signal, unsigned bits,
                    uint64_t seed, struct judged *out)
{
    struct chain c;
    struct answer a;
    double truth, watts, vrms = signal_vrms(signal), irms = signal_irms(signal);

    setup_chain(&c, signal, bits, seed);
    c.seconds = p->seconds > 0 ? p->seconds : 10.4;
    c.select = p->select ? 1 : 0;
    if (p->bare) {
        c.line[0].lead_deg = c.line[1].lead_deg = 0;
    }
    if (p->adjust != NULL) {
        p->adjust(&c);
    }
    if (!chain_run(&c, &a) || a.windows == 0) {
        return false;
    }
    truth = (double)(signal_energy(signal, a.from_s, a.to_s) / (a.to_s - a.from_s));
    watts = (double)(a.energy_j[1] / a.seconds);
    out->s_va = vrms * irms;
    out->error = (watts - truth) / (p->of_s ? out->s_va : fabs(truth)) * 100;
    out->pf = p->of_s ? 1 : fabs(truth) / (signal->volts * signal->amps);
    if (p->of_s) {
        out->pf = vrms * irms / (signal->volts * signal->amps);
    }
    out->noise = c.line[1].noise;
    if (a.partial > 0) {
        out->error = HUGE_VAL; /* it lost a cycle */
    }
    return true;
}

static double peer_error(enum peer peer, const struct power_point *p, const struct signal *signal,
                         uint64_t seed)
{
    double lead = p->bare ? 0 : 2.5;
    struct peer_run run = {
        signal, p->bare ? 0 : 0.3, lead, lead, p->seconds > 0 ? p->seconds - 0.6 : 10, seed};
    double watts, from, to, truth, base;

    if (!peer_power(peer, &run, &watts, &from, &to)) {
        return (double)NAN;
    }
    truth = (double)(signal_energy(signal, from, to) / (to - from));
    base = p->of_s ? signal_vrms(signal) * signal_irms(signal) : fabs(truth);
    return (watts * peer_gain(peer, p->bare) - truth) / base * 100;
}

static void run_point(struct bench *b, const struct power_point *p)
{
    struct row row = bench_start(p->id, p->text, "%");

    for (uint64_t seed = 1; seed <= b->seeds; seed++) {
        struct signal signal = p->signal;
        struct judged j;

        signal.turns = setup_turns(&signal, seed);
        for (unsigned bits = 12; bits <= 16; bits += 4) {
            struct result *r = bits == 12 ? &row.bits12 : &row.bits16;
            double noise = bits == 12 ? 0.7 : 1.5;

            if (!measure(p, &signal, bits, seed, &j)) {
                j = (struct judged){.error = HUGE_VAL, .pf = 1};
            }
            if (p->adjust == noise_2) {
                noise = 2;
            }
            bench_take(r, j.error,
                       p->no_limit
                           ? (double)NAN
                           : setup_limit(p->a > 0 ? p->a : 0.01, signal.amps, j.pf, bits, noise));
        }
        for (int peer = 0; peer < PEER_COUNT && b->peers && p->adjust == NULL; peer++) {
            double error = peer_error((enum peer)peer, p, &signal, seed);

            row.peer[peer] = isnan(row.peer[peer]) || fabs(error) > fabs(row.peer[peer])
                                 ? error
                                 : row.peer[peer];
        }
    }
    bench_row(b, &row);
}

/* E11: one harmonic at 10 % of V and I, each alone, at 0 and 60 degrees; the clamp is analysed. */
static void harmonics_alone(struct bench *b)
{
    for (int part = 0; part < 2; part++) {
        struct row row = bench_start("E11",
                                     part == 0 ? "2nd .. 21st, 10 %, 10 A, of P"
                                               : "22nd .. 40th, 10 %, 10 A, of its own power",
                                     "%");
        unsigned step = b->seeds > 2 ? 1 : 6;

        for (unsigned h = part == 0 ? 2 : 22; h <= (part == 0 ? 21u : 40u); h += step) {
            for (int at = 0; at < 2; at++) {
                struct power_point p = {"E11", row.text, signal_sine(10, 0), .select = true};
                struct judged j;

                p.signal.v[0] = (struct tone){1, 1, 0};
                p.signal.v[1] = (struct tone){h, 0.1, 0};
                p.signal.i[1] = (struct tone){h, 0.1, at * 60.0};
                p.signal.turns = setup_turns(&p.signal, h);
                for (unsigned bits = 12; bits <= 16; bits += 4) {
                    double noise = setup_limit(0, 10, 1, bits, bits == 12 ? 0.7 : 1.5);
                    double own = 0.01 * (at == 0 ? 1 : 0.5); /* its power, over P */

                    if (!measure(&p, &p.signal, bits, h, &j)) {
                        j.error = HUGE_VAL;
                    }
                    bench_take(bits == 12 ? &row.bits12 : &row.bits16,
                               part == 0 ? j.error : j.error / own,
                               part == 0 ? 0.03 : 1 + noise / own);
                }
            }
        }
        bench_row(b, &row);
    }
}

/* E20: converters with wrong steps; errors against the calibration of the same converter at 10 A.
 */
static double sar_power(const struct sar *sar, double amps, uint64_t seed)
{
    struct signal s = signal_sine(amps, 0);
    struct chain c;
    struct answer a;

    s.turns = setup_turns(&s, seed);
    setup_chain(&c, &s, 12, seed);
    c.sar = sar;
    c.line[1].codes = 10.7;
    c.line[1].bias = 160;
    c.line[1].triangle = 64;
    c.line[1].triangle_s = 5;
    if (!chain_run(&c, &a) || a.windows == 0) {
        return HUGE_VAL;
    }
    return (double)(a.energy_j[1] / a.seconds) / (230 * amps);
}

static void converters(struct bench *b, const char *id, double random_codes)
{
    static const struct {
        double amps, limit;
    } rows[] = {{0.2, 0.5}, {0.5, 0.3}, {1, 0.2}, {2, 0.2}, {5, 0.15}, {20, 0.15}, {50, 0.15}};
    unsigned count = b->seeds < 3 ? 3 : 20;
    struct row row[COUNT(rows)];

    for (size_t k = 0; k < COUNT(rows); k++) {
        char text[64];

        snprintf(text, sizeof(text), "%u converters, bias and triangle, %g A", count, rows[k].amps);
        row[k] = bench_start(id, text, "%");
    }
    for (unsigned n = 1; n <= count; n++) {
        static struct sar sar;
        struct random r;
        double gain;

        random_start(&r, n * 31 + (random_codes > 0));
        sar_make(&sar, &r, random_codes);
        gain = sar_power(&sar, 10, n);
        for (size_t k = 0; k < COUNT(rows); k++) {
            double error = (sar_power(&sar, rows[k].amps, n + 100 * k) / gain - 1) * 100;

            bench_take(&row[k].bits12, error, rows[k].limit);
        }
    }
    for (size_t k = 0; k < COUNT(rows); k++) {
        bench_row(b, &row[k]);
    }
}

void points_power(struct bench *b)
{
    bool tones_done = false;

    for (size_t k = 0; k < COUNT(points); k++) {
        if (strcmp(points[k].id, "E12") == 0 && !tones_done) {
            tones_done = true;
            if (bench_wants(b, "E11")) {
                harmonics_alone(b);
            }
        }
        if (strcmp(points[k].id, "E22") == 0 && bench_wants(b, "E20")) {
            converters(b, "E20a", 0);
            converters(b, "E20b", 0.25);
        }
        if (bench_wants(b, points[k].id)) {
            run_point(b, &points[k]);
        }
    }
}
