/*
 * points_faults.c: E21 .. E25: what must be seen, what must not count, what must. Values are 1
 * where the meter saw it and 0 where it did not; the limit is on what is missing.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/accuracy/chain.h"
#include "bench/accuracy/points.h"
#include "bench/accuracy/setup.h"

static void take(struct row *row, unsigned bits, double value, double limit)
{
    bench_take(bits == 12 ? &row->bits12 : &row->bits16, value, limit);
}

/* E21: 110 % and 150 % of full scale: every whole window must say so. */
static void clipping(struct bench *b, double part)
{
    char text[64];
    struct row row;

    snprintf(text, sizeof(text), "clipping at %.0f %% of full scale: windows untold", part * 100);
    row = bench_start("E21", text, "");
    for (uint64_t seed = 1; seed <= b->seeds; seed++) {
        for (unsigned bits = 12; bits <= 16; bits += 4) {
            struct signal s = signal_sine(part * 2048 / sqrt(2.0) / 11.8, 0);
            struct chain c;
            struct answer a;

            s.turns = setup_turns(&s, seed);
            setup_chain(&c, &s, bits, seed);
            c.seconds = 2;
            take(&row, bits, chain_run(&c, &a) && a.windows > 0 ? a.unflagged[1] : HUGE_VAL, 0);
        }
    }
    bench_row(b, &row);
}

/* E22: the voltage couples into the clamp at -80 dB; its conductance is found with an empty clamp.
 */
static void crosstalk(struct bench *b, double amps)
{
    struct row row = bench_start("E22",
                                 amps > 0 ? "crosstalk V to I -80 dB, nulled, 1 A, of S"
                                          : "crosstalk V to I -80 dB, nulled, empty clamp",
                                 amps > 0 ? "%" : "W");

    for (uint64_t seed = 1; seed <= b->seeds; seed++) {
        for (unsigned bits = 12; bits <= 16; bits += 4) {
            struct signal s = signal_sine(0, 0);
            struct chain c;
            struct answer a;
            double watts;

            s.turns = setup_turns(&s, seed);
            setup_chain(&c, &s, bits, seed);
            c.line[1].crosstalk = 1e-4;
            c.seconds = 60;
            if (!chain_run(&c, &a) || a.windows == 0) {
                continue;
            }
            c.config.slot[1].leak_s = (double)(a.energy_j[1] / a.seconds) / 230 / 230;
            c.config.slot[1].leak_b_s = -a.q1[1] / 230 / 230;
            c.seed += 99;
            c.seconds = 10.4;
            s.amps = amps;
            watts = chain_run(&c, &a) ? (double)(a.energy_j[1] / a.seconds) - 230 * amps : HUGE_VAL;
            take(&row, bits, amps > 0 ? watts / 230 * 100 : watts,
                 amps > 0 ? (bits == 12 ? 0.05 : 0.01) +
                                setup_limit(0, 1, 1, bits, bits == 12 ? 0.7 : 1.5)
                          : 0.2);
        }
    }
    bench_row(b, &row);
}

/* E23: a block that does not come: the gap told, and no other error. */
static void lost_block(struct bench *b)
{
    struct row gap = bench_start("E23", "a lost block: gap told, less the block's time", "scan");
    struct row power = bench_start("E23", "a lost block: power of what was seen", "%");

    for (uint64_t seed = 1; seed <= b->seeds; seed++) {
        for (unsigned bits = 12; bits <= 16; bits += 4) {
            struct signal s = signal_sine(10, 0);
            struct chain c;
            struct answer a;
            bool ran;

            s.turns = setup_turns(&s, seed);
            setup_chain(&c, &s, bits, seed);
            c.lose_block = 300;
            ran = chain_run(&c, &a) && a.lost_blocks == 1;
            /* Two scans on either side have no neighbour, and two before the first. */
            take(&gap, bits, ran ? a.gap_s / CHAIN_PERIOD_S - 100 - 6 : HUGE_VAL, 0.1);
            take(&power, bits,
                 ran ? ((double)(a.energy_j[1] / a.seconds) / 2300 - 1) * 100 : HUGE_VAL,
                 setup_limit(0.01, 10, 1, bits, bits == 12 ? 0.7 : 1.5));
        }
    }
    bench_row(b, &gap);
    bench_row(b, &power);
}

/* E24, E25: nothing flows, then little does, with the no-load rule of 0.5 W. */
static void little(struct bench *b, double amps)
{
    struct row raw = bench_start("E24", "no load, 115 % V: mean before the no-load rule", "W");
    struct row row = amps > 0
                         ? bench_start("E25", "0.1 A (16 bits: 0.01 A): energy not counted", "%")
                         : bench_start("E24", "no load, 115 % V: registers moved", "mJ");
    double seconds = b->seeds < 3 ? 70 : amps == 0 ? 3600 : 200;

    for (unsigned bits = 12; bits <= 16; bits += 4) {
        double i = bits == 12 ? amps : amps / 10, noise = bits == 12 ? 0.7 : 1.5;
        struct signal s = signal_sine(i, 0);
        const struct hwt_meter_channel *last;
        struct chain c;
        struct answer a;
        double counted;

        s.volts = amps > 0 ? 230 : 264.5;
        setup_chain(&c, &s, bits, bits);
        c.seconds = seconds;
        c.config.slot[1].no_load_w = 0.5;
        if (!chain_run(&c, &a)) {
            return;
        }
        last = &a.last.channel[1];
        counted = (double)(last->import_mj - last->export_mj);
        if (amps > 0) {
            double all = (double)a.energy_j[1] * 1000; /* mJ, but for the first 0.4 s */

            take(&row, bits, (1 - counted / all) * 100,
                 500 / seconds + setup_limit(0, i, 1, bits, noise));
        } else {
            take(&row, bits, (double)(last->import_mj + last->export_mj), 0);
            /* Of an hour; of less with its noise. */
            take(&raw, bits, (double)(a.energy_j[1] / a.seconds),
                 (bits == 12 ? 0.05 : 0.005) +
                     (seconds < 3600
                          ? 2.645 * setup_limit(0, 1, 1, bits, noise) * sqrt(10 / seconds)
                          : 0));
        }
    }
    bench_row(b, &row);
    if (amps == 0) {
        bench_row(b, &raw);
    }
}

void points_faults(struct bench *b)
{
    if (bench_wants(b, "E21")) {
        clipping(b, 1.1);
        clipping(b, 1.5);
    }
    if (bench_wants(b, "E22")) {
        crosstalk(b, 1);
        crosstalk(b, 0);
    }
    if (bench_wants(b, "E23")) {
        lost_block(b);
    }
    if (bench_wants(b, "E24")) {
        little(b, 0);
    }
    if (bench_wants(b, "E25")) {
        little(b, 0.1);
    }
}
