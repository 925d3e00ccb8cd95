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
 *   hwt_meter_init(&m, &config);
 *   for each block:  if (hwt_meter_feed(&m, &block) >= 0)
 *                        while (hwt_meter_next(&m, &window)) use(&window);
 *
 * Does not smooth over windows, does not keep wall time, does not estimate what it did not see.
 * Not reentrant; any context that may use floating point at the end of a window. All integers per
 * sample; double only once per window. No allocation, no clock, no I/O, no recursion; state about
 * 39 kB, placed by the caller; stack below 8 kB. Codes of 8 to 24 bits, scans of 5 us to 2 ms.
 */
#ifndef HWT_CORE_METER_METER_H
#define HWT_CORE_METER_METER_H

#include "core/base/err.h"
#include "core/flow.h"
#include "core/meter/meter_cross.h"
#include "core/meter/meter_curve.h"
#include "core/meter/meter_delay.h"
#include "core/meter/meter_energy.h"
#include "core/meter/meter_harmonics.h"
#include "core/meter/meter_narrow.h"
#include "core/meter/meter_noise.h"
#include "core/meter/meter_sums.h"

enum {
    HWT_METER_NO_REFERENCE = 255,
    HWT_METER_CHUNK = HWT_METER_NARROW_SCANS, /* scans worked on at once */
    HWT_METER_MARGIN = 2,                     /* scans on either side that the lag sums reach */
    HWT_METER_GROUPS_MAX = 4,
    HWT_METER_HARMONICS = 40,
    HWT_METER_READINGS_MAX = 7,
    HWT_METER_TOTAL_READINGS = 8
};

/* What the meter is told about a slot of the scan. All zero but kind and ratio is a plain sensor.
 */
struct hwt_meter_slot {
    double ratio;      /* V or A (RMS) for each code (RMS), > 0 */
    double phase_deg;  /* degrees the sensor leads at 50 Hz, within +-45; it follows a first-order
                        * high pass: tan(lead) ~ 1/f */
    double shift_deg;  /* clamps: the phase it sits on lags the reference by so much, +-180; not 0:
                        * the phase is derived (HWT_METER_DERIVED), power is of the fundamental */
    double noise;      /* clamps: codes, RMS, learned before, 0..100; 0: unknown; -1: noise is part
                        * of the current */
    double no_load_w;  /* clamps: W; less in the mean of 60 s is not counted; 0: all counts */
    double leak_s;     /* clamps: what an empty clamp shows of its reference, as a conductance: */
    double leak_b_s;   /* S, in phase and leading by 90 degrees; within +-1; taken out */
    int64_t import_mj; /* clamps: mJ counted before, so that counters go on over a restart */
    int64_t export_mj;
    int64_t reactive_mj[4]; /* clamps: mvar s, by quadrant, as the channel gives them */
    const struct hwt_meter_curve *curve; /* further ratio and phase of the sensor: of a clamp
                                          * against its current, of a voltage against itself;
                                          * borrowed as long as the meter lives; NULL: none */
    uint8_t kind;      /* HWT_SLOT_VOLTAGE, HWT_SLOT_CURRENT; others are not metered */
    uint8_t reference; /* clamps: slot of the voltage, or HWT_METER_NO_REFERENCE: current only */
    uint8_t minus;     /* clamps, if `between`: slot of the voltage at the other end of the load */
    uint8_t phase;     /* voltages: 1, 2, 3: of a three-phase system; 0: of none */
    bool between;      /* clamps: the load lies between two voltages, reference - minus */
    bool reversed;     /* clamps: turned round, or its wires are */
    bool consumer;     /* clamps: never feeds back; power from it is a clamp turned round */
    bool dc;           /* the sensor passes direct current and its zero is known: the mean counts */
};

