#include "daemon/cli/demo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/cli/demo_folder.h"
#include "daemon/cli/plant_child.h"
#include "daemon/cli/progress.h"
#include "daemon/run/config.h"
#include "daemon/run/daemon.h"
#include "daemon/store/import.h"

enum {
    DEFAULT_PORT = 8080,
    DEFAULT_HISTORY_DAYS = 30,
    DEFAULT_SEED = 3,
    HISTORY_DAYS_MAX = 3660,
    READY_MS = 60000, /* for the plant to start, */
    DAY_MS = 500,     /* and to live a day of its past: 40 ms on a small board */
    PATH_BYTES = 512
};

static const char usage[] =
    "usage: heatwatt demo [OPTION...]\n"
    "\n"
    "Runs the daemon on the virtual plant: a house with a heat pump, solar panels and fourteen "
    "circuits.\n"
    "  --port N        of the page (default 8080; 0: any free one)\n"
    "  --history DAYS  of the past that the plant makes first (default 30; 0: none)\n"
    "  --speed X       plant seconds a second (default 1)\n"
    "  --seed S        of the weather, the household and the sensors' hidden errors (default 3)\n"
    "  --data DIR      where the data goes (default: a new folder for temporary files)\n"
    "  --for SECONDS   end after that time\n";

struct demo {
    unsigned port;
    unsigned history_days;
    double speed;
    unsigned long seed;
    char dir[PATH_BYTES];
    double for_s;
};

/* A number of an option in [min, max], or a sentence and false. */
static bool number(const char *option, const char *text, double min, double max, double *out)
{
    char *end;
    double v;

    errno = 0;
    v = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(v >= min && v <= max)) {
        fprintf(stderr, "heatwatt demo: --%s %s: a number from %g to %g is needed\n", option, text,
                min, max);
        return false;
    }
    *out = v;
    return true;
}

/* 0: go on; 1: help was given; 2: usage. */
static int parse(struct demo *d, int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},  {"history", required_argument, NULL, 'y'},
        {"speed", required_argument, NULL, 's'}, {"seed", required_argument, NULL, 'e'},
        {"data", required_argument, NULL, 'd'},  {"for", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
    };
    double v = 0;
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        bool ok = true;

        switch (c) {
        case 'p':
            ok = number("port", optarg, 0, 65535, &v);
            d->port = (unsigned)v;
            break;
        case 'y':
            ok = number("history", optarg, 0, HISTORY_DAYS_MAX, &v);
            d->history_days = (unsigned)v;
            break;
        case 's':
            ok = number("speed", optarg, 0.1, 1000, &d->speed);
            break;
        case 'e':
            ok = number("seed", optarg, 0, 4294967295.0, &v);
            d->seed = (unsigned long)v;
            break;
        case 'f':
            ok = number("for", optarg, 0.1, 1e9, &d->for_s);
            break;
        case 'd':
            ok = snprintf(d->dir, sizeof(d->dir), "%s", optarg) < (int)sizeof(d->dir) - 64;
            break;
        case 'h':
            fputs(usage, stdout);
            return 1;
        default:
            ok = false;
        }
        if (!ok) {
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind != argc) {
        fputs(usage, stderr);
        return 2;
    }
    return 0;
}

/* Seen before all the work is done, and said in the words of this command. */
static bool port_is_free(unsigned port)
{
    struct sockaddr_in where = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    bool busy = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
                bind(fd, (struct sockaddr *)&where, sizeof(where)) != 0 && errno == EADDRINUSE;

    if (fd >= 0) {
        close(fd);
    }
    if (busy) {
        fprintf(stderr,
                "heatwatt demo: port %u is in use by another program: choose another with --port N "
                "(0: any free one)\n",
                port);
    }
    return !busy;
}

struct plant_arguments {
    char start[24], seed[24], speed[24], history[24];
    char samples[PATH_BYTES + 16], meter[PATH_BYTES + 16], truth[PATH_BYTES + 16];
    char elec[PATH_BYTES + 16];
    char nominal[PATH_BYTES + 16], csv[PATH_BYTES + 16];
};

