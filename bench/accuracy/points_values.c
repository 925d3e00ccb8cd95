/*
 * points_values.c: V1, F1, I1, Q1, H1: what is not power.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/accuracy/chain.h"
#include "bench/accuracy/points.h"
#include "bench/accuracy/setup.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct result *result_of(struct row *row, unsigned bits)
{
    return bits == 12 ? &row->bits12 : &row->bits16;
}

static const struct tone quadriform[SIGNAL_TONES_MAX] = {{1, 1, 0},        {3, 0.038, 180},
                                                         {5, 0.024, 180},  {7, 0.017, 180},
                                                         {11, 0.010, 180}, {13, 0.008, 180}};
static const struct tone fifth[SIGNAL_TONES_MAX] = {{1, 1, 0}, {5, 0.1, 30}};

/* V1 and F1: each window, and 10 s; with a pure voltage, a fifth, a quadriform one. */
static void mains(struct bench *b)
{
    struct row v[2] = {bench_start("V1", "Vrms, 10 cycles", "%"),
                       bench_start("V1", "Vrms, 10 s", "%")};
    struct row f[2] = {bench_start("F1", "frequency, 10 cycles: sine, 5th, quadriform", "mHz"),
                       bench_start("F1", "frequency, 10 s: sine, 5th, quadriform", "mHz")};

    for (uint64_t seed = 1; seed <= b->seeds; seed++) {
        for (unsigned k = 0; k < 6; k++) {
            unsigned bits = k < 3 ? 12 : 16;
            struct signal s = signal_sine(1, 0);
            struct chain c;
            struct answer a;
            double vrms, low, high;

            s.hz = 49.87 + 0.03 * (double)seed;
            s.turns = setup_turns(&s, seed);
            memcpy(s.v, k % 3 == 1 ? fifth : k % 3 == 2 ? quadriform : s.v, sizeof(s.v));
            setup_chain(&c, &s, bits, seed);
            c.line[0].lead_deg = 0;
            vrms = signal_vrms(&s);
            if (!chain_run(&c, &a) || a.windows == 0) {
                continue;
            }
            low = (a.rms_min / vrms - 1) * 100;
            high = (a.rms_max / vrms - 1) * 100;
            bench_take(result_of(&v[0], bits), fabs(low) > fabs(high) ? low : high,
                       bits == 12 ? 0.02 : 0.01);
            bench_take(result_of(&v[1], bits), (sqrt(a.rms2[0]) / vrms - 1) * 100, 0.01);
            low = (a.hz_min - s.hz) * 1e3;
            high = (a.hz_max - s.hz) * 1e3;
            bench_take(result_of(&f[0], bits), fabs(low) > fabs(high) ? low : high, 1);
            bench_take(result_of(&f[1], bits), (a.hz - s.hz) * 1e3, 0.1);
        }
    }
    for (unsigned k = 0; k < 2; k++) {
        if (bench_wants(b, "V1")) {
            bench_row(b, &v[k]);
        }
    }
    for (unsigned k = 0; k < 2; k++) {
        if (bench_wants(b, "F1")) {
            bench_row(b, &f[k]);
        }
    }
}

/* The noise that a meter has learned in three minutes without a load. */
static double learned(unsigned bits, uint64_t seed)
{
    struct signal s = signal_sine(0, 0);
    struct chain c;
    struct answer a;

    setup_chain(&c, &s, bits, seed);
    c.seconds = 180;
    return chain_run(&c, &a) ? a.noise[1] : (double)NAN;
}

