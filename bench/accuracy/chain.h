/*
 * chain.h: what lies between the wires and the meter: sensors, a converter, the sample stream; and
 * the meter's answer. Each error is drawn here and told to nobody but where a test says so.
 *
 *   signal ─▶ sensor (first-order high pass, by a differential equation) ─▶ converter ─▶ octets of
 *   docs/SAMPLE_STREAM.md ─▶ hwt_samples ─▶ hwt_meter ─▶ sums over the whole windows
 */
#ifndef BENCH_ACCURACY_CHAIN_H
#define BENCH_ACCURACY_CHAIN_H

#include <stdint.h>

#include "bench/accuracy/signal.h"
#include "core/meter/meter.h"

#define CHAIN_PERIOD_S 149.94e-6 /* 133.382 scans a cycle of 50 Hz */

enum { CHAIN_LINES_MAX = 8, CHAIN_CODES = 4096 };

struct random {
    uint64_t state;
    double spare;
    bool has_spare;
};

void random_start(struct random *r, uint64_t seed);
double random_uniform(struct random *r); /* 0 < x < 1 */
double random_gauss(struct random *r);

/* A successive-approximation converter of 12 bits: the thresholds its comparator meets, in codes.
 */
struct sar {
    double threshold[CHAIN_CODES];
};

/* Bit weights off so that the step at mid-scale has a deviation of 0.35 codes, an S of 0.5 codes,
 * and random errors of each code. */
void sar_make(struct sar *sar, struct random *r, double random_codes);

/* First-order high pass, unity at 50 Hz. */
struct sensor {
    double corner; /* rad/s */
    double gain;
    double low, last; /* state */
    bool started;
};

void sensor_start(struct sensor *s, double lead_deg);
double sensor_feed(struct sensor *s, double x, double dt_s);

/* Code of a value in codes that has offset and noise: rounded and clipped to the bits. */
int32_t convert(double codes, unsigned bits, const struct sar *sar);

struct line { /* one input of the converter */
    const struct signal *signal;
    bool current;         /* else its voltage */
    double codes;         /* for each V or A */
    double lead_deg;      /* of the sensor, really */
    double told_deg;      /* what the meter is told; NAN: the truth */
    double told_factor;   /* times the right ratio; 0: 1 */
    double turn_deg;      /* the phase it sits on, before the signal's: by so much later in time */
    double scale;         /* times the signal; 0: 1 */
    double offset, drift; /* codes; codes a second */
    double step, step_s;  /* codes, from then on */
    double hum;           /* codes RMS at 50.2 Hz */
    double impulse;       /* codes, of one sample each second */
    double bias, triangle, triangle_s; /* codes */
    double noise;                      /* codes RMS */
    double late_s;                     /* the conversion is so much later than the slot map says */
    double jitter_s;                   /* RMS, of each conversion */
    double crosstalk;                  /* of the other line's codes, added */
    const struct hwt_meter_curve *curve; /* the truth and what the meter is told */
    unsigned slot;                       /* of 15: when it is converted */
};

struct chain {
    struct line line[CHAIN_LINES_MAX];
    unsigned lines;
    unsigned bits;
    const struct sar *sar;
    double seconds;
    uint64_t seed;
    double clock_ppm;               /* the sampler's clock is fast, and the device clock tells */
    unsigned lose_block;            /* number of a block that does not arrive; 0: none */
    int select;                     /* slot to be analysed; -1: none; 0 is -1 as well */
    double noise_told;              /* codes; 0: the meter learns */
    struct hwt_meter_config config; /* slots' kind, ratio, phase, noise and curve are filled in */
};

/* Sums over the whole windows after the first 0.4 s. */
struct answer {
    double from_s, to_s; /* of the signal's time */
    double seconds;      /* measured in whole windows */
    unsigned windows, partial;
    uint16_t flags[CHAIN_LINES_MAX];
    unsigned unflagged[CHAIN_LINES_MAX];   /* whole windows without HWT_METER_CLIPPED */
    long double energy_j[CHAIN_LINES_MAX]; /* of whole windows, between from_s and to_s */
    double q1[CHAIN_LINES_MAX], pf1[CHAIN_LINES_MAX], rms2[CHAIN_LINES_MAX]; /* means */
    double thd[CHAIN_LINES_MAX], noise[CHAIN_LINES_MAX];
    double hz, hz_min, hz_max, rms_min, rms_max; /* of line 0 */
    double gap_s;
    uint8_t sequence;
    struct hwt_meter_window last;
    struct hwt_meter_spectrum spectrum[2]; /* of line 0 and of the selected */
    bool has_spectrum;
    uint64_t lost_blocks;
};

/* For a check of the bench itself: all currents are told so much too large. */
extern double chain_mistold_ppm;

/* The codes of the first scans, as the converter gives them. */
void chain_codes(const struct chain *c, unsigned scans, int32_t *codes_out);

/* The block that begins with this scan, its codes given. */
struct hwt_block chain_block(const struct chain *c, unsigned first, unsigned scans,
                             uint32_t sequence, const int32_t *codes);

/* What the meter is told of the chain. */
void chain_configure(const struct chain *c, struct hwt_meter_config *config_out);

/* Runs the signal through the chain. False: the meter refused, said on stderr. */
bool chain_run(const struct chain *c, struct answer *out);

#endif
