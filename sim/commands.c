/* The fault menu: a table of commands for the control socket. docs/PLANT.md explains each. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/live.h"
#include "sim/truth_file.h"

/* What is more than writing a field. x: the number after the command, in the row's range. */
typedef int (*command_run)(struct live *l, double x);

static int mbus_unplug(struct live *l, double x)
{
    (void)x;
    return mbus_port_unplug(&l->mbus);
}

static int mbus_plug(struct live *l, double x)
{
    (void)x;
    return mbus_port_plug(&l->mbus);
}

static int mbus_late(struct live *l, double x)
{
    l->mbus.late_ns = (int64_t)(x * 1e6);
    return 0;
}

static int mbus_swap(struct live *l, double x)
{
    (void)x;
    heat_meter_swap(&l->model.meter, l->seed + 1);
    return 0;
}

static int mbus_reset(struct live *l, double x)
{
    (void)x;
    heat_meter_reset(&l->model.meter);
    return 0;
}

static int mbus_turn(struct live *l, double x)
{
    (void)x;
    heat_meter_turn(&l->model.meter);
    return 0;
}

static int modbus_unplug(struct live *l, double x)
{
    (void)x;
    return modbus_port_unplug(&l->modbus) | modbus_tcp_unplug(&l->modbus_tcp);
}

static int modbus_plug(struct live *l, double x)
{
    (void)x;
    if (l->options->modbus != NULL && modbus_port_plug(&l->modbus) != 0) {
        return -1;
    }
    return modbus_tcp_plug(&l->modbus_tcp);
}

/* The next three requests: two of a poll, and one more. */
static int modbus_exception(struct live *l, double x)
{
    l->elec.refused = 3;
    l->elec.exception = (uint8_t)x;
    return 0;
}

static int modbus_late(struct live *l, double x)
{
    l->elec.late_s = x / 1000.0;
    return 0;
}

static int modbus_swap(struct live *l, double x)
{
    (void)x;
    elec_meter_swap(&l->model.elec, l->seed + 1);
    l->elec.serial++;
    return 0;
}

static int modbus_reset(struct live *l, double x)
{
    (void)x;
    elec_meter_reset(&l->model.elec);
    return 0;
}

/* 9999.999 kWh is the last that a display of seven digits shows. */
static int modbus_turn(struct live *l, double x)
{
    (void)x;
    elec_meter_turn(&l->model.elec, 1e7);
    return 0;
}

static int emon_unplug(struct live *l, double x)
{
    (void)x;
    return emon_tx_unplug(&l->emon);
}

static int emon_plug(struct live *l, double x)
{
    (void)x;
    return emon_tx_plug(&l->emon);
}

static int emon_reset(struct live *l, double x)
{
    (void)x;
    emon_tx_reset(&l->emon);
    return 0;
}

static int emon_swap(struct live *l, double x)
{
    (void)x;
    emon_tx_swap(&l->emon);
    return 0;
}

static int emon_turn(struct live *l, double x)
{
    (void)x;
    emon_tx_turn(&l->emon);
    return 0;
}

static int pulses_unplug(struct live *l, double x)
{
    (void)x;
    return line_feed_unplug(&l->pulses.feed);
}

static int pulses_plug(struct live *l, double x)
{
    (void)x;
    return line_feed_plug(&l->pulses.feed);
}

static int elster_unplug(struct live *l, double x)
{
    (void)x;
    return line_feed_unplug(&l->elster.feed);
}

static int elster_plug(struct live *l, double x)
{
    (void)x;
    return line_feed_plug(&l->elster.feed);
}

static int elster_power_fail(struct live *l, double x)
{
    (void)x;
    elster_output_power_fail(&l->elster);
    return 0;
}

static int elster_swap(struct live *l, double x)
{
    (void)x;
    elec_meter_swap(&l->model.grid, l->seed + 1001);
    elster_output_swap(&l->elster);
    return 0;
}

static int elster_reset(struct live *l, double x)
{
    (void)x;
    elec_meter_reset(&l->model.grid);
    return 0;
}

/* Ten digits. */
static int elster_turn(struct live *l, double x)
{
    (void)x;
    elec_meter_turn(&l->model.grid, 1e10);
    return 0;
}

static int w1_unplug(struct live *l, double x)
{
    return w1_tree_plug(&l->w1, (int)x - 1, false);
}

static int w1_plug(struct live *l, double x)
{
    return w1_tree_plug(&l->w1, (int)x - 1, true);
}

static int w1_set(struct live *l, double x, enum w1_fault fault)
{
    l->w1.sensor[(int)x - 1].fault = fault;
    return w1_tree_write(&l->w1, &l->model.house);
}

static int w1_crc(struct live *l, double x)
{
    return w1_set(l, x, W1_CRC);
}

static int w1_reset(struct live *l, double x)
{
    return w1_set(l, x, W1_RESET);
}

static int w1_good(struct live *l, double x)
{
    return w1_set(l, x, W1_NONE);
}

