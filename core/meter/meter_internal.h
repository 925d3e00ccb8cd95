/*
 * meter_internal.h: what the files of core/meter say to each other.
 *
 *   meter.c          blocks, gaps, the device clock
 *   meter_window.c   codes into lines, where a window ends
 *   meter_add.c      lines into sums; meter_narrow.c: faster, of codes of up to 13 bits
 *   meter_report.c   sums into volts, amperes and hertz
 *   meter_power.c    two of them into watts and joules
 *   meter_spectrum.c harmonics, and what they change in a clamp's power
 *   meter_phases.c   voltages and clamps of a three-phase system
 *   meter_watch.c    clamps that are not as they should be
 *   meter_scope.c    a few cycles for an eye, apart from the windows
 */
#ifndef HWT_CORE_METER_METER_INTERNAL_H
#define HWT_CORE_METER_METER_INTERNAL_H

#include "core/meter/meter.h"

/* Below this a voltage is taken as absent: V, RMS; half as much again as what stray coupling puts
 * on an open input, a tenth of the lowest mains. It must also swing this far (V, peak) below
 * mid-scale before a crossing counts. */
#define HWT_METER_ALIVE_V    20.0
#define HWT_METER_NOMINAL_HZ 50.0
#define HWT_METER_TWO_PI     6.283185307179586

struct hwt_meter_bound {
    uint64_t at_q16; /* scans */
    uint16_t cycles; /* whole cycles since the window's start; 0: not whole cycles */
    bool partial;
    bool aligned; /* it is a crossing of the steering voltage */
};

struct hwt_meter_phasor {
    double re, im; /* RMS */
};

struct hwt_meter_moments { /* of one slot over one window, in codes */
    double mean;
    double assumed;  /* the mean taken out of what follows */
    double slope;    /* codes a scan, of the mean; 0 unless the window is whole */
    double lean;     /* mean of t x(t), t in scans from the window's centre, by the fundamental */
    double square;   /* mean square without mean and slope; noise is in it */
    double noise;    /* of it, the noise */
    double ratio;    /* V or A for each code */
    double lead_deg; /* of the sensor, at 50 Hz */
    struct hwt_meter_phasor raw, corrected; /* the fundamental; without the sensor's phase */
};

struct hwt_meter_measured { /* what all slots of a window share */
    double scans;
    double hz;                      /* of the mains, for the sensors and the slots' times */
    bool whole;                     /* cycles of a known frequency: phasors mean something */
    struct hwt_meter_phasor centre; /* of length 1: the frame's angle at the window's centre */
    const struct hwt_meter_bound *bound;
    uint32_t duration_us;
    struct hwt_meter_moments slot[HWT_SLOTS_MAX];
};

/* A new run begins with m->block; all before it is forgotten but what slots remember. */
void hwt_meter_begin_run(struct hwt_meter *m);
/* Takes scans of m->block into the lines. False: none left. */
bool hwt_meter_refill(struct hwt_meter *m);
/* Whole scans up to `end` into the sums of the window. */
void hwt_meter_add_whole(struct hwt_meter *m, uint64_t end);
/* The scan `at`, with a weight. */
void hwt_meter_add_edge(struct hwt_meter *m, uint64_t at, uint32_t weight_q16);
/* The middle crossing of 10 cycles (k = 0) or of 12 (k = 1): notes the sums of x so far, for the
 * slope of the offset. Scans up to it are in the sums. */
void hwt_meter_halve(struct hwt_meter *m, unsigned k, uint64_t at_q16);
/* Works on what the lines hold. True: the window ends at *bound_out, its sums are complete. */
bool hwt_meter_advance(struct hwt_meter *m, struct hwt_meter_bound *bound_out);
/* The next window begins at the bound; its sums begin with the rest of the scan that holds it. */
void hwt_meter_begin_window(struct hwt_meter *m, const struct hwt_meter_bound *bound);

/* Channels of the window that ends at the bound, whose duration is known; energies are counted. */
void hwt_meter_report(struct hwt_meter *m, const struct hwt_meter_bound *bound,
                      struct hwt_meter_window *out);
/* Harmonics of the selected slot and its reference, before any power. */
void hwt_meter_report_harmonics(struct hwt_meter *m, const struct hwt_meter_measured *w,
                                uint64_t device_us);
/*
 * W: what the sensors' phase and the delay change in the harmonics' power of a clamp; 0 unless it
 * is the selected one and has one reference.
 */
double hwt_meter_harmonics_correction(const struct hwt_meter *m, int slot,
                                      const struct hwt_meter_measured *w);
/* What undoes a sensor that leads by phase_deg at 50 Hz, at hz. */
struct hwt_meter_phasor hwt_meter_undo_sensor(double phase_deg, double hz);
/* Degrees a slot's sensor leads at 50 Hz, and its V or A for each code, at a fundamental of so many
 * codes, RMS. */
double hwt_meter_sensor(const struct hwt_meter_slot *config, double codes, double *ratio_out);
/* A clamp with a reference; its current and the voltages are in `out` already. */
void hwt_meter_report_power(struct hwt_meter *m, int slot, const struct hwt_meter_measured *w,
                            struct hwt_meter_window *out);
/* Sequence, lost phases. */
void hwt_meter_report_phases(const struct hwt_meter *m, const struct hwt_meter_measured *w,
                             struct hwt_meter_window *out);
/* Groups, when all clamps are done. */
void hwt_meter_report_totals(struct hwt_meter *m, const struct hwt_meter_measured *w,
                             struct hwt_meter_window *out);
/* Flags of a clamp that need more than one window, when its channel is done. */
void hwt_meter_watch_clamp(struct hwt_meter *m, int slot, const struct hwt_meter_measured *w,
                           struct hwt_meter_window *out);

static inline bool hwt_meter_is_voltage(const struct hwt_meter *m, int slot)
{
    return m->config.slot[slot].kind == HWT_SLOT_VOLTAGE;
}

static inline bool hwt_meter_is_clamp(const struct hwt_meter *m, int slot)
{
    return m->config.slot[slot].kind == HWT_SLOT_CURRENT;
}

/* hwt_meter_init leaves three kinds: voltage, current, unused. */
static inline bool hwt_meter_is_metered(const struct hwt_meter *m, int slot)
{
    return m->config.slot[slot].kind != HWT_SLOT_UNUSED;
}

static inline bool hwt_meter_has_reference(const struct hwt_meter *m, int slot)
{
    return hwt_meter_is_clamp(m, slot) && m->config.slot[slot].reference != HWT_METER_NO_REFERENCE;
}

#endif
