/*
 * meter.h: sample blocks in, electrical quantities and energy out.
 *
 *   block ──feed──▶ [ lines of codes ▶ exact sums ] ──next──▶ window (10 cycles; 12 at 60 Hz)
 *
 * Gapless: every scan of every block counts; exact integer lag sums between each current and its
 * voltage reference; the delay between their conversions applied once per window, on the sums;
 * tracked frequency; fractional window bounds; the sensors' phase corrected on phasors.
 * docs/METERING.md derives it. Any cutting of the same scans into blocks gives the same windows.
 *
 * A window is 10 or 12 whole cycles of the first voltage that lives. Without one, windows are
 * 200 ms and power is missing. A window that a gap, the start or a fault cuts short is `partial`:
 * its energy counts, its other quantities are missing.
 *
 *   first scan                                            lost blocks
 *     |run-in|  10 cycles |  10 cycles | partial |xxxxx gap xxxxx|run-in|  10 cycles | ...
 *
 * The windows' durations and gaps add up, to the microsecond, to the time since the first scan by
 * the device clock (a restart of the sampler begins anew). Each gap takes the two scans on either
 * side with it, whose neighbours the lag sums need.
 *
 * Does not smooth over windows, does not keep wall time, does not estimate what it did not see.
 * Not reentrant; any context that may use floating point at the end of a window. All integers per
 * sample; double only once per window.
 */
#ifndef HWT_CORE_METER_METER_H
#define HWT_CORE_METER_METER_H

#include "core/base/err.h"
#include "core/flow.h"
#include "core/meter/meter_cross.h"
#include "core/meter/meter_sums.h"

enum {
    HWT_METER_NO_REFERENCE = 255,
    HWT_METER_CHUNK = 128, /* scans worked on at once */
    HWT_METER_MARGIN = 2,  /* scans on either side that the lag sums reach */
    HWT_METER_READINGS_MAX = 7
};

/* What the meter is told about a slot of the scan. */
struct hwt_meter_slot {
    double ratio;      /* V or A (RMS) for each code (RMS), > 0 */
    double phase_deg;  /* degrees the sensor leads at 50 Hz, within +-45; it follows a first-order
                        * high pass: tan(lead) ~ 1/f */
    int64_t import_mj; /* clamps: mJ counted before, so that counters go on over a restart */
    int64_t export_mj;
    uint8_t kind;      /* HWT_SLOT_VOLTAGE, HWT_SLOT_CURRENT; others are not metered */
    uint8_t reference; /* clamps: slot of the voltage, or HWT_METER_NO_REFERENCE: current only */
    bool reversed;     /* clamps: turned round, or its wires are */
};

struct hwt_meter_config {
    struct hwt_meter_slot slot[HWT_SLOTS_MAX];
    uint8_t slots; /* 1..HWT_SLOTS_MAX; those behind are not metered */
};

/* One slot over one window. Numbers whose quality is HWT_QUALITY_MISSING are 0 and mean nothing. */
struct hwt_meter_channel {
    double rms;          /* V or A */
    double hz;           /* voltages: Hz */
    double p_w;          /* clamps: W, imported > 0 */
    double q1_var;       /* var, fundamental, inductive > 0 */
    double s_va;         /* VA */
    double pf;           /* P / S, signed as P */
    int64_t import_mj;   /* mJ, absolute */
    int64_t export_mj;   /* mJ, absolute; import - export is the net, exactly */
    uint8_t kind;        /* enum hwt_slot_kind */
    uint8_t rms_quality; /* enum hwt_quality; SUSPECT: codes at the converter's limit */
    uint8_t hz_quality;
    uint8_t power_quality; /* p_w, q1_var, s_va */
    uint8_t pf_quality;
    uint8_t energy_quality; /* missing without a reference; never missing otherwise */
};

struct hwt_meter_window {
    uint64_t device_us; /* us, device clock at the start */
    uint64_t gap_us;    /* us not measured between the window before (or the first scan) and this */
    uint32_t duration_us; /* us */
    uint16_t cycles;      /* of the mains; 0: not whole cycles */
    bool partial;         /* cut short: only the energies are given */
    bool restarted; /* the device clock began anew: device_us does not join the window before */
    uint8_t slots;
    struct hwt_meter_channel channel[HWT_SLOTS_MAX];
};

/* How a block joins what was fed before it. */
enum hwt_meter_joint {
    HWT_METER_FOLLOWS, /* no scan between */
    HWT_METER_GAP,     /* scans are missing, or it is the first */
    HWT_METER_RESTART  /* the sampler started anew */
};

struct hwt_meter_counters {
    uint64_t blocks;
    uint64_t refused;     /* blocks that do not fit the configuration */
    uint64_t lost_blocks; /* by their sequence */
    uint64_t lost_scans;  /* reported by the sampler */
    uint64_t gaps;        /* times the stream was torn, restarts included */
    uint64_t restarts;
};