static int clock_step(struct live *l, double x)
{
    l->wall_step_us += (int64_t)(x * 1e6);
    return 0;
}

static int speed(struct live *l, double x)
{
    live_set_speed(l, x);
    return 0;
}

static int truth(struct live *l, double x)
{
    (void)x;
    if (l->options->truth == NULL) {
        errno = ENOENT;
        return -1;
    }
    return truth_file_write(l, l->options->truth);
}

/* Which option gives the plant what a command is about. */
enum need { NOTHING, MBUS, MODBUS, EMON, PULSES, ELSTER, W1, NEEDS };

static const char *const need_options[NEEDS] = {
    [MBUS] = "--mbus",     [MODBUS] = "--modbus", [EMON] = "--emon",
    [PULSES] = "--pulses", [ELSTER] = "--elster", [W1] = "--w1",
};

static bool has(const struct options *o, enum need need)
{
    const bool given[NEEDS] = {
        [NOTHING] = true,
        [MBUS] = o->mbus != NULL,
        [MODBUS] = o->modbus != NULL || o->modbus_tcp != 0,
        [EMON] = o->emon != NULL,
        [PULSES] = o->pulses != NULL,
        [ELSTER] = o->elster != NULL,
        [W1] = o->w1 != NULL,
    };

    return given[need];
}

/* Calls a function, or writes a field of struct live, of whatever type that is. */
#define RUN(function) .run = (function)
/* clang-format off */
#define SET(field)                                                                                 \
    .at = offsetof(struct live, field),                                                            \
    .type = _Generic(((struct live *)NULL)->field,                                                 \
                     bool: BOOL, int: INT, uint32_t: UINT32, double: DOUBLE)
/* clang-format on */
#define NUMBER(least, most) .number = true, .min = (least), .max = (most)

static const struct command {
    const char *words;
    enum need need;
    command_run run; /* or NULL: the number goes into a field: */
    size_t at;       /* octets into struct live */
    enum { BOOL, INT, UINT32, DOUBLE } type;
    bool number; /* one follows, from min to max; */
    double min, max;
    double x; /* else it is this */
} commands[] = {
    {"mbus unplug", MBUS, RUN(mbus_unplug)},
    {"mbus plug", MBUS, RUN(mbus_plug)},
    {"mbus noise", MBUS, SET(mbus.bit_error), NUMBER(0, 1)},
    {"mbus checksum", MBUS, SET(mbus.wrong_checksum), .x = 1},
    {"mbus silent", MBUS, SET(mbus.silent), NUMBER(0, 1e6)},
    {"mbus collision", MBUS, SET(mbus.collision), NUMBER(0, 1e6)},
    {"mbus foreign", MBUS, SET(mbus.foreign), NUMBER(0, 1e6)},
    {"mbus twice", MBUS, SET(mbus.twice), NUMBER(0, 1e6)},
    {"mbus late", MBUS, RUN(mbus_late), NUMBER(0, 60000)},
    {"mbus echo", MBUS, SET(mbus.echo), NUMBER(0, 1)},
    {"mbus stuck", MBUS, SET(mbus.stuck), NUMBER(-1, 255)},
    {"mbus swap", MBUS, RUN(mbus_swap)},
    {"mbus reset", MBUS, RUN(mbus_reset)},
    {"mbus turn", MBUS, RUN(mbus_turn)},
    {"modbus unplug", MODBUS, RUN(modbus_unplug)},
    {"modbus plug", MODBUS, RUN(modbus_plug)},
    {"modbus noise", MODBUS, SET(modbus.bit_error), NUMBER(0, 1)},
    {"modbus silent", MODBUS, SET(elec.silent), NUMBER(0, 1e6)},
    {"modbus foreign", MODBUS, SET(elec.foreign), NUMBER(0, 1e6)},
    {"modbus exception", MODBUS, RUN(modbus_exception), NUMBER(1, 255)},
    {"modbus late", MODBUS, RUN(modbus_late), NUMBER(0, 1e5)},
    {"modbus twice", MODBUS, SET(modbus.twice), NUMBER(0, 1e6)},
    {"modbus collision", MODBUS, SET(modbus.collision), NUMBER(0, 1e6)},
    {"modbus echo", MODBUS, SET(modbus.echo), NUMBER(0, 1)},
    {"modbus stuck", MODBUS, SET(modbus.stuck), NUMBER(-1, 255)},
    {"modbus serial", MODBUS, SET(elec.serial),
     NUMBER(0, UINT32_MAX)}, /* the registers stand as before */
    {"modbus swap", MODBUS, RUN(modbus_swap)},
    {"modbus reset", MODBUS, RUN(modbus_reset)},
    {"modbus turn", MODBUS, RUN(modbus_turn)},
    {"emon unplug", EMON, RUN(emon_unplug)},
    {"emon plug", EMON, RUN(emon_plug)},
    {"emon garbage", EMON, SET(emon.garbage), NUMBER(0, 1e6)},
    {"emon cut", EMON, SET(emon.cut), NUMBER(0, 1e6)},
    {"emon silent", EMON, SET(emon.silent), NUMBER(0, 1e6)},
    {"emon reset", EMON, RUN(emon_reset)},
    {"emon swap", EMON, RUN(emon_swap)},
    {"emon turn", EMON, RUN(emon_turn)},
    {"pulses unplug", PULSES, RUN(pulses_unplug)},
    {"pulses plug", PULSES, RUN(pulses_plug)},
    {"pulses bounce", PULSES, SET(pulses.bounce), NUMBER(0, 1e6)},
    {"pulses lose", PULSES, SET(pulses.feed.lose), NUMBER(0, 1e6)},
    {"elster unplug", ELSTER, RUN(elster_unplug)},
    {"elster plug", ELSTER, RUN(elster_plug)},
    {"elster lose", ELSTER, SET(elster.lose), NUMBER(0, 1e6)},
    {"elster extra", ELSTER, SET(elster.extra), NUMBER(0, 1e6)},
    {"elster checksum", ELSTER, SET(elster.checksum), NUMBER(0, 1e6)},
    {"elster dark", ELSTER, SET(elster.dark), NUMBER(0, 1e6)},
    {"elster powerfail", ELSTER, RUN(elster_power_fail)},
    {"elster swap", ELSTER, RUN(elster_swap)},
    {"elster reset", ELSTER, RUN(elster_reset)},
    {"elster turn", ELSTER, RUN(elster_turn)},
    {"w1 unplug", W1, RUN(w1_unplug), NUMBER(1, W1_SENSORS)},
    {"w1 plug", W1, RUN(w1_plug), NUMBER(1, W1_SENSORS)},
    {"w1 crc", W1, RUN(w1_crc), NUMBER(1, W1_SENSORS)},
    {"w1 reset", W1, RUN(w1_reset), NUMBER(1, W1_SENSORS)},
    {"w1 good", W1, RUN(w1_good), NUMBER(1, W1_SENSORS)},
    {"samples crc", NOTHING, SET(spoil_crc), .x = 1},
    {"samples lose", NOTHING, SET(lose_blocks), NUMBER(0, 1e6)},
    {"samples stop", NOTHING, SET(samples_stopped), .x = 1},
    {"samples start", NOTHING, SET(samples_stopped), .x = 0},
    {"clock step", NOTHING, RUN(clock_step), NUMBER(-1e8, 1e8)},
    {"clock hide", NOTHING, SET(wall_hidden), .x = 1},
    {"clock show", NOTHING, SET(wall_hidden), .x = 0},
    {"speed", NOTHING, RUN(speed), NUMBER(0, 10000)},
    {"truth", NOTHING, RUN(truth)},
    {"quit", NOTHING, SET(quit), .x = 1},
};

