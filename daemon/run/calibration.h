/*
 * calibration.h: what was found about the sensors beyond what the configuration says of them: each
 * value with date, method and uncertainty, kept in data_dir/calibration.json, newest last.
 *
 *   configuration ─▶ nominal ratio, lead ─┐
 *   calibration.json ─▶ gain, phase ──────┴▶ what the meter works with, at once and at each start
 *
 * An input is a voltage or a clamp. Its gain multiplies the nominal ratio, its phase is added to
 * the nominal lead; both are whole, not steps from the value before. The newest of each counts that
 * was not taken back. A value whose nominal sensor is another one now (ratio, lead, curve or slot
 * of the configuration changed) does not apply, and says so.
 *
 * A clamp's gain found from power holds for power: when its voltage gets another gain later, the
 * clamp's is divided by as much.
 *
 * It also knows, by the records' sequence, on which values the log's records rest, so that the past
 * can be corrected once, not twice (calibration_past.h).
 *
 * For the loop's thread.
 */
#ifndef DAEMON_RUN_CALIBRATION_H
#define DAEMON_RUN_CALIBRATION_H

#include "core/meter/calibrate.h"
#include "daemon/run/installation.h"

enum {
    CALIBRATION_ENTRIES_MAX = 512, /* of the history */
    CALIBRATION_STEPS_MAX = 64,    /* of what an input's records rest on */
    CALIBRATION_NOTE_MAX = 160,
    CALIBRATION_ERROR_MAX = 320
};

enum calibration_method {
    CALIBRATION_READING,
    CALIBRATION_RESISTIVE,
    CALIBRATION_METER,
    CALIBRATION_SUM,
    CALIBRATION_METHODS
};

struct calibration_entry {
    unsigned number; /* from 1, never used again */
    enum calibration_method method;
    char input[HWT_ID_MAX + 1];
    char note[CALIBRATION_NOTE_MAX]; /* what it was found against */
    int64_t unix_ms;                 /* when it was found */
    int64_t back_ms;                 /* when it was taken back; 0: it was not */
    int64_t from_ms, to_ms;          /* what it was found from */
    int64_t since_ms;                /* the log is corrected from there; 0: it is not */
    bool has_gain, has_phase;
    struct hwt_found gain;      /* factor of the nominal ratio; half: relative to it */
    struct hwt_found phase_deg; /* to be added to the nominal lead */
    double voltage_gain;        /* gain of its voltage when found, if found from power; else 0 */
    uint32_t nominal;           /* of the sensor that it is for: calibration_nominal() */
};

/* What counts for an input. */
struct calibration_state {
    double gain, phase_deg; /* 1 and 0 without any */
};

/* What records rest on, whole: nominal and calibration, from a record on, up to the next step's. */
struct calibration_step {
    uint64_t first;   /* sequence; the first step's is 1 */
    double ratio;     /* V or A for each code */
    double phase_deg; /* lead */
};

struct calibration; /* opaque */

struct calibration_options {
    const struct installation *site; /* outlives it */
    const char *data_dir;
    uint8_t uuid[16]; /* of the log */
    /* The sensor of a voltage or clamp is another one from now on; may be NULL. */
    void (*apply)(void *ctx, unsigned source, double ratio, double phase_deg);
    /* Sequence that the record after the newest one made will have. */
    uint64_t (*next_record)(void *ctx);
    void *ctx;
};

/* Reads calibration.json; without one nothing is calibrated. NULL: `error` says why it cannot be
 * read: it is not thrown away. */
struct calibration *calibration_new(const struct calibration_options *options, char *error,
                                    size_t n);
void calibration_free(struct calibration *c);

/* A source of the installation by its id, if it is a voltage or a clamp; or -1. */
int calibration_input(const struct calibration *c, const char *id);
/* What the sensor of an input is now: ratio and lead. Others stay as they are. */
void calibration_sensor(const struct calibration *c, unsigned source, double *ratio,
                        double *phase_deg);
/* The values that count for an input now: 1 and 0 without any. */
struct calibration_state calibration_now(const struct calibration *c, unsigned source);
/* The entry that its gain, or its phase, comes from; NULL: none. */
const struct calibration_entry *calibration_counts(const struct calibration *c, unsigned source,
                                                   bool phase);
/* The voltage that a clamp's power is measured against, or -1. */
int calibration_voltage(const struct calibration *c, unsigned source);
/* A number for the nominal sensor of an input. */
uint32_t calibration_nominal(const struct calibration *c, unsigned source);

/* The history, oldest first. */
size_t calibration_entries(const struct calibration *c, const struct calibration_entry **out);
const struct calibration_entry *calibration_find(const struct calibration *c, unsigned number);

/*
 * Takes entries over, gives them their numbers, saves the file and applies them: all or none.
 * False: `error` says why (the disk, too many).
 */
bool calibration_add(struct calibration *c, struct calibration_entry *entries, size_t n,
                     char *error);
/* The same for an entry that shall not count any more. */
bool calibration_take_back(struct calibration *c, unsigned number, int64_t unix_ms, char *error);

/* What the records of an input rest on, steps in order, the first from record 1. */
size_t calibration_steps(const struct calibration *c, unsigned source,
                         const struct calibration_step **out);
/* Records first..last of an input were corrected and rest on another sensor now. Saved with
 * calibration_save. False: too many steps. */
bool calibration_rest(struct calibration *c, unsigned source, uint64_t first, uint64_t last,
                      double ratio, double phase_deg);
bool calibration_save(struct calibration *c, char *error);
/* Notes that the log was corrected from there on for an entry. */
void calibration_note_since(struct calibration *c, unsigned number, int64_t since_ms);

const char *calibration_method_name(enum calibration_method method);

#endif
