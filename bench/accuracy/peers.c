#include "bench/accuracy/peers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/accuracy/chain.h"

#define PI 3.14159265358979323846

const char *const peer_names[PEER_COUNT] = {"EmonLibCM", "emonLibDB", "emon32", "IoTaWatt"};

/* The front ends: 230 V at 1100 codes and 11.8 codes an ampere at 12 bits, a quarter at 10. */
struct front {
    unsigned bits;
    double volt_codes, amp_codes, noise;
    double set_s;      /* from V to V */
    double late_s;     /* from V to the clamp's conversion */
    unsigned confirm;  /* samples after a crossing that must agree */
    bool small_angles; /* coefficients by the first term of the series */
};

static const struct front fronts[PEER_COUNT] = {
    [PEER_EMONLIBCM] = {10, 1100 / 230.0 / 4, 11.8 / 4, 0.35, 520e-6, 104e-6, 3, false},
    [PEER_EMONLIBDB] = {12, 1100 / 230.0, 11.8, 0.7, 635e-6, 48.8e-6, 1, true},
    [PEER_EMON32] = {12, 1100 / 230.0, 11.8, 0.7, 195e-6, 13e-6, 2, true},
    [PEER_IOTAWATT] = {12, 1100 / 230.0, 11.8, 0.7, 26e-6, 13e-6, 1, false},
};

struct source { /* samples of one front end */
    const struct peer_run *run;
    const struct front *front;
    struct random random;
    struct sensor v, i;
    double v_offset, i_offset;
    double t; /* of the next set */
};

static void open_source(struct source *s, const struct peer_run *run, const struct front *front)
{
    memset(s, 0, sizeof(*s));
    s->run = run;
    s->front = front;
    random_start(&s->random, run->seed * 77 + 5);
    sensor_start(&s->v, run->vt_lead_deg);
    sensor_start(&s->i, run->ct_lead_deg);
    s->v_offset = 6 * random_uniform(&s->random) - 3;
    s->i_offset = 6 * random_uniform(&s->random) - 3;
    for (s->t = -0.5; s->t < 0.4; s->t += front->set_s) { /* the sensors settle */
        (void)sensor_feed(&s->v, signal_v(run->signal, s->t), front->set_s);
        (void)sensor_feed(&s->i, signal_i(run->signal, s->t + front->late_s), front->set_s);
    }
}

static void next_set(struct source *s, double *v_out, double *i_out)
{
    const struct front *f = s->front;
    double v = sensor_feed(&s->v, signal_v(s->run->signal, s->t), f->set_s);
    double i = sensor_feed(&s->i, signal_i(s->run->signal, s->t + f->late_s), f->set_s);

    v = v * f->volt_codes + s->v_offset + f->noise * random_gauss(&s->random);
    i = i * f->amp_codes + s->i_offset + f->noise * random_gauss(&s->random);
    *v_out = convert(v, f->bits, NULL);
    *i_out = convert(i, f->bits, NULL);
    s->t += f->set_s;
}

/* How far the voltage must be moved ahead, at 50 Hz, to stand where the current was taken. */
static double ahead_s(const struct peer_run *run, const struct front *f)
{
    return f->late_s + (run->ct_told_deg - run->vt_lead_deg) / 360 / 50;
}

/* --- gapless, two partial products: EmonLibCM, emonLibDB, emon32 ------------------------------ */

struct sums {
    double v, i, now, before; /* sums of v, i, v[n] i[n], v[n-1] i[n] */
    double n;
};

/* From crossing to crossing, whole samples: true when the window ends. */
struct window {
    unsigned above;
    bool below;
};

static bool crossed(struct window *w, double v, unsigned confirm)
{
    if (v < 0) {
        w->above = 0;
        w->below = true;
        return false;
    }
    w->above++;
    if (w->below && w->above >= confirm) {
        w->below = false;
        return true;
    }
    return false;
}

static double power_of(const struct sums *s, const struct peer_run *run, const struct front *f,
                       double set_s)
{
    double step = 2 * PI * 50 * set_s, angle = 2 * PI * 50 * ahead_s(run, f);
    double now = s->now / s->n - s->v / s->n * s->i / s->n;
    double before = s->before / s->n - s->v / s->n * s->i / s->n;
    double a = sin(step + angle) / sin(step), b = -sin(angle) / sin(step);

    if (f->small_angles) {
        a = 1 + angle / step;
        b = -angle / step;
    }
    return (a * now + b * before) / f->volt_codes / f->amp_codes;
}

/* 19 taps, half band, odd ones zero: a windowed sinc. */
static double half_band(const double *x)
{
    double sum = 0, gain = 0;

    for (int k = -9; k <= 9; k++) {
        double sinc = k == 0 ? 0.5 : sin(PI * k / 2) / (PI * k);
        double tap = sinc * (0.54 + 0.46 * cos(PI * k / 10));

        sum += tap * x[9 + k];
        gain += tap;
    }
    return floor(sum / gain + 0.5); /* to whole codes, as it does */
}

