/*
 * meter_cmd.c: a recording as codes of 24 bits, again and again, through core/meter.
 *
 * The largest voltage and current lie at 15/16 of the codes' range. A recording's zero is taken as
 * known (a mean is direct current), and its noise as part of it, unless --ac says otherwise.
 */
#include "daemon/cli/meter_cmd.h"

#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/meter/meter.h"
#include "daemon/cli/waveform_file.h"

enum { BITS = 24, BLOCK = 250, SHORT_S = 1, REPEAT_S = 3, JSON_MAX = 8192 };

static const char usage[] =
    "usage: heatwatt meter --voltage FILE --current FILE --rate HZ [--row N] [options]\n"
    "       heatwatt meter --csv FILE [options]\n"
    "\n"
    "Measures a recorded voltage and current and prints JSON.\n"
    "  --voltage FILE, --current FILE  volts and amperes: .npy, or text with a number a line\n"
    "  --row N        row of .npy files of two dimensions, from 0 (0)\n"
    "  --rate HZ      samples a second\n"
    "  --csv FILE     first line \"# rate_hz=...\", then \"v,i\"\n"
    "  --repeat-s S   plays the recording again and again for S seconds (3, if it is shorter\n"
    "                 than 1; else once); it should then hold whole cycles\n"
    "  --ac           takes offsets out, as with current transformers\n"
    "  --harmonics    adds the harmonics 1 to 40\n";

struct job {
    const char *voltage, *current, *csv;
    size_t row;
    double rate_hz;
    double repeat_s; /* 0: not told */
    bool ac, harmonics;
};

struct sums { /* over whole windows, weighted by their length */
    double seconds, v2, i2, p, q1, s, pf1, hz;
    double v_h2[HWT_METER_HARMONICS], i_h2[HWT_METER_HARMONICS];
    unsigned windows;
    uint16_t flags;
};

static bool parse_double(const char *text, double *out)
{
    char *end;

    *out = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*out) && *out > 0;
}

static bool parse_row(const char *text, size_t *out)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    *out = n;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

