/*
 * points_registers.c: D1, D2, D3, D5: what must be exact.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/accuracy/chain.h"
#include "bench/accuracy/points.h"
#include "bench/accuracy/setup.h"

enum { SCANS = 20000, WINDOWS_MAX = 32 };

/* Windows of a stream cut into blocks of that many scans, or of chance sizes (0). */
static unsigned windows_of(const struct chain *c, const int32_t *codes, unsigned size,
                           struct hwt_meter_window *out)
{
    static struct hwt_meter meter;
    struct hwt_meter_config config;
    struct random r;
    uint32_t sequence = 0;
    unsigned n = 0;

    random_start(&r, 5);
    chain_configure(c, &config);
    if (hwt_meter_init(&meter, &config) != 0 || hwt_meter_select(&meter, 1) != 0) {
        return 0;
    }
    memset(out, 0, WINDOWS_MAX * sizeof(*out));
    for (unsigned at = 0, some; at < SCANS; at += some) {
        struct hwt_block b;

        some = size > 0 ? size : 1 + (unsigned)(random_uniform(&r) * 700);
        some = some < SCANS - at ? some : SCANS - at;
        b = chain_block(c, at, some, sequence++, codes);
        if (hwt_meter_feed(&meter, &b) < 0) {
            return 0;
        }
        while (n < WINDOWS_MAX && hwt_meter_next(&meter, &out[n])) {
            n++;
        }
    }
    return n;
}

static void partitions(struct bench *b)
{
    static const unsigned sizes[] = {1, 2, 3, 7, 64, 127, 128, 129, 1000, 4096, 0};
    static struct hwt_meter_window first[WINDOWS_MAX], other[WINDOWS_MAX];
    static int32_t codes[SCANS * 2];
    struct row row = bench_start("D1", "windows that change with the cutting into blocks", "");

    for (unsigned bits = 12; bits <= 16; bits += 4) {
        struct signal s = signal_sine(10, 60);
        struct chain c;
        unsigned n;

        setup_chain(&c, &s, bits, 3);
        chain_codes(&c, SCANS, codes);
        n = windows_of(&c, codes, 100, first);
        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            unsigned wrong = 0, count = windows_of(&c, codes, sizes[k], other);

            for (unsigned w = 0; w < n; w++) {
                wrong += memcmp(&first[w], &other[w], sizeof(first[w])) != 0;
            }
            bench_take(bits == 12 ? &row.bits12 : &row.bits16, count == n && n > 10 ? wrong : 999,
                       0);
        }
    }
    bench_row(b, &row);
}

/* D2: registers against the windows' own energies, in integers. */
static void nets(struct bench *b)
{
    static struct hwt_meter_window w[WINDOWS_MAX];
    static int32_t codes[SCANS * 2];
    struct row row = bench_start("D2", "import - export, less the windows' net", "mJ");

    for (unsigned bits = 12; bits <= 16; bits += 4) {
        struct signal s = signal_sine(3, 20);
        int64_t net_nj = 0, net_mj;
        struct chain c;
        unsigned n;

        s.flip_cycles = 23;
        setup_chain(&c, &s, bits, 3);
        chain_codes(&c, SCANS, codes);
        n = windows_of(&c, codes, 100, w);
        for (unsigned k = 0; k < n; k++) {
            net_nj += w[k].channel[1].energy_nj;
        }
        net_mj =
            w[n > 0 ? n - 1 : 0].channel[1].import_mj - w[n > 0 ? n - 1 : 0].channel[1].export_mj;
        /* Whole mJ towards zero of what was left: within one, exactly. */
        bench_take(bits == 12 ? &row.bits12 : &row.bits16,
                   n > 10 && llabs(net_mj * 1000000 - net_nj) < 1000000 ? 0 : HUGE_VAL, 0);
    }
    bench_row(b, &row);
}

/* D3, D5: years of windows against sums in other arithmetic. */
static void years(struct bench *b)
{
    struct row drift =
        bench_start("D3",
                    b->full ? "10 years of 10-cycle windows, drift"
                            : "a month of 10-cycle windows, drift (--full: 10 years)",
                    "mWh");
    struct row other = bench_start("D5", "registers against long double", "1e-9");
    uint64_t windows = b->full ? UINT64_C(1577880000) : UINT64_C(12960000);
    struct hwt_meter_energy e;
    long double import = 0, export = 0;
    struct random r;
    double p = 100;

    memset(&e, 0, sizeof(e));
    random_start(&r, 12);
    for (uint64_t k = 0; k < windows; k++) {
        if (k % 64 == 0) {
            p = 6000 * random_uniform(&r) - 1000;
        }
        hwt_meter_energy_add(&e, hwt_meter_energy_nj(p, 200003), 0, 200003, 0);
        *(p > 0 ? &import : &export) += (long double)fabs(p) * 200.003L; /* mJ */
    }
    bench_take(&drift.bits12, (double)((e.import_mj - e.export_mj - (import - export)) / 3600), 1);
    bench_take(&other.bits12, (double)(((long double)e.import_mj - import) / import * 1e9L), 1);
    bench_take(&other.bits12, (double)(((long double)e.export_mj - export) / export * 1e9L), 1);
    bench_row(b, &drift);
    bench_row(b, &other);
}

void points_registers(struct bench *b)
{
    if (bench_wants(b, "D1")) {
        partitions(b);
    }
    if (bench_wants(b, "D2")) {
        nets(b);
    }
    if (bench_wants(b, "D3") || bench_wants(b, "D5")) {
        years(b);
    }
}
