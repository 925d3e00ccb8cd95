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
    bool number; /* one follows */
    bool mbus;   /* needs --mbus */
    double min, max;
} commands[] = {
    {"mbus unplug", mbus_unplug, false, true, 0, 0},
    {"mbus plug", mbus_plug, false, true, 0, 0},
    {"mbus noise", mbus_noise, true, true, 0, 1},
    {"mbus checksum", mbus_checksum, false, true, 0, 0},
    {"mbus collision", mbus_collision, true, true, 0, 1e6},
    {"mbus foreign", mbus_foreign, true, true, 0, 1e6},
    {"mbus twice", mbus_twice, true, true, 0, 1e6},
    {"mbus late", mbus_late, true, true, 0, 60000},
    {"mbus echo", mbus_echo, true, true, 0, 1},
    {"mbus stuck", mbus_stuck, true, true, -1, 255},
    {"mbus silent", mbus_silent, true, true, 0, 1e6},
    {"samples crc", samples_crc, false, false, 0, 0},
    {"samples lose", samples_lose, true, false, 0, 1e6},
    {"samples stop", samples_stop, false, false, 0, 0},
    {"samples start", samples_start, false, false, 0, 0},
    {"speed", speed, true, false, 0, 10000},
    {"truth", truth, false, false, 0, 0},
    {"quit", quit, false, false, 0, 0},
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
    } else if (c->mbus && l->options->mbus == NULL) {
        snprintf(reply, CONTROL_LINE, "error %s: started without --mbus", c->words);
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
