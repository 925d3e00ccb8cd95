/*
 * meter_engine: what core/meter costs on the full stream of docs/SAMPLE_STREAM.md: a voltage, 14
 * clamps, 12 bits, blocks of 128 scans; one line of JSON.
 *
 *   meter_engine time SECONDS   ns for each clamp's sample, of the meter and of the bare loop below
 *   meter_engine feed SECONDS   so many seconds of the stream into the meter, for callgrind
 *   meter_engine build          by which compiler, for which machine
 *
 * The meter's time is all of it: feeding, windows, their report; no slot is analysed for harmonics.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/meter/meter.h"

enum {
    SLOTS = 15,
    CLAMPS = SLOTS - 1,
    SCANS = 128, /* a block, as the virtual plant sends it */
    BLOCKS = 50,
    CYCLES = 48, /* in all blocks, so that they join when they are played again: 50.02 Hz */
    PERIOD_PS = 149940000,
    ROUNDS_MIN = 31,
    ROUNDS_MAX = 100000
};

#define TURN 6.283185307179586

static int32_t codes[BLOCKS][SCANS][SLOTS];
static volatile int64_t sink; /* what was reckoned must not be optimised away */

static double uniform(uint64_t *random) /* -0.5 .. 0.5 */
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (double)(*random >> 40) / (1 << 24) - 0.5;
}

/* Mains with 3 % of the fifth harmonic; currents of 1 to 14 parts, lagging, with a third. */
static void make_codes(void)
{
    uint64_t random = 1;

    for (int n = 0; n < BLOCKS * SCANS; n++) {
        double turns = (double)n * CYCLES / (BLOCKS * SCANS);

        for (int s = 0; s < SLOTS; s++) {
            double a = TURN * turns - 0.1 * s, b = TURN * turns * (s == 0 ? 5 : 3);
            double x = s == 0 ? 1500 * (sin(a) + 0.03 * sin(b)) : 120 * s * (sin(a) + 0.1 * sin(b));

            codes[n / SCANS][n % SCANS][s] = (int32_t)floor(x + 1.5 * uniform(&random) + 0.5);
        }
    }
}

/*
 * The measure: over the codes of the block, scan by scan as they lie there, one product of 32 x 32
 * bits for each clamp's sample, with the voltage of its scan, added to a sum of 64 bits for each
 * clamp: a real power without delay, offset, RMS, frequency or windows. As in the meter, the number
 * of slots is the block's, not the compiler's.
 */
static void add_bare(const struct hwt_block *b, int64_t *sum)
{
    const int32_t *scan = b->codes;

    for (unsigned n = 0; n < b->scans; n++, scan += b->slots) {
        for (unsigned s = 1; s < b->slots; s++) {
            sum[s] += (int64_t)scan[0] * scan[s];
        }
    }
}

/* All blocks once. */
static void run_bare(struct hwt_block *b)
{
    int64_t sum[HWT_SLOTS_MAX] = {0};

    for (int i = 0; i < BLOCKS; i++) {
        b->codes = codes[i][0];
        add_bare(b, sum);
    }
    for (int s = 1; s < SLOTS; s++) {
        sink += sum[s];
    }
}

static void begin(struct hwt_meter *m, struct hwt_block *b)
{
    struct hwt_meter_config config = {.slots = SLOTS};

    *b = (struct hwt_block){.wall_us = HWT_TIME_UNKNOWN,
                            .scan_period_ps = PERIOD_PS,
                            .scans = SCANS,
                            .slots = SLOTS,
                            .bits = 12};
    for (int s = 0; s < SLOTS; s++) {
        config.slot[s] =
            (struct hwt_meter_slot){.ratio = s == 0 ? 0.2 : 0.05,
                                    .phase_deg = s == 0 ? 4 : 3,
                                    .reference = s == 0 ? HWT_METER_NO_REFERENCE : 0,
                                    .kind = s == 0 ? HWT_SLOT_VOLTAGE : HWT_SLOT_CURRENT};
        b->slot[s] = (struct hwt_slot){.kind = config.slot[s].kind,
                                       .input = (uint8_t)(s == 0 ? 0 : s - 1),
                                       .time_q16 = (uint16_t)(s * 65536 / SLOTS)};
    }
    if (hwt_meter_init(m, &config) != 0) {
        fprintf(stderr, "meter_engine: the meter refuses its configuration\n");
        exit(1);
    }
}