static void fill_arguments(struct plant_arguments *a, const struct demo *d, int64_t start_s)
{
    snprintf(a->start, sizeof(a->start), "%lld", (long long)start_s);
    snprintf(a->seed, sizeof(a->seed), "%lu", d->seed);
    snprintf(a->speed, sizeof(a->speed), "%g", d->speed);
    snprintf(a->history, sizeof(a->history), "%u", d->history_days);
    snprintf(a->samples, sizeof(a->samples), "%s/samples.sock", d->dir);
    snprintf(a->meter, sizeof(a->meter), "%s/meter", d->dir);
    snprintf(a->elec, sizeof(a->elec), "%s/elec-meter", d->dir);
    snprintf(a->truth, sizeof(a->truth), "%s/truth.json", d->dir);
    snprintf(a->nominal, sizeof(a->nominal), "%s/clamps.yaml", d->dir);
    snprintf(a->csv, sizeof(a->csv), "%s/history.csv", d->dir);
}

/*
 * One plant makes its past first, as CSV, then lives on from there; its time begins when the daemon
 * listens. Its weather is that of late January whatever the date, so that there is something to
 * heat.
 */
static pid_t start_plant(struct plant_arguments *a, unsigned history_days)
{
    /* Of the meters on its bus the second is not configured: the page's search finds it. */
    char *argv[] = {
        NULL,
        "--start",
        a->start,
        "--seed",
        a->seed,
        "--speed",
        a->speed,
        "--season",
        "20",
        "--history",
        a->history,
        "--samples",
        a->samples,
        "--mbus",
        a->meter,
        "--mbus-meters",
        "2",
        "--modbus",
        a->elec,
        "--truth",
        a->truth,
        "--nominal",
        a->nominal,
        "--wait",
        history_days > 0 ? "--csv" : NULL,
        a->csv,
        NULL,
    };

    if (history_days > 0) {
        fprintf(stderr, "making %u days of history ...\n", history_days);
    }
    return plant_start(argv, READY_MS + (int)history_days * DAY_MS);
}

/* --- an interrupt before the daemon runs --- */

static char interrupted_text[PATH_BYTES + 64];
static const char *interrupted_csv;

/* As after a power cut: the log takes nothing of an import that did not end, and the plant dies
 * with us. */
static void on_interrupt(int signum)
{
    ssize_t n = write(STDOUT_FILENO, interrupted_text, strlen(interrupted_text));

    (void)n;
    unlink(interrupted_csv);
    _exit(128 + signum);
}

