/*
 * points_recordings.c: R1: recordings that the bench has never seen, as CSV: `# rate_hz=...`, then
 * a line `v,i` for each sample, in volts and amperes. Whole cycles are repeated, scaled to 230 V.
 *
 * Both inputs have the same anti-alias filter, at 2.8 kHz: a converter of 6.67 kscans/s sees no
 * more. The truth is the integral of what passes; what a recording has above is told in its row.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/accuracy/chain.h"
#include "bench/accuracy/points.h"
#include "bench/accuracy/setup.h"

#define PI 3.14159265358979323846

enum { SAMPLES_MAX = 1 << 22 };

static void release(struct recording *r)
{
    free(r->v);
    free(r->i);
    memset(r, 0, sizeof(*r));
}

/* All samples. False: said on stderr. */
static bool read_csv(const char *path, struct recording *r)
{
    FILE *f = fopen(path, "r");
    char line[128];
    unsigned number = 1;
    bool good = false;

    memset(r, 0, sizeof(*r));
    if (f == NULL || fgets(line, sizeof(line), f) == NULL ||
        sscanf(line, "# rate_hz=%lf", &r->rate_hz) != 1 ||
        !(r->rate_hz >= 500 && r->rate_hz < 1e7)) {
        fprintf(stderr, "%s: does not begin with # rate_hz=...\n", path);
        goto out;
    }
    r->v = calloc(SAMPLES_MAX, sizeof(double));
    r->i = calloc(SAMPLES_MAX, sizeof(double));
    if (r->v == NULL || r->i == NULL) {
        fprintf(stderr, "%s: out of memory\n", path);
        goto out;
    }
    while (r->n < SAMPLES_MAX && fgets(line, sizeof(line), f) != NULL) {
        number++;
        if (line[0] == '#' || line[0] == '\n' || line[0] == 'v') {
            continue;
        }
        if (sscanf(line, "%lf,%lf", &r->v[r->n], &r->i[r->n]) != 2) {
            fprintf(stderr, "%s:%u: not v,i\n", path, number);
            goto out;
        }
        r->n++;
    }
    good = true;
out:
    if (f != NULL) {
        fclose(f);
    }
    return good;
}

/* Keeps whole cycles, from rising crossing to rising crossing; a file of one cycle is kept whole.
 */
static bool keep_cycles(struct recording *r)
{
    double peak = 0, first = -1, last = -1;
    unsigned crossings = 0, n;
    bool armed = false;

    for (unsigned k = 0; k < r->n; k++) {
        peak = fmax(peak, fabs(r->v[k]));
    }
    for (unsigned k = 1; k < r->n; k++) {
        armed = armed || r->v[k] < -peak / 5;
        if (armed && r->v[k - 1] < 0 && r->v[k] >= 0) {
            first = first < 0 ? k : first;
            last = k;
            crossings++;
            armed = false;
        }
    }
    if (peak <= 0 || r->n < 20) {
        return false;
    }
    if (crossings < 2) { /* one cycle: it joins its own begin */
        r->v[r->n] = r->v[0];
        r->i[r->n] = r->i[0];
        r->n++;
        r->turns = 1;
        return r->n < SAMPLES_MAX;
    }
    n = (unsigned)(last - first) + 1;
    memmove(r->v, r->v + (unsigned)first, n * sizeof(double));
    memmove(r->i, r->i + (unsigned)first, n * sizeof(double));
    r->v[n - 1] = r->v[0];
    r->i[n - 1] = r->i[0];
    r->n = n;
    r->turns = crossings - 1;
    return true;
}

/* No offset: a CT gives none, and the meter takes it out of the voltage. */
static void scale(struct recording *r)
{
    struct signal s = {.recording = r};
    double v = 0, i = 0, factor;

    for (unsigned k = 0; k + 1 < r->n; k++) {
        v += r->v[k] / (r->n - 1);
        i += r->i[k] / (r->n - 1);
    }
    for (unsigned k = 0; k < r->n; k++) {
        r->v[k] -= v;
        r->i[k] -= i;
    }
    factor = 230 / signal_vrms(&s);
    for (unsigned k = 0; k < r->n; k++) {
        r->v[k] *= factor;
    }
}

