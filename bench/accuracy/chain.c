#include "bench/accuracy/chain.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/wire/samples.h"

#define PI 3.14159265358979323846

enum {
    SLOTS_OF_A_SCAN = 15,
    BLOCK_SCANS = 100,
    PERIOD_PS = 149940000,
    HEADER = 48,
    SETTLE_US = 400000,
    FROM_US = 7000000 /* device clock at the first scan */
};

double chain_mistold_ppm;

/* --- sample stream --------------------------------------------------------------------------- */

struct stream {
    uint8_t octets[HEADER + 4 * CHAIN_LINES_MAX + 4 * BLOCK_SCANS * CHAIN_LINES_MAX + 4];
    uint32_t sequence;
};

static uint8_t *put(uint8_t *p, uint64_t v, unsigned n)
{
    for (; n > 0; n--, v >>= 8) {
        *p++ = (uint8_t)v;
    }
    return p;
}

static uint32_t crc32c(const uint8_t *p, size_t n)
{
    static uint32_t table[256];
    uint32_t c = 0xFFFFFFFFu;

    for (uint32_t k = 1; k < 256 && table[255] == 0; k++) {
        uint32_t v = k;

        for (int bit = 0; bit < 8; bit++) {
            v = (v & 1) != 0 ? v >> 1 ^ 0x82F63B78u : v >> 1;
        }
        table[k] = v;
    }
    for (; n > 0; n--, p++) {
        c = c >> 8 ^ table[(c ^ *p) & 0xFF];
    }
    return ~c;
}

static uint16_t slot_time(const struct line *l)
{
    return (uint16_t)(l->slot * 65536 / SLOTS_OF_A_SCAN);
}

static size_t write_block(const struct chain *c, struct stream *s, uint64_t device_us,
                          const int32_t *codes)
{
    size_t count = (size_t)BLOCK_SCANS * c->lines, n;
    unsigned width = c->bits > 16 ? 4 : 2;
    uint8_t *p = s->octets;

    memcpy(p, "HWTS", 4);
    p = put(p + 4, 1, 1);
    p = put(p, 0, 1);
    p = put(p, HEADER + 4 * c->lines, 2);
    p = put(p, count * width, 4);
    p = put(p, s->sequence++, 4);
    p = put(p, device_us, 8);
    p = put(p, 0, 8);
    p = put(p, 0, 4);
    p = put(p, PERIOD_PS, 4);
    p = put(p, BLOCK_SCANS, 2);
    p = put(p, c->lines, 1);
    p = put(p, c->bits, 1);
    p = put(p, width, 1);
    p = put(p, 0, 3);
    for (unsigned i = 0; i < c->lines; i++) {
        p = put(p, c->line[i].current ? 2 : 1, 1);
        p = put(p, i, 1);
        p = put(p, slot_time(&c->line[i]), 2);
    }
    for (size_t i = 0; i < count; i++) {
        p = put(p, (uint32_t)(codes[i] + (1 << (c->bits - 1))), width);
    }
    n = (size_t)(p - s->octets);
    put(p, crc32c(s->octets, n), 4);
    return n + 4;
}

/* --- samples --------------------------------------------------------------------------------- */

struct state { /* of a run */
    struct random random;
    struct sensor sensor[CHAIN_LINES_MAX];
    double before[CHAIN_LINES_MAX]; /* the line's last value, for crosstalk */
};

/* What the sensor's curve makes of it: the lead and the factor at the signal's current. */
static void bend(const struct line *l, double *lead_deg, double *codes)
{
    double amps = l->signal->amps * (l->scale != 0 ? l->scale : 1);
    const struct hwt_meter_curve_point *p;
    double x, part;

    if (l->curve == NULL) {
        return;
    }
    p = l->curve->point;
    x = l->current ? amps : l->signal->volts;
    for (unsigned k = 0; k + 1 < l->curve->points && x > p[1].level; k++) {
        p++;
    }
    part = l->current ? log(x / p->level) / log(p[1].level / p->level)
                      : (x - p->level) / (p[1].level - p->level);
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    *lead_deg += p->phase_deg + part * (p[1].phase_deg - p->phase_deg);
    *codes /= p->factor + part * (p[1].factor - p->factor);
}

static double triangle(double t, double amplitude, double period_s)
{
    double at = t / period_s - floor(t / period_s);

    return amplitude * (at < 0.5 ? 4 * at - 1 : 3 - 4 * at);
}

static double sensed(const struct line *l, struct sensor *sensor, double t, double codes)
{
    double late = l->turn_deg / 360 / l->signal->hz;
    double x = l->current ? signal_i(l->signal, t - late) : signal_v(l->signal, t - late);

    x *= l->scale != 0 ? l->scale : 1;
    return codes * sensor_feed(sensor, x, CHAIN_PERIOD_S);
}