/*
 * Clamps of one supply, taken together: three of a wye, two of a delta (each against the voltage
 * from its conductor to the third), two of a split phase. Registers by vector: imports and exports
 * of all its phases netted in each window, as a utility's meter does; by phase: the sums of the
 * clamps' own registers.
 */
struct hwt_meter_group {
    uint32_t clamps;          /* bit s: slot s */
    int64_t vector_import_mj; /* mJ counted before */
    int64_t vector_export_mj;
};

struct hwt_meter_config {
    struct hwt_meter_slot slot[HWT_SLOTS_MAX];
    struct hwt_meter_group group[HWT_METER_GROUPS_MAX];
    uint8_t slots; /* 1..HWT_SLOTS_MAX; those behind are not metered */
    uint8_t groups;
};

/* What was seen of a slot in a window. */
enum hwt_meter_flag {
    HWT_METER_CLIPPED = 1,    /* codes at the converter's first or last value */
    HWT_METER_NO_VOLTAGE = 2, /* a voltage below 20 V; a clamp whose reference is */
    HWT_METER_PHASE_LOST = 4, /* a voltage below 60 % of the highest of its three-phase system */
    HWT_METER_REVERSED = 8,   /* a consumer that has fed back for 5 s: the clamp is turned round */
    HWT_METER_GAPING = 16,    /* a clamp that has led for 10 s as one not closed does */
    HWT_METER_QUIET = 32,     /* noise below 0.4 codes: the steps of the converter show */
    HWT_METER_NOISY = 64,     /* noise above 0.7 codes of 12 bits */
    HWT_METER_DERIVED = 128,  /* the clamp's phase is derived from another one's voltage */
    HWT_METER_IDLE = 256      /* below its no_load_w: its registers stand */
};

enum hwt_meter_sequence {
    HWT_METER_SEQUENCE_UNKNOWN, /* not three voltages with a phase, or one is lost */
    HWT_METER_SEQUENCE_RIGHT,   /* 1, 2, 3 */
    HWT_METER_SEQUENCE_REVERSED /* 3, 2, 1 */
};

/* One slot over one window. Numbers whose quality is HWT_QUALITY_MISSING are 0 and mean nothing. */
struct hwt_meter_channel {
    double rms;             /* V or A, the converter's noise taken out */
    double fundamental;     /* V or A, RMS; quality: angle's */
    double angle_deg;       /* of the fundamental, before the steering voltage's; +-180 */
    double thd;             /* all that is not fundamental, over the fundamental: 0.05 = 5 % */
    double mean;            /* codes: the offset */
    double noise;           /* clamps: codes, RMS, as learned, the rounding to codes not in it;
                             * < 0: not known yet */
    double hz;              /* voltages: Hz */
    double p_w;             /* clamps: W, imported > 0 */
    double q1_var;          /* var, fundamental, inductive > 0 */
    double s_va;            /* VA */
    double pf;              /* P / S, signed as P */
    double pf1;             /* displacement: of the fundamental alone, signed as its power */
    int64_t energy_nj;      /* nJ, net, of this window, before the no-load rule */
    int64_t import_mj;      /* mJ, absolute */
    int64_t export_mj;      /* mJ, absolute; import - export is the net of what counts, exactly */
    int64_t reactive_mj[4]; /* mvar s, absolute, never falling, of the fundamental: quadrants I
                             * import inductive, II export inductive, III export capacitive,
                             * IV import capacitive */
    int64_t idle_mj;        /* mJ since init, net, left out by the no-load rule */
    uint16_t flags;         /* enum hwt_meter_flag */
    uint8_t kind;           /* enum hwt_slot_kind */
    uint8_t rms_quality;    /* enum hwt_quality; SUSPECT: codes at the converter's limit */
    uint8_t angle_quality;  /* fundamental, angle_deg */
    uint8_t thd_quality;    /* missing below 1 V, and below 4 times the noise */
    uint8_t hz_quality;
    uint8_t power_quality;  /* p_w, q1_var, s_va; SUSPECT: clipped, or derived */
    uint8_t pf_quality;     /* pf, pf1 */
    uint8_t energy_quality; /* missing without a reference; never missing otherwise */
};

