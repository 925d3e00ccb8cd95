/*
 * signal.h: mains voltage and a load's current as functions of time, and the exact energy between
 * two instants (long double, Gauss-Legendre over panels that begin where the functions have
 * corners). Shares nothing with core/meter.
 */
#ifndef BENCH_ACCURACY_SIGNAL_H
#define BENCH_ACCURACY_SIGNAL_H

#include <stdbool.h>

enum { SIGNAL_TONES_MAX = 12 };

struct tone {
    double h;    /* times the mains frequency */
    double part; /* of the fundamental's nominal RMS: 1 is all of it */
    double deg;  /* at its own frequency, before sin(h 2 pi turns) */
};

enum load_shape {
    LOAD_TONES,     /* the sum of its tones */
    LOAD_FIRED,     /* a resistor: nothing flows in each half cycle before fire_deg */
    LOAD_HALF_WAVE, /* a resistor: the positive half only */
    LOAD_PULSE      /* a raised cosine in each half cycle, 17 % of it wide, 3 % before the crest */
};

struct recording { /* v and i by straight lines between samples, again and again */
    double *v, *i; /* V, A */
    unsigned n;    /* samples, the last of which is the first again */
    double rate_hz;
    double turns; /* cycles of the mains in it */
};

struct signal {
    const struct recording *recording; /* not NULL: nothing below counts but volts and hz */
    /* The mains. */
    double volts; /* RMS of the fundamental */
    double hz;
    double turns;          /* at t = 0 */
    double hz_end, ramp_s; /* ramp_s > 0: from hz to hz_end in so many s, then stays */
    double step_at_s, step_hz,
        step_deg;                    /* step_at_s > 0: another frequency and phase from then on */
    struct tone v[SIGNAL_TONES_MAX]; /* part 0 ends the list; empty: a sine */
    /* The load. */
    enum load_shape shape;
    double amps;                     /* RMS of tones' part 1; of the sine that is cut out of */
    struct tone i[SIGNAL_TONES_MAX]; /* empty: a sine in phase */
    double fire_deg;
    double on_cycles, off_cycles; /* on > 0: in bursts, which begin at a crossing */
    double flip_cycles;           /* > 0: the sign changes each so many cycles */
    double amps_end, amps_s;      /* amps_s > 0: from amps to amps_end in so many s, */
    double drive_hz_end; /* with a ripple of 10 % whose frequency goes from 5 to this, Hz */
};

/* 230 V, 50 Hz, a sine of so many amperes that lags by so many degrees. */
struct signal signal_sine(double amps, double lag_deg);

double signal_v(const struct signal *s, double t);
double signal_i(const struct signal *s, double t);
/* J, exact, from t0 to t1 (s). */
long double signal_energy(const struct signal *s, double t0, double t1);
/* RMS of all of it; of signals that repeat each cycle (bursts: of the time they are on). */
double signal_vrms(const struct signal *s);
double signal_irms(const struct signal *s);
/* W, of the same. */
double signal_power(const struct signal *s);
/* Repeats each cycle of a constant frequency. */
bool signal_is_periodic(const struct signal *s);

#endif
