/*
 * plant.c: heatwatt-sim, a house with a heat pump, connected by the wire and nothing else.
 *
 *   physics/  the house: weather, building, heat pump, cylinder, loads, waves (SI units)
 *   devices/  what hangs on it: sensors, sampler, heat meter, lines and sockets
 *   truth     what really happened, for tests
 *
 * The daemon never links this, and nothing here comes from core/: no decoder grades itself.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/history.h"
#include "sim/live.h"
#include "sim/options.h"
#include "sim/replay.h"

#define HEATWATT_SIM_VERSION "0.1.0"

enum { EXIT_USAGE = 2, DAY_S = 86400 };

static volatile sig_atomic_t stop; /* a signal came */

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

/* Signals come only while the loop waits: none is lost between a look at `stop` and the wait. */
static void catch_signals(sigset_t *while_waiting)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t block;

    sigemptyset(&block);
    sigaddset(&block, SIGINT);
    sigaddset(&block, SIGTERM);
    sigprocmask(SIG_BLOCK, &block, while_waiting);
    sigdelset(while_waiting, SIGINT);
    sigdelset(while_waiting, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int write_yaml(const struct sensors *s, const struct options *o, const char *path)
{
    FILE *f;

    if (path == NULL) {
        return 0;
    }
    f = fopen(path, "w");
    if (f != NULL) {
        sensors_print_yaml(s, o->samples != NULL ? o->samples : "PATH", f);
        if (fclose(f) == 0) {
            return 0;
        }
    }
    fprintf(stderr, "heatwatt-sim: %s: %s\n", path, strerror(errno));
    return -1;
}

/* How far the asked for season is ahead of the start's date. */
static int64_t season_ahead_s(const struct options *o)
{
    time_t start = (time_t)o->start_unix_s;
    struct tm tm;

    if (o->season_day < 0 || gmtime_r(&start, &tm) == NULL) {
        return 0;
    }
    return (o->season_day - tm.tm_yday) * DAY_S;
}

/* The days before the start, and their file. */
static int prepare(struct live *l, const struct options *o)
{
    model_init(&l->model, o->seed, o->start_unix_s - o->history_days * DAY_S, season_ahead_s(o),
               o->loads.fixed ? &o->loads : NULL);
    if (o->history_days > 0 && history_run(&l->model, o->history_days, o->csv) != 0) {
        fprintf(stderr, "heatwatt-sim: --csv %s: %s\n", o->csv, strerror(errno));
        return -1;
    }
    l->start_unix_s = o->start_unix_s;
    truth_start(&l->model.truth, o->start_unix_s);
    return 0;
}

static int run_plant(const struct options *o, const sigset_t *mask)
{
    struct live *l = calloc(1, sizeof(*l));
    struct sensors drawn, nominal;
    char error[200] = "no memory";
    int rc = EXIT_FAILURE;

    sensors_draw(&drawn, o->seed);
    sensors_nominal(&nominal);
    if (l == NULL || write_yaml(&drawn, o, o->constants) != 0 ||
        write_yaml(&nominal, o, o->nominal) != 0 || prepare(l, o) != 0) {
        goto out;
    }
    if (o->samples == NULL && o->mbus == NULL && o->modbus == NULL && o->modbus_tcp == 0 &&
        o->emon == NULL && o->truth == NULL && o->control == NULL) {
        rc = EXIT_SUCCESS; /* history only */
        goto out;
    }
    if (live_init(l, o, &drawn, error) == 0) {
        puts("ready");
        fflush(stdout);
        rc = live_run(l, &stop, mask, error) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (rc != EXIT_SUCCESS) {
        fprintf(stderr, "heatwatt-sim: %s\n", error);
    }
    live_deinit(l);
out:
    free(l);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o;
    struct sensors nominal;
    sigset_t mask;
    char error[200];

    if (options_parse(&o, argc, argv, error) != 0) {
        fprintf(stderr, "heatwatt-sim: %s\n", error);
        return EXIT_USAGE;
    }
    if (o.help) {
        options_print_help(stdout);
        return EXIT_SUCCESS;
    }
    if (o.version) {
        puts("heatwatt-sim " HEATWATT_SIM_VERSION);
        return EXIT_SUCCESS;
    }
    if (o.circuits) {
        sensors_nominal(&nominal);
        sensors_print_yaml(&nominal, o.samples != NULL ? o.samples : "PATH", stdout);
        return EXIT_SUCCESS;
    }
    if (o.start_unix_s < 0) {
        o.start_unix_s = (int64_t)time(NULL);
    }
    catch_signals(&mask);
    return o.replay != NULL ? replay_run(&o, &stop, &mask) : run_plant(&o, &mask);
}
