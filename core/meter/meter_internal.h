/*
 * meter_internal.h: what the files of core/meter say to each other.
 *
 *   meter.c         blocks, gaps, the device clock
 *   meter_window.c  scans into sums, where a window ends
 *   meter_report.c  sums into volts, amperes, watts and joules
 */
#ifndef HWT_CORE_METER_METER_INTERNAL_H
#define HWT_CORE_METER_METER_INTERNAL_H

#include "core/meter/meter.h"

/* Below this a voltage is taken as absent: V, RMS; half as much again as what stray coupling puts
 * on an open input, a tenth of the lowest mains. It must also swing this far (V, peak) below
 * mid-scale before a crossing counts. */
#define HWT_METER_ALIVE_V    20.0
#define HWT_METER_NOMINAL_HZ 50.0

struct hwt_meter_bound {
    uint64_t at_q16; /* scans */
    uint16_t cycles; /* whole cycles since the window's start; 0: not whole cycles */
    bool partial;
    bool aligned; /* it is a crossing of the steering voltage */
};

/* A new run begins with m->block; all before it is forgotten but what slots remember. */
void hwt_meter_begin_run(struct hwt_meter *m);
/* Takes scans of m->block into the lines. False: none left. */
bool hwt_meter_refill(struct hwt_meter *m);
/* Works on what the lines hold. True: the window ends at *bound_out, its sums are complete. */
bool hwt_meter_advance(struct hwt_meter *m, struct hwt_meter_bound *bound_out);
/* The next window begins at the bound; its sums begin with the rest of the scan that holds it. */
void hwt_meter_begin_window(struct hwt_meter *m, const struct hwt_meter_bound *bound);

/* Channels of the window that ends at the bound, whose duration is known; energies are counted. */
void hwt_meter_report(struct hwt_meter *m, const struct hwt_meter_bound *bound,
                      struct hwt_meter_window *out);

static inline bool hwt_meter_is_voltage(const struct hwt_meter *m, int slot)
{
    return m->config.slot[slot].kind == HWT_SLOT_VOLTAGE;
}

/* hwt_meter_init leaves three kinds: voltage, current, unused. */
static inline bool hwt_meter_is_metered(const struct hwt_meter *m, int slot)
{
    return m->config.slot[slot].kind != HWT_SLOT_UNUSED;
}

static inline bool hwt_meter_has_reference(const struct hwt_meter *m, int slot)
{
    return m->config.slot[slot].kind == HWT_SLOT_CURRENT &&
           m->config.slot[slot].reference != HWT_METER_NO_REFERENCE;
}

#endif
