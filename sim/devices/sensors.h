/*
 * sensors.h: the hidden truth of each voltage and current transformer.
 *
 *   amperes ─▶ ratio, phase by frequency ─▶ + offset ─▶ + noise ─▶ 12-bit code
 *
 * A transformer leads: about as a first-order high pass, tan(lead) proportional to 1/f, plus a
 * small term linear in f that no first-order law has. Ratio and lead are drawn from the seed around
 * their nominal values; the daemon knows the nominal ones, or what --constants writes down.
 *
 * Ratios are volts or amperes RMS per code RMS, at 50 Hz.
 */
#ifndef SIM_DEVICES_SENSORS_H
#define SIM_DEVICES_SENSORS_H

#include <stdint.h>
#include <stdio.h>

#include "sim/physics/circuits.h"
#include "sim/physics/wave.h"

#define SENSORS_SLOTS (CIRCUIT_COUNT + 1) /* slot 0: the voltage, slot n: circuit n - 1 */

struct sensor {
    double ratio;     /* V or A per code */
    double lead_deg;  /* at 50 Hz */
    double extra_deg; /* further lead at 100 Hz that a first-order high pass does not have */
    double offset;    /* codes from mid-scale */
};

struct sensors {
    struct sensor slot[SENSORS_SLOTS];
};

/* Catalogue values: what a user would configure without a calibration. */
void sensors_nominal(struct sensors *s);

/* The plant's own sensors: ratio +-0.5 %, lead +-0.5 degrees, extra +-0.03, offset +-8 codes. */
void sensors_draw(struct sensors *s, uint64_t seed);

/* The lead at a frequency. */
double sensor_lead_deg(const struct sensor *s, double hz);

/* What the sensor makes of a spectrum at 50 Hz mains, in codes per volt or ampere. */
void sensor_response(const struct sensor *s, const struct wave_spectrum *in,
                     struct wave_spectrum *out);

/* The `sources:` entry of a daemon configuration that has these constants. */
void sensors_print_yaml(const struct sensors *s, const char *socket, FILE *out);

#endif