/* A windowed sinc, round the loop. Equal for V and I, so it turns neither against the other. */
static void low_pass(double *x, double *work, unsigned n, double rate_hz)
{
    double cut = 2800 / rate_hz, gain = 0;
    int half = (int)ceil(4 / cut), period = (int)n - 1; /* the last sample is the first */

    memcpy(work, x, n * sizeof(*x));
    for (int k = 0; k < period; k++) {
        x[k] = 0;
    }
    for (int t = -half; t <= half; t++) {
        double sinc = t == 0 ? 2 * cut : sin(2 * PI * cut * t) / (PI * t);
        double tap = sinc * (0.42 + 0.5 * cos(PI * t / half) + 0.08 * cos(2 * PI * t / half));

        gain += tap;
        for (int k = 0; k < period; k++) {
            x[k] += tap * work[((k + t) % period + period) % period];
        }
    }
    for (int k = 0; k < period; k++) {
        x[k] /= gain;
    }
    x[period] = x[0];
}

/* Filters both. Returns the power that is lost, in W; false: out of memory. */
static bool filter(struct recording *r, double *lost_out)
{
    struct signal s = {.recording = r};
    double before = signal_power(&s), *work = calloc(r->n, sizeof(*work));

    *lost_out = 0;
    if (work == NULL) {
        return false;
    }
    if (r->rate_hz > 2 * 2800) {
        low_pass(r->v, work, r->n, r->rate_hz);
        low_pass(r->i, work, r->n, r->rate_hz);
        *lost_out = before - signal_power(&s);
    }
    free(work);
    return true;
}

static void run_recording(struct bench *b, const char *name, const struct recording *r,
                          double lost_w)
{
    struct signal s = {.recording = r, .volts = 230};
    double amps = signal_irms(&s), truth = signal_power(&s), s_va = 230 * amps;
    bool of_s = fabs(truth) < 0.2 * s_va || amps < 0.3;
    char text[64];
    struct row row;

    s.hz = r->turns * r->rate_hz / (r->n - 1);
    s.amps = amps;
    snprintf(text, sizeof(text), "%.16s %.3g A PF %.2f HF %.2f %%, of %s", name, amps, truth / s_va,
             lost_w / s_va * 100, of_s ? "S" : "P");
    row = bench_start("R1", text, "%");
    for (uint64_t seed = 1; seed <= b->seeds; seed++) {
        for (unsigned bits = 12; bits <= 16; bits += 4) {
            double error = HUGE_VAL;
            struct chain c;
            struct answer a;

            setup_chain(&c, &s, bits, seed);
            c.line[0].lead_deg = c.line[1].lead_deg = 0;
            c.select = 1;
            if (chain_run(&c, &a) && a.windows > 0) {
                error = ((double)(a.energy_j[1] / a.seconds) - truth) /
                        (of_s ? s_va : fabs(truth)) * 100;
            }
            bench_take(bits == 12 ? &row.bits12 : &row.bits16, error,
                       setup_limit(0.02, amps, of_s ? 1 : fabs(truth) / s_va, bits,
                                   bits == 12 ? 0.7 : 1.5));
        }
    }
    bench_row(b, &row);
}

static int is_csv(const struct dirent *e)
{
    size_t n = strlen(e->d_name);

    return n > 4 && strcmp(e->d_name + n - 4, ".csv") == 0;
}

void points_recordings(struct bench *b, const char *folder)
{
    struct dirent **entry;
    int n;

    if (!bench_wants(b, "R1")) {
        return;
    }
    if (folder == NULL) {
        printf("R1    skipped: no --recordings DIR\n");
        return;
    }
    n = scandir(folder, &entry, is_csv, alphasort);
    if (n < 0) {
        fprintf(stderr, "%s: no such folder\n", folder);
        b->missed++;
        return;
    }
    for (int k = 0; k < n; k++) {
        char path[512];
        struct recording r;
        double lost_w;

        snprintf(path, sizeof(path), "%s/%s", folder, entry[k]->d_name);
        if (!read_csv(path, &r) || !keep_cycles(&r)) {
            fprintf(stderr, "%s: no whole cycle of a voltage\n", path);
            b->missed++;
        } else {
            scale(&r);
            if (filter(&r, &lost_w)) {
                run_recording(b, entry[k]->d_name, &r, lost_w);
            }
        }
        release(&r);
        free(entry[k]);
    }
    free(entry);
}