static double disturbed(const struct line *l, double t, double x, uint64_t scan, struct random *r)
{
    double impulse = scan % 6669 == 3333 ? (scan / 6669 % 2 == 0 ? l->impulse : -l->impulse) : 0;

    x += l->offset + l->drift * t + (l->step_s > 0 && t >= l->step_s ? l->step : 0) + impulse;
    x += l->hum * sqrt(2.0) * sin(2 * PI * 50.2 * t);
    if (l->triangle_s > 0) {
        x += l->bias + triangle(t, l->triangle, l->triangle_s);
    }
    return x + (l->noise > 0 ? l->noise * random_gauss(r) : 0);
}

static void make_scan(const struct chain *c, struct state *s, uint64_t scan, double from_s,
                      int32_t *codes_out)
{
    double value[CHAIN_LINES_MAX];
    double period_s = CHAIN_PERIOD_S / (1 + c->clock_ppm * 1e-6);

    for (unsigned i = 0; i < c->lines; i++) {
        const struct line *l = &c->line[i];
        double codes = l->codes, lead = 0;
        double t = from_s + ((double)scan + slot_time(l) / 65536.0) * period_s + l->late_s;

        bend(l, &lead, &codes);
        t += l->jitter_s > 0 ? l->jitter_s * random_gauss(&s->random) : 0;
        value[i] = sensed(l, &s->sensor[i], t, codes);
    }
    for (unsigned i = 0; i < c->lines; i++) {
        const struct line *l = &c->line[i];
        double t = from_s + (double)scan * period_s;
        double x = value[i] + l->crosstalk * value[i == 0 ? 1 : 0];

        codes_out[i] = convert(disturbed(l, t, x, scan, &s->random), c->bits, c->sar);
    }
}

/* The sensors at rest with the signal: half a second before the first scan. */
static void warm_up(const struct chain *c, struct state *s)
{
    enum { SCANS = 3500 };

    random_start(&s->random, c->seed);
    for (unsigned i = 0; i < c->lines; i++) {
        double lead = c->line[i].lead_deg, codes = 1;

        bend(&c->line[i], &lead, &codes);
        sensor_start(&s->sensor[i], lead);
        for (int n = -SCANS; n < 0; n++) {
            (void)sensed(&c->line[i], &s->sensor[i],
                         (n + slot_time(&c->line[i]) / 65536.0) * CHAIN_PERIOD_S, 1);
        }
    }
}

void chain_codes(const struct chain *c, unsigned scans, int32_t *codes_out)
{
    struct state s;

    warm_up(c, &s);
    for (unsigned n = 0; n < scans; n++) {
        make_scan(c, &s, n, 0, codes_out + (size_t)n * c->lines);
    }
}

struct hwt_block chain_block(const struct chain *c, unsigned first, unsigned scans,
                             uint32_t sequence, const int32_t *codes)
{
    struct hwt_block b = {
        .device_us = FROM_US + (uint64_t)first * PERIOD_PS / 1000000,
        .wall_us = HWT_TIME_UNKNOWN,
        .sequence = sequence,
        .scan_period_ps = PERIOD_PS,
        .scans = (uint16_t)scans,
        .slots = (uint8_t)c->lines,
        .bits = (uint8_t)c->bits,
        .codes = codes + (size_t)first * c->lines,
    };

    for (unsigned i = 0; i < c->lines; i++) {
        b.slot[i] = (struct hwt_slot){c->line[i].current ? HWT_SLOT_CURRENT : HWT_SLOT_VOLTAGE,
                                      (uint8_t)i, slot_time(&c->line[i])};
    }
    return b;
}

/* --- the meter ------------------------------------------------------------------------------- */

void chain_configure(const struct chain *c, struct hwt_meter_config *config)
{
    *config = c->config;
    config->slots = (uint8_t)c->lines;
    for (unsigned i = 0; i < c->lines; i++) {
        const struct line *l = &c->line[i];
        struct hwt_meter_slot *s = &config->slot[i];

        s->ratio = (l->told_factor != 0 ? l->told_factor : 1) / l->codes;
        s->ratio *= l->current ? 1 + chain_mistold_ppm * 1e-6 : 1;
        s->kind = l->current ? HWT_SLOT_CURRENT : HWT_SLOT_VOLTAGE;
        s->phase_deg = isnan(l->told_deg) ? l->lead_deg : l->told_deg;
        s->curve = l->curve;
        s->noise = l->current ? c->noise_told : 0;
    }
}

