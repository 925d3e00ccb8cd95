/*
 * options.h: the command line of heatwatt-sim, one table.
 */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/physics/house.h"

enum options_pace {
    PACE_AUTO,     /* lossless when faster than real time, drop at real time or slower */
    PACE_LOSSLESS, /* plant time waits for a slow reader of samples */
    PACE_DROP      /* plant time never waits; blocks are dropped and declared */
};

struct options {
    uint64_t seed;
    int64_t start_unix_s; /* -1: now */
    int64_t season_day;   /* of the year, the weather's at the start; -1: as the start says */
    double speed;         /* plant seconds per second, 0: stands still */
    double clock_ppm;     /* how much too fast the sampler's crystal is */
    double for_s;         /* plant s to run, 0: until stopped */
    const char *samples, *mbus, *modbus, *emon, *pulses, *elster, *w1, *control, *truth, *constants,
        *nominal, *csv, *replay, *link;
    int64_t mbus_address;
    int64_t mbus_meters; /* on the line, 1...16 */
    int64_t mbus_baud;   /* 0: no pacing */
    int64_t modbus_unit;
    int64_t modbus_baud; /* 0: no pacing */
    int64_t modbus_tcp;  /* port on the loopback address, 0: none */
    int64_t emon_form;   /* enum emon_form */
    int64_t history_days;
    enum options_pace pace;
    struct house_loads loads;
    bool wait;     /* time starts with the first reader of samples */
    bool circuits; /* print and exit */
    bool help, version;
};

/* Fills *o from the command line. 0, or -1 with a sentence in error[200]. */
int options_parse(struct options *o, int argc, char **argv, char *error);

void options_print_help(FILE *out);

/* "ID=AMPS:WHAT,...", WHAT a wave kind's name or a power factor (negative: leading). 0 or -1 with a
 * sentence in error[200]. */
int loads_parse(struct house_loads *l, const char *text, char *error);

#endif