/* The next set that counts: emon32's are every second, filtered. */
static void next_filtered(struct source *s, bool filter, double history[2][19], double *v,
                          double *i)
{
    next_set(s, v, i);
    for (int k = 0; filter && k < 2; k++) {
        if (k == 1) {
            next_set(s, v, i);
        }
        memmove(history[0], history[0] + 1, 18 * sizeof(double));
        memmove(history[1], history[1] + 1, 18 * sizeof(double));
        history[0][18] = *v;
        history[1][18] = *i;
    }
    if (filter) {
        *v = half_band(history[0]);
        *i = half_band(history[1]);
    }
}

static bool gapless(const struct peer_run *run, const struct front *f, bool filter, double *watts,
                    double *from, double *to)
{
    double history[2][19] = {{0}}, before = 0, v, i, lag_s = filter ? 9 * f->set_s : 0;
    double set_s = filter ? 2 * f->set_s : f->set_s;
    struct sums s = {0};
    struct window w = {0};
    struct source source;
    bool on = false;

    open_source(&source, run, f);
    for (int n = 0; filter && n < 20; n++) {
        next_filtered(&source, filter, history, &v, &i);
    }
    while (source.t < 0.5 + run->seconds + 0.2) {
        double start = source.t;

        next_filtered(&source, filter, history, &v, &i);
        if (crossed(&w, v, f->confirm)) {
            if (on && start - *from >= run->seconds - 0.021 - lag_s) {
                *to = start - lag_s;
                *watts = power_of(&s, run, f, set_s);
                return true;
            }
            if (!on) {
                on = true;
                *from = start - lag_s;
                memset(&s, 0, sizeof(s));
            }
        }
        s.v += v;
        s.i += i;
        s.now += v * i;
        s.before += before * i;
        s.n++;
        before = v;
    }
    return false;
}

/* --- IoTaWatt: one cycle of 22.5 -------------------------------------------------------------- */

enum { PAIRS_MAX = 1200 };

/* The sensors go on while nobody looks. */
static void skip_to(struct source *s, double t)
{
    const double step_s = 260e-6;

    for (; s->t < t; s->t += step_s) {
        (void)sensor_feed(&s->v, signal_v(s->run->signal, s->t), step_s);
        (void)sensor_feed(&s->i, signal_i(s->run->signal, s->t + s->front->late_s), step_s);
    }
}

/* One visit: pairs from crossing to crossing. The voltage is the mean of those before and after the
 * current, rounded down; the phase is a shift by whole samples round the buffer, and linear
 * between. */
static bool visit(struct source *s, double *watts_out)
{
    static double v[PAIRS_MAX], i[PAIRS_MAX];
    double shift = (s->run->ct_lead_deg - s->run->vt_lead_deg) / 360; /* by its tables, right */
    double last, now, current, next_current, sum = 0;
    struct window w = {0};
    int n = -1;

    next_set(s, &last, &current);
    while (n < PAIRS_MAX) {
        next_set(s, &now, &next_current);
        if (crossed(&w, now, 1)) {
            if (n > 0) {
                break;
            }
            n = 0;
        }
        if (n >= 0 && n < PAIRS_MAX) {
            v[n] = floor((last + now) / 2);
            i[n] = fabs(current) <= 1 ? 0 : current; /* its dead zone */
            n++;
        }
        last = now;
        current = next_current;
        if (s->t > s->run->seconds + 1) {
            return false;
        }
    }
    shift *= n;
    for (int k = 0; k < n; k++) {
        int whole = (int)floor(shift);
        double part = shift - whole;
        double a = v[(k + whole + n) % n], b = v[(k + whole + 1 + n) % n];

        sum += floor(a + part * (b - a)) * i[k];
    }
    *watts_out = sum / n / s->front->volt_codes / s->front->amp_codes;
    return true;
}

static bool by_visits(const struct peer_run *run, const struct front *f, double *watts,
                      double *from, double *to)
{
    double sum = 0, one;
    struct source s;
    unsigned visits = 0;

    open_source(&s, run, f);
    s.v_offset = s.i_offset = 0; /* found at its start, and right: nothing has drifted */
    *from = s.t;
    while (s.t < *from + run->seconds) {
        double next = s.t + 22.5 / run->signal->hz;

        if (!visit(&s, &one)) {
            return false;
        }
        sum += one; /* held until the next visit */
        visits++;
        skip_to(&s, next); /* other channels' turns */
    }
    *to = s.t;
    *watts = sum / visits;
    return true;
}

bool peer_power(enum peer peer, const struct peer_run *run, double *watts_out, double *from_out,
                double *to_out)
{
    const struct front *f = &fronts[peer];

    if (peer == PEER_IOTAWATT) {
        return by_visits(run, f, watts_out, from_out, to_out);
    }
    return gapless(run, f, peer == PEER_EMON32, watts_out, from_out, to_out);
}

double peer_gain(enum peer peer, bool ideal)
{
    static double gain[PEER_COUNT][2];
    struct signal s = signal_sine(50, 0);
    struct peer_run run = {&s, 0.3, 2.5, 2.5, 10, 4242};
    double watts, from, to;

    if (gain[peer][ideal] == 0) {
        if (ideal) {
            run.vt_lead_deg = run.ct_lead_deg = run.ct_told_deg = 0;
        }
        gain[peer][ideal] = 1;
        if (peer_power(peer, &run, &watts, &from, &to)) {
            gain[peer][ideal] = 230 * 50 / watts;
        }
    }
    return gain[peer][ideal];
}