static void add_window(struct answer *a, const struct chain *c, const struct hwt_meter_window *w)
{
    double t = w->duration_us * 1e-6, start_s = ((double)w->device_us - FROM_US) * 1e-6;
    const struct hwt_meter_channel *v = &w->channel[0];

    a->gap_s += (double)w->gap_us * 1e-6;
    if (w->device_us < FROM_US + SETTLE_US) {
        return;
    }
    for (unsigned i = 0; i < c->lines; i++) {
        a->flags[i] |= w->channel[i].flags;
    }
    if (w->partial || w->cycles == 0) {
        a->partial++;
        return;
    }
    a->from_s = a->windows == 0 ? start_s : a->from_s;
    a->to_s = start_s + t;
    a->seconds += t;
    for (unsigned i = 0; i < c->lines; i++) {
        const struct hwt_meter_channel *x = &w->channel[i];

        a->energy_j[i] += (long double)x->energy_nj * 1e-9L;
        a->q1[i] += x->q1_var * t;
        a->pf1[i] += x->pf1 * t;
        a->rms2[i] += x->rms * x->rms * t;
        a->thd[i] += x->thd * t;
        a->unflagged[i] += (x->flags & HWT_METER_CLIPPED) == 0;
        a->noise[i] = x->noise;
    }
    a->hz += v->hz * t;
    a->hz_min = a->windows == 0 ? v->hz : fmin(a->hz_min, v->hz);
    a->hz_max = fmax(a->hz_max, v->hz);
    a->rms_min = a->windows == 0 ? v->rms : fmin(a->rms_min, v->rms);
    a->rms_max = fmax(a->rms_max, v->rms);
    a->sequence = w->sequence;
    a->last = *w;
    a->windows++;
}

static void finish(struct answer *a, const struct chain *c, const struct hwt_meter *m)
{
    for (unsigned i = 0; i < c->lines && a->seconds > 0; i++) {
        a->q1[i] /= a->seconds;
        a->pf1[i] /= a->seconds;
        a->rms2[i] /= a->seconds;
        a->thd[i] /= a->seconds;
    }
    a->hz = a->seconds > 0 ? a->hz / a->seconds : 0;
    a->lost_blocks = m->counters.lost_blocks;
    a->has_spectrum = c->select > 0 && hwt_meter_spectrum(m, 0, &a->spectrum[0]) &&
                      hwt_meter_spectrum(m, c->select, &a->spectrum[1]);
}

/* The octets of a block, in pieces as a port would give them. */
static void feed_octets(struct hwt_samples *s, struct hwt_meter *m, const uint8_t *p, size_t n,
                        const struct chain *c, struct answer *out)
{
    struct hwt_meter_window w;
    struct hwt_block b;

    while (n > 0) {
        size_t room, some;
        uint8_t *to = hwt_samples_room(s, &room);

        some = n < room ? n : room;
        memcpy(to, p, some);
        hwt_samples_fed(s, some);
        p += some;
        n -= some;
        while (hwt_samples_next(s, &b)) {
            if (hwt_meter_feed(m, &b) < 0) {
                continue; /* counted; the answer lacks it */
            }
            while (hwt_meter_next(m, &w)) {
                add_window(out, c, &w);
            }
        }
    }
}

bool chain_run(const struct chain *c, struct answer *out)
{
    static struct hwt_samples samples;
    static struct hwt_meter meter;
    static struct stream stream;
    static int32_t codes[BLOCK_SCANS * CHAIN_LINES_MAX];
    uint64_t blocks = (uint64_t)(c->seconds / (BLOCK_SCANS * CHAIN_PERIOD_S)) + 1;
    struct hwt_meter_config config;
    struct state s;

    memset(out, 0, sizeof(*out));
    chain_configure(c, &config);
    if (hwt_meter_init(&meter, &config) != 0) {
        fprintf(stderr, "accuracy: the meter refuses the configuration\n");
        return false;
    }
    (void)!hwt_meter_select(&meter, c->select > 0 ? c->select : -1);
    hwt_samples_init(&samples);
    stream.sequence = 0;
    warm_up(c, &s);
    for (uint64_t b = 0; b < blocks; b++) {
        uint64_t scan = b * BLOCK_SCANS;
        double device_us = (double)scan * CHAIN_PERIOD_S * 1e6 / (1 + c->clock_ppm * 1e-6);
        size_t n;

        for (unsigned k = 0; k < BLOCK_SCANS; k++) {
            make_scan(c, &s, scan + k, 0, codes + (size_t)k * c->lines);
        }
        n = write_block(c, &stream, FROM_US + (uint64_t)device_us, codes);
        if (b == 0 || b != c->lose_block) {
            feed_octets(&samples, &meter, stream.octets, n, c, out);
        }
    }
    finish(out, c, &meter);
    return true;
}