/* All blocks once; the stream goes on. */
static void run_meter(struct hwt_meter *m, struct hwt_block *b)
{
    static struct hwt_meter_window w;

    for (int i = 0; i < BLOCKS; i++) {
        b->codes = codes[i][0];
        b->device_us = (uint64_t)b->sequence * SCANS * PERIOD_PS / 1000000;
        if (hwt_meter_feed(m, b) < 0) {
            fprintf(stderr, "meter_engine: the meter refuses a block\n");
            exit(1);
        }
        while (hwt_meter_next(m, &w)) {
            sink += w.channel[CLAMPS].energy_nj;
        }
        b->sequence++;
    }
}

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof(*x), compare);
    return x[n / 2];
}

/* One after the other in each round, so that what the machine does beside meets both. */
static int measure(struct hwt_meter *m, double seconds)
{
    static double bare[ROUNDS_MAX], meter[ROUNDS_MAX], ratio[ROUNDS_MAX];
    const double samples = (double)BLOCKS * SCANS * CLAMPS;
    struct hwt_block b;
    size_t n = 0;
    double began;

    begin(m, &b);
    run_meter(m, &b);
    began = now_ns();
    while (n < ROUNDS_MIN || (n < ROUNDS_MAX && now_ns() - began < seconds * 1e9)) {
        double t0 = now_ns(), t1, t2;

        run_bare(&b);
        t1 = now_ns();
        run_meter(m, &b);
        t2 = now_ns();
        bare[n] = (t1 - t0) / samples;
        meter[n] = (t2 - t1) / samples;
        ratio[n] = meter[n] / bare[n];
        n++;
    }
    printf("{\"rounds\": %zu, \"bare_ns\": %.4f, \"meter_ns\": %.4f, \"ratio\": %.3f, "
           "\"state_octets\": %zu}\n",
           n, median(bare, n), median(meter, n), median(ratio, n), sizeof(*m));
    return 0;
}

static int feed(struct hwt_meter *m, double seconds)
{
    struct hwt_block b;
    int passes = (int)(seconds * 1e12 / ((double)BLOCKS * SCANS * PERIOD_PS) + 0.5);

    begin(m, &b);
    for (int i = 0; i < passes; i++) {
        run_meter(m, &b);
    }
    printf("{\"scans\": %d}\n", passes * BLOCKS * SCANS);
    return 0;
}

static int name_build(void)
{
#if defined(__clang__)
    const char *compiler = "clang";
    int version = __clang_major__;
#else
    const char *compiler = "gcc";
    int version = __GNUC__;
#endif
#if defined(__OPTIMIZE__)
    const char *optimised = "true";
#else
    const char *optimised = "false";
#endif
    printf("{\"compiler\": \"%s\", \"version\": %d, \"optimised\": %s}\n", compiler, version,
           optimised);
    return 0;
}

int main(int argc, char **argv)
{
    static struct hwt_meter m;

    make_codes();
    if (argc == 2 && strcmp(argv[1], "build") == 0) {
        return name_build();
    }
    if (argc == 3 && strcmp(argv[1], "time") == 0) {
        return measure(&m, strtod(argv[2], NULL));
    }
    if (argc == 3 && strcmp(argv[1], "feed") == 0) {
        return feed(&m, strtod(argv[2], NULL));
    }
    fprintf(stderr, "usage: meter_engine time|feed SECONDS | build\n");
    return 2;
}