/* A group over one window. */
struct hwt_meter_total {
    double p_w, q1_var;
    double se_va; /* effective: n x the RMS of its n voltages x the RMS of its n currents */
    double pf;    /* P / Se */
    int64_t vector_import_mj, vector_export_mj; /* absolute: netted over the phases */
    int64_t phase_import_mj, phase_export_mj;   /* absolute: sums of the clamps' registers */
    uint8_t quality; /* p_w .. pf: missing if one of its clamps has none, suspect if one is */
};

struct hwt_meter_window {
    uint64_t device_us; /* us, device clock at the start */
    uint64_t gap_us;    /* us not measured between the window before (or the first scan) and this */
    uint32_t duration_us; /* us */
    uint16_t cycles;      /* of the mains; 0: not whole cycles */
    bool partial;         /* cut short: only the energies are given */
    bool restarted; /* the device clock began anew: device_us does not join the window before */
    uint8_t slots;
    uint8_t groups;
    uint8_t sequence; /* enum hwt_meter_sequence */
    struct hwt_meter_channel channel[HWT_SLOTS_MAX];
    struct hwt_meter_total total[HWT_METER_GROUPS_MAX];
};

/* The harmonics of one slot over one window; [0] is the fundamental. */
struct hwt_meter_spectrum {
    double rms[HWT_METER_HARMONICS];       /* V or A */
    double angle_deg[HWT_METER_HARMONICS]; /* +-180: sqrt 2 rms sin(h theta + angle), theta from the
                                            * rise of the steering voltage's fundamental on */
    uint64_t device_us;                    /* us, of the window's start */
    uint8_t slot;
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
    int64_t half_q16[2]; /* sum of x up to the middle crossing of 10, and of 12 cycles */
    double mean;         /* codes, of the last whole window */
    double ratio;        /* V or A for each code, at the last whole window's level */
    double correction_w; /* W, by the sensors' phase, in the last whole window */
    double turns;        /* phase of the fundamental at the centre of the window before */
    struct hwt_meter_noise noise;
    struct hwt_meter_energy energy;
    struct hwt_meter_delay delay[2]; /* of the clamp after its reference, and after `minus` */
    struct hwt_meter_cross cross;
    uint64_t first_q16;        /* scans: the first crossing in this window */
    int32_t arm;               /* codes */
    uint16_t crossings;        /* in this window */
    uint16_t backward, gaping; /* windows in a row that looked so */
    bool mean_known, turns_known, alive;
};

struct hwt_meter_run { /* scans without a gap; numbered from 0 */
    struct hwt_slot slot[HWT_SLOTS_MAX];
    uint32_t period_ps;
    uint64_t guard_q16; /* scans in which no second crossing is believed */
    uint8_t bits;
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
    uint64_t half_at_q16[2]; /* scans: the middle crossing of 10, and of 12 cycles; 0: not yet */
    struct hwt_meter_energy vector[HWT_METER_GROUPS_MAX];
    struct hwt_meter_harmonics harmonics;
    int8_t steer; /* slot of the voltage that sets the bounds; -1: time does */
    bool aligned; /* the window began at a crossing of it */
    bool hz_known;
    struct hwt_meter_memory slot[HWT_SLOTS_MAX];
    int32_t cos[HWT_METER_CHUNK], sin[HWT_METER_CHUNK];
    struct hwt_meter_narrow narrow;
    int32_t line[HWT_SLOTS_MAX][HWT_METER_CHUNK + 2 * HWT_METER_MARGIN];
};

/*
 * The configuration is copied, but for the curves it points to. m may hold anything.
 * HWT_ERR_ARGUMENT, m untouched: no slots or too many; a number outside its range above; a curve
 * that does not rise; a reference or `minus` that is no voltage, or both the same; `between` with a
 * shift; a register below 0 or above 2^62; a group without clamps, or of slots that are not clamps
 * with a reference.
 */
