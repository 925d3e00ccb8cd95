#include "sim/options.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sim/devices/emon_tx.h"

enum option_type { TEXT, WHOLE, REAL, FLAG, PACE, FORM, LOADS };

struct option_row {
    const char *name;
    const char *argument; /* as help prints it; NULL: none */
    enum option_type type;
    size_t offset; /* in struct options */
    double min, max;
    const char *help;
};

#define AT(field) offsetof(struct options, field)

static const struct option_row rows[] = {
    {"--samples", "PATH", TEXT, AT(samples), 0, 0, "serve sample blocks on a unix socket"},
    {"--mbus", "LINK", TEXT, AT(mbus), 0, 0,
     "a heat meter on a pseudo-terminal, LINK points to it"},
    {"--mbus-address", "N", WHOLE, AT(mbus_address), 0, 250, "its primary address (1)"},
    {"--mbus-meters", "N", WHOLE, AT(mbus_meters), 1, 16,
     "meters on the line (1): 2 electricity, 3 a heat meter with a chain of telegrams, more"},
    {"--mbus-baud", "N", WHOLE, AT(mbus_baud), 0, 38400, "pace of its bytes (2400), 0: none"},
    {"--modbus", "LINK", TEXT, AT(modbus), 0, 0,
     "the heat pump's electricity meter on a pseudo-terminal, LINK points to it"},
    {"--modbus-tcp", "PORT", WHOLE, AT(modbus_tcp), 0, 65535,
     "the same meter over Modbus TCP, on 127.0.0.1"},
    {"--modbus-unit", "N", WHOLE, AT(modbus_unit), 1, 247, "its unit (1)"},
    {"--modbus-baud", "N", WHOLE, AT(modbus_baud), 0, 115200, "pace of its bytes (9600), 0: none"},
    {"--pulses", "PATH", TEXT, AT(pulses), 0, 0,
     "its pulses, as edges of an input line, on a unix socket"},
    {"--elster", "PATH", TEXT, AT(elster), 0, 0,
     "the grid meter's light (A100C), as edges of an input line, on a unix socket"},
    {"--w1", "DIR", TEXT, AT(w1), 0, 0,
     "temperature sensors of flow, return and outside, as Linux shows them"},
    {"--emon", "LINK", TEXT, AT(emon), 0, 0, "an emonTx on a pseudo-terminal, LINK points to it"},
    {"--emon-form", "FORM", FORM, AT(emon_form), 0, 0, "its lines: pairs (default), json, radio"},
    {"--control", "PATH", TEXT, AT(control), 0, 0, "take commands, a line each, on a unix socket"},
    {"--truth", "FILE", TEXT, AT(truth), 0, 0, "write what really happened (JSON, mode 0600)"},
    {"--constants", "FILE", TEXT, AT(constants), 0, 0, "write the sensors' true constants (YAML)"},
    {"--nominal", "FILE", TEXT, AT(nominal), 0, 0, "write their nominal constants (YAML)"},
    {"--circuits", NULL, FLAG, AT(circuits), 0, 0, "print the nominal constants and end"},
    {"--seed", "S", WHOLE, AT(seed), 0, 1e15, "of the house and its hidden errors (1)"},
    {"--start", "UNIX_S", WHOLE, AT(start_unix_s), 0, 4e9, "wall time at the start (now)"},
    {"--season", "DAY", WHOLE, AT(season_day), 0, 365,
     "day of the year of the weather (the start's)"},
    {"--speed", "X", REAL, AT(speed), 0, 10000, "plant seconds a second (1), 0: stand still"},
    {"--for", "SECONDS", REAL, AT(for_s), 0, 1e9, "end after so much plant time"},
    {"--pace", "HOW", PACE, AT(pace), 0, 0,
     "lossless: wait for a slow reader (default above speed"
     " 1); drop: never wait"},
    {"--clock-ppm", "X", REAL, AT(clock_ppm), -1000, 1000,
     "the sampler's crystal is so much too fast (0)"},
    {"--wait", NULL, FLAG, AT(wait), 0, 0, "let time begin with the first reader of samples"},
    {"--loads", "LIST", LOADS, AT(loads), 0, 0,
     "constant loads: ID=AMPS:WHAT,... WHAT a power factor or sine, quadrature, resistive,"
     " motor, smps, dimmer, capacitor, pfc, inverter"},
    {"--history", "DAYS", WHOLE, AT(history_days), 0, 3660, "simulate the days before the start"},
    {"--csv", "FILE", TEXT, AT(csv), 0, 0, "write the history, a row a minute"},
    {"--replay", "FILE", TEXT, AT(replay), 0, 0, "answer M-Bus requests with the file's telegrams"},
    {"--link", "PATH", TEXT, AT(link), 0, 0, "where --replay answers"},
    {"--help", NULL, FLAG, AT(help), 0, 0, "this text"},
    {"--version", NULL, FLAG, AT(version), 0, 0, "print the version"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static int set_pace(struct options *o, const char *value)
{
    if (strcmp(value, "lossless") == 0) {
        o->pace = PACE_LOSSLESS;
    } else if (strcmp(value, "drop") == 0) {
        o->pace = PACE_DROP;
    } else {
        return -1;
    }
    return 0;
}

/* A number in range; text that is not a number reads as NaN and is in no range. */
static double number_of(const struct option_row *row, const char *value)
{
    char *end;
    double x = strtod(value, &end);

    if (end == value || *end != '\0' || !(x >= row->min && x <= row->max)) {
        return (double)NAN;
    }
    return x;
}

static int set_value(struct options *o, const struct option_row *row, const char *value,
                     char *error)
{
    void *field = (char *)o + row->offset;
    double x;

    switch (row->type) {
    case TEXT:
        *(const char **)field = value;
        return 0;
    case WHOLE:
    case REAL:
        x = number_of(row, value);
        if (isnan(x) || (row->type == WHOLE && x != floor(x))) {
            snprintf(error, 200, "%s: '%s' is not a%s number from %.0f to %.0f", row->name, value,
                     row->type == WHOLE ? " whole" : "", row->min, row->max);
            return -1;
        }
        if (row->type == WHOLE) {
            *(int64_t *)field = (int64_t)x;
        } else {
            *(double *)field = x;
        }
        return 0;
    case FLAG:
        *(bool *)field = true;
        return 0;
    case PACE:
        if (set_pace(o, value) != 0) {
            snprintf(error, 200, "--pace: '%s' is neither lossless nor drop", value);
            return -1;
        }
        return 0;
    case FORM:
        o->emon_form = emon_form_find(value);
        if (o->emon_form < 0) {
            snprintf(error, 200, "--emon-form: '%s' is none of pairs, json, radio", value);
            return -1;
        }
        return 0;
    case LOADS:
        return loads_parse(&o->loads, value, error);
    }
    return -1;
}

static const struct option_row *find_row(const char *name)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static int check(const struct options *o, char *error)
{
    const char *wrong = NULL;

    if ((o->replay == NULL) != (o->link == NULL)) {
        wrong = "--replay and --link need each other";
    } else if (o->csv != NULL && o->history_days == 0) {
        wrong = "--csv needs --history DAYS";
    } else if (o->wait && o->samples == NULL) {
        wrong = "--wait needs --samples";
    }
    if (wrong != NULL) {
        snprintf(error, 200, "%s", wrong);
        return -1;
    }
    return 0;
}

int options_parse(struct options *o, int argc, char **argv, char *error)
{
    *o = (struct options){.seed = 1,
                          .start_unix_s = -1,
                          .season_day = -1,
                          .speed = 1.0,
                          .mbus_address = 1,
                          .mbus_baud = 2400,
                          .mbus_meters = 1,
                          .modbus_unit = 1,
                          .modbus_baud = 9600};
    for (int i = 1; i < argc; i++) {
        const struct option_row *row = find_row(argv[i]);
        const char *value = NULL;

        if (row == NULL) {
            snprintf(error, 200, "%s: no such option (--help lists them)", argv[i]);
            return -1;
        }
        if (row->type != FLAG) {
            if (++i == argc) {
                snprintf(error, 200, "%s needs %s", row->name, row->argument);
                return -1;
            }
            value = argv[i];
        }
        if (set_value(o, row, value, error) != 0) {
            return -1;
        }
    }
    return check(o, error);
}

void options_print_help(FILE *out)
{
    fprintf(out, "usage: heatwatt-sim OPTIONS\n"
                 "A house with a heat pump, connected by its meters' wires. docs/PLANT.md\n\n");
    for (size_t i = 0; i < ROWS; i++) {
        fprintf(out, "  %-14s %-8s %s\n", rows[i].name,
                rows[i].argument != NULL ? rows[i].argument : "", rows[i].help);
    }
}