static void set_field(struct live *l, const struct command *c, double x)
{
    uint8_t *to = (uint8_t *)l + c->at;

    switch (c->type) {
    case BOOL:
        memcpy(to, &(bool){x > 0.0}, sizeof(bool));
        break;
    case INT:
        memcpy(to, &(int){(int)x}, sizeof(int));
        break;
    case UINT32:
        memcpy(to, &(uint32_t){(uint32_t)x}, sizeof(uint32_t));
        break;
    case DOUBLE:
        memcpy(to, &x, sizeof(x));
        break;
    }
}

static int obey(struct live *l, const struct command *c, double x)
{
    if (c->run != NULL) {
        return c->run(l, x);
    }
    set_field(l, c, x);
    return 0;
}

static void run_command(struct live *l, const struct command *c, const char *rest, char *reply)
{
    char *end = NULL;
    double x = c->number ? strtod(rest, &end) : c->x;

    if (c->number && (end == rest || *end != '\0' || !(x >= c->min && x <= c->max))) {
        snprintf(reply, CONTROL_LINE, "error %s: '%.60s' is not a number from %g to %g", c->words,
                 rest, c->min, c->max);
    } else if (!c->number && *rest != '\0') {
        snprintf(reply, CONTROL_LINE, "error %s takes no argument", c->words);
    } else if (!has(l->options, c->need)) {
        snprintf(reply, CONTROL_LINE, "error %s: started without %s", c->words,
                 need_options[c->need]);
    } else if (obey(l, c, x) != 0) {
        snprintf(reply, CONTROL_LINE, "error %s: %s", c->words, strerror(errno));
    } else {
        snprintf(reply, CONTROL_LINE, "ok");
    }
}

void live_obey(void *ctx, const char *line, char *reply)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        size_t len = strlen(commands[i].words);

        if (strncmp(line, commands[i].words, len) == 0 && (line[len] == '\0' || line[len] == ' ')) {
            run_command(ctx, &commands[i], line + len + (line[len] == ' '), reply);
            return;
        }
    }
    snprintf(reply, CONTROL_LINE, "error no command '%.60s'", line);
}