HWT_MUST_CHECK int hwt_meter_init(struct hwt_meter *m, const struct hwt_meter_config *config);

/* As hwt_meter_init made it. */
void hwt_meter_reset(struct hwt_meter *m);

/*
 * Hands over a block; call hwt_meter_next until it returns false, and leave the codes in place as
 * long. Returns enum hwt_meter_joint, or, the block being passed over and its time a gap:
 * HWT_ERR_UNSUPPORTED: a scan period outside 5 us .. 2 ms, bits outside 8 .. 24, or the slot map is
 * not the configuration's (hwt_meter_mismatch tells where); HWT_ERR_AGAIN: the block before is not
 * used up.
 */
HWT_MUST_CHECK int hwt_meter_feed(struct hwt_meter *m, const struct hwt_block *block);

/* The first configured slot whose kind the block does not have; -1: all fit. */
int hwt_meter_mismatch(const struct hwt_meter *m, const struct hwt_block *block);

/* The stream ends here, for now: hwt_meter_next gives what was measured of the window. */
void hwt_meter_close(struct hwt_meter *m);

/* The next window that is complete. False: none, *out untouched. */
HWT_MUST_CHECK bool hwt_meter_next(struct hwt_meter *m, struct hwt_meter_window *out);

/*
 * Another ratio and phase for a metered slot, found by calibration; everything else goes on. The
 * window under way is the first with them. HWT_ERR_ARGUMENT, nothing changed: the slot is not
 * metered, or a number is outside its range.
 */
HWT_MUST_CHECK int hwt_meter_trim(struct hwt_meter *m, unsigned slot, double ratio,
                                  double phase_deg);

/*
 * Analyses this slot and, if it is a clamp, its reference from the next window on, instead of the
 * one before; -1: none. The power of a clamp analysed is right up to the 40th harmonic, else to 2 %
 * of the 21st's. Costs as much as about 60 slots. HWT_ERR_ARGUMENT: the slot is not metered.
 */
HWT_MUST_CHECK int hwt_meter_select(struct hwt_meter *m, int slot);

/* The harmonics of the slot, which is analysed, in the newest window; false, *out untouched: it is
 * not, or the window was not whole. */
HWT_MUST_CHECK bool hwt_meter_spectrum(const struct hwt_meter *m, int slot,
                                       struct hwt_meter_spectrum *out);

/*
 * The channel's quantities in counts of the quantity table, those that are missing left out.
 * Returns how many of out[] were written.
 */
size_t hwt_meter_readings(const struct hwt_meter_channel *channel, uint16_t source, int64_t mono_us,
                          struct hwt_reading out[HWT_METER_READINGS_MAX]);

/*
 * The same of the n quantities asked for, beyond those above: THD, of a clamp COS_PHI, REACTIVE_Q1
 * .. _Q4, and, of a slot whose spectrum is given (NULL: none), HARMONIC_2 .. _40. Up to n are
 * written; what is missing or none of these is left out.
 */
size_t hwt_meter_more_readings(const struct hwt_meter_channel *channel,
                               const struct hwt_meter_spectrum *spectrum, const uint8_t *quantity,
                               size_t n, uint16_t source, int64_t mono_us, struct hwt_reading *out);

/*
 * A group's: POWER, REACTIVE_POWER, APPARENT_POWER (the effective), POWER_FACTOR, left out if
 * missing; IMPORT, EXPORT, by vector; SUMMED_IMPORT, SUMMED_EXPORT, by phase.
 */
size_t hwt_meter_total_readings(const struct hwt_meter_total *total, uint16_t source,
                                int64_t mono_us, struct hwt_reading out[HWT_METER_TOTAL_READINGS]);

#endif
