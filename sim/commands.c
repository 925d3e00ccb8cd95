/* The fault menu: a table of commands for the control socket. docs/PLANT.md explains each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/live.h"
#include "sim/truth_file.h"

/* x: the number after the command, checked against the row's range. */
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

static int mbus_noise(struct live *l, double x)
{
    l->mbus.bit_error = x;
    return 0;
}

static int mbus_checksum(struct live *l, double x)
{
    (void)x;
    l->mbus.wrong_checksum = true;
    return 0;
}

static int mbus_silent(struct live *l, double x)
{
    l->mbus.silent = (uint32_t)x;
    return 0;
}

static int mbus_collision(struct live *l, double x)
{
    l->mbus.collision = (uint32_t)x;
    return 0;
}

static int mbus_foreign(struct live *l, double x)
{
    l->mbus.foreign = (uint32_t)x;
    return 0;
}

static int mbus_twice(struct live *l, double x)
{
    l->mbus.twice = (uint32_t)x;
    return 0;
}

static int mbus_late(struct live *l, double x)
{
    l->mbus.late_ns = (int64_t)(x * 1e6);
    return 0;
}

static int mbus_echo(struct live *l, double x)
{
    l->mbus.echo = x > 0.0;
    return 0;
}

static int mbus_stuck(struct live *l, double x)
{
    l->mbus.stuck = (int)x;
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

static int modbus_noise(struct live *l, double x)
{
    l->modbus.bit_error = x;
    return 0;
}

static int modbus_silent(struct live *l, double x)
{
    l->elec.silent = (uint32_t)x;
    return 0;
}

static int modbus_foreign(struct live *l, double x)
{
    l->elec.foreign = (uint32_t)x;
    return 0;
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

static int modbus_twice(struct live *l, double x)
{
    l->modbus.twice = (uint32_t)x;
    return 0;
}

static int modbus_collision(struct live *l, double x)
{
    l->modbus.collision = (uint32_t)x;
    return 0;
}

static int modbus_echo(struct live *l, double x)
{
    l->modbus.echo = x > 0.0;
    return 0;
}

static int modbus_stuck(struct live *l, double x)
{
    l->modbus.stuck = (int)x;
    return 0;
}

static int modbus_swap(struct live *l, double x)
{
    (void)x;
    elec_meter_swap(&l->model.elec, l->seed + 1);
    l->elec.serial++;
    return 0;
}

/* Another meter whose registers stand where the old one's stood. */
static int modbus_serial(struct live *l, double x)
{
    l->elec.serial = (uint32_t)x;
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

static int emon_garbage(struct live *l, double x)
{
    l->emon.garbage = (uint32_t)x;
    return 0;
}

static int emon_cut(struct live *l, double x)
{
    l->emon.cut = (uint32_t)x;
    return 0;
}

static int emon_silent(struct live *l, double x)
{
    l->emon.silent = (uint32_t)x;
    return 0;
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

static int pulses_bounce(struct live *l, double x)
{
    l->pulses.bounce = (uint32_t)x;
    return 0;
}

static int pulses_lose(struct live *l, double x)
{
    l->pulses.feed.lose = (uint32_t)x;
    return 0;
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

static int elster_lose(struct live *l, double x)
{
    l->elster.lose = (uint32_t)x;
    return 0;
}

static int elster_extra(struct live *l, double x)
{
    l->elster.extra = (uint32_t)x;
    return 0;
}

static int elster_checksum(struct live *l, double x)
{
    l->elster.checksum = (uint32_t)x;
    return 0;
}

static int elster_dark(struct live *l, double x)
{
    l->elster.dark = (uint32_t)x;
    return 0;
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

static int samples_crc(struct live *l, double x)
{
    (void)x;
    l->spoil_crc = true;
    return 0;
}

static int samples_lose(struct live *l, double x)
{
    l->lose_blocks = (uint32_t)x;
    return 0;
}

static int samples_stop(struct live *l, double x)
{
    (void)x;
    l->samples_stopped = true;
    return 0;
}

static int samples_start(struct live *l, double x)
{
    (void)x;
    l->samples_stopped = false;
    return 0;
}

static int clock_step(struct live *l, double x)
{
    l->wall_step_us += (int64_t)(x * 1e6);
    return 0;
}

static int clock_hide(struct live *l, double x)
{
    (void)x;
    l->wall_hidden = true;
    return 0;
}

static int clock_show(struct live *l, double x)
{
    (void)x;
    l->wall_hidden = false;
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

static int quit(struct live *l, double x)
{
    (void)x;
    l->quit = true;
    return 0;
}

static const struct command {
    const char *words;
    command_run run;
    bool number;                                                    /* one follows */
    enum { NOTHING, MBUS, MODBUS, EMON, PULSES, ELSTER, W1 } needs; /* an option */
    double min, max;
} commands[] = {
    {"mbus unplug", mbus_unplug, false, MBUS, 0, 0},
    {"mbus plug", mbus_plug, false, MBUS, 0, 0},
    {"mbus noise", mbus_noise, true, MBUS, 0, 1},
    {"mbus checksum", mbus_checksum, false, MBUS, 0, 0},
    {"mbus silent", mbus_silent, true, MBUS, 0, 1e6},
    {"mbus collision", mbus_collision, true, MBUS, 0, 1e6},
    {"mbus foreign", mbus_foreign, true, MBUS, 0, 1e6},
    {"mbus twice", mbus_twice, true, MBUS, 0, 1e6},
    {"mbus late", mbus_late, true, MBUS, 0, 60000},
    {"mbus echo", mbus_echo, true, MBUS, 0, 1},
    {"mbus stuck", mbus_stuck, true, MBUS, -1, 255},
    {"mbus swap", mbus_swap, false, MBUS, 0, 0},
    {"mbus reset", mbus_reset, false, MBUS, 0, 0},
    {"mbus turn", mbus_turn, false, MBUS, 0, 0},
    {"modbus unplug", modbus_unplug, false, MODBUS, 0, 0},
    {"modbus plug", modbus_plug, false, MODBUS, 0, 0},
    {"modbus noise", modbus_noise, true, MODBUS, 0, 1},
    {"modbus silent", modbus_silent, true, MODBUS, 0, 1e6},
    {"modbus foreign", modbus_foreign, true, MODBUS, 0, 1e6},
    {"modbus exception", modbus_exception, true, MODBUS, 1, 255},
    {"modbus late", modbus_late, true, MODBUS, 0, 1e5},
    {"modbus twice", modbus_twice, true, MODBUS, 0, 1e6},
    {"modbus collision", modbus_collision, true, MODBUS, 0, 1e6},
    {"modbus echo", modbus_echo, true, MODBUS, 0, 1},
    {"modbus stuck", modbus_stuck, true, MODBUS, -1, 255},
    {"modbus serial", modbus_serial, true, MODBUS, 0, 4294967295.0},
    {"modbus swap", modbus_swap, false, MODBUS, 0, 0},
    {"modbus reset", modbus_reset, false, MODBUS, 0, 0},
    {"modbus turn", modbus_turn, false, MODBUS, 0, 0},
    {"emon unplug", emon_unplug, false, EMON, 0, 0},
    {"emon plug", emon_plug, false, EMON, 0, 0},
    {"emon garbage", emon_garbage, true, EMON, 0, 1e6},
    {"emon cut", emon_cut, true, EMON, 0, 1e6},
    {"emon silent", emon_silent, true, EMON, 0, 1e6},
    {"emon reset", emon_reset, false, EMON, 0, 0},
    {"emon swap", emon_swap, false, EMON, 0, 0},
    {"emon turn", emon_turn, false, EMON, 0, 0},
    {"pulses unplug", pulses_unplug, false, PULSES, 0, 0},
    {"pulses plug", pulses_plug, false, PULSES, 0, 0},
    {"pulses bounce", pulses_bounce, true, PULSES, 0, 1e6},
    {"pulses lose", pulses_lose, true, PULSES, 0, 1e6},
    {"elster unplug", elster_unplug, false, ELSTER, 0, 0},
    {"elster plug", elster_plug, false, ELSTER, 0, 0},
    {"elster lose", elster_lose, true, ELSTER, 0, 1e6},
    {"elster extra", elster_extra, true, ELSTER, 0, 1e6},
    {"elster checksum", elster_checksum, true, ELSTER, 0, 1e6},
    {"elster dark", elster_dark, true, ELSTER, 0, 1e6},
    {"elster powerfail", elster_power_fail, false, ELSTER, 0, 0},
    {"elster swap", elster_swap, false, ELSTER, 0, 0},
    {"elster reset", elster_reset, false, ELSTER, 0, 0},
    {"elster turn", elster_turn, false, ELSTER, 0, 0},
    {"w1 unplug", w1_unplug, true, W1, 1, W1_SENSORS},
    {"w1 plug", w1_plug, true, W1, 1, W1_SENSORS},
    {"w1 crc", w1_crc, true, W1, 1, W1_SENSORS},
    {"w1 reset", w1_reset, true, W1, 1, W1_SENSORS},
    {"w1 good", w1_good, true, W1, 1, W1_SENSORS},
    {"samples crc", samples_crc, false, NOTHING, 0, 0},
    {"samples lose", samples_lose, true, NOTHING, 0, 1e6},
    {"samples stop", samples_stop, false, NOTHING, 0, 0},
    {"samples start", samples_start, false, NOTHING, 0, 0},
    {"clock step", clock_step, true, NOTHING, -1e8, 1e8},
    {"clock hide", clock_hide, false, NOTHING, 0, 0},
    {"clock show", clock_show, false, NOTHING, 0, 0},
    {"speed", speed, true, NOTHING, 0, 10000},
    {"truth", truth, false, NOTHING, 0, 0},
    {"quit", quit, false, NOTHING, 0, 0},
};

static void run_command(struct live *l, const struct command *c, const char *rest, char *reply)
{
    char *end = NULL;
    double x = c->number ? strtod(rest, &end) : 0.0;

    if (c->number && (end == rest || *end != '\0' || !(x >= c->min && x <= c->max))) {
        snprintf(reply, CONTROL_LINE, "error %s: '%.60s' is not a number from %g to %g", c->words,
                 rest, c->min, c->max);
    } else if (!c->number && *rest != '\0') {
        snprintf(reply, CONTROL_LINE, "error %s takes no argument", c->words);
    } else if (c->needs == MBUS && l->options->mbus == NULL) {
        snprintf(reply, CONTROL_LINE, "error %s: started without --mbus", c->words);
    } else if (c->needs == MODBUS && l->options->modbus == NULL && l->options->modbus_tcp == 0) {
        snprintf(reply, CONTROL_LINE, "error %s: started without --modbus", c->words);
    } else if (c->needs == EMON && l->options->emon == NULL) {
        snprintf(reply, CONTROL_LINE, "error %s: started without --emon", c->words);
    } else if (c->needs == PULSES && l->options->pulses == NULL) {
        snprintf(reply, CONTROL_LINE, "error %s: started without --pulses", c->words);
    } else if (c->needs == ELSTER && l->options->elster == NULL) {
        snprintf(reply, CONTROL_LINE, "error %s: started without --elster", c->words);
    } else if (c->needs == W1 && l->options->w1 == NULL) {
        snprintf(reply, CONTROL_LINE, "error %s: started without --w1", c->words);
    } else if (c->run(l, x) != 0) {
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