/* Until the daemon takes the signals. */
static void catch_interrupts(const struct demo *d, const struct plant_arguments *a)
{
    struct sigaction action = {.sa_handler = on_interrupt};

    snprintf(interrupted_text, sizeof(interrupted_text), "\ninterrupted; the data lies in %s\n",
             d->dir);
    interrupted_csv = a->csv;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

/* The plant's past enters the log as any other import does. */
static bool import_history(const struct demo *d, const struct plant_arguments *a)
{
    char log_dir[PATH_BYTES + 16];
    char history[] = "history ";
    int result;

    snprintf(log_dir, sizeof(log_dir), "%s/log", d->dir);
    result = log_import_csv(log_dir, a->csv, HWT_PROVENANCE_SIMULATED, "history",
                            progress_to_terminal(), history, stderr);
    unlink(a->csv);
    return result == 0;
}

static bool append_file(FILE *to, const char *path)
{
    char buf[4096];
    size_t n;
    FILE *from = fopen(path, "r");

    if (from == NULL) {
        fprintf(stderr, "heatwatt demo: %s: %s\n", path, strerror(errno));
        return false;
    }
    while ((n = fread(buf, 1, sizeof(buf), from)) > 0) {
        fwrite(buf, 1, n, to);
    }
    fclose(from);
    return true;
}

/* Replies take real time, polls the plant's: on a fast plant a slow time-out would span several
 * polls. */
static unsigned reply_timeout_ms(double speed)
{
    double ms = 1000 / speed;

    return ms < 50 ? 50 : ms > 1000 ? 1000 : (unsigned)ms;
}

/* The configuration of the demo: what a user would write, with the sensors' nominal values. */
static bool write_config(const struct demo *d, const struct plant_arguments *a, char *path,
                         size_t n)
{
    FILE *f;
    bool ok;

    snprintf(path, n, "%s/heatwatt.yaml", d->dir);
    f = fopen(path, "w");
    if (f == NULL) {
        fprintf(stderr, "heatwatt demo: %s: %s\n", path, strerror(errno));
        return false;
    }
    fprintf(f,
            DEMO_FOLDER_MARK "version: 1\n"
                             "site: {name: Demo house, timezone: Europe/London}\n"
                             "data_dir: %s\n"
                             "clock: {trust: plant}\n"
                             "http: {listen: 127.0.0.1, port: %u}\n",
            d->dir, d->port);
    ok = append_file(f, a->nominal);
    fprintf(f,
            "  - id: heatmeter\n"
            "    type: mbus\n"
            "    label: Heat meter\n"
            "    port: %s\n"
            "    baud: 2400\n"
            "    address: 1\n"
            "    mains_powered: true\n"
            "    timeout_ms: %u\n"
            "  - id: hpmeter\n"
            "    type: modbus\n"
            "    label: Heat pump meter\n"
            "    map: sdm120\n"
            "    port: %s\n"
            "    baud: 9600\n"
            "    timeout_ms: %u\n"
            "roles: {elec: hp, heat: heatmeter, flow_t: heatmeter_flow_t, return_t: "
            "heatmeter_return_t,\n"
            "  flow_rate: heatmeter_flow_rate, outside_t: heatmeter_outside_t, grid: grid, solar: "
            "solar}\n",
            a->meter, reply_timeout_ms(d->speed), a->elec, reply_timeout_ms(d->speed));
    return fclose(f) == 0 && ok;
}

static void say_listening(void *ctx, const char *url)
{
    (void)ctx;
    printf("\n  heatwatt on the virtual plant: %s\n\n  Ctrl-C ends both.\n\n", url);
    fflush(stdout);
}

/* Started anew by the page, or by HUP, the daemon reads its configuration again; the plant, which
 * is another program, lives on. The page keeps its address. */
static int run(const struct demo *d, const char *config_path)
{
    int64_t end_us = clock_real_us() + (int64_t)(d->for_s * 1e6);
    uint16_t port = 0;
    enum daemon_end end;

    do {
        struct config *config = config_load(config_path, stderr);
        int64_t left_ms = (end_us - clock_real_us()) / 1000;

        if (config == NULL) {
            return 1;
        }
        end = daemon_run(config, &(struct daemon_options){
                                     .for_ms = d->for_s > 0 ? (left_ms > 0 ? left_ms : 1) : 0,
                                     .listening = say_listening,
                                     .port = &port,
                                 });
        config_free(config);
    } while (end == DAEMON_ANEW);
    return end == DAEMON_ENDED ? 0 : 1;
}

int demo_main(int argc, char **argv)
{
    static struct plant_arguments arguments; /* large, once */
    struct demo d = {.port = DEFAULT_PORT,
                     .history_days = DEFAULT_HISTORY_DAYS,
                     .speed = 1,
                     .seed = DEFAULT_SEED};
    char config_path[PATH_BYTES + 16];
    int result = parse(&d, argc, argv);
    unsigned history_days;
    pid_t plant;

    if (result != 0) {
        return result == 1 ? 0 : 2;
    }
    if (!port_is_free(d.port) || !demo_folder_make(d.dir, sizeof(d.dir))) {
        return 1;
    }
    fill_arguments(&arguments, &d, time(NULL));
    catch_interrupts(&d, &arguments);
    history_days =
        demo_folder_has_records(d.dir) ? 0 : d.history_days; /* an earlier demo goes on */
    plant = start_plant(&arguments, history_days);
    if (plant < 0) {
        return 1;
    }
    result = (history_days == 0 || import_history(&d, &arguments)) &&
                     write_config(&d, &arguments, config_path, sizeof(config_path))
                 ? run(&d, config_path)
                 : 1;
    plant_stop(plant);
    printf("the data lies in %s\n", d.dir);
    return result;
}