static void current(struct bench *b)
{
    static const struct {
        double amps, limit12, limit16;
    } rows[] = {{50, 0.01, 0.01},   {5, 0.03, 0.013},   {1, 0.11, 0.023},
                {0.5, 0.21, 0.035}, {0.2, 0.51, 0.073}, {0.1, 1.0, 0.135}};
    unsigned seeds = b->seeds < 3 ? b->seeds : (b->seeds + 1) / 2;
    struct row row[COUNT(rows)],
        noise = bench_start("E19", "the noise reported, less what it is", "code");

    for (size_t k = 0; k < COUNT(rows); k++) {
        char text[64];

        snprintf(text, sizeof(text), "Irms, 10 s, %g A, noise learned in 3 min", rows[k].amps);
        row[k] = bench_start("I1", text, "%");
    }
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        for (unsigned bits = 12; bits <= 16; bits += 4) {
            double told = learned(bits, seed);

            bench_take(result_of(&noise, bits), told - (bits == 12 ? 0.7 : 1.5),
                       bits == 12 ? 0.05 : 0.1);
            for (size_t k = 0; k < COUNT(rows); k++) {
                struct signal s = signal_sine(rows[k].amps, 30);
                struct chain c;
                struct answer a;

                s.turns = setup_turns(&s, seed + 50);
                setup_chain(&c, &s, bits, seed + 50);
                c.noise_told = told;
                bench_take(result_of(&row[k], bits),
                           chain_run(&c, &a) ? (sqrt(a.rms2[1]) / rows[k].amps - 1) * 100
                                             : HUGE_VAL,
                           bits == 12 ? rows[k].limit12 : rows[k].limit16);
            }
        }
    }
    bench_row(b, &noise);
    for (size_t k = 0; k < COUNT(rows); k++) {
        bench_row(b, &row[k]);
    }
}

static void reactive(struct bench *b)
{
    struct row row = bench_start("Q1", "Q1, 0.5 L, 10 A, of S", "%");

    for (uint64_t seed = 1; seed <= b->seeds; seed++) {
        for (unsigned bits = 12; bits <= 16; bits += 4) {
            struct signal s = signal_sine(10, 60);
            struct chain c;
            struct answer a;

            s.turns = setup_turns(&s, seed);
            setup_chain(&c, &s, bits, seed);
            bench_take(result_of(&row, bits),
                       chain_run(&c, &a) ? (a.q1[1] - 2300 * sqrt(0.75)) / 2300 * 100 : HUGE_VAL,
                       bits == 12 ? 0.02 : 0.01);
        }
    }
    bench_row(b, &row);
}

/* H1: harmonics 2 .. 40, class I of IEC 61000-4-7: 5 % of reading above 1 % of I1. */
static void harmonics(struct bench *b)
{
    struct row row = bench_start("H1", "harmonics 2 .. 40 of 2 % of 10 A, of reading", "%");
    struct row phase = bench_start("H1", "their angles, 7th and 23rd", "deg");

    for (unsigned first = 2; first <= 40; first += 10) {
        for (unsigned bits = 12; bits <= 16; bits += 4) {
            struct signal s = signal_sine(10, 0);
            struct chain c;
            struct answer a;

            s.hz = 50.03;
            s.turns = setup_turns(&s, first);
            for (unsigned k = 0; k < 10; k++) {
                s.i[k + 1] = (struct tone){first + k, 0.02, 20.0 * k};
            }
            setup_chain(&c, &s, bits, first);
            c.select = 1;
            if (!chain_run(&c, &a) || !a.has_spectrum) {
                bench_take(result_of(&row, bits), HUGE_VAL, 5);
                continue;
            }
            for (unsigned h = first; h < first + 10 && h <= 40; h++) {
                bench_take(result_of(&row, bits), (a.spectrum[1].rms[h - 1] / 0.2 - 1) * 100, 5);
                if (h == 7 || h == 23) {
                    double off = a.spectrum[1].angle_deg[h - 1] - 20.0 * (h - first);

                    bench_take(result_of(&phase, bits), remainder(off, 360), 2);
                }
            }
        }
    }
    bench_row(b, &row);
    bench_row(b, &phase);
}

void points_values(struct bench *b)
{
    if (bench_wants(b, "V1") || bench_wants(b, "F1")) {
        mains(b);
    }
    if (bench_wants(b, "I1")) {
        current(b);
    }
    if (bench_wants(b, "Q1")) {
        reactive(b);
    }
    if (bench_wants(b, "H1")) {
        harmonics(b);
    }
}