static bool parse(int argc, char **argv, struct job *job)
{
    static const struct option options[] = {
        {"voltage", required_argument, NULL, 'v'},
        {"current", required_argument, NULL, 'i'},
        {"csv", required_argument, NULL, 'c'},
        {"rate", required_argument, NULL, 'r'},
        {"row", required_argument, NULL, 'n'},
        {"repeat-s", required_argument, NULL, 's'},
        {"ac", no_argument, NULL, 'a'},
        {"harmonics", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool good = true;
    int c;

    while (good && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'v':
            job->voltage = optarg;
            break;
        case 'i':
            job->current = optarg;
            break;
        case 'c':
            job->csv = optarg;
            break;
        case 'r':
            good = parse_double(optarg, &job->rate_hz);
            break;
        case 'n':
            good = parse_row(optarg, &job->row);
            break;
        case 's':
            good = parse_double(optarg, &job->repeat_s) && job->repeat_s <= 86400;
            break;
        case 'a':
            job->ac = true;
            break;
        case 'h':
            job->harmonics = true;
            break;
        default:
            return false;
        }
    }
    if (!good || optind != argc) {
        return false;
    }
    return job->csv != NULL ? job->voltage == NULL && job->current == NULL
                            : job->voltage != NULL && job->current != NULL && job->rate_hz > 0;
}

/* --- measuring ------------------------------------------------------------------------------- */

/* V or A of a code, so that the largest is at 15/16 of the range. */
static double ratio_of(const double *x, size_t n)
{
    double most = 0;

    for (size_t k = 0; k < n; k++) {
        most = fmax(most, fabs(x[k]));
    }
    return most > 0 ? most / ldexp(15.0 / 16, BITS - 1) : 1;
}

static void configure(struct hwt_meter_config *config, const struct waveform *w, bool ac)
{
    memset(config, 0, sizeof(*config));
    config->slots = 2;
    config->slot[0].kind = HWT_SLOT_VOLTAGE;
    config->slot[1].kind = HWT_SLOT_CURRENT;
    config->slot[0].ratio = ratio_of(w->v, w->n);
    config->slot[1].ratio = ratio_of(w->i, w->n);
    config->slot[0].dc = config->slot[1].dc = !ac;
    config->slot[1].noise = -1; /* a part of the recording */
}

static void add_window(struct sums *s, const struct hwt_meter *m, const struct hwt_meter_window *w)
{
    const struct hwt_meter_channel *v = &w->channel[0], *i = &w->channel[1];
    struct hwt_meter_spectrum spectrum[2];
    double t = w->duration_us * 1e-6;

    s->flags |= v->flags | i->flags;
    if (w->partial || i->power_quality == HWT_QUALITY_MISSING ||
        !hwt_meter_spectrum(m, 0, &spectrum[0]) || !hwt_meter_spectrum(m, 1, &spectrum[1])) {
        return;
    }
    s->seconds += t;
    s->v2 += v->rms * v->rms * t;
    s->i2 += i->rms * i->rms * t;
    s->p += i->p_w * t;
    s->q1 += i->q1_var * t;
    s->s += i->s_va * t;
    s->pf1 += i->pf1 * t;
    s->hz += v->hz * t;
    for (unsigned k = 0; k < HWT_METER_HARMONICS; k++) {
        s->v_h2[k] += spectrum[0].rms[k] * spectrum[0].rms[k] * t;
        s->i_h2[k] += spectrum[1].rms[k] * spectrum[1].rms[k] * t;
    }
    s->windows++;
}

static void drain(struct hwt_meter *m, struct sums *s)
{
    struct hwt_meter_window window;

    while (hwt_meter_next(m, &window)) {
        add_window(s, m, &window);
    }
}

/* Plays `samples` samples of the recording, from its begin as often as it takes. */
static void play(struct hwt_meter *m, const struct waveform *w, uint64_t samples, struct sums *s)
{
    const struct hwt_meter_config *config = &m->config;
    int32_t codes[2 * BLOCK];
    struct hwt_block b = {.wall_us = HWT_TIME_UNKNOWN, .slots = 2, .bits = BITS, .codes = codes};

    b.scan_period_ps = (uint32_t)llround(1e12 / w->rate_hz);
    b.slot[0].kind = HWT_SLOT_VOLTAGE;
    b.slot[1].kind = HWT_SLOT_CURRENT;
    for (uint64_t at = 0; at < samples; at += b.scans, b.sequence++) {
        b.scans = (uint16_t)(samples - at < BLOCK ? samples - at : BLOCK);
        b.device_us = (uint64_t)((long double)at * b.scan_period_ps / 1e6L);
        for (unsigned k = 0; k < b.scans; k++) {
            size_t n = (size_t)((at + k) % w->n);

            codes[2 * k] = (int32_t)lrint(w->v[n] / config->slot[0].ratio);
            codes[2 * k + 1] = (int32_t)lrint(w->i[n] / config->slot[1].ratio);
        }
        if (hwt_meter_feed(m, &b) >= 0) {
            drain(m, s);
        }
    }
    hwt_meter_close(m);
    drain(m, s);
}

static bool measure(const struct waveform *w, const struct job *job, struct sums *s)
{
    static struct hwt_meter meter;
    double seconds = (double)w->n / w->rate_hz;
    uint64_t samples = w->n;
    struct hwt_meter_config config;

    if (job->repeat_s > 0) {
        samples = (uint64_t)(job->repeat_s * w->rate_hz);
    } else if (seconds < SHORT_S) {
        samples = (uint64_t)(REPEAT_S * w->rate_hz);
    }
    configure(&config, w, job->ac);
    if (hwt_meter_init(&meter, &config) != 0 || hwt_meter_select(&meter, 1) != 0) {
        return false; /* numbers beyond all sense: ratios above 1e9 */
    }
    play(&meter, w, samples, s);
    return s->windows > 0;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void put(struct hwt_json *j, const char *key, double x)
{
    hwt_json_scaled(j, key, (int64_t)llround(x * 1e6), 1000000, 6);
}

static double distortion(const double *h2)
{
    double sum = 0;

    for (unsigned k = 1; k < HWT_METER_HARMONICS; k++) {
        sum += h2[k];
    }
    return h2[0] > 0 ? sqrt(sum / h2[0]) : 0;
}

static void put_harmonics(struct hwt_json *j, const char *key, const double *h2, double seconds)
{
    hwt_json_array(j, key);
    for (unsigned k = 0; k < HWT_METER_HARMONICS; k++) {
        put(j, NULL, sqrt(h2[k] / seconds));
    }
    hwt_json_end_array(j);
}

static void print(const struct sums *s, bool harmonics)
{
    static char text[JSON_MAX];
    double s_va = s->s / s->seconds, p = s->p / s->seconds;
    struct hwt_json j;

    hwt_json_init(&j, text, sizeof(text));
    hwt_json_object(&j, NULL);
    put(&j, "vrms", sqrt(s->v2 / s->seconds));
    put(&j, "irms", sqrt(s->i2 / s->seconds));
    put(&j, "p_w", p);
    put(&j, "q1_var", s->q1 / s->seconds);
    put(&j, "s_va", s_va);
    put(&j, "pf", s_va > 0 ? p / s_va : 0);
    put(&j, "pf1", s->pf1 / s->seconds);
    put(&j, "f_hz", s->hz / s->seconds);
    put(&j, "thd", distortion(s->i_h2));
    put(&j, "thd_v", distortion(s->v_h2));
    put(&j, "seconds", s->seconds);
    if (harmonics) {
        put_harmonics(&j, "harmonics_v", s->v_h2, s->seconds);
        put_harmonics(&j, "harmonics_a", s->i_h2, s->seconds);
    }
    hwt_json_end_object(&j);
    fwrite(text, 1, j.at, stdout);
    putchar('\n');
}

static bool load(const struct job *job, struct waveform *w)
{
    const char *name = job->csv != NULL ? job->csv : job->voltage;
    bool good = job->csv != NULL ? waveform_read_csv(job->csv, w)
                                 : waveform_read_pair(job->voltage, job->current, job->row, w);

    if (good && job->rate_hz > 0) {
        w->rate_hz = job->rate_hz;
    }
    if (good && !(w->rate_hz >= 500 && w->rate_hz <= 200000)) {
        fprintf(stderr, "%s: %g samples a second: 500 to 200000 can be measured\n", name,
                w->rate_hz);
        good = false;
    }
    if (good && w->n < 2) {
        fprintf(stderr, "%s: no samples\n", name);
        good = false;
    }
    return good;
}

int meter_main(int argc, char **argv)
{
    struct job job = {.row = 0};
    struct waveform w = {0};
    struct sums s = {0};
    bool good;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (!parse(argc, argv, &job)) {
        fputs(usage, stderr);
        return 2;
    }
    good = load(&job, &w);
    if (good && !measure(&w, &job, &s)) {
        fprintf(stderr,
                "%s: no ten whole cycles (twelve at 60 Hz) of a voltage above 20 V, 40 to 70 Hz\n",
                job.csv != NULL ? job.csv : job.voltage);
        good = false;
    }
    if (good) {
        print(&s, job.harmonics);
    }
    waveform_free(&w);
    return good && fflush(stdout) == 0 ? 0 : 1;
}
