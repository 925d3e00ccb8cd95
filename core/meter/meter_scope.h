/*
 * meter_scope.h: a few cycles of one clamp and its voltage, as an oscilloscope shows them.
 *
 *   newest scans ──▶ rises of the reference ──▶ the last 1..10 whole cycles ──▶ volts, amperes,
 *                                                                               harmonics
 *        __         __         __
 *   ..../..\......./..\......./..\....   t = 0: the rise of the reference's fundamental, its
 *      a    \__   /    \__   b    \__    sensor undone; the cut [a, b) is by the crossings seen
 *           |--- cycles ---|
 *
 * Samples are what the converter gave, times the ratio at this level, without the offset (a `dc`
 * sensor keeps it); nothing is smoothed. A trace's times hold the slot's place in the scan and the
 * lead of its sensor at the fundamental; a sensor's further lead, which falls with the frequency,
 * is undone in the harmonics, not in the samples. The crosstalk (`leak_s`) is left in.
 *
 * Works on a copy of scans, beside the metering and with nothing of its state: any thread. Double
 * for each sample: about 80 sine and cosine products, for one who looks. No allocation.
 */
#ifndef HWT_CORE_METER_METER_SCOPE_H
#define HWT_CORE_METER_METER_SCOPE_H

#include "core/base/err.h"
#include "core/flow.h"
#include "core/meter/meter.h"

enum { HWT_METER_SCOPE_CYCLES_MAX = 10 };

struct hwt_meter_scans {  /* scans without a gap inside */
    const int32_t *codes; /* scans x slots, scan by scan, the newest last */
    uint32_t scans;
    uint32_t period_ps; /* ps, scan to scan */
    uint8_t slots;      /* 1..HWT_SLOTS_MAX, at least the configuration's */
    uint8_t bits;       /* 8..24 */
    struct hwt_slot slot[HWT_SLOTS_MAX];
};

/* One signal over the cut. */
struct hwt_meter_trace {
    double *value;    /* V or A; the caller's */
    uint8_t *clipped; /* 1: the converter's first or last code; the caller's */
    uint32_t clips;   /* samples that are so */
    double first_us;  /* us, of value[0], from the rise on */
    double ratio;     /* V or A for each code, at this level; the smallest step */
    double offset;    /* codes, the mean */
    double rms;       /* V or A, without the noise that the meter has learned */
    double thd;       /* all that is not fundamental, over the fundamental */
    double residue;   /* V or A, RMS, neither offset nor one of the harmonics below */
    double harmonic[HWT_METER_HARMONICS];  /* V or A, RMS; [0] is the fundamental */
    double angle_deg[HWT_METER_HARMONICS]; /* +-180: sqrt 2 rms sin(h theta + angle), theta from
                                            * the rise on */
    bool thd_known; /* false below 20 V, below 4 times the noise, without whole cycles */
};

struct hwt_meter_scope {
    uint32_t samples; /* of either trace */
    double step_us;   /* us, sample to sample */
    double zero_scan; /* scans, where t = 0 is in what was given */
    double hz;        /* of the mains over the cut; 0: no voltage lives, and the cut is of 20 ms for
                       * each cycle: no harmonics, t = 0 where it begins */
    bool has_voltage; /* the clamp has a reference */
    struct hwt_meter_trace voltage, current;
};

/*
 * The newest whole cycles of the clamp in `slot`, of these scans. The traces' arrays have room for
 * in->scans values each and are set before. noise: codes, RMS, of the clamp, as
 * hwt_meter_channel.noise; < 0: not known. The steering voltage is the clamp's reference, or, if
 * that is dead, the first that lives. HWT_ERR_ARGUMENT: no clamp, or cycles outside 1..10, or the
 * scans have not the configuration's slots; HWT_ERR_AGAIN: too few scans. Then *out is as it was,
 * but for the arrays.
 */
HWT_MUST_CHECK int hwt_meter_scope(const struct hwt_meter_config *config, unsigned slot,
                                   const struct hwt_meter_scans *in, unsigned cycles, double noise,
                                   struct hwt_meter_scope *out);

#endif
