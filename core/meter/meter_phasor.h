/*
 * meter_phasor.h: arithmetic of phasors; at report rate only.
 */
#ifndef HWT_CORE_METER_METER_PHASOR_H
#define HWT_CORE_METER_METER_PHASOR_H

#include <math.h>

#include "core/meter/meter_internal.h"

static inline struct hwt_meter_phasor hwt_phasor_multiply(struct hwt_meter_phasor a,
                                                          struct hwt_meter_phasor b)
{
    return (struct hwt_meter_phasor){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* Radians. */
static inline struct hwt_meter_phasor hwt_phasor_polar(double length, double angle)
{
    return (struct hwt_meter_phasor){length * cos(angle), length * sin(angle)};
}

/* a + factor b */
static inline struct hwt_meter_phasor hwt_phasor_add(struct hwt_meter_phasor a, double factor,
                                                     struct hwt_meter_phasor b)
{
    return (struct hwt_meter_phasor){a.re + factor * b.re, a.im + factor * b.im};
}

static inline double hwt_phasor_square(struct hwt_meter_phasor a)
{
    return a.re * a.re + a.im * a.im;
}

/* a conj(b): apparent power of voltage a and current b. */
static inline struct hwt_meter_phasor hwt_phasor_power(struct hwt_meter_phasor a,
                                                       struct hwt_meter_phasor b)
{
    return hwt_phasor_multiply(a, (struct hwt_meter_phasor){b.re, -b.im});
}

static inline double hwt_phasor_degrees(struct hwt_meter_phasor a)
{
    return atan2(a.im, a.re) * 360 / HWT_METER_TWO_PI;
}

#endif