/* Private from here on, but for the counters. */

struct hwt_meter_memory { /* what a slot remembers from window to window */
    struct hwt_meter_sums sums;
    double mean;         /* codes, of the last whole window */
    double correction_w; /* W, by the sensors' phase, in the last whole window */
    double turns;        /* phase of the fundamental at the centre of the window before */
    int64_t rest_nj;     /* nJ not yet counted as a whole mJ, within +-1 mJ */
    int64_t import_mj, export_mj;
    struct hwt_meter_cross cross;
    uint64_t first_q16; /* scans: the first crossing in this window */
    int32_t arm;        /* codes */
    uint16_t crossings; /* in this window */
    bool mean_known, turns_known, alive;
    int8_t shift;     /* whole scans from the clamp back to its voltage: -1 or 0 */
    double weight[4]; /* of the lag sums */
};

struct hwt_meter_run { /* scans without a gap; numbered from 0 */
    struct hwt_slot slot[HWT_SLOTS_MAX];
    uint32_t period_ps;
    uint64_t guard_q16; /* scans in which no second crossing is believed */
    uint8_t slots, bits;
    bool on;
    uint64_t in;       /* scans taken from blocks */
    uint64_t base;     /* number of the first scan in the lines */
    uint64_t done;     /* scans before this one are in the sums */
    uint64_t searched; /* scans before this one were searched for crossings */
};

struct hwt_meter_frame {        /* the angle against which a window is demodulated */
    struct hwt_meter_sums sums; /* of the number 1: scans, cosines, sines */
    uint32_t phase;             /* at scan `at` */
    uint32_t step;              /* a scan */
    uint64_t at;
    double hz;
};

struct hwt_meter {
    struct hwt_meter_counters counters;
    struct hwt_meter_config config;
    struct hwt_block block; /* being taken in */
    uint16_t taken;         /* scans of it */
    bool cut;               /* the run ends; the window is to be closed */
    bool begin;             /* and the block begins another */
    bool restarted;         /* and no window of it has been given yet, after a restart */
    uint8_t joint;          /* enum hwt_meter_joint of the block */
    bool seen;              /* there was a block: */
    struct hwt_block last;
    struct hwt_meter_run run;
    struct hwt_meter_frame frame;
    uint64_t start_q16;  /* scans: the window's start */
    uint64_t start_us;   /* us, device clock, of the same */
    uint64_t start_rest; /* ps / 2^16, below a us */
    int64_t slew_us;     /* us, by which the device clock ran away from the scans in this window */
    uint64_t gap_us;     /* before this window */
    uint64_t centre_q17; /* scans, of the window before, and its cycles: for the frequency */
    uint16_t cycles;
    int8_t steer; /* slot of the voltage that sets the bounds; -1: time does */
    bool aligned; /* the window began at a crossing of it */
    bool hz_known;
    struct hwt_meter_memory slot[HWT_SLOTS_MAX];
    int32_t cos[HWT_METER_CHUNK], sin[HWT_METER_CHUNK];
    int32_t line[HWT_SLOTS_MAX][HWT_METER_CHUNK + 2 * HWT_METER_MARGIN];
};

/* HWT_ERR_ARGUMENT, m untouched: the configuration contradicts itself. It is copied. */
HWT_MUST_CHECK int hwt_meter_init(struct hwt_meter *m, const struct hwt_meter_config *config);

/* As hwt_meter_init made it. */
void hwt_meter_reset(struct hwt_meter *m);

/*
 * Hands over a block; call hwt_meter_next until it returns false, and leave the codes in place as
 * long. Returns enum hwt_meter_joint, or, the block being passed over and its time a gap:
 * HWT_ERR_UNSUPPORTED: a scan period outside 5 us .. 2 ms, or the slot map is not the
 * configuration's (hwt_meter_mismatch tells where); HWT_ERR_AGAIN: the block before is not used up.
 */
HWT_MUST_CHECK int hwt_meter_feed(struct hwt_meter *m, const struct hwt_block *block);

/* The first configured slot whose kind the block does not have; -1: all fit. */
int hwt_meter_mismatch(const struct hwt_meter *m, const struct hwt_block *block);

/* The stream ends here, for now: hwt_meter_next gives what was measured of the window. */
void hwt_meter_close(struct hwt_meter *m);

/* The next window that is complete. False: none, *out untouched. */
HWT_MUST_CHECK bool hwt_meter_next(struct hwt_meter *m, struct hwt_meter_window *out);

/*
 * The channel's quantities in counts of the quantity table, those that are missing left out.
 * Returns how many of out[] were written.
 */
size_t hwt_meter_readings(const struct hwt_meter_channel *channel, uint16_t source, int64_t mono_us,
                          struct hwt_reading out[HWT_METER_READINGS_MAX]);

#endif
